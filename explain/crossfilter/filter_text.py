"""Filters and axes as text that a person can read and an address can hold, and back.

    AMT_CREDIT:100000..500000                    a range of the chart's own column; ".." alone is any value
    EXT_SOURCE_1:..0.3:missing                   also the clients without a value
    raw.NAME_FAMILY_STATUS:is:Married,Widow      categories; none, with "missing": only the clients without a value
    pair:box:AMT_CREDIT:500000..*level:is:high   both of two sides, of the chart "pair"
    pair:lasso:AMT_CREDIT~log:DAYS_BIRTH:x,y,... corners on two axes, in places of theirs
    pair:of:AMT_CREDIT:100000..500000            a range or categories that another chart made

Filters are joined by ";", the first made first. In names "%" and two hexadecimal digits stand for a character that has
a meaning here. What is read back equals what was written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from data.errors import InvalidOption, did_you_mean
from explain.crossfilter.axes import SCALES, AxisKey
from explain.crossfilter.filters import Box, Categories, Lasso, Range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.crossfilter.filters import Filter, Side

_SPECIAL = re.compile(r"[%;:*,~\x00-\x1f\x7f]")
_ESCAPE = re.compile(r"%(-|[0-9A-Fa-f]{2})?")
_EMPTY = "%-"
_MISSING = "missing"
_IS, _OF, _BOX, _LASSO = "is", "of", "box", "lasso"
_TO = ".."


def filters_text(filters: tuple[tuple[str, Filter], ...]) -> str:
    """Return filters, by the chart that made them, as text; "" where there are none."""
    return ";".join(_written(chart, kept) for chart, kept in filters)


def filters_from(text: str) -> tuple[tuple[str, Filter], ...]:
    """Return the filters that a text tells.

    Raises
    ------
    InvalidOption
        Something in it is no filter; the message says what, and what one looks like.
    """
    return tuple(_read(part) for part in text.split(";")) if text else ()


def axis_text(key: AxisKey) -> str:
    """Return an axis as text: its column, and its scale unless it is linear."""
    return _name(key.column) if key.scale == "linear" else f"{_name(key.column)}~{key.scale}"


def axis_from(text: str) -> AxisKey:
    """Return the axis that a text tells.

    Raises
    ------
    InvalidOption
        A scale that there is not, or no column.
    """
    column, separator, scale = text.partition("~")
    try:
        name = _named(column)
    except ValueError as error:
        raise InvalidOption(f"{text!r} is no axis: write a column, and ~log or ~quantile after it.") from error
    if not separator:
        return AxisKey(name)
    for known in SCALES:
        if scale == known:
            return AxisKey(name, known)
    hint = did_you_mean(scale, SCALES)
    raise InvalidOption(f"The axis {text!r} has the scale {scale!r}: it may be {', '.join(SCALES)}.{hint}")


def _written(chart: str, kept: Filter) -> str:
    if isinstance(kept, Box):
        return f"{_name(chart)}:{_BOX}:{_side(kept.across)}*{_side(kept.up)}"
    if isinstance(kept, Lasso):
        corners = ",".join(_double(place) for corner in kept.corners for place in corner)
        return f"{_name(chart)}:{_LASSO}:{axis_text(kept.across)}:{axis_text(kept.up)}:{corners}"
    return _side(kept) if kept.column == chart else f"{_name(chart)}:{_OF}:{_side(kept)}"


def _side(side: Side) -> str:
    if isinstance(side, Range):
        low = "" if side.low == -np.inf else _single(side.low)
        high = "" if side.high == np.inf else _single(side.high)
        said = f"{low}{_TO}{high}"
    else:
        said = ":".join([_IS, ",".join(map(_name, side.names))] if side.names else [_IS])
    return ":".join([_name(side.column), said, *([_MISSING] if side.missing else [])])


def _read(text: str) -> tuple[str, Filter]:
    chart, *fields = text.split(":")
    try:
        if fields[:1] == [_BOX]:
            across, up = ":".join(fields[1:]).split("*")
            return _named(chart), Box(_read_side(across), _read_side(up))
        if fields[:1] == [_LASSO]:
            _, across, up, corners = fields
            return _named(chart), Lasso(axis_from(across), axis_from(up), _corners(corners))
        if fields[:1] == [_OF]:
            return _named(chart), _read_side(":".join(fields[1:]))
        side = _read_side(text)
    except ValueError as error:
        raise InvalidOption(
            f"{text!r} is no filter: write a range such as AMT_CREDIT:100000..500000, categories such as "
            "level:is:high,very_high, a box or a lasso."
        ) from error
    return side.column, side


def _read_side(text: str) -> Side:
    column, kind, *fields = text.split(":")
    if kind == _IS:
        return _read_categories(_named(column), fields)
    if fields not in ([], [_MISSING]):
        raise ValueError(text)
    low, high = kind.split(_TO)
    return Range(_named(column), float(low or -np.inf), float(high or np.inf), bool(fields))


def _read_categories(column: str, fields: Sequence[str]) -> Categories:
    """Read what follows "is": nothing, names, "missing", or names and "missing"; a name is never taken for the word."""
    if len(fields) > 2 or (len(fields) == 2 and fields[1] != _MISSING):
        raise ValueError(fields)
    if not fields:
        return Categories(column)
    if fields == [_MISSING]:
        return Categories(column, (), missing=True)
    return Categories(column, tuple(_named(name) for name in fields[0].split(",")), len(fields) == 2)


def _corners(text: str) -> tuple[tuple[float, float], ...]:
    places = [float(place) for place in text.split(",")]
    return tuple(zip(places[::2], places[1::2], strict=True))


def _name(name: str) -> str:
    if name == _MISSING:
        return "%6Dissing"
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", name) or _EMPTY


def _named(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        if found[1] is None:
            raise ValueError(text)
        return "" if found[1] == "-" else chr(int(found[1], 16))

    if not text:
        raise ValueError("a name is missing")
    return _ESCAPE.sub(character, text)


def _single(value: float) -> str:
    """Return a float32 in the fewest digits that give it back."""
    single = np.float32(value)
    return _shorter(np.format_float_positional(single, trim="-"), np.format_float_scientific(single, trim="-"))


def _double(value: float) -> str:
    return _shorter(np.format_float_positional(value, trim="-"), np.format_float_scientific(value, trim="-"))


def _shorter(positional: str, scientific: str) -> str:
    digits, _, power = scientific.partition("e")
    scientific = f"{digits}e{int(power)}" if power else scientific
    return positional if len(positional) <= len(scientific) + 3 else scientific
