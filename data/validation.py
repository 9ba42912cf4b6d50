"""A raw table as the schema wants it: refused where it can't be right, noted where it is merely odd.

Refused: a column missing, a value of another type, an identifier absent, an infinity, a key that repeats. Noted and
kept: values outside the plausible bounds, unknown categories, absent values where none was expected. Noted and left
out: columns the schema doesn't have.

A table goes by in chunks of rows, of one file or of several parts; what is odd is counted over all of them.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from data.errors import WrongColumn, did_you_mean
from data.schema import TARGET, Column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

NoteKind = Literal[
    "outside", "unknown_category", "absent_value", "extra_column", "orphan", "no_rows", "no_final_line_break", "cp1252",
    "left_aside",
]  # fmt: skip

# Identifiers travel through double precision in CSV files; beyond this they would no longer be told apart.
_LARGEST = 2**53 - 1
_NAMES_KEPT = 1_000  # of unknown categories: a column of free text would fill the memory


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of a chunk stand.

    Attributes
    ----------
    file : name of their file, for messages.
    of : words for the place in the file of the row of that rank in the chunk, such as "line 12".
    until : words for how far the file is read, such as " up to line 900"; empty where the chunk is the whole file.
    """

    file: str
    of: Callable[[int], str]
    until: str = ""


@dataclass
class _Odd:
    """What is odd in one column, so far."""

    count: int = 0
    low: float = math.inf
    high: float = -math.inf
    names: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)


class Findings:
    """What is odd in a source file, or in the parts of one, as its chunks go by.

    Parameters
    ----------
    name : of the source, for notes; where what is odd is all in one part, the note names that part.
    wanted : the columns it must have.
    """

    def __init__(self, name: str, wanted: Sequence[Column]) -> None:
        self._name = name
        self._wanted = wanted
        self._rows = 0
        self._extra: dict[str, _Odd] = {}
        self._found: dict[tuple[str, NoteKind], _Odd] = {}

    def check_header(self, file: str, header: Sequence[str]) -> None:
        """Raise WrongColumn where a wanted column is not among those of a file; remember those not wanted."""
        expected = [column.name for column in self._wanted]
        extra = [column for column in header if column not in expected]
        missing = [column for column in expected if column not in header]
        if missing:
            raise WrongColumn(_missing(file, missing, extra))
        for column in extra:
            self._extra.setdefault(column, _Odd()).files.add(file)

    def conform(self, frame: pl.DataFrame, place: Place) -> pl.DataFrame:
        """Return a chunk with the schema's columns, order and types, and remember what is odd in it.

        Parameters
        ----------
        frame : the chunk, with every wanted column, of whatever type.
        place : where its rows stand.

        Returns
        -------
        DataFrame
            Int64, Float64 and String columns; no NaN, no infinity, and no null in an identifier.

        Raises
        ------
        WrongColumn
            A value that can't be what the schema says, with its place.
        """
        self._rows += frame.height
        if not frame.height:
            return pl.DataFrame(schema={column.name: column.dtype for column in self._wanted})
        return pl.DataFrame([self._conform(frame[column.name], column, place) for column in self._wanted])

    def notes(self) -> list[Note]:
        """Return what is odd, in the order of the columns."""
        left_out = "column {} is not in the schema and is left out"
        told = [
            self._note("extra_column", column, odd, left_out.format(column or "(unnamed)"))
            for column, odd in self._extra.items()
        ]
        if not self._rows:
            return [*told, Note(self._name, "no_rows", "", 0, "the file has a header and no row")]
        kinds: tuple[NoteKind, ...] = ("absent_value", "unknown_category", "outside")
        for column, kind in itertools.product(self._wanted, kinds):
            odd = self._found.get((column.name, kind))
            if odd is not None:
                told.append(self._note(kind, column.name, odd, _WORDS[kind](column, odd)))
        return told

    def _note(self, kind: NoteKind, column: str, odd: _Odd, text: str) -> Note:
        name = next(iter(odd.files)) if len(odd.files) == 1 else self._name
        return Note(name, kind, column, odd.count, text)

    def _conform(self, values: pl.Series, column: Column, place: Place) -> pl.Series:
        if column.kind == "category":
            values = _text(place.file, values, column)
            self._note_unknown(values, column, place.file)
        else:
            values = _numbers(values, column, place)
            _refuse(values, column, place)
            values = values.cast(column.dtype)
            self._note_outside(values, column, place.file)
        absent = values.null_count()
        if absent and not column.nullable and column.name != TARGET:
            self._odd(column, "absent_value", absent, place.file)
        return values

    def _odd(self, column: Column, kind: NoteKind, count: int, file: str) -> _Odd:
        odd = self._found.setdefault((column.name, kind), _Odd())
        odd.count += count
        odd.files.add(file)
        return odd

    def _note_unknown(self, values: pl.Series, column: Column, file: str) -> None:
        known = {*column.categories, *column.missing_codes}
        if not column.categories or known.issuperset(values.unique().drop_nulls()):
            return
        unknown = values.filter(~values.is_in([code for code in known if isinstance(code, str)])).drop_nulls()
        names = self._odd(column, "unknown_category", len(unknown), file).names
        counts = unknown.value_counts(sort=True)
        for name, count in zip(counts[column.name], counts["count"], strict=True):
            if name in names or len(names) < _NAMES_KEPT:
                names[name] += count

    def _note_outside(self, values: pl.Series, column: Column, file: str) -> None:
        least, most = _bounds(column)
        low, high = _extremes(values)
        if low >= least and high <= most:
            return
        codes = pl.Series([code for code in column.missing_codes if not isinstance(code, str)], dtype=pl.Float64)
        outside = values.filter(
            ((values < least) | (values > most)) & ~values.is_in(codes.cast(values.dtype).implode())
        )
        if not len(outside):
            return
        odd = self._odd(column, "outside", len(outside), file)
        low, high = _extremes(outside)
        odd.low, odd.high = min(odd.low, low), max(odd.high, high)


