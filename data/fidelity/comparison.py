"""The statistics of a set of raw tables, beside the published ones.

Each table is read column by column, so that memory stays that of a few columns. A rate by category is compared only
where chance leaves room for the tolerance: where its standard error, of the published rate and of this set's together,
is at most half of it; the others are counted as left out, by that rule alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from data import schema
from data.artefact import kind_of
from data.errors import MissingTable, SourceError, TruncatedTable
from data.progress import silent
from data.schema import CLIENT_ID, TARGET
from data.source_files import check_folder, find_tables
from data.sources import KIND as IMPORT
from data.sources import load_imported, read_raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from data.fidelity.published import Kind, Statistic
    from data.progress import Report

TOLERANCES: dict[Kind, tuple[float, bool]] = {
    "missing share": (0.01, False),
    "mean": (0.05, True),
    "standard deviation": (0.10, True),
    "category share": (0.01, False),
    "default rate": (0.01, False),
    "correlation": (0.03, False),
    "rows per client": (0.05, True),
    "clients with rows": (0.01, False),
    "rows per loan": (0.05, True),
}
"""How far a statistic may be off, and whether that is a share of the published value."""

FEWEST = 1000
_DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published statistic and what a set of tables has in its place.

    Attributes
    ----------
    statistic : the published one.
    found : the value here; NaN where it can't be computed (no such rows).
    standard_error : of a default rate by chance, published and found together; None for the other kinds.
    """

    statistic: Statistic
    found: float
    standard_error: float | None = None

    @property
    def deviation(self) -> float:
        """How far it is off: a difference, or a share of the published value where the tolerance is one."""
        difference = self.found - self.statistic.value
        return difference / abs(self.statistic.value) if TOLERANCES[self.statistic.kind][1] else difference

    @property
    def within(self) -> bool:
        """Whether it is within tolerance."""
        return abs(self.deviation) <= TOLERANCES[self.statistic.kind][0]

    @property
    def times_tolerance(self) -> float:
        """How far it is off, in tolerances; infinite where there is no value."""
        found = abs(self.deviation) / TOLERANCES[self.statistic.kind][0]
        return math.inf if math.isnan(found) else found

    @property
    def too_uncertain(self) -> bool:
        """Whether chance alone moves a rate by as much as the tolerance, so that comparing says nothing."""
        return self.standard_error is not None and not (self.standard_error <= TOLERANCES[self.statistic.kind][0] / 2)


def compare(folder: Path, against: Sequence[Statistic], report: Report = silent) -> list[Comparison]:
    """Compare the raw tables in `folder` with published statistics.

    Parameters
    ----------
    folder : raw tables as files, or an import; an absent table's statistics are found missing.
    against : the statistics.
    report : told how far the work is.

    Raises
    ------
    MissingTable
        No such folder, or no application table in it.
    TruncatedTable
        A file is cut or damaged.
    SourceError
        Fewer than 1,000 clients, or none of them labelled.
    """
    tables = _tables(folder)
    application = _Rows(tables["application"].select(CLIENT_ID, TARGET).collect())
    by_table: dict[str, list[Statistic]] = {}
    for statistic in against:
        by_table.setdefault(statistic.table, []).append(statistic)
    found: dict[Statistic, Comparison] = {}
    for done, (name, wanted) in enumerate(by_table.items()):
        report(f"comparing {name}", done / len(by_table))
        try:
            found.update(_of_table(name, tables.get(name), wanted, application))
        except pl.exceptions.PolarsError as error:
            why = str(error).splitlines()[0]
            raise TruncatedTable(f"{name} in {folder} is cut or damaged ({why}). Make or export it again.") from error
    report("compared", 1.0)
    return [found[statistic] for statistic in against]


class _Rows:
    """The clients, and which of them are labelled."""

    def __init__(self, clients: pl.DataFrame) -> None:
        labelled = clients.filter(pl.col(TARGET).is_not_null())
        if clients.height < FEWEST or not labelled.height:
            raise SourceError(
                f"{clients.height} clients, {labelled.height} of them labelled: at least {FEWEST} are needed to "
                "compare, and labelled ones among them. Make more: python -m data synthesise --clients 100000 ..."
            )
        self.count = clients.height
        self.targets = labelled.lazy()
        self.others = clients.filter(pl.col(TARGET).is_null()).select(CLIENT_ID).lazy()

    def of(self, rows: pl.LazyFrame, part: str, table: str) -> pl.LazyFrame:
        """Return the rows of a part of the clients, with TARGET where they are labelled."""
        if part == "all":
            return rows
        if table == "application":
            labelled = pl.col(TARGET).is_not_null()
            return rows.filter(labelled if part == "train" else ~labelled)
        return rows.join(self.targets if part == "train" else self.others, on=CLIENT_ID)


