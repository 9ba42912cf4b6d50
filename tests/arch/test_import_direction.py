"""Imports go one way; and the contracts that say so catch what they are there for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULES = (
    "data", "models", "explain", "bench", "bench.contenders", "dashboard", "dashboard.pages", "dashboard.views",
    "dashboard.figures", "dashboard.__main__", "dashboard.app", "dashboard.prepare", "dashboard.shell",
    "dashboard.controller", "dashboard.jobs", "dashboard.state", "dashboard.services", "dashboard.address",
    "dashboard.i18n", "dashboard.server", "dashboard.release",
    "dashboard.warm", "dashboard.plot_data", "dashboard.surroundings",
    "dashboard.exploring", "dashboard.exports", "dashboard.timings", "dashboard.tidying", "dashboard.column_index",
    "dashboard.explanations", "dashboard.feature_index",
)  # fmt: skip


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A project of empty modules under the contracts of this one."""
    shutil.copy(root / "pyproject.toml", tmp_path)
    packages = {name.rpartition(".")[0] for name in MODULES} | {name for name in MODULES if "." not in name}
    packages |= {"bench.contenders", "dashboard.pages", "dashboard.views", "dashboard.figures"}
    for name in MODULES:
        path = tmp_path / name.replace(".", "/")
        if name in packages:
            path.mkdir(parents=True)
            (path / "__init__.py").touch()
        else:
            path.with_suffix(".py").touch()
    return tmp_path


def test_the_project_keeps_its_contracts(root: Path) -> None:
    done = lint_imports(root)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_allowed_passes(project: Path) -> None:
    (project / "dashboard/__main__.py").write_text("import dashboard.app\nimport dashboard.prepare\n")
    (project / "dashboard/app.py").write_text("import panel\nimport dashboard.pages.client\n")
    (project / "dashboard/pages/client.py").write_text("import panel_material_ui\nimport dashboard.views.gauge\n")
    (project / "dashboard/views/gauge.py").write_text("import holoviews\nimport dashboard.figures\nimport explain\n")
    (project / "dashboard/controller.py").write_text("import dashboard.jobs\nimport dashboard.state\n")
    (project / "bench/contenders/vision.py").write_text("import tensorflow\nimport ultralytics\n")
    (project / "bench/__init__.py").write_text("import explain\n")
    done = lint_imports(project)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("data", "models"),
        ("models", "explain"),
        ("explain", "dashboard"),
        ("dashboard", "bench"),
        ("bench", "dashboard"),
        ("explain", "bench"),
        ("dashboard.figures", "dashboard.views"),
        ("dashboard.views", "dashboard.pages"),
        ("dashboard.controller", "dashboard.views"),
        ("dashboard.state", "dashboard.controller"),
        ("dashboard.figures", "dashboard.state"),
        ("dashboard.state", "panel"),
        ("dashboard.jobs", "bokeh"),
        ("dashboard.controller", "holoviews"),
        ("dashboard.services", "panel_material_ui"),
        ("explain", "bokeh"),
        ("bench", "panel"),
        ("bench", "torch"),
        ("dashboard.views", "torch"),
        ("models", "tensorflow"),
        ("explain", "sentence_transformers"),
        ("data", "ultralytics"),
    ],
)
def test_a_forbidden_import_is_caught(project: Path, importer: str, imported: str) -> None:
    path = project / importer.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    path.write_text(f"import {imported}\n")
    done = lint_imports(project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{importer} -> {imported}" in done.stdout
