"""The scripts that find Chromium and write the locks."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def load(root: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_under_test", root / f"scripts/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def chromium(root: Path) -> ModuleType:
    return load(root, "chromium")


@pytest.fixture
def lock(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return load(root, "lock")


def test_an_installed_chromium_is_printed(
    chromium: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chromium.shutil, "which", {"chromium-browser": "/usr/bin/chromium-browser"}.get)
    assert chromium.main() == 0
    assert capsys.readouterr().out == "/usr/bin/chromium-browser\n"


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_where_there_is_none_the_command_is_told_and_ci_fails(
    chromium: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str, status: int
) -> None:
    monkeypatch.setattr(chromium.shutil, "which", lambda _: None)
    monkeypatch.setenv("CI", ci)
    assert chromium.main() == status
    told = capsys.readouterr()
    assert told.out == ""
    assert "apt-get update && apt-get install -y --no-install-recommends chromium" in told.err


def test_it_is_installed_where_it_may(
    chromium: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed: dict[str, str] = {"apt-get": "/usr/bin/apt-get"}
    ran: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        ran.append(command[1])
        if command[1] == "install":
            installed["chromium"] = "/usr/bin/chromium"
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(chromium.shutil, "which", installed.get)
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    monkeypatch.setattr(chromium.subprocess, "run", run)
    assert chromium.main() == 0
    assert ran == ["update", "install"]
    assert capsys.readouterr().out == "/usr/bin/chromium\n"


def test_locks_are_written_core_first_with_hashes(lock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(lock, "uv", lambda: "uv")
    monkeypatch.setattr(lock.subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["lock.py", "--upgrade"])
    assert lock.main() == 0
    assert [command[-1] for command in ran] == [f"requirements/{name}.txt" for name in ("core", "dev", "bench")]
    assert all({"--generate-hashes", "--upgrade"} <= set(command) for command in ran)


def test_a_lock_that_cannot_be_resolved_stops_there(lock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "uv", lambda: "uv")
    monkeypatch.setattr(lock.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    monkeypatch.setattr(sys, "argv", ["lock.py"])
    assert lock.main() == 1
