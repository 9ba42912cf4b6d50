"""The Home Credit tables as data: the one source for validation, widgets and documentation.

Facts of a column (kind, unit, bounds, missing codes, categories) are in `data/tables/*.toml`; what people read of it is
in the message catalogues `data/messages/{en,fr}.toml`. The eight files are seven tables: `application_train` and
`application_test` have the same columns, but for TARGET.

Source: the public column description of the Home Credit Default Risk competition, and its published statistics.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import polars as pl

from data.errors import UnknownColumn, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["identifier", "integer", "real", "flag", "category"]
Unit = Literal["none", "days", "months", "years", "hour", "currency", "count", "ratio"]
Language = Literal["fr", "en"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
CLIENT_ID = "SK_ID_CURR"
TARGET = "TARGET"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a raw table.

    Attributes
    ----------
    table, name : where it is.
    kind : identifier (Int64), integer (Int64), real (Float64), flag (Int64, 0 or 1) or category (String).
    unit : of the values, days being counted from the application (negative: before it).
    minimum, maximum : bounds of a plausible value, inclusive; None where there is none.
    nullable : whether a value may be absent.
    missing_codes : values that stand for "absent": floats such as 365243.0 in numeric columns (integers too), outside
        the bounds; categories such as XNA in categories, among them.
    categories : the known categories, in their usual order; empty unless kind is "category".
    changeable : whether a person can change it in a what-if question.
    protected : whether it is an attribute that the law protects (sex, age, family situation).
    group : heading under which people read it ("identity", "loan", ...); empty outside the application table.
    """

    table: str
    name: str
    kind: Kind
    unit: Unit = "none"
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = False
    missing_codes: tuple[float | str, ...] = ()
    categories: tuple[str, ...] = ()
    changeable: bool = False
    protected: bool = False
    group: str = ""

    @property
    def dtype(self) -> pl.DataType:
        """The Polars dtype of the column once imported."""
        if self.kind == "category":
            return pl.String()
        return pl.Float64() if self.kind == "real" else pl.Int64()

    def label(self, language: Language) -> str:
        """Return what people call the column, some three words, without a trailing stop."""
        return str(_message(language, self.table, self.name)["label"])

    def description(self, language: Language) -> str:
        """Return one sentence that says what the column holds."""
        return str(_message(language, self.table, self.name)["description"])

    def category_label(self, value: str, language: Language) -> str:
        """Return what people call a category; the category itself where the catalogue has no other word for it."""
        words: Mapping[str, str] = _message(language, self.table, self.name).get("categories", {})
        return words.get(value, value)


@dataclass(frozen=True, slots=True)
class Table:
    """One raw table.

    Attributes
    ----------
    name : name of the table.
    files : file names, without extension, under which Kaggle publishes it.
    columns : in the order of the published file.
    key : its own identifier, where it has one.
    parent, parent_key : the table its rows belong to, and the column that says to which row.
    """

    name: str
    files: tuple[str, ...]
    columns: tuple[Column, ...]
    key: str | None = None
    parent: str | None = None
    parent_key: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the published file."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column called `name`; raise UnknownColumn, with the nearest names, where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        hint = did_you_mean(name, self.column_names)
        raise UnknownColumn(f"Table {self.name} has no column {name!r}.{hint}")

    def label(self, language: Language) -> str:
        """Return what people call the table."""
        return str(_catalogue(language)["tables"][self.name])


@functools.cache
def tables() -> Mapping[str, Table]:
    """Return every table by its name, `application` first."""
    found = {path.stem: _read_table(path) for path in sorted((_HERE / "tables").glob("*.toml"))}
    first = {"application": found.pop("application")}
    return MappingProxyType({**first, **found})


def table(name: str) -> Table:
    """Return the table called `name`; raise UnknownColumn, with the nearest names, where there is none."""
    known = tables()
    if name not in known:
        raise UnknownColumn(f"No table {name!r} in the schema.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    return known[name]


def group_label(group: str, language: Language) -> str:
    """Return the heading under which people read the columns of `group`."""
    return str(_catalogue(language)["groups"][group])


def _read_table(path: Path) -> Table:
    with open(path, "rb") as file:
        content = tomllib.load(file)
    head = content["table"]
    columns = tuple(_read_column(head["name"], name, facts) for name, facts in content["columns"].items())
    return Table(
        name=head["name"],
        files=tuple(head["files"]),
        columns=columns,
        key=head.get("key"),
        parent=head.get("parent"),
        parent_key=head.get("parent_key"),
    )


def _read_column(table_name: str, name: str, facts: dict[str, Any]) -> Column:
    values: dict[str, Any] = {key: tuple(fact) if isinstance(fact, list) else fact for key, fact in facts.items()}
    return Column(table=table_name, name=name, **values)


@functools.cache
def _catalogue(language: Language) -> dict[str, Any]:
    with open(_HERE / "messages" / f"{language}.toml", "rb") as file:
        return tomllib.load(file)


def _message(language: Language, table_name: str, column: str) -> dict[str, Any]:
    found: dict[str, Any] = _catalogue(language)["columns"][table_name][column]
    return found
