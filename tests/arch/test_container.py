"""The Dockerfile, read: it copies code that exists, and only code, and runs as nobody in particular."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def instructions(root: Path) -> list[tuple[str, str]]:
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def copied(instructions: list[tuple[str, str]]) -> list[str]:
    return [source for name, rest in instructions if name == "COPY" for source in rest.split()[:-1]]


def test_every_copied_file_exists(root: Path, instructions: list[tuple[str, str]]) -> None:
    assert [source for source in copied(instructions) if not (root / source).exists()] == []


def test_only_the_dashboard_is_copied(instructions: list[tuple[str, str]]) -> None:
    assert set(copied(instructions)) == {
        "data", "models", "explain", "dashboard", "requirements/core.txt", "LICENSE", "README.md",
    }  # fmt: skip


def test_what_is_copied_is_let_through(root: Path, instructions: list[tuple[str, str]]) -> None:
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied(instructions))
    after = lines[lines.index("*") + 1 :]
    assert [line for line in after if not line.startswith(("!", "**/__pycache__", "**/*.pyc"))] == []


def test_it_serves_as_an_ordinary_user(instructions: list[tuple[str, str]]) -> None:
    names = [name for name, _ in instructions]
    assert ("USER", "pretscope") in instructions
    assert names.index("USER") < names.index("CMD")
    assert "RUN" not in names[names.index("USER") :]
    facts = dict(instructions)
    assert facts["CMD"] == '["python", "-m", "dashboard", "--address", "0.0.0.0", "--port", "5006"]'
    assert "/liveness" in facts["HEALTHCHECK"]
    assert facts["EXPOSE"] == "5006"


def test_every_package_is_checked_against_its_hash(instructions: list[tuple[str, str]]) -> None:
    installs = [rest for name, rest in instructions if name == "RUN" and "pip install" in rest]
    assert len(installs) == 1
    assert "--require-hashes -r requirements/core.txt" in installs[0]
