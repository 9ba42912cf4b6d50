"""Many sessions brushing at once on the served dashboard, each as a browser would: over HTTP and Bokeh's web socket.

A session opens the page, waits until its charts are there and nothing more comes, and then drags over one histogram
after another: the next step is sent as soon as the answer to the last one has come, without the pause that a person
makes. The time is from sending the step to having read the last byte of the message that gives several charts new data.
What is read is not drawn: these clients shall not take the server's processor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, websocket_connect

from bench.scoring.portfolio_samples import Samples
from data.errors import StoreError

if TYPE_CHECKING:
    from bench.scoring.portfolio_served import Served
    from data.progress import Report

KIND = "brush_range"
QUIET_SECONDS = 1.5
ANSWER_SECONDS = 20.0
OPEN_SECONDS = 120.0
OPENED_AT_ONCE = 4
CLOSE_SECONDS = 5.0
STEPS_OF_A_DRAG = 8
_TOKEN = re.compile(r'"token"\s*:\s*"([^"]+)"')
_DATA = {"ColumnDataChanged", "ColumnsStreamed", "ColumnsPatched"}
_LARGEST_MESSAGE = 200 * 2**20


@dataclass(slots=True)
class Crowd:
    """What many sessions met.

    Attributes
    ----------
    samples : of every step answered.
    errors : what went wrong, one text each; a step without an answer is one.
    memory : of the server, by moment: "before", "during" and "after" all sessions ended.
    """

    samples: Samples = field(default_factory=Samples)
    errors: list[str] = field(default_factory=list)
    memory: dict[str, dict[str, float]] = field(default_factory=dict)


class Visitor:
    """One session: its socket, and the models of its page as far as brushing needs them.

    Parameters
    ----------
    address : of the server.
    query : of the page, from "?" on.
    """

    def __init__(self, address: str, query: str) -> None:
        self._address, self._query = address, query
        self._socket: Any = None
        self._sent = 0
        self.models: dict[str, dict[str, Any]] = {}

    async def open(self) -> None:
        """Open the page, and wait until nothing more of it comes."""
        page = await AsyncHTTPClient().fetch(f"{self._address}/{self._query}", request_timeout=OPEN_SECONDS)
        token = _TOKEN.search(page.body.decode())
        if token is None:
            raise StoreError("the page holds no session")
        self._socket = await websocket_connect(
            self._address.replace("http", "ws", 1) + "/ws",
            subprotocols=["bokeh", token[1]],
            compression_options={},
            max_message_size=_LARGEST_MESSAGE,
        )
        await self._next(OPEN_SECONDS)
        await self._send("PULL-DOC-REQ", {})
        await self._send_event("document_ready", {})
        deadline = time.monotonic() + OPEN_SECONDS
        while time.monotonic() < deadline:
            try:
                await self._next(QUIET_SECONDS)
            except TimeoutError:
                if self.histograms():
                    return
        raise StoreError("the page showed no histogram in time")

    def histograms(self) -> list[tuple[str, float, float]]:
        """Return the figures over which a range can be dragged: id, and the ends of the axis across."""
        found = []
        for identity, model in self.models.items():
            tools = [self.models.get(tool, {}) for tool in _ids(_toolbar(self.models, model))]
            if any(tool.get("dimensions") == "width" for tool in tools):
                across = self.models.get(_id(model.get("x_range")) or "", {})
                found.append((identity, float(across.get("start", 0.0)), float(across.get("end", 1.0))))
        return sorted(found)

    async def drag(self, figure: str, low: float, high: float, *, final: bool) -> int:
        """Select a range of a figure and return the nanoseconds until the answer; raise TimeoutError for none."""
        corners = {"type": "rect", "x0": low, "x1": high, "y0": 0.0, "y1": 1.0}
        begun = time.perf_counter_ns()
        await self._send_event(
            "selectiongeometry",
            {"model": {"id": figure}, "geometry": _map(corners), "final": final},
        )
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            if await self._next(max(deadline - time.monotonic(), 0.001)):
                return time.perf_counter_ns() - begun

    async def rest(self) -> None:
        """Read what still comes, until nothing does."""
        try:
            while True:
                await self._next(0.3)
        except TimeoutError:
            return

    async def close(self) -> None:
        """End the session, as a closed tab does, and wait until its connection has ended."""
        if self._socket is None:
            return
        self._socket.close(1000, "left")
        with contextlib.suppress(*_TROUBLE):
            deadline = time.monotonic() + CLOSE_SECONDS
            while await asyncio.wait_for(self._pending(), max(deadline - time.monotonic(), 0.001)) is not None:
                self._reading = None

    async def _next(self, seconds: float) -> bool:
        """Read one message and return whether it gives charts new data; raise TimeoutError where none comes in time."""
        first = await asyncio.wait_for(asyncio.shield(self._pending()), seconds)
        self._reading = None
        header = json.loads(_text(first))
        await self._read()
        content = json.loads(await self._read())
        for _ in range(int(header.get("num_buffers", 0))):
            await self._read()
            await self._read()
        if header["msgtype"] == "ERROR":
            raise StoreError(f"the server answered: {content.get('text', 'an error')}")
        if header["msgtype"] == "PATCH-DOC":
            return self._take(content["events"])
        self._learn(content)
        return False

    _reading: asyncio.Future[Any] | None = None

    def _pending(self) -> asyncio.Future[Any]:
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._socket.read_message())
        return self._reading

    async def _read(self) -> str:
        return _text(await self._socket.read_message())

    def _take(self, events: list[dict[str, Any]]) -> bool:
        drawn = 0
        for event in events:
            self._learn(event)
            if event["kind"] == "ModelChanged":
                self.models.setdefault(event["model"]["id"], {})[event["attr"]] = event["new"]
            drawn += event["kind"] in _DATA or event.get("attr") == "data"
        return drawn > 1

    def _learn(self, content: Any) -> None:
        """Take note of the models that are described somewhere in a content."""
        if isinstance(content, dict):
            if content.get("type") == "object" and "id" in content and "attributes" in content:
                self.models.setdefault(content["id"], {}).update(content["attributes"])
            for value in content.values():
                self._learn(value)
        elif isinstance(content, list):
            for value in content:
                self._learn(value)

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        self._sent += 1
        header = {"msgid": str(self._sent), "msgtype": kind}
        for fragment in (header, {}, content):
            await self._socket.write_message(json.dumps(fragment))

    async def _send_event(self, name: str, values: dict[str, Any]) -> None:
        event = {"type": "event", "name": name, "values": _map(values)}
        message = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}
        await self._send("PATCH-DOC", {"events": [message]})


def crowd(server: Served, query: str, sessions: int, steps: int, rest_seconds: float, report: Report) -> Crowd:
    """Let many sessions brush at once.

    Parameters
    ----------
    server : of the dashboard.
    query : of the page, from "?" on.
    sessions : how many.
    steps : how many steps each takes, once all of them have opened the page.
    rest_seconds : how long after the last has left the memory is read again; the server keeps a session for a while.
    """
    return asyncio.run(_crowd(server, query, sessions, steps, rest_seconds, report))


async def _crowd(server: Served, query: str, sessions: int, steps: int, rest_seconds: float, report: Report) -> Crowd:
    found = Crowd()
    found.memory["before"] = server.memory()
    visitors = [Visitor(server.address, query) for _ in range(sessions)]
    opening, ready = asyncio.Semaphore(OPENED_AT_ONCE), list[Visitor]()

    async def enter(visitor: Visitor) -> None:
        async with opening:
            try:
                await visitor.open()
            except _TROUBLE as error:
                found.errors.append(f"opening: {error!r}")
            else:
                ready.append(visitor)
            report(f"{sessions} sessions open the page", 0.5 * len(ready) / sessions)

    try:
        await asyncio.gather(*map(enter, visitors))
        report(f"{sessions} sessions brush at once", 0.5)
        await asyncio.gather(*(_brush(visitor, number, steps, found) for number, visitor in enumerate(ready)))
        found.memory["during"] = server.memory()
    finally:
        await asyncio.gather(*(visitor.close() for visitor in visitors))
    report("sessions have ended", 0.8)
    await asyncio.sleep(rest_seconds)
    found.memory["after"] = server.memory()
    return found


_TROUBLE = (
    TimeoutError, OSError, StoreError, StreamClosedError, WebSocketClosedError, HTTPClientError, KeyError, ValueError,
)  # fmt: skip


async def _brush(visitor: Visitor, number: int, steps: int, found: Crowd) -> None:
    chance = np.random.default_rng(number)
    try:
        for step in range(number, number + steps):  # people don't let go of the mouse all at once
            figures = visitor.histograms()
            figure, start, end = figures[(step // STEPS_OF_A_DRAG) % len(figures)]
            at, low = step % STEPS_OF_A_DRAG, start + 0.3 * chance.uniform() * (end - start)
            high = low + (0.1 + 0.07 * at) * (end - start)
            took = await visitor.drag(figure, *sorted((low, high)), final=at == STEPS_OF_A_DRAG - 1)
            found.samples.add(KIND, took)
    except _TROUBLE as error:
        found.errors.append(f"brushing: {error!r}")


def _text(fragment: Any) -> str:
    if fragment is None:
        raise StoreError("the server closed the connection")
    return fragment if isinstance(fragment, str) else ""


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "map", "entries": list(values.items())}


def _id(reference: Any) -> str | None:
    return reference.get("id") if isinstance(reference, dict) else None


def _toolbar(models: dict[str, dict[str, Any]], model: dict[str, Any]) -> list[Any]:
    tools = models.get(_id(model.get("toolbar")) or "", {}).get("tools", [])
    return tools if isinstance(tools, list) else []


def _ids(references: list[Any]) -> list[str]:
    return [found for found in map(_id, references) if found is not None]
