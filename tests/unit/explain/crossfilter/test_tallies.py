"""Counting clients by bin and by cell: the same as NumPy counts them, in any number of parts and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from explain.crossfilter import tallies
from explain.crossfilter.axes import axis
from explain.crossfilter.cells import MOST_BANDS, begin_cells, edges, gather, positions
from explain.crossfilter.columns import Column
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED
from explain.crossfilter.tallies import Bars, mark, parts, tally
from explain.pixels import Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from explain.crossfilter.counts import Counts
    from explain.crossfilter.population import Population

CLIENTS = 5_000


class Some(SimpleNamespace):
    """What the kernels read of a population."""

    outcome: NDArray[np.uint8]
    score: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.score)


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture
def some() -> Population:
    rng = np.random.default_rng(3)
    outcome = rng.choice(np.array([0, REFUSED, LABELLED, LABELLED | DEFAULT, 3, 7], np.uint8), CLIENTS)
    return Some(outcome=outcome, score=rng.random(CLIENTS))  # type: ignore[return-value]


def expected(some: Population, place: NDArray[np.intp], bins: int, kept: NDArray[np.bool_]) -> dict[str, np.ndarray]:
    outcome = some.outcome[kept]
    by = {
        "clients": np.ones(outcome.size, bool),
        "refused": outcome & REFUSED > 0,
        "labelled": outcome & LABELLED > 0,
        "defaults": (outcome & LABELLED > 0) & (outcome & DEFAULT > 0),
    }
    found = {name: np.bincount(place[kept][chosen], minlength=bins) for name, chosen in by.items()}
    return found | {"score": np.bincount(place[kept], some.score[kept], minlength=bins)}


def same(counts: Counts, wanted: dict[str, np.ndarray]) -> None:
    for name, numbers in wanted.items():
        got = np.asarray(getattr(counts, name))
        if name == "score":
            np.testing.assert_allclose(got, numbers.reshape(got.shape), rtol=1e-12, atol=1e-12)
        else:
            assert got.dtype == np.int64
            np.testing.assert_array_equal(got, numbers.reshape(got.shape))


@pytest.mark.parametrize("clients_a_part", [300, 1 << 17])
def test_clients_are_counted_by_bin_whom_the_others_filters_keep(
    some: Population, pool: Executor, clients_a_part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "CLIENTS_A_PART", clients_a_part)
    rng = np.random.default_rng(4)
    failing = rng.integers(0, 8, CLIENTS).astype(np.uint16)
    charts = [Bars(rng.integers(0, count, CLIENTS).astype(np.uint8), count) for count in (1, 7, 41, 256)]
    for others in (0, 1, 5, 7):
        for chart, counts in zip(charts, tally(charts, some, failing, others, pool)(), strict=True):
            same(counts, expected(some, chart.index, chart.count, failing & others == 0))


def test_sums_of_scores_are_the_same_numbers_however_many_threads_there_are(
    some: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "CLIENTS_A_PART", 200)
    failing, bars = np.zeros(CLIENTS, np.uint16), Bars(np.zeros(CLIENTS, np.uint8), 1)
    sums = []
    for count in (1, 2, 3):
        with ThreadPoolExecutor(count) as pool:
            sums += [float(tally([bars], some, failing, 1, pool)()[0].score[0]) for _ in range(5)]
    assert len(set(sums)) == 1


def test_parts_are_all_the_clients_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "CLIENTS_A_PART", 10)
    for clients in (0, 1, 19, 20, 1000):
        found = list(parts(clients))
        assert [start for start, _ in found[1:]] == [stop for _, stop in found[:-1]]
        assert (found[0][0], found[-1][1]) == (0, clients)
        assert len(found) <= tallies.MOST_PARTS


def test_a_filter_changes_its_own_bit_alone() -> None:
    rng = np.random.default_rng(5)
    failing = rng.integers(0, 1 << 16, 100).astype(np.uint16)
    before, keeps = failing.copy(), rng.random(100) < 0.5
    mark(failing, 1 << 15, keeps)
    np.testing.assert_array_equal(failing & 0x7FFF, before & 0x7FFF)
    np.testing.assert_array_equal(failing & 0x8000 == 0, keeps)
    mark(failing, 1 << 15, None)
    np.testing.assert_array_equal(failing, before & 0x7FFF)


def values(*, seed: int, whole: bool = False) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    found = rng.normal(0, 3, CLIENTS)
    found = np.round(found) if whole else found
    found[rng.random(CLIENTS) < 0.1] = np.nan
    found[:3] = np.inf
    return found.astype(np.float32)


@pytest.mark.parametrize(("others", "known"), [(0, False), (1, False), (1, True)])
@pytest.mark.parametrize("window", [Window(-3, 3, -4, 4), Window(0.1, 0.35, -1, 0.5), Window(90, 91, 90, 91)])
def test_clients_are_counted_by_cell(
    window: Window, others: int, known: bool, some: Population, pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "CLIENTS_A_PART", 900)
    across, up = axis(Column("a", values(seed=1), None), "linear"), axis(Column("b", values(seed=2), None), "linear")
    failing = np.random.default_rng(6).integers(0, 2, CLIENTS).astype(np.uint16)
    kept = failing & others == 0
    placed = kept & ~np.isnan(across.places) & ~np.isnan(up.places)
    all_placed = tally([Bars(np.zeros(CLIENTS, np.uint8), 1)], some, (~placed).astype(np.uint16), 1, pool)()[0].total
    found = begin_cells((across, up), window, (7, 5), some, failing, others, all_placed if known else None, pool)()
    same(found.placed, expected(some, np.zeros(CLIENTS, np.intp), 1, placed))
    assert found.counts.clients.shape == (5, 7)
    column = np.searchsorted(found.across, across.places.astype(np.float64), side="right") - 1
    row = np.searchsorted(found.up, up.places.astype(np.float64), side="right") - 1
    column[across.places == window.right], row[up.places == window.top] = 6, 4
    inside = placed & (across.places >= window.left) & (across.places <= window.right)
    inside &= (up.places >= window.bottom) & (up.places <= window.top)
    same(found.counts, expected(some, np.where(inside, row * 7 + column, 0), 35, inside))
    np.testing.assert_array_equal(positions((across, up), window, failing, others, pool), np.flatnonzero(inside))
    gathered = gather((across.places, up.places), up.places, window, failing, others)
    np.testing.assert_array_equal(gathered.across, across.places[inside])
    np.testing.assert_array_equal(gathered.up, up.places[inside])
    np.testing.assert_array_equal(gathered.colour, up.places[inside])


def test_bands_are_counted_whole(some: Population, pool: Executor) -> None:
    names = tuple("abcdef")
    numbers = np.random.default_rng(7).integers(0, 6, CLIENTS).astype(np.float32)
    numbers[::9] = np.nan
    across = axis(Column("c", numbers, names), "linear")
    up = axis(Column("w", values(seed=3, whole=True), None), "linear")
    assert up.spread > 0
    found = begin_cells(
        (across, up), Window(1.4, 3.2, *up.full), (36, 24), some, np.zeros(CLIENTS, np.uint16), 0, None, pool
    )()
    np.testing.assert_array_equal(found.across, [0.5, 1.5, 2.5, 3.5])
    whole = values(seed=3, whole=True)
    shown = np.isfinite(whole)
    np.testing.assert_array_equal(found.up, np.arange(whole[shown].min(), whole[shown].max() + 2) - 0.5)
    for cell, number in enumerate((1, 2, 3)):
        assert found.counts.clients[:, cell].sum() == np.count_nonzero((numbers == number) & shown)
    assert found.counts.clients[0].sum() == np.count_nonzero(
        (whole == whole[shown].min()) & np.isin(numbers, (1, 2, 3))
    )


def test_many_bands_share_cells() -> None:
    column = axis(Column("c", np.arange(250, dtype=np.float32), tuple(map(str, range(250)))), "linear")
    shown = edges(column, *column.full, 36)
    assert len(shown) - 1 <= MOST_BANDS
    assert (shown[0], np.unique(np.diff(shown)).tolist()) == (-0.5, [5.0])
    assert shown[-1] >= 249.5
    np.testing.assert_array_equal(edges(column, 2.6, 7.2, 36), np.arange(3, 9) - 0.5)
    np.testing.assert_array_equal(edges(column, 2.6, 2.7, 36), [2.5, 3.5])
    assert len(edges(column, 400.0, 500.0, 36)) == 2
