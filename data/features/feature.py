"""One feature: where it comes from, how it is computed, and what people call it."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from data import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.schema import Language, Unit

Block = Literal["application", "bureau", "previous", "pos", "instalments", "card"]
Aggregation = Literal["value", "is", "share", "mean", "min", "max", "sum", "var", "count", "size", "nunique"]
Subset = Literal["active", "closed", "approved", "refused"]

NAN = "nan"
"""The category of the rows whose category is missing, as the well-known names write it."""

DERIVED: Mapping[str, Unit] = MappingProxyType(
    {
        "application.DAYS_EMPLOYED_PERC": "ratio",
        "application.INCOME_CREDIT_PERC": "ratio",
        "application.INCOME_PER_PERSON": "currency",
        "application.ANNUITY_INCOME_PERC": "ratio",
        "application.PAYMENT_RATE": "ratio",
        "bureau_balance.MONTHS_BALANCE_SIZE": "count",
        "previous_application.APP_CREDIT_PERC": "ratio",
        "POS_CASH_balance.COUNT": "count",
        "installments_payments.DPD": "days",
        "installments_payments.DBD": "days",
        "installments_payments.PAYMENT_PERC": "ratio",
        "installments_payments.PAYMENT_DIFF": "currency",
        "installments_payments.COUNT": "count",
        "credit_card_balance.COUNT": "count",
    }
)
"""The columns that no raw table has, as "table.column", and their unit."""

_GROUPS = {"bureau_balance.MONTHS_BALANCE_SIZE": "bureau_balance.MONTHS_BALANCE"}
_LOOKS_AHEAD = {"bureau.DAYS_CREDIT_ENDDATE"}
_COUNTS = {"count", "size", "nunique"}
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Feature:
    """One of the 795 features of a client.

    Attributes
    ----------
    name : the well-known name, such as "ACTIVE_AMT_CREDIT_SUM_DEBT_SUM".
    block : part of the catalogue it belongs to.
    table, column : where its values come from; the column may be a derived one (`DERIVED`).
    aggregation : how the rows of a client are reduced; "value" and "is" (0 or 1) read the application itself, "share"
        is a share of rows in [0, 1]. With a category, "min", "max", "sum" and "var" reduce its indicator (0 or 1).
    category : the category it looks for; "nan" is the missing one; None where it reads numbers.
    subset : the rows it is restricted to; None where it reads them all.
    """

    name: str
    block: Block
    table: str
    column: str
    aggregation: Aggregation
    category: str | None = None
    subset: Subset | None = None

    @property
    def source(self) -> str:
        """Where its values come from, as "table.column", the column being raw or derived."""
        return f"{self.table}.{self.column}"

    @property
    def group(self) -> str:
        """What contributions are summed over: the source, or the raw column that a derived one only counts."""
        return _GROUPS.get(self.source, self.source)

    @property
    def unit(self) -> Unit:
        """Unit of its values; "ratio" for a share, "none" for a variance and for what is 0 or 1."""
        if self.aggregation in _COUNTS or (self.category is not None and self.aggregation == "sum"):
            return "count"
        if self.aggregation == "share":
            return "ratio"
        if self.aggregation == "var" or self.category is not None:
            return "none"
        return DERIVED[self.source] if self.source in DERIVED else schema.table(self.table).column(self.column).unit

    def label(self, language: Language, *, short: bool = False) -> str:
        """Return what people call it, without a trailing stop.

        Parameters
        ----------
        language : "fr" or "en".
        short : leave out the table it comes from, where what is around already says it.
        """
        words = messages(language)
        column = _column_words(self.source, language)["label"]
        category = "" if self.category is None else _category_label(self, language)
        form = (
            self.aggregation
            if self.aggregation in {"value", "is"}
            else "number"
            if self.category is None
            else "category"
        )
        scope = words["subsets"][self.subset] if self.subset else "" if short else words["scopes"][self.table]
        template = words["templates"][form if scope else f"{form}_short"]
        return str(
            template.format(column=column, category=category, scope=scope, aggregation=_aggregation_words(self, words))
        )


def looks_back(source: str) -> bool:
    """Return whether a column, "table.column", counts time back from the application, below 0."""
    if source in DERIVED or source in _LOOKS_AHEAD:
        return False
    table, _, name = source.partition(".")
    column = schema.table(table).column(name)
    return column.unit in {"days", "months"} and column.minimum is not None and column.minimum < 0


def group_label(group: str, language: Language) -> str:
    """Return what people call a raw or derived column, given as "table.column"; raise UnknownColumn for another."""
    words = messages(language)
    column = _column_words(group, language)["label"]
    table = group.partition(".")[0]
    if table == "application":
        return column
    return str(words["templates"]["group"].format(column=column, scope=words["scopes"][table]))


def group_description(group: str, language: Language) -> str:
    """Return one sentence on a raw or derived column, given as "table.column"; raise UnknownColumn for another."""
    return _column_words(group, language)["description"]


@functools.cache
def messages(language: Language) -> dict[str, Any]:
    """Return the words that features are read with, from `messages/{en,fr}.toml`."""
    with open(_HERE / "messages" / f"{language}.toml", "rb") as file:
        return tomllib.load(file)


def _column_words(source: str, language: Language) -> dict[str, str]:
    derived: dict[str, dict[str, str]] = messages(language)["derived"]
    if source in derived:
        return derived[source]
    table, _, name = source.partition(".")
    column = schema.table(table).column(name)
    return {"label": column.label(language), "description": column.description(language)}


def _category_label(feature: Feature, language: Language) -> str:
    if feature.category is None or feature.category == NAN:
        return str(messages(language)["values"]["missing"])
    return schema.table(feature.table).column(feature.column).category_label(feature.category, language)


def _aggregation_words(feature: Feature, words: dict[str, Any]) -> str:
    if feature.aggregation in {"value", "is"}:
        return ""
    if feature.category is not None:
        return str(words["category_aggregations"][feature.aggregation])
    kind = "elapsed_aggregations" if looks_back(feature.source) else "aggregations"
    return str(words[kind].get(feature.aggregation, words["aggregations"][feature.aggregation]))
