"""Real services on a small prepared portfolio, and a controller whose work is done where it is asked for."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dashboard.controller import Controller
from dashboard.i18n import Translator
from dashboard.services import Services
from dashboard.state import SessionState
from data.store import Portfolio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def services(artifacts: Path) -> Services:
    portfolio = Portfolio.open(artifacts / "portfolios" / "small")
    return Services(portfolio, artifacts / "models" / "small")


class _AtOnce(ThreadPoolExecutor):
    """Runs work where it is submitted."""

    def submit(self, work: Callable[[], object], /, *_: object, **__: object) -> Future[object]:
        done: Future[object] = Future()
        done.set_result(work())
        return done


@pytest.fixture
def at_once() -> ThreadPoolExecutor:
    """What runs work where it is submitted."""
    return _AtOnce(1)


@pytest.fixture
def state() -> SessionState:
    return SessionState(language="en")


@pytest.fixture
def controller(state: SessionState, services: Services, at_once: ThreadPoolExecutor) -> Controller:
    return Controller(state, services, Translator("en"), at_once, lambda work: work())
