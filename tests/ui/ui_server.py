"""The dashboard, served by its own command, and Chromium to drive it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"Pretscope is ready: (http://\S+)")
START_SECONDS = 120
CHROMIUM_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


@contextlib.contextmanager
def served(artifacts: Path, *options: str) -> Iterator[str]:
    """Serve the portfolio "small" by the real command; shows what the server said if it dies."""
    command = [sys.executable, "-m", "dashboard", "--portfolio", "small", "--port", "0", *options]
    environment = {**os.environ, "PRETSCOPE_ARTIFACTS": str(artifacts), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said: list[str] = []
    address: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if found := READY.search(line):
                address.append(found.group(1))
                ready.set()
        ready.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert ready.wait(START_SECONDS), "the server did not start in time:\n" + "".join(said)
        assert address, "the server ended at its start:\n" + "".join(said)
        yield address[0]
        assert process.poll() is None, "the server ended meanwhile:\n" + "".join(said)
        assert "Traceback" not in "".join(said), "the server met an error:\n" + "".join(said)
    finally:
        process.terminate()
        try:
            status = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        listener.join(5)
        assert process.stdout is not None
        process.stdout.close()
    assert status == 0, f"the server ended with {status} when told to stop:\n" + "".join(said)


@pytest.fixture(scope="session")
def server(artifacts: Path) -> Iterator[str]:
    """The address of the served dashboard."""
    with served(artifacts) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("there is no chromium: apt-get install chromium, or `make chromium` as root")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield launched
        launched.close()


@dataclass
class Watched:
    """A page whose console, errors and requests are kept."""

    page: Page
    console: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@contextlib.contextmanager
def watched(context: BrowserContext, server: str) -> Iterator[Page]:
    """Open a page; at the end its console must be empty and it must have asked nothing of another host."""
    page = context.new_page()
    seen = Watched(page)
    host = urlsplit(server).netloc

    def told(message: object) -> None:
        if message.type not in ("log", "info", "debug"):
            seen.console.append(f"{message.type}: {message.text}")

    def asked(request: object) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != host:
            seen.foreign.append(request.url)

    page.on("console", told)
    page.on("pageerror", lambda error: seen.console.append(f"error: {error}"))
    page.on("request", asked)
    page.on("websocket", lambda socket: asked(type("Request", (), {"url": socket.url.replace("ws", "http", 1)})))
    page.set_default_timeout(60_000)
    yield page
    assert not seen.console, "the console is not empty: " + "\n".join(seen.console)
    assert not seen.foreign, "another host was asked: " + "\n".join(seen.foreign)
    page.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor who prefers French, on a desktop."""
    made = browser.new_context(viewport={"width": 1400, "height": 900}, locale="fr-FR")
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, server: str) -> Iterator[Page]:
    """A page of that visitor."""
    with watched(context, server) as made:
        yield made
