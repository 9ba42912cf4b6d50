from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.jobs import LatestWins


@pytest.fixture
def executor():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_the_newest_work_wins_and_stale_results_are_thrown_away(executor: ThreadPoolExecutor) -> None:
    delivered: list[object] = []
    done, begun, go = threading.Event(), threading.Event(), threading.Event()

    def deliver(outcome: object) -> None:
        delivered.append(outcome)
        done.set()

    ran: list[int] = []

    def first() -> int:
        begun.set()
        assert go.wait(10)
        ran.append(1)
        return 1

    jobs = LatestWins(executor, deliver)
    jobs.submit(first)
    assert begun.wait(10)
    for number in (2, 3, 4):
        jobs.submit(lambda number=number: ran.append(number) or number)
    go.set()
    assert done.wait(10)
    assert delivered == [4]
    assert ran == [1, 4]


def test_an_exception_is_delivered_as_one(executor: ThreadPoolExecutor) -> None:
    delivered: list[object] = []
    done = threading.Event()

    def fail() -> int:
        raise ValueError("no")

    LatestWins(executor, lambda outcome: (delivered.append(outcome), done.set())).submit(fail)
    assert done.wait(10)
    assert isinstance(delivered[0], ValueError)


def test_nothing_is_delivered_after_the_end(executor: ThreadPoolExecutor) -> None:
    delivered: list[object] = []
    begun, go, over = threading.Event(), threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        go.wait(10)
        over.set()
        return 1

    jobs = LatestWins(executor, delivered.append)
    jobs.submit(slow)
    assert begun.wait(10)
    jobs.close()
    jobs.submit(lambda: 2)
    go.set()
    assert over.wait(10)
    executor.shutdown(wait=True)
    assert delivered == []


def test_work_submitted_from_a_delivery_runs(executor: ThreadPoolExecutor) -> None:
    delivered: list[object] = []
    done = threading.Event()

    def deliver(outcome: object) -> None:
        delivered.append(outcome)
        if outcome == 1:
            jobs.submit(lambda: 2)
        else:
            done.set()

    jobs = LatestWins(executor, deliver)
    jobs.submit(lambda: 1)
    assert done.wait(10)
    assert delivered == [1, 2]
