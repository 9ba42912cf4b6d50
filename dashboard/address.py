"""The page's address: what a link, a reload or the back button brings back.

`?page=client&client=100001&lang=fr&decision=refused&levels=high,very_high&score=0.1-0.4`; parts at their default are
left out, but for page and lang.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

from models.policy import LEVELS

PAGES = ("client", "portfolio", "explanation", "whatif", "model", "watch")
DECISIONS = ("all", "accepted", "refused")


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


@dataclass(frozen=True, slots=True)
class Address:
    """What the address says; whatever it doesn't say, or says wrongly, is None or the default.

    Attributes
    ----------
    page : one of PAGES.
    client : the client as written, not yet checked; None where the address names none.
    language : as written, or None.
    filters : of the picker.
    """

    page: str = "client"
    client: str | None = None
    language: str | None = None
    filters: Filters = field(default_factory=Filters)

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
    return "?" + urlencode(parts, safe=",")


def _bounds(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    try:
        bounds = float(low), float(high)
    except ValueError:
        return 0.0, 1.0
    return bounds if 0.0 <= bounds[0] <= bounds[1] <= 1.0 else (0.0, 1.0)
