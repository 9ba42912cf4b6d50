"""The whole catalogue of features, in its fixed order."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from data import schema
from data.errors import MissingTable, UnknownColumn, did_you_mean
from data.features import application, bureau, card, instalments, pos, previous
from data.features.feature import DERIVED, Feature, group_description, group_label

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DERIVED", "Feature", "feature", "features", "group_description", "group_label"]

_BLOCKS = (application, bureau, previous, pos, instalments, card)


def features(absent_tables: Iterable[str] = ()) -> tuple[Feature, ...]:
    """Return the features that can be computed, in their fixed order.

    Parameters
    ----------
    absent_tables : tables that are not there, whose features are left out. Without `bureau`, `bureau_balance` can't be
        joined to clients and is absent too.

    Returns
    -------
    tuple of Feature, 795 of them where no table is absent.

    Raises
    ------
    MissingTable
        Where `application` is absent: nothing can be computed.
    UnknownColumn
        For a table that the schema doesn't have.
    """
    absent = frozenset(schema.table(name).name for name in absent_tables)
    if "application" in absent:
        raise MissingTable("The application table is absent: without it there are no clients to compute features of.")
    if "bureau" in absent:
        absent |= {"bureau_balance"}
    return tuple(feature for feature in _all() if feature.table not in absent)


def feature(name: str) -> Feature:
    """Return the feature called `name`; raise UnknownColumn, with the nearest names, where there is none."""
    known = _by_name()
    if name not in known:
        raise UnknownColumn(f"No feature {name!r} in the catalogue.{did_you_mean(name, known)}")
    return known[name]


@functools.cache
def _all() -> tuple[Feature, ...]:
    return tuple(feature for block in _BLOCKS for feature in block.features())


@functools.cache
def _by_name() -> dict[str, Feature]:
    return {feature.name: feature for feature in _all()}
