"""The lock files: what each environment has, and what it must not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LOCKS = ("core", "dev", "bench")
PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)((?: ;.*?)?) \\$", re.MULTILINE)
FIXED = (
    "panel", "holoviews", "bokeh", "hvplot", "datashader", "lightgbm", "shap", "pandas", "sentence-transformers",
    "torch", "scikit-learn", "ultralytics", "tensorflow", "onnxruntime",
)  # fmt: skip
FRAMEWORKS = ("torch", "torchvision", "tensorflow", "keras", "sentence-transformers", "transformers", "ultralytics")


def lock(root: Path, name: str) -> str:
    return (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(root: Path, name: str) -> dict[str, str]:
    return {package: version for package, version, _ in PIN.findall(lock(root, name))}


def asked(root: Path, name: str) -> list[str]:
    """Return the requirements of an .in file, those of the files it includes not counted."""
    lines = (root / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes(root: Path, name: str) -> None:
    entries = [entry for entry in re.split(r"\n(?=\S)", lock(root, name)) if not entry.startswith("#")]
    assert len(entries) == len(pins(root, name)) > 0
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_answers_what_was_asked(root: Path, name: str) -> None:
    found = pins(root, name)
    for line in asked(root, name):
        package, _, version = line.partition("==")
        assert package in found
        assert version in {"", found[package]}


@pytest.mark.parametrize("name", ["dev", "bench"])
def test_every_environment_has_the_core_s_pins(root: Path, name: str) -> None:
    found = pins(root, name)
    assert {package: found.get(package) for package in pins(root, "core")} == pins(root, "core")


@pytest.mark.parametrize("name", ["core", "dev"])
def test_only_the_benchmark_has_frameworks(root: Path, name: str) -> None:
    assert pins(root, name).keys().isdisjoint(FRAMEWORKS)


def test_every_fixed_library_is_there(root: Path) -> None:
    assert set(FIXED) <= pins(root, "core").keys() | pins(root, "bench").keys()


def test_conda_makes_the_same_environment(root: Path) -> None:
    text = (root / "environment.yml").read_text(encoding="utf-8")
    assert re.findall(r"-r (requirements/\S+)", text) == ["requirements/bench.txt"]
    assert "python=3.11" in text
