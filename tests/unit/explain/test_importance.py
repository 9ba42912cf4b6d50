"""Importance is the mean |contribution| of a seeded sample; interrupting it leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import FeatureMismatch, InvalidOption
from explain.importance import importance


class Clients:
    """Rows in memory, which count how they are read."""

    def __init__(self, rows):
        self.ids = np.arange(len(rows)) + 100_001
        self.read = []
        self._rows = rows

    def rows(self, positions):
        self.read.append(positions)
        return self._rows[positions]


def test_all_clients_when_they_are_few(explainer, rows, catalog):
    found = importance(explainer, Clients(rows[:250]), catalog)
    values = explainer.explain_many(rows[:250]).values
    sums = np.stack([values[:, column::6].sum(axis=1) for column in range(6)])
    expected = {f"application.COLUMN_{column}": float(np.abs(sums[column]).mean()) for column in range(6)}
    assert found.by_group() == pytest.approx(expected, abs=1e-12)
    assert list(found.mean_absolute) == sorted(found.mean_absolute, reverse=True)
    assert found.share.sum() == pytest.approx(1.0)
    assert (found.sample_size, found.population) == (250, 250)
    signed = dict(zip(found.groups, found.mean, strict=True))
    assert signed["application.COLUMN_0"] == pytest.approx(sums[0].mean(), abs=1e-12)


def test_a_sample_is_drawn_once_per_seed_without_replacement_in_chunks(explainer, rows, catalog):
    clients = Clients(rows)
    first = importance(explainer, clients, catalog, sample=230, seed=5)
    drawn = np.concatenate(clients.read)
    assert [len(chunk) for chunk in clients.read] == [100, 100, 30]
    assert np.unique(drawn).size == 230
    assert first.sample_size == 230
    assert first.population == len(rows)
    again = importance(explainer, Clients(rows), catalog, sample=230, seed=5)
    assert first.frame().equals(again.frame())
    other = importance(explainer, Clients(rows), catalog, sample=230, seed=6)
    assert not first.frame().equals(other.frame())


def test_the_frame_tells_the_size_of_the_sample(explainer, rows, catalog):
    frame = importance(explainer, Clients(rows), catalog, sample=30).frame()
    assert frame.columns == ["group", "mean_absolute", "mean", "share", "sample_size"]
    assert frame["sample_size"].unique().to_list() == [30]


def test_progress_is_told_and_can_interrupt(explainer, rows, catalog):
    told = []

    def until_half(step, fraction):
        told.append((step, fraction))
        if fraction >= 0.5:
            raise KeyboardInterrupt

    clients = Clients(rows)
    with pytest.raises(KeyboardInterrupt):
        importance(explainer, clients, catalog, sample=400, report=until_half)
    assert [fraction for _, fraction in told] == [0.0, 0.25, 0.5]
    assert len(clients.read) == 2

    told.clear()
    importance(explainer, Clients(rows), catalog, sample=10, report=lambda *step: told.append(step))
    assert told[-1] == ("explained 10 clients", 1.0)


def test_no_client_and_no_sample_are_refused(explainer, rows, catalog):
    with pytest.raises(InvalidOption, match="got 10 of 0"):
        importance(explainer, Clients(rows[:0]), catalog, sample=10)
    with pytest.raises(InvalidOption, match="got 0 of 400"):
        importance(explainer, Clients(rows), catalog, sample=0)


def test_other_features_are_refused(explainer, rows, catalog):
    with pytest.raises(FeatureMismatch):
        importance(explainer, Clients(rows[:, :-1]), catalog)
    with pytest.raises(FeatureMismatch):
        importance(explainer, Clients(rows), catalog[1:])
