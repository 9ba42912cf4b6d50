"""Importance is the exact mean |contribution| of any clients, at each level, the same whatever the threads."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from data.errors import InvalidOption
from explain import importance as module
from explain.importance import LEVELS, Importance, importance


def made(clients, used=23, groups=7, seed=0):
    """Return contributions of some clients; features and groups agree as far as single precision goes."""
    rng = np.random.default_rng(seed)
    contributions = (rng.standard_normal((used, clients)) ** 3).astype(np.float32)
    contributions[4:5] = 0.0
    index = np.arange(used) % groups
    by_group = np.zeros((clients, groups))
    np.add.at(by_group.T, index, contributions.astype(np.float64))
    names = tuple(f"T{group % 3}.C{group}" for group in range(groups))
    return SimpleNamespace(
        used=tuple(f"F{place}" for place in range(used)),
        groups=names,
        tables=("T0", "T1", "T2"),
        contributions=contributions,
        by_group=by_group.astype(np.float32),
    )


def expected(store, selection, level):
    """Return mean |contribution| and mean by name, with numpy alone."""
    if level == "feature":
        names, values = store.used, store.contributions.T.astype(np.float64)
    else:
        names, values = store.groups, store.by_group.astype(np.float64)
    if level == "table":
        names = store.tables
        tables = np.array([group.partition(".")[0] for group in store.groups])
        values = np.stack([values[:, tables == table].sum(axis=1) for table in names], axis=1)
    values = values if selection is None else values[selection]
    means = zip(np.abs(values).mean(axis=0), values.mean(axis=0), strict=True)
    return dict(zip(names, means, strict=True))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("share", [None, 1.0, 0.4, 0.05])
@pytest.mark.parametrize("clients", [1, 63, 64, 1000, 40_000])
def test_it_is_the_mean_over_the_clients_selected(level, share, clients):
    store = made(clients)
    selection = None if share is None else np.random.default_rng(1).random(clients) < share
    if selection is not None:
        selection[-1] = True
    found = importance(store, selection, level)
    wanted = expected(store, selection, level)
    assert set(found.names) == set(wanted)
    for name, size, mean in zip(found.names, found.mean_absolute, found.mean, strict=True):
        assert (size, mean) == pytest.approx(wanted[name], rel=1e-12, abs=1e-12)
    assert list(found.mean_absolute) == sorted(found.mean_absolute, reverse=True)
    assert found.share.sum() == pytest.approx(1.0)
    assert (found.clients, found.population) == (clients if selection is None else selection.sum(), clients)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("share", [1.0, 0.05])
def test_the_very_same_whatever_the_threads(level, share, monkeypatch):
    store = made(50_000)
    selection = np.random.default_rng(1).random(50_000) < share
    frames = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(module, "threads", lambda threads=threads: threads)
        frames += [importance(store, selection, level).frame() for _ in range(3)]
    assert all(frame.equals(frames[0]) for frame in frames)


def test_a_selection_of_all_is_everyone():
    store = made(5000)
    for level in LEVELS:
        chosen = importance(store, np.ones(5000, np.bool_), level)
        assert chosen.frame().equals(importance(store, None, level).frame())


def test_nobody_selected_has_no_line_and_says_so():
    store = made(300)
    for level in LEVELS:
        found = importance(store, np.zeros(300, np.bool_), level)
        assert (found.names, found.clients, found.population) == ((), 0, 300)
        assert found.frame().shape == (0, 5)
        assert found.frame().schema == importance(store, None, level).frame().schema


def test_equals_keep_the_order_of_the_model_and_nothing_has_no_share():
    store = made(100)
    store.contributions = np.zeros_like(store.contributions)
    found = importance(store, None, "feature")
    assert found.names == store.used
    assert not found.share.any()


def test_it_is_summed_in_double_precision():
    store = made(200_000, used=1, groups=1)
    store.contributions = np.full((1, 200_000), np.float32(0.1))
    assert importance(store, None, "feature").mean[0] == pytest.approx(float(np.float32(0.1)), rel=1e-14)


def test_the_results_cannot_be_changed():
    found = importance(made(10), None, "group")
    for array in (found.mean_absolute, found.mean, found.share):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_frame_and_names_and_json():
    found = importance(made(1000), None, "table")
    frame = found.frame()
    assert frame.columns == ["name", "mean_absolute", "mean", "share", "clients"]
    assert frame["clients"].unique().to_list() == [1000]
    assert list(found.by_name().items()) == list(zip(frame["name"], frame["mean_absolute"], strict=True))
    again = Importance.from_json("table", found.as_json())
    assert again.frame().equals(frame)
    assert (again.level, again.population) == ("table", 1000)


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (np.ones(9, np.bool_), r"one bool for each of 10 clients; got bool of shape \(9,\)"),
        (np.arange(10), r"got int64 of shape \(10,\)"),
    ],
)
def test_a_selection_that_is_none_is_refused(selection, words):
    with pytest.raises(InvalidOption, match=words):
        importance(made(10), selection, "feature")


def test_another_level_is_refused_with_the_nearest():
    with pytest.raises(InvalidOption, match=r"'tables' is none of feature, group, table\. Did you mean table\?"):
        importance(made(10), None, "tables")


@pytest.mark.slow
def test_a_whole_portfolio_takes_less_than_a_blink():
    clients, used = 356_255, 100
    values = np.random.default_rng(0).standard_normal((used, clients), dtype=np.float32)
    nothing = np.empty((clients, 0), np.float32)
    store = SimpleNamespace(used=range(used), groups=(), tables=(), contributions=values, by_group=nothing)
    selection = np.random.default_rng(1).random(clients) < 0.5
    spent = []
    for _ in range(5):
        begun = time.perf_counter()
        importance(store, selection, "feature")
        spent.append(time.perf_counter() - begun)
    assert min(spent) < 0.15 * used / 400 * 4  # four times what is promised of 400 features: the machine may be busy
