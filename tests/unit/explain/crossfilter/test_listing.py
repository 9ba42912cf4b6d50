"""A page of clients against pandas sorting all of them, and what is asked of a list that there is not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InvalidOption, UnknownColumn, did_you_mean
from explain.crossfilter.listing import BY_ID, listing, ranked
from explain.crossfilter.population import Column, Population

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("Cash loans", "Revolving loans", "=HYPERLINK(1)")


class Columns:
    """Columns held in memory."""

    def __init__(self, columns: dict[str, Column]) -> None:
        self.columns = columns

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def column(self, key: str) -> Column:
        if key not in self.columns:
            raise UnknownColumn(f"No column {key!r}.{did_you_mean(key, self.columns)}")
        return self.columns[key]


def values_of(population: Population, key: str) -> np.ndarray:
    return population.column(key).values  # noqa: PD011 (a column of ours)


def population_of(n: int, seed: int = 3) -> Population:
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=n).astype(np.float32)
    amount[rng.random(n) < 0.2] = np.nan
    amount[rng.random(n) < 0.02] = np.inf
    amount[rng.random(n) < 0.02] = -np.inf
    kind = rng.integers(0, len(KINDS), n).astype(np.float32)
    kind[rng.random(n) < 0.1] = np.nan
    score = rng.random(n)
    columns = {
        "amount": (amount, None),
        "children": (rng.integers(0, 4, n).astype(np.float32), None),
        "empty": (np.full(n, np.nan, np.float32), None),
        "raw.kind": (kind, KINDS),
        "score": (score.astype(np.float32), None),
    }
    held = {key: Column(key, *facts) for key, facts in columns.items()}
    ids = np.arange(100_001, 100_001 + n, dtype=np.int64)
    return Population(ids, score, np.zeros(n, np.uint8), np.zeros(n, np.uint8), Columns(held))


def frame_of(population: Population) -> pd.DataFrame:
    return pd.DataFrame({"id": population.ids} | {key: values_of(population, key) for key in population.keys})


def ids_of(population: Population, mask: NDArray[np.bool_], order: str, descending: bool) -> list[int]:
    """Return the ids of the whole selection, page by page."""
    found: list[int] = []
    page = listing(population, mask, (), order, descending, 0, size=7)
    for number in range(page.pages):
        page = listing(population, mask, (), order, descending, number, size=7)
        assert page.page == number
        assert (page.first, page.last) == (len(found) + 1, len(found) + len(page.rows))
        found += [row.client for row in page.rows]
    return found


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", [BY_ID, "amount", "children", "empty", "raw.kind", "score"])
def test_all_pages_together_are_what_pandas_sorts(order: str, descending: bool) -> None:
    population = population_of(400)
    mask = np.random.default_rng(1).random(400) < 0.4
    sorted_all = frame_of(population)[mask].sort_values(
        order, ascending=not descending, kind="stable", na_position="last"
    )
    assert ids_of(population, mask, order, descending) == sorted_all["id"].tolist()


@given(
    st.lists(st.sampled_from([np.nan, -np.inf, -1.0, -0.0, 0.0, 1.0, 2.5, np.inf]), max_size=60),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_any_ranks_are_those_of_a_stable_sort(numbers: list[float], start: int, stop: int) -> None:
    values = np.array(numbers, dtype=np.float32)
    stop = min(stop, values.size)
    order = pd.Series(values).sort_values(kind="stable", na_position="last").index.to_numpy()
    assert ranked(values, start, stop).tolist() == order[start:stop].tolist()


def test_values_are_exact_and_missing_ones_none() -> None:
    population = population_of(300)
    page = listing(population, np.ones(300, np.bool_), ("amount", "raw.kind", "amount"), size=300)
    assert page.columns == ("amount", "raw.kind")
    amount, kind = (values_of(population, key) for key in page.columns)
    for row in page.rows:
        cells = row.values  # noqa: PD011 (a row of ours)
        expected = amount[row.position]
        if np.isnan(expected):
            assert cells["amount"] is None
        else:
            assert np.float32(cells["amount"]) == expected
        number = kind[row.position]
        assert cells["raw.kind"] == (None if np.isnan(number) else KINDS[int(number)])
    table = page.frame()
    assert table.columns == ["SK_ID_CURR", "amount", "raw.kind"]
    assert table["SK_ID_CURR"].to_list() == population.ids.tolist()


def test_a_page_beyond_the_end_is_the_last_one() -> None:
    population = population_of(60)
    page = listing(population, np.ones(60, np.bool_), ("amount",), page=99)
    assert (page.total, page.page, page.pages, len(page.rows)) == (60, 2, 3, 10)
    assert page.rows[-1].client == population.ids[-1]


def test_an_empty_selection_has_one_empty_page() -> None:
    page = listing(population_of(60), np.zeros(60, np.bool_), ("amount",), order="amount", page=3)
    assert (page.total, page.page, page.pages, page.rows, page.first, page.last) == (0, 0, 1, (), 0, 0)
    assert page.frame().height == 0


def test_one_client() -> None:
    page = listing(population_of(1), np.ones(1, np.bool_), ("children",), order="empty", descending=True)
    assert [row.client for row in page.rows] == [100_001]


def test_what_there_is_not_is_told() -> None:
    population, everyone = population_of(10), np.ones(10, np.bool_)
    with pytest.raises(UnknownColumn, match="Did you mean amount"):
        listing(population, everyone, ("amont",))
    with pytest.raises(UnknownColumn):
        listing(population, everyone, (), order="amont")
    with pytest.raises(InvalidOption, match="page -1"):
        listing(population, everyone, (), page=-1)
    with pytest.raises(InvalidOption, match="0 rows"):
        listing(population, everyone, (), size=0)
    with pytest.raises(InvalidOption, match=r"10 clients; got bool of shape \(9,\)"):
        listing(population, everyone[1:], ())
    with pytest.raises(InvalidOption, match="int64"):
        listing(population, np.ones(10, np.int64), ())


@pytest.mark.slow
def test_a_page_of_a_whole_portfolio_is_quick_wherever_it_is() -> None:
    n = 356_255
    population, everyone = population_of(n), np.ones(n, np.bool_)
    took: list[float] = []
    for order in ("amount", "children", "raw.kind"):
        for page in (0, 7_000, 14_249):
            began = time.perf_counter()
            listing(population, everyone, ("amount", "raw.kind"), order, descending=True, page=page)
            took.append(time.perf_counter() - began)
    assert float(np.median(took)) < 0.06
