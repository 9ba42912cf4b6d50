"""No name hides a package of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("data", "models", "explain", "dashboard", "bench")
TAKEN = {*PACKAGES, "tests"}


def test_no_module_inside_a_package_bears_a_top_level_name(root: Path) -> None:
    inside = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    assert inside
    parts = {path: path.relative_to(root).with_suffix("").parts[1:] for path in inside}
    assert [str(path) for path, names in parts.items() if TAKEN & set(names)] == []


def test_every_package_is_one(project_files: list[Path]) -> None:
    folders = {path.parent for path in project_files if path.suffix == ".py" and path.parts[0] in PACKAGES}
    assert {folder.parts[0] for folder in folders} == set(PACKAGES)
    assert [str(folder) for folder in folders if folder / "__init__.py" not in project_files] == []


def test_tests_are_no_package(root: Path) -> None:
    assert list((root / "tests").rglob("__init__.py")) == []


def test_pyproject_lists_every_package(root: Path, project_files: list[Path]) -> None:
    import tomllib

    listed = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    found = {
        ".".join(path.parent.parts)
        for path in project_files
        if path.name == "__init__.py" and path.parts[0] in PACKAGES
    }
    assert set(listed) == found
