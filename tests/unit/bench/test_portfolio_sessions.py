"""What a session's client makes of the server's messages, and servers that are started as children."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from bench.scoring import portfolio_served
from bench.scoring.portfolio_served import served, stopped_as_if_interrupted
from bench.scoring.portfolio_sessions import Visitor
from bench.scoring.portfolio_words import COLOURS, words
from data.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


def _object(name: str, identity: str, **attributes: object) -> dict[str, object]:
    return {"type": "object", "name": name, "id": identity, "attributes": attributes}


def _figure(number: int, dimensions: str) -> dict[str, object]:
    box = _object("BoxSelectTool", f"box{number}", dimensions=dimensions)
    toolbar = _object("Toolbar", f"bar{number}", tools=[_object("HoverTool", f"hover{number}"), box])
    across = _object("Range1d", f"range{number}", start=1, end=2)
    return _object("Figure", f"figure{number}", toolbar=toolbar, x_range=across, renderers=[])


def test_histograms_are_found_wherever_they_come_and_where_they_are_now() -> None:
    visitor = Visitor("http://localhost:1", "")
    visitor._learn({"doc": {"roots": [_object("Column", "root", children=[_figure(1, "width")])]}})
    assert visitor.histograms() == [("figure1", 1.0, 2.0)]
    change = {"kind": "ModelChanged", "model": {"id": "root"}, "attr": "children", "new": [_figure(2, "width")]}
    pair = {"kind": "ModelChanged", "model": {"id": "root"}, "attr": "children", "new": [_figure(3, "both")]}
    assert not visitor._take([change, pair])
    moved = {"kind": "ModelChanged", "model": {"id": "range2"}, "attr": "end", "new": 7.5}
    assert not visitor._take([moved])
    assert visitor.histograms() == [("figure1", 1.0, 2.0), ("figure2", 1.0, 7.5)]


def test_an_answer_gives_several_charts_new_data() -> None:
    visitor = Visitor("http://localhost:1", "")
    data = {"kind": "ColumnDataChanged", "model": {"id": "a"}, "attr": "data", "data": {}}
    words_only = {"kind": "ModelChanged", "model": {"id": "b"}, "attr": "text", "new": "x"}
    assert not visitor._take([data, words_only])
    assert visitor._take([data, words_only, data])


def _module(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    (folder / "acting.py").write_text(body)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_a_server_is_reached_its_tracebacks_are_counted_and_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "import time\nprint('Traceback (most recent call last):')\nprint('ready: http://localhost:81')\ntime.sleep(60)\n"
    _module(tmp_path, monkeypatch, body)
    with served("acting", (), "The server") as server:
        assert server.address == "http://localhost:81"
        assert server.tracebacks == 1
        assert 0 < server.memory()["own_mib"] <= server.memory()["rss_mib"]
        process = server.process
    assert process.returncode == -signal.SIGTERM


def test_a_server_ends_where_what_is_done_with_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _module(tmp_path, monkeypatch, "import time\nprint('http://localhost:81')\ntime.sleep(60)\n")
    started = []
    with pytest.raises(KeyboardInterrupt), served("acting", (), "The server") as server:  # noqa: PT012
        started.append(server.process)
        raise KeyboardInterrupt
    assert started[0].poll() is not None


def test_a_server_that_does_not_start_is_told_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _module(tmp_path, monkeypatch, "raise SystemExit('no such portfolio')\n")
    with (
        pytest.raises(StoreError, match="did not start: no such portfolio"),
        served("acting", (), "The server"),
    ):
        pass


def test_one_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _module(tmp_path, monkeypatch, "import time\ntime.sleep(60)\n")
    monkeypatch.setattr(portfolio_served, "START_SECONDS", 0.2)
    with (
        pytest.raises(StoreError, match="did not start: it said nothing"),
        served("acting", (), "The server"),
    ):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_request_to_end_is_an_interruption_while_it_measures() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), stopped_as_if_interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
    inside = []

    def elsewhere() -> None:
        with stopped_as_if_interrupted():
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert inside == [before]


def test_the_words_of_the_page_are_those_of_its_catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = words()
    assert len(said.colours) == len(COLOURS)
    assert all((said.colour, said.clear, *said.colours))
    other = tmp_path / "en.toml"
    other.write_text("[bivariate]\ncolour_score = 'x'\n")
    monkeypatch.setattr("bench.scoring.portfolio_words.CATALOGUE", other)
    with pytest.raises(StoreError, match=r"no message bivariate\.colour_decision"):
        words()