def _tables(folder: Path) -> dict[str, pl.LazyFrame]:
    check_folder(folder)
    if kind_of(folder) == IMPORT:
        return load_imported(folder)
    found = {
        name: [part for source in files for part in source.parts] for name, files in find_tables(folder).files.items()
    }
    if any(source.form != "parquet" for sources in found.values() for source in sources):
        return read_raw(folder).tables
    tables: dict[str, pl.LazyFrame] = {}
    for name, sources in found.items():
        columns = schema.table(name).columns
        try:
            parts = [pl.scan_parquet(source.path, glob=False) for source in sources]
            known = [part.collect_schema() for part in parts]
        except pl.exceptions.PolarsError as error:
            named = " or ".join(source.name for source in sources)
            why = str(error).splitlines()[0]
            raise TruncatedTable(f"{named} in {folder} is cut or damaged ({why}). Make it again.") from error
        for source, names in zip(sources, known, strict=True):
            missing = [column.name for column in columns if column.name not in names and column.name != TARGET]
            if missing:
                raise MissingTable(f"{source.path} has no column {', '.join(missing[:5])}: it is not the table {name}.")
        whole = [
            part
            if TARGET in names or name != "application"
            else part.with_columns(pl.lit(None, pl.Int64).alias(TARGET))
            for part, names in zip(parts, known, strict=True)
        ]
        tables[name] = pl.concat([part.select(column.name for column in columns) for part in whole])
    return tables


def _of_table(
    name: str, rows: pl.LazyFrame | None, wanted: Iterable[Statistic], clients: _Rows
) -> Mapping[Statistic, Comparison]:
    listed = list(wanted)
    if rows is None:
        return {statistic: Comparison(statistic, math.nan) for statistic in listed}
    found: dict[Statistic, Comparison] = {}
    groups: dict[tuple[str, str], list[Statistic]] = {}
    for statistic in listed:
        groups.setdefault((statistic.column, statistic.part), []).append(statistic)
    for (column, part), some in groups.items():
        if not column or some[0].kind == "rows per loan":
            found.update({statistic: _of_rows(statistic, rows, clients) for statistic in some})
        else:
            found.update(_of_column(column, clients.of(_needed(rows, name, column), part, name), some))
    return found


def _needed(rows: pl.LazyFrame, table: str, column: str) -> pl.LazyFrame:
    if column == "AGE":
        age = (-pl.col("DAYS_BIRTH") / _DAYS_A_YEAR / 5).floor().cast(pl.Int64) * 5
        bounds = age.cast(pl.String) + "-" + (age + 5).cast(pl.String)
        return rows.select(CLIENT_ID, TARGET, bounds.alias("AGE"))
    keys = [CLIENT_ID, TARGET] if table == "application" else [CLIENT_ID]
    return rows.select(*(key for key in keys if table != "bureau_balance"), column)


def _of_rows(statistic: Statistic, rows: pl.LazyFrame, clients: _Rows) -> Comparison:
    if statistic.kind == "rows per loan":
        counted = rows.select(pl.len() / pl.col(statistic.column).n_unique()).collect().item()
    elif statistic.kind == "rows per client":
        counted = rows.select(pl.len()).collect().item() / clients.count
    else:
        counted = rows.select(pl.col(CLIENT_ID).n_unique()).collect().item() / clients.count
    return Comparison(statistic, float(counted))


def _of_column(column: str, rows: pl.LazyFrame, wanted: Sequence[Statistic]) -> dict[Statistic, Comparison]:
    values = rows.collect()
    found: dict[Statistic, Comparison] = {}
    series = values[column]
    if any(statistic.category is not None for statistic in wanted):
        codes = series if series.dtype == pl.String else series.cast(pl.Float64)
        frame = pl.DataFrame({"code": codes} | ({TARGET: values[TARGET]} if TARGET in values.columns else {}))
        defaults = pl.col(TARGET).sum() if TARGET in frame.columns else pl.lit(0)
        counted = frame.group_by("code").agg(pl.len().alias("rows"), defaults.alias("defaults"))
        counts = {_text(code): (rows, defaults) for code, rows, defaults in counted.iter_rows()}
    for statistic in wanted:
        match statistic.kind:
            case "missing share":
                found[statistic] = Comparison(statistic, series.null_count() / max(1, len(series)))
            case "mean":
                found[statistic] = Comparison(statistic, _number(series.mean()))
            case "standard deviation":
                found[statistic] = Comparison(statistic, _number(series.std()))
            case "category share":
                here = counts.get(statistic.category or "", (0, 0))[0]
                # published for flags is the mean, which leaves out the rows without a value
                known = len(series) if series.dtype == pl.String else series.count()
                found[statistic] = Comparison(statistic, here / max(1, known))
            case "default rate":
                found[statistic] = _rate(statistic, *counts.get(statistic.category or "", (0, 0)))
            case _:
                found[statistic] = Comparison(statistic, _correlation(statistic, series, values[TARGET]))
    return found


def _text(code: object) -> str:
    if code is None:
        return ""
    return f"{code:g}" if isinstance(code, float) else str(code)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _rate(statistic: Statistic, rows: int, defaults: int) -> Comparison:
    rate = statistic.value
    expected = min(max(rate, 0.01), 0.99)
    variance = expected * (1 - expected)
    error = math.inf if not rows else variance / rows
    if statistic.count:
        error += variance / statistic.count
    return Comparison(statistic, defaults / rows if rows else math.nan, math.sqrt(error))


def _correlation(statistic: Statistic, values: pl.Series, target: pl.Series) -> float:
    if statistic.category is not None:
        values = (values == statistic.category).fill_null(value=False)
    frame = pl.DataFrame({"value": values.cast(pl.Float64), "target": target}).drop_nulls()
    return _number(frame.select(pl.corr("value", "target")).item())
