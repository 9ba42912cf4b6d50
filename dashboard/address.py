"""The page's address: what a link, a reload or the back button brings back.

`?page=client&client=100001&lang=fr&decision=refused&levels=high,very_high&score=0.1-0.4&with=age.25-34&feature=NAME`;
parts at their default are left out, but for page and lang. Of the Portfolio page: `x=`, `y=` and `charts=` are axes, a
column with its scale; `colour=` is a column; `where=` the filters, as `explain.crossfilter.filter_text` writes them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from data.errors import PretscopeError
from data.features.catalog import features
from explain.crossfilter.filter_text import axis_from, axis_text, filters_from, filters_text
from explain.selection import Selection, named_selections
from models.policy import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.crossfilter.axes import AxisKey
    from explain.crossfilter.filters import Filter

PAGES = ("client", "portfolio", "explanation", "whatif", "model", "watch")
DECISIONS = ("all", "accepted", "refused")
FILTERED, PICKED = "filters", "portfolio"
SELECTION = "refused"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which clients the picker offers.

    Attributes
    ----------
    decision : "all", "accepted" or "refused".
    levels : levels of risk kept, from `models.policy.LEVELS`; empty keeps all.
    low, high : bounds of the score, inclusive, in [0, 1].
    """

    decision: str = "all"
    levels: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0

    @property
    def selection(self) -> Selection:
        """The clients the filters keep."""
        return Selection(self.decision, self.levels, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Explored:
    """What the Portfolio page explores; None where it is what that page shows first.

    Attributes
    ----------
    across, up : axes of the pair.
    colour : what colours it.
    charts : the distributions.
    filters : by the chart that made them.
    unread : whether something was written that can't be read, and left out.
    """

    across: AxisKey | None = None
    up: AxisKey | None = None
    colour: str | None = None
    charts: tuple[AxisKey, ...] | None = None
    filters: tuple[tuple[str, Filter], ...] = ()
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """What the address says; whatever it doesn't say, or says wrongly, is None or the default.

    Attributes
    ----------
    page : one of PAGES.
    client : the client as written, not yet checked; None where the address names none.
    language : as written, or None.
    filters : of the picker.
    selection : clients set against everyone: a name of `explain.selection.named_selections`, or FILTERED.
    feature : the feature explained; None where the address names none that there can be.
    explored : what the Portfolio page explores.
    """

    page: str = "client"
    client: str | None = None
    language: str | None = None
    filters: Filters = field(default_factory=Filters)
    selection: str = SELECTION
    feature: str | None = None
    explored: Explored = field(default_factory=Explored)

    def with_language(self, language: str) -> Address:
        """Return the same address in another language."""
        return replace(self, language=language)


def parse(search: str) -> Address:
    """Return what a query string, with or without its "?", says; never fails, since anyone can write an address."""
    given = dict(parse_qsl(search.removeprefix("?"), max_num_fields=50))
    page = given.get("page", "client")
    decision = given.get("decision", "all")
    wanted = given.get("levels", "").split(",")
    low, high = _bounds(given.get("score", ""))
    selection, feature = given.get("with", SELECTION), given.get("feature")
    return Address(
        page=page if page in PAGES else "client",
        client=given.get("client") or None,
        language=given.get("lang"),
        filters=Filters(
            decision=decision if decision in DECISIONS else "all",
            levels=tuple(level for level in LEVELS if level in wanted),
            low=low,
            high=high,
        ),
        selection=selection if selection == FILTERED or selection in named_selections() else SELECTION,
        feature=feature if feature in _feature_names() else None,
        explored=_explored(given),
    )


def build(address: Address) -> str:
    """Return the query string, "?" included, that `parse` turns back into `address`."""
    filters = address.filters
    parts = {"page": address.page}
    if address.client is not None:
        parts["client"] = address.client
    if address.language is not None:
        parts["lang"] = address.language
    if filters.decision != "all":
        parts["decision"] = filters.decision
    if filters.levels:
        parts["levels"] = ",".join(filters.levels)
    if (filters.low, filters.high) != (0.0, 1.0):
        parts["score"] = f"{filters.low:g}-{filters.high:g}"
    if address.selection != SELECTION:
        parts["with"] = address.selection
    if address.feature is not None:
        parts["feature"] = address.feature
    parts |= _explored_parts(address.explored)
    return "?" + urlencode(parts, safe=",~:;*")


def _explored_parts(explored: Explored) -> dict[str, str]:
    parts = {name: axis_text(key) for name, key in (("x", explored.across), ("y", explored.up)) if key is not None}
    if explored.colour is not None:
        parts["colour"] = explored.colour
    if explored.charts is not None:
        parts["charts"] = ",".join(map(axis_text, explored.charts))
    if explored.filters:
        parts["where"] = filters_text(explored.filters)
    return parts


def _explored(given: Mapping[str, str]) -> Explored:
    """Return what the address says of the Portfolio page; what can't be read is left out, and said to be."""
    found: dict[str, Any] = {"colour": given.get("colour")}
    unread = False
    for part, key, read in (
        ("across", "x", axis_from),
        ("up", "y", axis_from),
        ("charts", "charts", _axes),
        ("filters", "where", filters_from),
    ):
        if key in given:
            try:
                found[part] = read(given[key])
            except PretscopeError:
                unread = True
    return Explored(**found, unread=unread)


def _axes(text: str) -> tuple[AxisKey, ...]:
    return tuple(axis_from(part) for part in text.split(",") if part)


@functools.cache
def _feature_names() -> frozenset[str]:
    return frozenset(feature.name for feature in features())


def _bounds(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    try:
        bounds = float(low), float(high)
    except ValueError:
        return 0.0, 1.0
    return bounds if 0.0 <= bounds[0] <= bounds[1] <= 1.0 else (0.0, 1.0)
