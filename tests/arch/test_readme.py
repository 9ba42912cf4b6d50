"""What the documents tell people to type exists."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def code(document: Path) -> str:
    """Return what a document shows as code, in blocks and in lines."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(blocks + re.findall(r"`([^`\n]+)`", text))


def targets() -> set[str]:
    return set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_exists(document: Path) -> None:
    named = set(re.findall(r"\bmake (?:-s )?([a-z][a-z-]*)", code(document)))
    assert named <= targets()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_named_exists(document: Path) -> None:
    for name in re.findall(r"python3? -m ([a-z][a-z.]*)", code(document)):
        path = ROOT / name.replace(".", "/")
        if name == "dask":  # the one that is not ours
            assert importlib.util.find_spec("dask.__main__")
            continue
        assert (path / "__main__.py").exists() or path.with_suffix(".py").exists(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (document.parent / link).exists(), link


def test_the_readme_opens_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.index("make run") < text.index("\n## ")
    assert {"make run", "make test"} <= set(text.split("\n## ")[0].split("```")[1].replace("  ", "\n").splitlines())


def test_design_records_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/design").glob("[0-9]*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
