"""The published statistics of the Home Credit tables: the product's copy, and the files they were published in.

Aggregates only: shares, means, standard deviations, counts. `statistics/columns.csv` and `categories.csv` are condensed
from the published files by `condense`; `statistics/structure.toml` holds correlations and rows per client.
"""

from __future__ import annotations

import csv
import functools
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from data import schema
from data.errors import MissingTable, SourceError
from data.schema import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Kind = Literal[
    "missing share", "mean", "standard deviation", "category share", "default rate", "correlation", "rows per client",
    "clients with rows", "rows per loan",
]  # fmt: skip
Part = Literal["all", "train", "test"]

FILES = ("column_stats.csv", "categories.json", "default_rates.csv")
HERE = Path(__file__).parent / "statistics"
TRAIN_CLIENTS, TEST_CLIENTS = 307_511, 48_744
_TABLES: dict[str, tuple[str, Part]] = {
    "application_train": ("application", "train"),
    "application_test": ("application", "test"),
    "previous_application(train part)": ("previous_application", "train"),
    "previous_application(test part)": ("previous_application", "test"),
    "POS_CASH_balance(train part)": ("POS_CASH_balance", "train"),
    "POS_CASH_balance(test part)": ("POS_CASH_balance", "test"),
    "bureau": ("bureau", "all"),
    "bureau_balance": ("bureau_balance", "all"),
    "installments_payments": ("installments_payments", "all"),
    "credit_card_balance": ("credit_card_balance", "all"),
}


@dataclass(frozen=True, slots=True)
class Statistic:
    """One published figure.

    Attributes
    ----------
    kind : what it measures.
    table, column : what of; the column is empty where it is about the rows.
    part : which rows: those of all clients, of labelled ones ("train") or of the others ("test").
    category : of which category; None where it is about numbers, "" for the rows whose category is missing.
    value : the figure. Shares and rates are in [0, 1], means and deviations in the column's unit.
    count : the published rows it rests on; 0 where unknown.
    """

    kind: Kind
    table: str
    column: str
    part: Part
    category: str | None
    value: float
    count: int = 0

    @property
    def name(self) -> str:
        """What it is about, for people."""
        column = f".{self.column}" if self.column else ""
        category = "" if self.category is None else f" = {self.category or '(missing)'}"
        part = "" if self.part == "all" else f" ({self.part})"
        return f"{self.table}{column}{category}{part}"


@functools.cache
def published() -> tuple[Statistic, ...]:
    """Return the published statistics from the copy the product keeps."""
    rows = [*_read(HERE / "columns.csv"), *_read(HERE / "categories.csv")]
    return (*(_statistic(row) for row in rows), *_structure())


def published_in(folder: Path) -> tuple[Statistic, ...]:
    """Return the published statistics from the files they were published in.

    Raises
    ------
    MissingTable
        No such folder, or a file of it is missing.
    SourceError
        A file can't be read as what it should be.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise MissingTable(f"{folder} has no {', '.join(missing)}. The published statistics are {', '.join(FILES)}.")
    try:
        return (*condense(folder), *_structure())
    except (KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{folder} doesn't hold the published statistics ({type(error).__name__}: {error}). Compare its files with "
            "the names and columns that data/fidelity/published.py reads."
        ) from error


def condense(folder: Path) -> list[Statistic]:
    """Return the statistics that the published files of `folder` hold of the schema's columns."""
    return [*_columns(folder / FILES[0]), *_categories(folder / FILES[1]), *_rates(folder / FILES[2])]


def _columns(path: Path) -> Iterator[Statistic]:
    for row in _read(path):
        if row["table"] not in _TABLES:
            continue
        name, part = _TABLES[row["table"]]
        columns = {column.name: column for column in schema.table(name).columns}
        column = columns.get(row["column"])
        if column is None or column.kind == "identifier" or column.name == TARGET:
            continue
        count = int(row["n_rows"])
        yield Statistic("missing share", name, column.name, part, None, round(int(row["nulls"]) / count, 6), count)
        if not row["mean"] or row["dtype"] == "object" or column.kind == "category":
            continue
        mean, spread = float(row["mean"]), float(row["std"])
        if column.kind == "flag":
            yield Statistic("category share", name, column.name, part, "1", mean, count)
            continue
        if mean:
            yield Statistic("mean", name, column.name, part, None, mean, count)
        if spread:
            yield Statistic("standard deviation", name, column.name, part, None, spread, count)


