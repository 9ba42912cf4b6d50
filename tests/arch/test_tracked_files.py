"""What git tracks: sources, nothing produced, nothing of one machine."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PRODUCED = {
    ".arrow", ".bin", ".db", ".feather", ".gz", ".h5", ".joblib", ".keras", ".npy", ".npz", ".onnx", ".parquet", ".pkl",
    ".pickle", ".pt", ".pth", ".safetensors", ".sqlite", ".whl", ".zip",
}  # fmt: skip
LARGEST = 500_000
PACKAGES = ("data", "models", "explain", "dashboard", "bench")
# Each pattern has a class of one letter, so that this file doesn't match itself.
ELSEWHERE = re.compile(
    r"/wor[k]/|/tm[p]/(dev|brief|uvenv)|/roo[t]/|/hom[e]/[a-z]|/User[s]/|[A-Z]:\\User[s]|\.librar[y]/"
    r"|\bCE[O]\b|issues sho[w]|\bissue [#]?\d|\bthis sessio[n]'s"
)


def test_nothing_produced_is_tracked(project_files: list[Path]) -> None:
    assert [
        str(path) for path in project_files if path.suffix.lower() in PRODUCED or path.parts[0] == "artifacts"
    ] == []


def test_no_tracked_file_is_large(root: Path, project_files: list[Path]) -> None:
    assert [str(path) for path in project_files if (root / path).stat().st_size > LARGEST] == []


def test_no_tracked_file_names_one_machine(root: Path, project_files: list[Path]) -> None:
    found = []
    for path in project_files:
        for number, line in enumerate((root / path).read_bytes().decode("utf-8", "replace").splitlines(), 1):
            if ELSEWHERE.search(line):
                found.append(f"{path}:{number}: {line.strip()}")
    assert found == []


@pytest.mark.parametrize("line", ["open('/wor" + "k/main/x')", "see issu" + "e 2", "/hom" + "e/ann/x"])
def test_a_machine_path_would_be_seen(line: str) -> None:
    assert ELSEWHERE.search(line)


@pytest.mark.parametrize("package", PACKAGES)
def test_git_ignores_no_source(root: Path, package: str) -> None:
    ignored = subprocess.run(
        [
            "git",
            "-C",
            str(root),
            "check-ignore",
            "--no-index",
            f"{package}/__init__.py",
            f"{package}/data/new.py",
        ],
        check=False,
    )
    assert ignored.returncode == 1


def test_git_ignores_what_is_produced(root: Path) -> None:
    produced = ["artifacts/portfolios/synthetic/manifest.json", "build/x", "data/__pycache__/x.pyc"]
    listed = subprocess.run(
        ["git", "-C", str(root), "check-ignore", "--no-index", *produced], capture_output=True, text=True, check=False
    )
    assert listed.stdout.split() == produced
