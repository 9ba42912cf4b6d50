"""Visits that come and go leave nothing behind; served in this process, so that what lives on can be counted."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import urllib.request
import weakref
from typing import TYPE_CHECKING

import numpy as np
import panel as pn
import psutil
import pytest
from bokeh.client import pull_session
from bokeh.document import Document

from bench.scoring.portfolio_sessions import Visitor
from dashboard.app import Application
from dashboard.server import check_free
from dashboard.services import Services
from dashboard.state import SessionState
from dashboard.tidying import Tidying
from data.store import Portfolio
from explain.crossfilter.filters import Range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

VISITS = 60
LIVE_DOCUMENTS = 3
KEPT_BYTES = 20_000_000


@pytest.fixture
def address(artifacts: Path) -> Iterator[str]:
    services = Services(Portfolio.open(artifacts / "portfolios" / "small"), artifacts / "models" / "small")
    application = Application(services, "fr")
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join(120)  # what it makes once is no visit's
    port = check_free("127.0.0.1", 0)
    thread = pn.serve(
        {"/": application.build}, port=port, threaded=True, show=False, verbose=False,
        liveness=True, unused_session_lifetime_milliseconds=300, check_unused_sessions_milliseconds=100,
    )  # fmt: skip
    try:
        _wait(f"http://localhost:{port}/liveness")
        yield f"http://localhost:{port}"
    finally:
        thread.stop()


def _wait(address: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        else:
            return


def _visit(address: str, count: int) -> None:
    for visit in range(count):
        page = ("model", "client", "explanation", "portfolio")[visit % 4]
        with urllib.request.urlopen(f"{address}/?page={page}&lang={'fr' if visit % 2 else 'en'}", timeout=60) as answer:
            assert answer.status == 200


def _living() -> list[Document]:
    return [found for found in gc.get_objects() if type(found) is Document]  # isinstance would ask dead proxies


@pytest.fixture
def earlier() -> weakref.WeakSet[Document]:
    """Documents that other tests of this process have left."""
    gc.collect()
    return weakref.WeakSet(_living())


def _documents(earlier: weakref.WeakSet[Document]) -> int:
    """Return how many documents live, once the server has discarded the sessions that nobody came back to."""
    deadline = time.monotonic() + 30
    count = -1
    while time.monotonic() < deadline:
        time.sleep(0.3)
        gc.collect()
        count = sum(document not in earlier for document in _living())
        if count <= LIVE_DOCUMENTS:
            break
    return count


def _memory() -> int:
    """Return the bytes in use once what was freed is given back, as it is when sessions have ended."""
    Tidying(0.0).later()
    time.sleep(2.0)
    return int(psutil.Process().memory_info().rss)


def test_sixty_visits_leave_no_document_and_little_memory(address: str, earlier: weakref.WeakSet[Document]) -> None:
    _visit(address, 20)
    assert _documents(earlier) <= LIVE_DOCUMENTS
    before = _memory()
    _visit(address, VISITS)
    assert _documents(earlier) <= LIVE_DOCUMENTS
    kept = _memory() - before
    assert kept < KEPT_BYTES, f"{VISITS} visits left {kept / 1e6:.1f} MB"


def test_sessions_that_connect_and_leave_are_let_go_too(address: str, earlier: weakref.WeakSet[Document]) -> None:
    for _ in range(8):
        session = pull_session(url=address)
        session.close()
        del session
    assert _documents(earlier) <= LIVE_DOCUMENTS


async def _brush_at_once(address: str, visitors: int, portfolio: Portfolio) -> None:
    """Let visitors drag over the score at once, each up to a bound of its own, and compare what each sees."""
    crowd = [Visitor(address, "?page=portfolio&lang=en&charts=score,level") for _ in range(visitors)]
    for visitor in crowd:
        await visitor.open()
    try:
        for low, final in ((0.3, False), (0.2, False), (0.25, True)):
            await asyncio.gather(
                *(
                    visitor.drag(visitor.histograms()[0][0], low, 0.35 + 0.6 * place / visitors, final=final)
                    for place, visitor in enumerate(crowd)
                )
            )
        await asyncio.gather(*(visitor.rest() for visitor in crowd))
        states = [found for found in gc.get_objects() if type(found) is SessionState and found.past]
        assert len(states) == visitors
        bounds = set()
        for state in states:
            assert state.exploration is not None
            assert state.explored is not None
            ((chart, kept),) = state.exploration.filters
            assert (chart, isinstance(kept, Range)) == ("score", True)
            score = np.asarray(portfolio.score, dtype=np.float32)
            expected = int(np.count_nonzero((score >= np.float32(kept.low)) & (score <= np.float32(kept.high))))
            assert int(state.explored.selected.clients.sum()) == expected
            bounds.add(kept.high)
        assert len(bounds) > visitors // 2, "the visitors' filters are their own"
    finally:
        await asyncio.gather(*(visitor.close() for visitor in crowd))


def test_twenty_sessions_brush_at_once_and_none_sees_anothers_filters(
    address: str, artifacts: Path, earlier: weakref.WeakSet[Document]
) -> None:
    asyncio.run(_brush_at_once(address, 20, Portfolio.open(artifacts / "portfolios" / "small")))
    assert _documents(earlier) <= LIVE_DOCUMENTS  # memory is not measured here: the visitors are of this process too
