"""`python -m dashboard` where it can't do what it is asked: one sentence, status 2, no traceback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def _refused(artifacts: Path, *options: str) -> str:
    environment = {**os.environ, "PRETSCOPE_ARTIFACTS": str(artifacts)}
    done = subprocess.run(
        [sys.executable, "-m", "dashboard", *options],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_an_unknown_portfolio_names_those_there_are(artifacts: Path) -> None:
    said = _refused(artifacts, "--portfolio", "smal", "--port", "0")
    assert "No portfolio 'smal'" in said
    assert "Did you mean small?" in said


def test_a_port_in_use_is_told_before_anything_else(artifacts: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = _refused(artifacts, "--portfolio", "small", "--port", str(port))
    assert f"Port {port} is in use" in said


@pytest.mark.parametrize("damaged", ["models/small/model.onnx", "portfolios/small/features/features.npy"])
def test_a_file_that_is_not_the_one_described_is_refused(artifacts: Path, tmp_path: Path, damaged: str) -> None:
    copy = tmp_path / "artifacts"
    shutil.copytree(artifacts, copy)
    path = copy / damaged
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    said = _refused(copy, "--portfolio", "small", "--port", "0")
    assert path.name in said
    assert "is not the file its manifest describes" in said


def test_raw_tables_that_are_not_there_are_told(tmp_path: Path) -> None:
    said = _refused(tmp_path, "prepare", "--raw", str(tmp_path / "nowhere"), "--name", "mine")
    assert "No such folder" in said
    assert "nowhere" in said
