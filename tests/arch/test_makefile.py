"""What the make targets run, seen with environments whose programs only say how they were called."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = ("python", "ruff", "mypy", "lint-imports")
SAY = '#!/bin/sh\necho "$(basename "$(dirname "$(dirname "$0")")" | cut -d- -f1):$(basename "$0") $*"\n'


@pytest.fixture
def project(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the Makefile and its scripts, all its environments ready."""
    for name in ("scripts", "requirements"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "Makefile", tmp_path)
    monkeypatch.setenv("PRETSCOPE_CACHE", str(tmp_path / "cache"))
    spec = importlib.util.spec_from_file_location("environment_for_make", tmp_path / "scripts/environment.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for lock in (tmp_path / "requirements").glob("*.txt"):
        folder = script.environment_folder(lock.stem, lock)
        (folder / "bin").mkdir(parents=True)
        for program in PROGRAMS:
            (folder / "bin" / program).write_text(SAY)
            (folder / "bin" / program).chmod(0o755)
        (folder / script.STAMP).touch()
    return tmp_path


def make(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "ARGS"}}
    return subprocess.run(
        ["make", "-s", *words, f"PYTHON={sys.executable}"],
        cwd=project, env=inherited, capture_output=True, text=True, check=False,
    )  # fmt: skip


def said(project: Path, *words: str) -> list[str]:
    done = make(project, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_run_serves_from_the_core_environment(project: Path) -> None:
    assert said(project, "run", "ARGS=--port 5007") == ["core:python -m dashboard --port 5007"]


def test_test_lints_then_goes_from_fast_to_browser(project: Path) -> None:
    assert said(project, "test") == [
        "dev:python scripts/chromium.py",
        "dev:ruff check .",
        "dev:ruff format --check .",
        "dev:mypy ",
        "dev:lint-imports ",
        "dev:python -m pytest -q -m not slow and not browser",
        "dev:python -m pytest -q -m slow and not browser",
        "dev:python -m pytest -q -m browser",
    ]


def test_test_fast_runs_neither_slow_nor_browser_tests(project: Path) -> None:
    assert said(project, "test-fast") == ["dev:python -m pytest -q -m not slow and not browser"]


def test_bench_measures_the_latency(project: Path) -> None:
    assert said(project, "bench") == ["core:python -m bench scoring latency"]


@pytest.mark.parametrize(("target", "name"), [("python", "core"), ("python-bench", "bench")])
def test_python_prints_an_interpreter_and_nothing_else(project: Path, target: str, name: str) -> None:
    (line,) = said(project, target)
    assert Path(line).parent.parent.name.startswith(f"{name}-")
    assert Path(line).is_file()


def test_a_failing_check_stops_the_tests(project: Path) -> None:
    (mypy,) = (project / "cache").rglob("dev-*/bin/mypy")
    mypy.write_text("#!/bin/sh\necho types; exit 1\n")
    done = make(project, "test")
    assert done.returncode != 0
    assert done.stdout.splitlines()[-1] == "types"


def test_a_missing_python_is_told(project: Path) -> None:
    done = subprocess.run(
        ["make", "run", "PYTHON=no-such-python"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "There is no no-such-python. Install Python 3.11 or later" in done.stderr


def test_clean_keeps_what_people_made(project: Path) -> None:
    for name in ("artifacts/portfolios/p/x", "build/x", ".mypy_cache/x", "data/__pycache__/x.pyc"):
        (project / name).parent.mkdir(parents=True)
        (project / name).touch()
    assert "artifacts/" in said(project, "clean")[-1]
    assert (project / "artifacts/portfolios/p/x").exists()
    assert (project / "cache").exists()
    left = [name for name in ("build", ".mypy_cache", "data/__pycache__") if (project / name).exists()]
    assert left == []
