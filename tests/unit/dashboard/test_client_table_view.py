"""The list of the clients selected, and its export: what is shown and written is a plain computation's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from dashboard.address import parse
from dashboard.exploring import Exploring
from dashboard.exports import Exports
from dashboard.i18n import Translator
from dashboard.views.client_table import SIZES, ClientTableView
from dashboard.views.column_words import ColumnWords
from dashboard.views.picked import columns_listed, selected
from data.errors import InvalidOption, StoreError, UnknownColumn
from explain.crossfilter.exploration import PAIR
from explain.crossfilter.export import ExportStopped
from explain.crossfilter.filters import Box, Range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    from dashboard.services import Services
    from dashboard.state import SessionState

pytestmark = pytest.mark.slow


@pytest.fixture
def exploring(state: SessionState, services: Services, at_once: ThreadPoolExecutor) -> Exploring:
    made = Exploring(state, services, Translator("en"), at_once, lambda work: work())
    made.begin()
    return made


@pytest.fixture
def exports(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exports]:
    made = Exports(tmp_path / "exports")
    monkeypatch.setattr(services, "exports", made)
    yield made
    made.shutdown()


@pytest.fixture
def view(state: SessionState, services: Services, exploring: Exploring, exports: Exports) -> ClientTableView:
    made = ClientTableView(state, services, exploring, Translator("en"))
    made.update(state.explored)
    state.param.watch(lambda event: made.update(event.new), "explored")
    return made


def ask(view: ClientTableView, **message: Any) -> dict[str, Any]:
    view._table._handle_msg(message)
    return view._table.table


def ids(shown: dict[str, Any]) -> list[int]:
    return [int(row[0]) for row in shown["rows"]]


def test_nothing_is_listed_before_it_is_on_the_screen(view: ClientTableView, exploring: Exploring) -> None:
    exploring.brush("score", Range("score", 0.2, 0.6))
    assert view._table.table == {}
    assert len(ask(view, do="seen", seen=True)["rows"]) == 25
    ask(view, do="seen", seen=False)
    before = view._table.table
    exploring.brush("score", Range("score", 0.3, 0.5))
    assert view._table.table is before
    assert ask(view, do="seen", seen=True) is not before


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("key", ["id", "score", "level", "DAYS_BIRTH"])
def test_each_page_is_that_of_a_plain_sort(
    view: ClientTableView, services: Services, exploring: Exploring, key: str, descending: bool
) -> None:
    exploring.add_chart("DAYS_BIRTH")
    exploring.brush("score", Range("score", 0.3, 0.9))
    ask(view, do="seen", seen=True)
    if key != "id":
        ask(view, do="sort", key=key)
    if descending:
        ask(view, do="sort", key=key)
    population = services.population
    mask = selected(population, (("score", Range("score", 0.3, 0.9)),))
    values = population.ids if key == "id" else population.column(key).values
    frame = pl.DataFrame({"id": population.ids, "value": values}).filter(mask)
    expected = frame.sort(
        ["value", "id"], descending=[descending, descending and key == "id"], nulls_last=True
    )["id"].to_list()  # fmt: skip
    shown = view._table.table
    for page in range(3):
        assert ids(shown) == expected[25 * page : 25 * page + 25]
        assert shown["first"] == (page == 0)
        shown = ask(view, do="page", by=1)
    direction = "descending" if descending else "ascending"
    assert [head["sort"] for head in shown["columns"] if head["key"] == key] == [direction]
    assert {head["sort"] for head in shown["columns"] if head["key"] != key} == {"none"}


def test_cells_are_in_words_and_lead_to_the_client(view: ClientTableView, services: Services) -> None:
    shown = ask(view, do="seen", seen=True)
    labels = [head["label"] for head in shown["columns"]]
    words = ColumnWords(services, Translator("en"))
    assert labels == ["Client", *(words.label(head["key"]) for head in shown["columns"][1:])]
    first, t = shown["rows"][0], Translator("en")
    assert first[1] == t.percent(float(services.portfolio.score[0]), 1)
    assert first[2] in (t("column.accepted"), t("column.refused"))
    address = parse(shown["links"][0])
    assert (address.page, address.client, address.language) == ("client", first[0], "en")
    assert all(len(row) == len(labels) for row in shown["rows"])
    assert shown["status"].startswith("Clients 1 to 25 of 1,500")
    assert shown["page"] == "page 1 of 60"
    numeric = {head["key"]: head["numeric"] for head in shown["columns"]}
    assert (numeric["score"], numeric["level"], numeric["id"]) == (True, False, False)


def test_the_columns_are_the_outcomes_and_what_is_explored_none_twice(
    view: ClientTableView, state: SessionState, exploring: Exploring
) -> None:
    exploring.add_chart("DAYS_EMPLOYED")
    shown = ask(view, do="seen", seen=True)
    keys = [head["key"] for head in shown["columns"]]
    assert keys[:5] == ["id", "score", "decision", "level", "default"]
    assert len(set(keys)) == len(keys)
    pair = state.exploration.pair
    assert set(keys) == {
        "id", "score", "decision", "level", "default", pair.across.column, pair.up.column,
        *(chart.column for chart in state.exploration.charts),
    }  # fmt: skip


def test_other_clients_are_listed_from_their_first_page(view: ClientTableView, exploring: Exploring) -> None:
    ask(view, do="seen", seen=True)
    ask(view, do="page", by=1)
    assert view._table.table["page"] == "page 2 of 60"
    exploring.zoom(None)
    assert view._table.table["page"] == "page 2 of 60"
    exploring.brush("score", Range("score", 0.3, 0.9))
    assert view._table.table["page"].startswith("page 1 of ")


def test_the_last_page_is_the_end(view: ClientTableView) -> None:
    ask(view, do="seen", seen=True)
    for _ in range(70):
        shown = ask(view, do="page", by=1)
    assert shown["page"] == "page 60 of 60"
    assert (shown["first"], shown["last"]) == (False, True)
    assert ask(view, do="page", by=-1)["page"] == "page 59 of 60"


def test_another_size_keeps_the_clients_looked_at(view: ClientTableView) -> None:
    ask(view, do="seen", seen=True)
    for size in (*SIZES, *SIZES[::-1]):
        before = ids(ask(view, do="page", by=1))
        shown = ask(view, do="size", size=size)
        assert len(shown["rows"]) == size
        assert before[0] in ids(shown)


def test_an_order_goes_with_its_column(view: ClientTableView, exploring: Exploring) -> None:
    exploring.add_chart("DAYS_EMPLOYED")
    ask(view, do="seen", seen=True)
    ask(view, do="sort", key="DAYS_EMPLOYED")
    exploring.remove_chart("DAYS_EMPLOYED")
    shown = view._table.table
    assert "DAYS_EMPLOYED" not in {head["key"] for head in shown["columns"]}
    assert ids(shown) == sorted(ids(shown))


def test_nobody_is_told(view: ClientTableView, exploring: Exploring) -> None:
    ask(view, do="seen", seen=True)
    exploring.brush("score", Range("score", 2.0, 3.0))
    assert view._table.table == {"status": Translator("en")("clients.nobody")}
    assert view._export._start.disabled


@pytest.mark.parametrize(
    "message",
    [
        None, "page", {}, {"do": "sort", "key": "SECRET"}, {"do": "sort", "key": ["score"]},
        {"do": "page", "by": 10**9}, {"do": "page", "by": "1"}, {"do": "size", "size": 10**9},
        {"do": "size", "size": None}, {"do": ["seen"]},
    ],
)  # fmt: skip
def test_whatever_else_a_browser_sends_is_ignored(view: ClientTableView, message: Any) -> None:
    ask(view, do="seen", seen=True)
    before = view._table.table
    view._table._handle_msg(message)
    assert view._table.table == before


def test_a_list_that_fails_is_told_and_the_last_one_stays(view: ClientTableView) -> None:
    before = ask(view, do="seen", seen=True)
    view._arrived(UnknownColumn("No column NO_SUCH_COLUMN."))
    assert 'role="alert"' in view._trouble.object
    assert "NO_SUCH_COLUMN" in view._trouble.object
    assert view._table.table is before


def wait_for(view: ClientTableView) -> None:
    job = view._export._job
    assert job is not None
    until = time.monotonic() + 60
    while job.state == "running" and time.monotonic() < until:
        view._export._look()
        time.sleep(0.01)
    view._export._look()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("columns", ["shown", "all"])
def test_the_file_holds_the_selection(
    view: ClientTableView, state: SessionState, services: Services, exploring: Exploring, kind: str, columns: str
) -> None:
    exploring.brush("score", Range("score", 0.3, 0.6))
    export = view._export
    export._kind.value, export._columns.value = kind, columns
    export._begin()
    assert export._start.disabled
    wait_for(view)
    job = export._job
    assert job.state == "ready"
    path = job.file
    frame = pl.read_csv(path) if kind == "csv" else pl.read_parquet(path)
    mask = selected(services.population, state.exploration.filters)
    assert frame["SK_ID_CURR"].to_list() == services.population.ids[mask].tolist()
    np.testing.assert_array_equal(
        frame["score"].cast(pl.Float32).to_numpy(), services.population.column("score").values[mask]
    )
    expected = columns_listed(state.exploration) if columns == "shown" else export._every
    assert frame.columns == ["SK_ID_CURR", *expected]
    assert job.address in export._told.object
    assert Translator("en").number(int(mask.sum()), 0) in export._told.object
    assert not export._under_way.visible
    assert not export._start.disabled


def test_an_export_that_fails_says_why(
    view: ClientTableView, exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise StoreError("The disk is <full>.")

    monkeypatch.setattr("dashboard.views.export.export", refuse)
    view._export._begin()
    wait_for(view)
    assert 'role="alert"' in view._export._told.object
    assert "The disk is &lt;full&gt;." in view._export._told.object
    assert not view._export._start.disabled


def test_an_export_can_be_stopped(view: ClientTableView, monkeypatch: pytest.MonkeyPatch) -> None:
    def forever(*arguments: Any) -> int:
        stopped = arguments[-1]
        while not stopped():
            pass
        raise ExportStopped

    monkeypatch.setattr("dashboard.views.export.export", forever)
    export = view._export
    export._begin()
    export._look()
    assert export._under_way.visible
    export._end()
    assert not export._under_way.visible
    assert Translator("en")("export.stopped") in export._told.object


def test_a_third_export_at_once_is_refused_in_words(view: ClientTableView, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise InvalidOption("Two exports are under way.")

    monkeypatch.setattr(view._export._services.exports, "start", refuse)
    view._export._begin()
    assert "Two exports are under way." in view._export._told.object
    assert not view._export._under_way.visible


def test_a_box_of_the_pair_is_listed(
    view: ClientTableView, state: SessionState, services: Services, exploring: Exploring
) -> None:
    across, up = (axis.column for axis in state.exploration.pair[:2])
    values = services.population.column(across).values
    middle = float(np.nanmedian(values))
    exploring.brush(PAIR, Box(Range(across, high=middle), Range(up)))
    shown = ask(view, do="seen", seen=True)
    expected = services.population.ids[(values <= middle) & ~np.isnan(services.population.column(up).values)]
    assert ids(shown) == expected[:25].tolist()
