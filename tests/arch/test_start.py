"""What must not be imported at start, nor outside the dashboard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

FRAMEWORKS = ("torch", "tensorflow", "ultralytics", "sentence_transformers", "transformers")
DRAWING = ("panel", "panel_material_ui", "bokeh", "holoviews", "hvplot")
IMPORT_ONE = "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"
IMPORT_ALL = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


def modules_after(program: str, name: str, root: Path, installed: Path | None = None) -> set[str]:
    """Return what a new interpreter has imported once `program` ran on `name`, `installed` in its path."""
    places = [str(root), *([str(installed)] if installed else [])]
    done = subprocess.run(
        [sys.executable, "-c", program, name],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)}, cwd=root, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def frameworks(tmp_path: Path) -> Path:
    """A folder of fake frameworks: this environment has none, so importing one would otherwise go unseen."""
    for name in FRAMEWORKS:
        (tmp_path / f"{name}.py").write_text('__version__ = "0"\n')
    return tmp_path


def test_an_imported_framework_would_be_seen(root: Path, frameworks: Path) -> None:
    assert "torch" in modules_after(IMPORT_ONE, "torch", root, frameworks)


@pytest.mark.parametrize("name", ["dashboard.__main__", "data", "models", "explain", "bench.__main__"])
def test_no_framework_is_imported_at_start(root: Path, frameworks: Path, name: str) -> None:
    assert modules_after(IMPORT_ONE, name, root, frameworks).isdisjoint(FRAMEWORKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["data", "models", "explain"])
def test_nothing_under_the_dashboard_imports_what_draws(root: Path, name: str) -> None:
    assert modules_after(IMPORT_ALL, name, root).isdisjoint(DRAWING)
