"""What is put off until it is quiet, and until a gesture on the charts has ended."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import panel as pn
import pytest

from dashboard.state import SessionState
from dashboard.views.quiet import Quiet
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.exploration import Exploration, Pair

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = Exploration(Pair(AxisKey("AMT_CREDIT"), AxisKey("DAYS_BIRTH")))
OTHER = Exploration(Pair(AxisKey("AMT_CREDIT"), AxisKey("AMT_ANNUITY")))


class _Document:
    """A session whose callbacks are done at once."""

    session_context: Any = SimpleNamespace()

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        callback()


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch) -> _Document:
    found = _Document()
    monkeypatch.setattr(type(pn.state), "curdoc", property(lambda _state: found))
    return found


def test_without_a_session_it_is_done_at_once() -> None:
    done: list[int] = []
    Quiet(lambda: done.append(1)).ask()
    assert done == [1]


def test_what_is_asked_again_and_again_is_done_once(document: _Document) -> None:
    done: list[int] = []
    quiet = Quiet(lambda: done.append(1), 30)

    async def ask() -> None:
        for _ in range(4):
            quiet.ask()
            await asyncio.sleep(0.01)
        assert done == []
        await asyncio.sleep(0.15)

    asyncio.run(ask())
    assert done == [1]


def test_the_end_of_a_gesture_is_waited_for(document: _Document) -> None:
    done: list[int] = []
    state = SessionState(language="en")
    state.param.update(exploration=ONE, settled=OTHER)
    quiet = Quiet(lambda: done.append(1), 10, exploring=state)

    async def ask() -> None:
        quiet.ask()
        await asyncio.sleep(0.15)
        assert done == []
        state.settled = ONE
        await asyncio.sleep(0.15)

    asyncio.run(ask())
    assert done == [1]


def test_nothing_is_done_for_a_visitor_who_has_left(document: _Document) -> None:
    done: list[int] = []
    quiet = Quiet(lambda: done.append(1), 10)

    async def ask() -> None:
        quiet.ask()
        document.session_context = None
        await asyncio.sleep(0.1)

    asyncio.run(ask())
    assert done == []
