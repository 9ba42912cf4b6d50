"""A raw table as the schema wants it: refused where it can't be right, noted where it is merely odd.

Refused: a column missing, a value of another type, an identifier absent, an infinity, a key that repeats. Noted and
kept: values outside the plausible bounds, unknown categories, absent values where none was expected. Noted and left
out: columns the schema doesn't have.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from data.errors import WrongColumn, did_you_mean
from data.schema import TARGET, Column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NoteKind = Literal[
    "outside", "unknown_category", "absent_value", "extra_column", "orphan", "no_rows", "no_final_line_break", "cp1252",
    "left_aside",
]  # fmt: skip

# Identifiers travel through double precision in CSV files; beyond this they would no longer be told apart.
_LARGEST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd in a source file that doesn't prevent its use.

    Attributes
    ----------
    file : name of the source file.
    kind : what is odd.
    column : the column it is in; empty where it is the file as a whole.
    count : how many rows it concerns.
    text : one sentence for people.
    """

    file: str
    kind: NoteKind
    column: str
    count: int
    text: str

    def content(self) -> dict[str, Any]:
        """Return the note as JSON content."""
        return asdict(self)


def check_header(name: str, header: Sequence[str], wanted: Sequence[Column], ignored: Sequence[str] = ()) -> list[Note]:
    """Return a note for each column the schema doesn't have; raise WrongColumn where one it has is missing.

    Parameters
    ----------
    name : name of the file, for messages.
    header : the columns of the file.
    wanted : the columns the file must have.
    ignored : further columns that may be there, and are left out.
    """
    expected = [column.name for column in wanted]
    extra = [column for column in header if column not in expected]
    missing = [column for column in expected if column not in header]
    if missing:
        raise WrongColumn(_missing(name, missing, extra))
    return [
        Note(name, "extra_column", column, 0, f"column {column or '(unnamed)'} is not in the schema and is left out")
        for column in extra
        if column not in ignored
    ]


def _missing(name: str, missing: list[str], extra: list[str]) -> str:
    told = []
    for column in missing[:3]:
        folded = [found for found in extra if found.lower() == column.lower()]
        near = folded or [found for found in extra if did_you_mean(column, [found])]
        renamed = f": it has {near[0]}, expected {column}; did you mean that? Rename it" if near else ""
        told.append(f"{name} has no column {column}{renamed}.")
    if len(missing) > 3:
        told.append(
            f"{len(missing) - 3} more are missing: {', '.join(missing[3:9])}{', …' if len(missing) > 9 else ''}."
        )
    if len(missing) > 10:
        told.append("Is this the right file?")
    return " ".join(told)


def conform(
    name: str, frame: pl.DataFrame, wanted: Sequence[Column], place: Callable[[int], str]
) -> tuple[pl.DataFrame, list[Note]]:
    """Return the table with the schema's columns, order and types, and what is odd in it.

    Parameters
    ----------
    name : name of the file, for messages.
    frame : the table, with every wanted column, of whatever type.
    wanted : the columns to return, in this order.
    place : where a row stands in the file, in words.

    Returns
    -------
    DataFrame
        Int64, Float64 and String columns; no NaN, no infinity, and no null in an identifier.
    list of Note

    Raises
    ------
    WrongColumn
        A value that can't be what the schema says, with its place.
    """
    if not frame.height:
        empty = pl.DataFrame(schema={column.name: column.dtype for column in wanted})
        return empty, [Note(name, "no_rows", "", 0, "the file has a header and no row")]
    conformed: list[pl.Series] = []
    notes: list[Note] = []
    for column in wanted:
        values = frame[column.name]
        if column.kind == "category":
            values = _text(name, values, column)
            odd = _unknown(name, values, column)
        else:
            values = _numbers(name, values, column, place)
            _refuse(name, values, column, place)
            values = values.cast(column.dtype)
            odd = _outside(name, values, column)
        absent = values.null_count()
        if absent and not column.nullable and column.name != TARGET:
            text = f"{column.name} is absent in {_rows(absent)}, a value was expected in each"
            notes.append(Note(name, "absent_value", column.name, absent, text))
        notes += odd
        conformed.append(values)
    return pl.DataFrame(conformed), notes


def _text(name: str, values: pl.Series, column: Column) -> pl.Series:
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        raise WrongColumn(f"{name}: column {column.name} holds {values.dtype}, text was expected.")
    text = values.cast(pl.String)
    empty = text == ""
    return text.set(empty, None) if empty.any() else text


