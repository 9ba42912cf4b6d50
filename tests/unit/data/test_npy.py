"""Arrays on disk are mapped, and their memory can be given back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from data.npy import let_go, mapped, save

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has mapped")
def test_what_was_read_is_given_back_and_reads_the_same_again(tmp_path: Path) -> None:
    wanted = np.arange(4_000_000, dtype=np.float64)
    save(tmp_path / "a.npy", wanted)
    array = mapped(tmp_path / "a.npy", np.dtype(np.float64), "")
    process = psutil.Process()
    before = process.memory_info().shared
    total = float(np.asarray(array).sum())
    read = process.memory_info().shared
    assert read - before > 0.9 * wanted.nbytes
    let_go(array)
    assert process.memory_info().shared - before < 0.1 * wanted.nbytes
    assert float(np.asarray(array).sum()) == total
    let_go(wanted)  # which is not mapped: nothing to give back
    assert wanted.sum() == total
