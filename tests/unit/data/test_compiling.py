"""Compiled functions: for their signature only, and where nothing can be kept too."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import numba
import numpy as np
import pytest

from data.compiling import column, compiled

ROOT = Path(__file__).parents[3]


def double(values: np.ndarray, found: np.ndarray) -> None:
    for place in range(len(values)):
        found[place] = 2 * values[place]


def test_where_no_folder_can_be_written_to_it_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit

    def refusing(*given: object, **options: object) -> object:
        if options.get("cache") and options.get("nogil"):  # ours; Numba's own come this way too
            raise RuntimeError("cannot cache function 'double': no locator available for file 'compiled.py'")
        return njit(*given, **options)

    monkeypatch.setattr(numba, "njit", refusing)
    doubling = compiled(double, column("float64"), column("float64", written=True))
    found = np.empty(3)
    doubling(np.array([1.0, 2.0, 3.0]), found)
    assert found.tolist() == [2.0, 4.0, 6.0]


def test_another_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> object:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(numba, "njit", failing)
    with pytest.raises(RuntimeError, match="out of luck"):
        compiled(double, column("float64"), column("float64", written=True))


def test_where_another_module_has_changed_it_is_kept_under_another_name(tmp_path: Path) -> None:
    used = types.ModuleType("used")
    used.__file__ = str(tmp_path / "used.py")
    names = []
    for content in ("STEP = 1", "STEP = 2", "STEP = 1"):
        Path(used.__file__).write_text(content, encoding="utf-8")
        names.append(compiled(double, column("float64"), column("float64", written=True), uses=[used]).__qualname__)
    assert names[0] == names[2] != names[1]
    assert all(name.startswith("double_") for name in names)


@pytest.mark.slow
def test_what_was_compiled_is_kept_for_the_next_process(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    code = "from data.features.stretches import prepare; prepare()"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
        kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")}
        assert len(kept) == 3
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")} == kept