def _absent_words(column: Column, odd: _Odd) -> str:
    return f"{column.name} is absent in {_rows(odd.count)}, a value was expected in each"


def _unknown_words(column: Column, odd: _Odd) -> str:
    names = [name for name, _ in odd.names.most_common(4)]
    shown = ", ".join(map(repr, names[:3])) + (", …" if len(names) > 3 else "")
    return f"{column.name} is none of the known categories in {_rows(odd.count)}: {shown}; kept as they are"


def _outside_words(column: Column, odd: _Odd) -> str:
    bounds = _range(*_bounds(column))
    return (
        f"{column.name} is outside {bounds} in {_rows(odd.count)}, from {odd.low:.12g} to {odd.high:.12g}; "
        f"kept as they are"
    )


_WORDS: dict[NoteKind, Callable[[Column, _Odd], str]] = {
    "absent_value": _absent_words,
    "unknown_category": _unknown_words,
    "outside": _outside_words,
}


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


def _text(name: str, values: pl.Series, column: Column) -> pl.Series:
    if values.dtype.is_nested() or values.dtype == pl.Binary:
        raise WrongColumn(f"{name}: column {column.name} holds {values.dtype}, text was expected.")
    text = values.cast(pl.String)
    empty = text == ""
    return text.set(empty, None) if empty.any() else text


def _numbers(values: pl.Series, column: Column, place: Place) -> pl.Series:
    """Return the values as Int64 or Float64, without NaN; raise WrongColumn for the first that is no number."""
    dtype = values.dtype
    if dtype.is_integer() and column.dtype == pl.Int64 and dtype != pl.UInt64:
        return values.cast(pl.Int64)
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        floats = values.cast(pl.Float64)
        return floats.fill_nan(None) if np.isnan(floats.to_numpy()).sum() > floats.null_count() else floats
    if dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise WrongColumn(f"{place.file}: column {column.name} holds {dtype}, numbers were expected.")
    text = values.cast(pl.String)
    numbers = text.set(text == "", None).cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & text.is_not_null() & (text != "")).arg_true()
    if len(wrong):
        row = int(wrong[0])
        more = f" ({len(wrong)} such values{place.until or ' in all'})" if len(wrong) > 1 else ""
        raise WrongColumn(
            f"{place.file}: {place.of(row)}, column {column.name}: {str(text[row])[:60]!r} is not a number{more}. "
            f"Correct it in the file, or leave it empty if it is unknown."
        )
    return numbers.fill_nan(None)