def _numbers(name: str, values: pl.Series, column: Column, place: Callable[[int], str]) -> pl.Series:
    """Return the values as Int64 or Float64, without NaN; raise WrongColumn for the first that is no number."""
    dtype = values.dtype
    if dtype.is_integer() and column.dtype == pl.Int64 and dtype != pl.UInt64:
        return values.cast(pl.Int64)
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        floats = values.cast(pl.Float64)
        return floats.fill_nan(None) if np.isnan(floats.to_numpy()).sum() > floats.null_count() else floats
    if dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise WrongColumn(f"{name}: column {column.name} holds {dtype}, numbers were expected.")
    text = values.cast(pl.String)
    numbers = text.set(text == "", None).cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & text.is_not_null() & (text != "")).arg_true()
    if len(wrong):
        row = int(wrong[0])
        more = f" ({len(wrong)} such values in all)" if len(wrong) > 1 else ""
        raise WrongColumn(
            f"{name}: {place(row)}, column {column.name}: {str(text[row])[:60]!r} is not a number{more}. "
            f"Correct it in the file, or leave it empty if it is unknown."
        )
    return numbers.fill_nan(None)


def _refuse(name: str, values: pl.Series, column: Column, place: Callable[[int], str]) -> None:
    """Raise WrongColumn for an absent identifier, an infinity, a fraction, or a value that can't be at all."""
    if column.kind == "identifier" and values.null_count():
        row = int(values.is_null().arg_true()[0])
        raise WrongColumn(
            f"{name}: {_rows(values.null_count())} without {column.name}, the first on {place(row)}. "
            f"Every row needs one."
        )
    low, high = _extremes(values)
    if math.isinf(low) or math.isinf(high):
        infinite = values.is_infinite().arg_true()
        raise WrongColumn(
            f"{name}: {_rows(len(infinite))} with an infinite {column.name}, the first on {place(int(infinite[0]))}. "
            f"Leave the value empty if it is unknown."
        )
    if column.kind == "real":
        return
    if values.dtype == pl.Float64:
        fractions = (values != values.floor()).arg_true()
        if len(fractions):
            row = int(fractions[0])
            raise WrongColumn(f"{name}: {place(row)}, column {column.name}: {values[row]} is not a whole number.")
    least, most, rule = -_LARGEST, _LARGEST, f"a whole number of at most {len(str(_LARGEST))} digits"
    if column.kind == "identifier":
        least, rule = 0, f"a whole number from 0 to {_LARGEST}"
    elif column.name == TARGET:
        least, most, rule = 0, 1, "0 (repaid), 1 (default) or nothing"
    if low < least or high > most:
        row = int(((values < least) | (values > most)).arg_true()[0])
        raise WrongColumn(f"{name}: {place(row)}, column {column.name}: {values[row]:.0f} is not {rule}.")


def _extremes(values: pl.Series) -> tuple[float, float]:
    """Return the least and the greatest value; 0 and 0 where there is none."""
    low, high = values.min(), values.max()
    return (float(low), float(high)) if isinstance(low, int | float) and isinstance(high, int | float) else (0.0, 0.0)


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"


def _unknown(name: str, values: pl.Series, column: Column) -> list[Note]:
    known = {*column.categories, *column.missing_codes}
    if not column.categories or known.issuperset(values.unique().drop_nulls()):
        return []
    unknown = values.filter(~values.is_in([code for code in known if isinstance(code, str)])).drop_nulls()
    names = unknown.value_counts(sort=True)[column.name].to_list()
    shown = ", ".join(map(repr, names[:3])) + (", …" if len(names) > 3 else "")
    text = f"{column.name} is none of the known categories in {_rows(len(unknown))}: {shown}; kept as they are"
    return [Note(name, "unknown_category", column.name, len(unknown), text)]


def _outside(name: str, values: pl.Series, column: Column) -> list[Note]:
    least, most = _bounds(column)
    low, high = _extremes(values)
    if low >= least and high <= most:
        return []
    codes = pl.Series([code for code in column.missing_codes if not isinstance(code, str)], dtype=pl.Float64)
    outside = values.filter(((values < least) | (values > most)) & ~values.is_in(codes.cast(values.dtype)))
    if not len(outside):
        return []
    low, high = _extremes(outside)
    text = (
        f"{column.name} is outside {_range(least, most)} in {_rows(len(outside))}, from {low:.12g} to {high:.12g}; "
        f"kept as they are"
    )
    return [Note(name, "outside", column.name, len(outside), text)]


def _bounds(column: Column) -> tuple[float, float]:
    if column.kind == "flag":
        return 0, 1
    least = -math.inf if column.minimum is None else column.minimum
    return least, math.inf if column.maximum is None else column.maximum


def _range(least: float, most: float) -> str:
    left = f"[{least:.12g}" if least > -math.inf else "(−∞"
    return f"{left}, {most:.12g}]" if most < math.inf else f"{left}, ∞)"


def check_key(name: str, frame: pl.DataFrame, key: str, place: Callable[[int], str]) -> None:
    """Raise WrongColumn where two rows have the same `key`, saying which and where."""
    repeated = frame[key].is_duplicated().arg_true()
    if not len(repeated):
        return
    value = frame[key][int(repeated[0])]
    rows = (frame[key] == value).arg_true()
    count = frame[key].gather(repeated).n_unique()
    more = f", and {count - 1} more like it" if count > 1 else ""
    raise WrongColumn(
        f"{name}: {key} {value} is there {len(rows)} times, on {place(int(rows[0]))} and {place(int(rows[1]))}{more}. "
        f"Each must be there once."
    )
