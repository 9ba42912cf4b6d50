"""The script that makes the environments: once for each lock file, again after a kill, never an old one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture
def project(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of the script alone, with one lock file that asks for nothing, and a cache of its own."""
    folder = tmp_path / "project"
    (folder / "scripts").mkdir(parents=True)
    (folder / "requirements").mkdir()
    (folder / "requirements/tiny.txt").write_text("# nothing\n")
    shutil.copy(root / "scripts/environment.py", folder / "scripts")
    monkeypatch.setenv("PRETSCOPE_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def script(project: Path) -> ModuleType:
    """The script, imported from that project."""
    spec = importlib.util.spec_from_file_location("environment_under_test", project / "scripts/environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def commands(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands the script runs, none of which is: making an environment only lays its interpreter's file."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> None:
        ran.append(command)
        if "venv" in command:
            python = Path(command[-1]) / "bin/python"
            python.parent.mkdir(parents=True)
            python.touch()

    monkeypatch.setattr(script.subprocess, "run", run)
    return ran


def test_it_is_made_once(script: ModuleType, commands: list[list[str]]) -> None:
    first = script.ensure("tiny")
    assert first.exists()
    assert len(commands) == 2
    assert script.ensure("tiny") == first
    assert len(commands) == 2


def test_every_package_is_a_wheel_checked_against_its_hash(script: ModuleType, commands: list[list[str]]) -> None:
    script.ensure("tiny")
    assert {"--require-hashes", "--only-binary", ":all:"} <= set(commands[1])


def test_a_changed_lock_goes_elsewhere(script: ModuleType, commands: list[list[str]], project: Path) -> None:
    old = script.ensure("tiny")
    (project / "requirements/tiny.txt").write_text("# something else\n")
    new = script.ensure("tiny")
    assert new.parent != old.parent
    assert old.exists()
    assert len(commands) == 4


def test_a_killed_install_is_made_again(script: ModuleType, commands: list[list[str]]) -> None:
    python = script.ensure("tiny")
    folder = python.parent.parent
    (folder / script.STAMP).unlink()
    (folder / "half-installed").touch()
    assert script.ensure("tiny") == python
    assert not (folder / "half-installed").exists()
    assert len(commands) == 4


def test_an_environment_without_its_interpreter_is_made_again(script: ModuleType, commands: list[list[str]]) -> None:
    script.ensure("tiny").unlink()
    assert script.ensure("tiny").exists()
    assert len(commands) == 4


def test_a_failed_install_leaves_no_stamp(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(script.subprocess, "run", fail)
    with pytest.raises(SystemExit, match=r"Could not set up the tiny environment.*ended with 1"):
        script.ensure("tiny")
    assert list((tmp_path / "cache").rglob(script.STAMP)) == []


def test_an_unknown_lock_is_told(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"No lock file requirements/gpu.txt. Known environments: tiny."):
        script.ensure("gpu")


def test_a_cache_that_cannot_be_written_is_told(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PRETSCOPE_CACHE", str(tmp_path / "file"))
    with pytest.raises(SystemExit, match="Set PRETSCOPE_CACHE"):
        script.ensure("tiny")


def test_an_old_python_is_told(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script.sys, "version_info", (3, 9, 18, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or later; .* is 3\.9\.18"):
        script.main()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PRETSCOPE_CACHE": "/a"}, "/a"),
        ({"PRETSCOPE_CACHE": "", "XDG_CACHE_HOME": "/b"}, "/b/pretscope"),
        ({"PRETSCOPE_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/pretscope"),
    ],
)
def test_where_environments_go(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert script.cache_root() == Path(expected)


@pytest.mark.slow
def test_a_real_one_answers_with_its_interpreter_alone(project: Path) -> None:
    command = [sys.executable, str(project / "scripts/environment.py"), "tiny"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PIP_NO_INDEX": "1"})
    assert done.returncode == 0, done.stderr
    python = Path(done.stdout.rstrip("\n"))
    assert python.is_file()
    where = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert Path(where.stdout.strip()) == python.parent.parent
