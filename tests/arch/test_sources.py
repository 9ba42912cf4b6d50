"""What our sources must not hold: pickle, other hosts, French outside the catalogues."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("data", "models", "explain", "dashboard", "bench", "scripts")
PICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
HOST = re.compile(r"""(?:https?|wss?)://([\w-]+(?:\.[\w-]+)*)|["'(=]//([\w-]+(?:\.[\w-]+)+)""")
ALLOWED_HOSTS = {"www.w3.org", "localhost", "127.0.0.1", "0.0.0.0"}
SERVED = {".py", ".toml", ".html", ".css", ".js", ".json", ".svg"}
ACCENTED = re.compile(r"[àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆ]")
OUR_NAME = "Prêt à dépenser"


def hosts(text: str) -> set[str]:
    return {first or second for first, second in HOST.findall(text)} - ALLOWED_HOSTS


def without_comments(source: str) -> str:
    """Return Python source with neither comments nor docstrings, which no browser is served."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        (node.body[0].lineno, node.body[0].col_offset)
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return "\n".join(
        token.string for token in tokens if token.type != tokenize.COMMENT and token.start not in docstrings
    )


def imported(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def unpickles(source: str) -> bool:
    """Return whether a module imports a pickler, or calls NumPy's with `allow_pickle=True`."""
    picklers = any(name.split(".")[0] in PICKLES for name in imported(source))
    allowed = any(
        keyword.arg == "allow_pickle" and getattr(keyword.value, "value", True) is not False
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    )
    return picklers or allowed


def test_nothing_is_pickled(root: Path, project_files: list[Path]) -> None:
    sources = [path for path in project_files if path.suffix == ".py"]
    assert len(sources) > 20
    assert [str(path) for path in sources if unpickles((root / path).read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("line", ["import pickle", "from joblib import load", "np.load(path, allow_pickle=True)"])
def test_a_pickler_would_be_seen(line: str) -> None:
    assert unpickles(line)


def test_served_sources_name_no_other_host(root: Path, project_files: list[Path]) -> None:
    served = [path for path in project_files if path.parts[0] == "dashboard" or "messages" in path.parts]
    found = {}
    for path in served:
        if path.suffix in SERVED:
            text = (root / path).read_text(encoding="utf-8")
            found[str(path)] = hosts(without_comments(text) if path.suffix == ".py" else text)
    assert found
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "text", ['src="https://cdn.example.org/x.js"', "url(//fonts.example.org/a)", "wss://example.org", 'a = "http://h"']
)
def test_another_host_would_be_seen(text: str) -> None:
    assert hosts(text)


def test_a_link_in_a_comment_is_no_request() -> None:
    source = '"""See https://example.org/a."""\nx = 1  # https://example.org/b\n'
    assert hosts(without_comments(source)) == set()
    assert hosts(without_comments('x = "https://example.org"\n')) == {"example.org"}


def test_french_is_only_in_the_catalogues(root: Path, project_files: list[Path]) -> None:
    found = []
    for path in project_files:
        if path.parts[0] in PACKAGES and path.suffix in {".py", ".toml"} and "messages" not in path.parts:
            for number, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), 1):
                if ACCENTED.search(line.replace(OUR_NAME, "")):
                    found.append(f"{path}:{number}: {line.strip()}")
    assert found == []
