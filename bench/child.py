"""Work done by a process of its own, which tells how far it is and what it found, one line of JSON each."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from data.errors import StoreError
from data.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.progress import Report


def told_by(module: str, arguments: Sequence[str], report: Report, *, failed: str, doing: str = "") -> dict[str, Any]:
    """Run a module of the project and return the last line that it tells; interrupted, the process is killed.

    Parameters
    ----------
    module, arguments : as `python -m` takes them.
    report : told the lines that have a "step" and a "fraction".
    failed : what was not done where the process doesn't come to its end.
    doing : put before each step.

    Raises
    ------
    StoreError
        The process doesn't come to its end; with its last complaint, or the signal that killed it.
    """
    told: dict[str, Any] = {}
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                told = json.loads(line)
                if "fraction" in told:
                    report(f"{doing}{told['step']}", told["fraction"])
        except BaseException:
            process.kill()
            raise
        if process.wait():
            complaints.seek(0)
            signal = f"killed by signal {-process.returncode}, as where memory ends" if process.returncode < 0 else ""
            nothing = f"it ended with {process.returncode}, without a message"
            why = signal or (complaints.read().strip().splitlines() or [nothing])[-1]
            raise StoreError(f"{failed}: {why}")
    return told