def _refuse(values: pl.Series, column: Column, place: Place) -> None:
    """Raise WrongColumn for an absent identifier, an infinity, a fraction, or a value that can't be at all."""
    if column.kind == "identifier" and values.null_count():
        row = int(values.is_null().arg_true()[0])
        raise WrongColumn(
            f"{place.file}: {_rows(values.null_count())} without {column.name}{place.until}, the first on "
            f"{place.of(row)}. "
            f"Every row needs one."
        )
    low, high = _extremes(values)
    if math.isinf(low) or math.isinf(high):
        infinite = values.is_infinite().arg_true()
        raise WrongColumn(
            f"{place.file}: {_rows(len(infinite))} with an infinite {column.name}{place.until}, the first on "
            f"{place.of(int(infinite[0]))}. "
            f"Leave the value empty if it is unknown."
        )
    if column.kind == "real":
        return
    if values.dtype == pl.Float64:
        fractions = (values != values.floor()).arg_true()
        if len(fractions):
            row = int(fractions[0])
            raise WrongColumn(
                f"{place.file}: {place.of(row)}, column {column.name}: {values[row]} is not a whole number."
            )
    least, most, rule = -_LARGEST, _LARGEST, f"a whole number of at most {len(str(_LARGEST))} digits"
    if column.kind == "identifier":
        least, rule = 0, f"a whole number from 0 to {_LARGEST}"
    elif column.name == TARGET:
        least, most, rule = 0, 1, "0 (repaid), 1 (default) or nothing"
    if low < least or high > most:
        row = int(((values < least) | (values > most)).arg_true()[0])
        raise WrongColumn(f"{place.file}: {place.of(row)}, column {column.name}: {values[row]:.0f} is not {rule}.")


def _extremes(values: pl.Series) -> tuple[float, float]:
    """Return the least and the greatest value; 0 and 0 where there is none."""
    low, high = values.min(), values.max()
    return (float(low), float(high)) if isinstance(low, int | float) and isinstance(high, int | float) else (0.0, 0.0)


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"


def _bounds(column: Column) -> tuple[float, float]:
    if column.kind == "flag":
        return 0, 1
    least = -math.inf if column.minimum is None else column.minimum
    return least, math.inf if column.maximum is None else column.maximum


def _range(least: float, most: float) -> str:
    left = f"[{least:.12g}" if least > -math.inf else "(−∞"
    return f"{left}, {most:.12g}]" if most < math.inf else f"{left}, ∞)"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the rows of one file.

    Attributes
    ----------
    file : its name, for messages.
    ids : int64 (n,), in its order.
    place : words for the place of the row of that rank.
    """

    file: str
    ids: NDArray[np.int64]
    place: Callable[[int], str]


def check_keys(key: str, keys: Sequence[Keys]) -> None:
    """Raise WrongColumn where two rows, of one file or of two, have the same `key`, saying which and where."""
    for one in keys:
        _check_once(key, one)
    if len(keys) == 1:
        return
    ids = np.concatenate([one.ids for one in keys])
    files = np.repeat(np.arange(len(keys)), [len(one.ids) for one in keys])
    order = np.argsort(ids, kind="stable")
    twice = np.flatnonzero(np.diff(ids[order]) == 0)
    if not len(twice):
        return
    first, second = files[order[twice]], files[order[twice + 1]]
    left, right = int(first[0]), int(second[0])
    both = ids[order[twice]][(first == left) & (second == right)]
    shown = ", ".join(map(str, both[:3].tolist())) + (", …" if len(both) > 3 else "")
    raise WrongColumn(
        f"{len(both)} {key} are in both {keys[left].file} and {keys[right].file}: {shown}. Each must be there once."
    )


def _check_once(key: str, keys: Keys) -> None:
    ids, counts = np.unique(keys.ids, return_counts=True)
    repeated = ids[counts > 1]
    if not len(repeated):
        return
    value = keys.ids[np.flatnonzero(np.isin(keys.ids, repeated))[0]]
    rows = np.flatnonzero(keys.ids == value)
    more = f", and {len(repeated) - 1} more like it" if len(repeated) > 1 else ""
    raise WrongColumn(
        f"{keys.file}: {key} {value} is there {len(rows)} times, on {keys.place(int(rows[0]))} and "
        f"{keys.place(int(rows[1]))}{more}. Each must be there once."
    )
