"""What a folder of ours holds, as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid

from data import feature_set, portfolio, sources, synthetic_tables
from data.artefact import kind_of
from data.errors import StoreError
from data.schema import tables
from data.source_files import check_folder
from data.validation import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from data.progress import Report


def describe(folder: Path, report: Report) -> tuple[str, list[Grid], list[str]]:
    """Return what a folder holds: raw files, an import, a feature set or a portfolio.

    Returns
    -------
    title : str
        What the folder is.
    grids : list of rich tables
        What is in it.
    remarks : list of str
        What is absent, and what is odd.

    Raises
    ------
    SourceError, StoreError
        The folder is none of these, or can't be used.
    """
    check_folder(folder)
    kind = kind_of(folder)
    if kind == feature_set.KIND:
        return _feature_set(feature_set.FeatureSet.open(folder))
    if kind == portfolio.KIND:
        return _portfolio(portfolio.Portfolio.open(folder.absolute()))
    if kind == sources.KIND:
        manifest = sources.read_import(folder)
        sources.load_imported(folder)
        notes = [Note(**content) for content in manifest["warnings"]]
        facts = [("imported", manifest["created"]), ("from", manifest["folder"]), *_clients(manifest)]
        grids = [_tables(manifest["rows"], manifest["absent"]), _grid("clients", facts)]
        return f"{folder}: an {sources.KIND}", grids, [*absent_remarks(manifest["absent"]), *note_remarks(notes)]
    if kind not in (None, synthetic_tables.KIND):
        raise StoreError(
            f"{folder} holds {kind}; raw tables, an import, a feature set or a portfolio was expected. "
            f"A model is described by: python -m models evaluate --help"
        )
    found = sources.survey_raw(folder, report)
    facts = _clients({"clients": found.clients, "labelled": found.labelled, "defaults": found.defaults})
    title = "raw tables" if kind is None else kind
    remarks = [*absent_remarks(found.absent), *note_remarks(found.notes)]
    return f"{folder}: {title}", [_tables(found.rows, found.absent), _grid("clients", facts)], remarks


def absent_remarks(absent: Iterable[str]) -> list[str]:
    """Return one sentence for each absent table, with the number of features that go with it."""
    from data.features.catalog import features

    whole = len(features())
    told = []
    for name in absent:
        gone = whole - len(features((name,)))
        told.append(f"{name} is absent: {gone} of the {whole} features go with it.")
    return told


def note_remarks(notes: Iterable[Note]) -> list[str]:
    """Return one sentence for each note."""
    return [f"{note.file}: {note.text}." for note in notes]


def share(defaults: int, labelled: int) -> str:
    """Return the default rate in words, such as "8.07 %"."""
    return f"{defaults / labelled:.2%}".replace("%", " %") if labelled else "unknown"


def _clients(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    labelled = manifest["labelled"]
    return [
        ("clients", f"{manifest['clients']:,}"),
        ("labelled", f"{labelled:,}"),
        ("defaults", f"{manifest['defaults']:,} ({share(manifest['defaults'], labelled)} of the labelled)"),
    ]


def _tables(rows: Mapping[str, int], absent: Iterable[str]) -> Grid:
    grid = Grid("table", title="tables", title_justify="left")
    grid.add_column("rows", justify="right")
    grid.add_column("columns", justify="right")
    for name, count in rows.items():
        grid.add_row(name, f"{count:,}", str(len(tables()[name].columns)))
    for name in absent:
        grid.add_row(name, "absent", "")
    return grid


def _grid(title: str, facts: Iterable[tuple[str, str]]) -> Grid:
    grid = Grid(title=title, title_justify="left", show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts:
        grid.add_row(name, value)
    return grid


def _feature_facts(features: feature_set.FeatureSet) -> list[tuple[str, str]]:
    return [
        *_clients(features.manifest),
        ("features", str(len(features.names))),
        ("made", features.manifest["created"]),
        ("data", features.data_hash[:12]),
    ]


def _feature_set(features: feature_set.FeatureSet) -> tuple[str, list[Grid], list[str]]:
    grid = _grid("features", _feature_facts(features))
    return f"{features.folder}: a feature set", [grid], absent_remarks(features.absent_tables)


def _portfolio(opened: portfolio.Portfolio) -> tuple[str, list[Grid], list[str]]:
    facts = [
        ("name", opened.name),
        ("model", f"{opened.model_name} ({opened.model_hash[:12]})"),
        ("prepared", opened.manifest["created"]),
        *_feature_facts(opened.features),
    ]
    if len(opened):
        facts.append(("score", f"{opened.score.min():.4f} to {opened.score.max():.4f}, mean {opened.score.mean():.4f}"))
    strongest = list(opened.importance.items())[:10]
    importance = _grid("what drives the model (mean |contribution|, log-odds)", [(g, f"{w:.4f}") for g, w in strongest])
    remarks = absent_remarks(opened.features.absent_tables)
    return f"{opened.folder}: a portfolio", [_grid("portfolio", facts), importance], remarks