def _categories(path: Path) -> Iterator[Statistic]:
    content = json.loads(path.read_text(encoding="utf-8"))
    for table, columns in content.items():
        if table.startswith("_"):
            continue
        name, part = ("application", "train") if table == "application_train" else (table, "all")
        known = {column.name for column in schema.table(name).columns}
        for column, categories in columns.items():
            if column in known:
                yield from _of_categories(name, column, cast("Part", part), categories)


def _of_categories(table: str, column: str, part: Part, categories: dict[str, Any]) -> Iterator[Statistic]:
    told = {category: _told(value) for category, value in categories.items()}
    counted: Part = part
    counts = {category: count for category, (count, _, _) in told.items() if count is not None}
    if len(counts) < len(told):
        counted = "train"
        counts = {category: train for category, (_, _, train) in told.items() if train is not None}
    if len(counts) < 2 or column == "FLAG_LAST_APPL_PER_CONTRACT":
        counts = {}
    total = sum(counts.values())
    for category, rows in counts.items():
        yield Statistic("category share", table, column, counted, _code(category), round(rows / total, 6), rows)
    for category, (count, rate, train) in told.items():
        if rate is not None:
            rows = train if train is not None else count or 0
            yield Statistic("default rate", table, column, "train", _code(category), rate, rows)


def _told(value: Any) -> tuple[int | None, float | None, int | None]:
    if isinstance(value, dict):
        return value.get("count"), value.get("target_mean"), value.get("count_train")
    if isinstance(value, list):
        return value[0], value[1], None
    return value, None, None


def _rates(path: Path) -> Iterator[Statistic]:
    """Yield the rates of numeric columns; those of categories are in the other file, with their counts."""
    columns = {column.name: column for column in schema.table("application").columns}
    for row in _read(path):
        column = columns.get(row["column"])
        if column is not None and column.kind != "category":
            code = f"{float(row['value']):g}"
            yield Statistic("default rate", "application", column.name, "train", code, float(row["bad_rate"]))


def _code(category: str) -> str:
    return "" if category == "None" else category


def _structure() -> Iterator[Statistic]:
    with open(HERE / "structure.toml", "rb") as file:
        content = tomllib.load(file)
    for name, value in content["correlations"].items():
        column, _, category = name.partition("=")
        yield Statistic("correlation", "application", column, "train", category or None, value, TRAIN_CLIENTS)
    for table, facts in content["rows"].items():
        clients = TRAIN_CLIENTS + TEST_CLIENTS
        yield Statistic("rows per client", table, "", "all", None, facts["rows"] / clients, facts["rows"])
        if "clients" in facts:
            yield Statistic("clients with rows", table, "", "all", None, facts["clients"] / clients, facts["clients"])
        if "loans" in facts:
            key = facts["loan_id"]
            yield Statistic("rows per loan", table, key, "all", None, facts["rows"] / facts["loans"], facts["loans"])
    for bounds, rate in content["default_rate_by_age"].items():
        yield Statistic("default rate", "application", "AGE", "train", bounds, rate)


def _read(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def _statistic(row: dict[str, str]) -> Statistic:
    category = row.get("category")
    return Statistic(
        cast("Kind", row["kind"]), row["table"], row["column"], cast("Part", row["part"]), category,
        float(row["value"]), int(row["count"]),
    )  # fmt: skip


def write_copy(statistics: Iterable[Statistic], out: Path = HERE) -> None:
    """Write the product's copy, `columns.csv` and `categories.csv`, of what `condense` returns."""
    given = list(statistics)
    for name, some in (
        ("columns.csv", [one for one in given if one.category is None]),
        ("categories.csv", [one for one in given if one.category is not None]),
    ):
        names = [
            "kind",
            "table",
            "column",
            "part",
            *(["category"] if name == "categories.csv" else []),
            "value",
            "count",
        ]
        with open(out / name, "w", encoding="utf-8", newline="") as file:
            file.write(_HEAD)
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows([getattr(one, name) for name in names] for one in some)


_HEAD = """\
# Published aggregates of the Home Credit Default Risk tables (Kaggle competition, 2018): no row of any client.
# Sources: public notebooks of KazukiOnodera/Home-Credit-Default-Risk (counts, moments), chenzhehong/credit and
# amaotone/home-credit-default-risk (default rates), Franck-PepperLabs/pepper_credit_scoring_tool (categories).
"""
