"""Contributions summed by reason block: the source columns that measure one economic thing, said as one reason.

`blocks.toml` declares them: correlated columns share what the model learnt from them in a way that says little, so that
their contributions are summed before they are ranked. No block mixes an attribute that the law protects with others.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data import schema
from data.errors import InvalidOption, ModelError, UnknownColumn, did_you_mean
from data.features.application import RATIOS
from explain.grouping import grouping
from explain.sentences import messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from data.features.catalog import Feature
    from data.schema import Language
    from explain.contributions import Contributions

_APPLICATION = "application"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Block:
    """What is said as one reason.

    Attributes
    ----------
    name : its key in `blocks.toml`.
    sources : source columns, "table.column".
    protected : whether the law protects these attributes of a person, or those that they are computed from.
    """

    name: str
    sources: tuple[str, ...]
    protected: bool

    def label(self, language: Language) -> str:
        """Return what people call it; raise InvalidOption for an unknown language."""
        return str(messages(language)["blocks"][self.name])


def is_protected(source: str) -> bool:
    """Return whether the law protects the attribute of a person that a source column is, or is computed from."""
    table, _, column = source.partition(".")
    if table != _APPLICATION:
        return False
    known = schema.table(table)
    return any(known.column(part).protected for part in RATIOS.get(column, (column,)))


@functools.cache
def blocks() -> Mapping[str, Block]:
    """Return the blocks by name, in the order of `blocks.toml`."""
    with open(_HERE / "blocks.toml", "rb") as file:
        declared = tomllib.load(file)["blocks"]
    found = {}
    for name, tables in declared.items():
        sources = tuple(f"{table}.{column}" for table, columns in tables.items() for column in columns)
        found[name] = Block(name, sources, any(map(is_protected, sources)))
    return MappingProxyType(found)


def exceptions() -> Mapping[frozenset[str], str]:
    """Return the pairs of source columns that move together but are not said as one reason, and why."""
    with open(_HERE / "blocks.toml", "rb") as file:
        return {frozenset(pair["sources"]): pair["why"] for pair in tomllib.load(file)["exceptions"]}


def block_of(source: str) -> Block:
    """Return the block of a source column, "table.column"; raise UnknownColumn where none declares it."""
    by_source = _by_source()
    if source not in by_source:
        raise UnknownColumn(
            f"No reason block has column {source!r}.{did_you_mean(source, by_source)} Declare it in "
            "explain/blocks.toml, in the block of what it measures."
        )
    return by_source[source]


@functools.cache
def _by_source() -> Mapping[str, Block]:
    return {source: block for block in blocks().values() for source in block.sources}


@dataclass(frozen=True, slots=True, eq=False)
class BlockContributions:
    """One client's contributions summed by block, the strongest first; blocks of equal strength as they are declared.

    Every block quotes one feature: the one that pulls hardest the way the whole block does, so that what is said of it
    never contradicts the block. The categories of one column count as one, quoted by the client's own.

    Attributes
    ----------
    blocks : the names of the B blocks.
    contributions : (B,) float64, log-odds of repayment; above zero helps the client.
    members : (B,) int64, number of features summed.
    protected : (B,) bool, whether the law protects what the block is of.
    quoted : the B names of the features quoted.
    sources : the B source columns of the features quoted, "table.column".
    quoted_values : (B,) float64, the client's value of the feature quoted; NaN where there is none.
    quoted_contributions : (B,) float64, log-odds of repayment, of the feature quoted, or of its column's categories.
    base : log-odds of repayment of those compared with, before any contribution.
    logit_score : log-odds of repayment of this client; `base + contributions.sum()` within 1e-9.
    """

    blocks: tuple[str, ...]
    contributions: NDArray[np.float64]
    members: NDArray[np.int64]
    protected: NDArray[np.bool_]
    quoted: tuple[str, ...]
    sources: tuple[str, ...]
    quoted_values: NDArray[np.float64]
    quoted_contributions: NDArray[np.float64]
    base: float
    logit_score: float

    def frame(self) -> pl.DataFrame:
        """Return one row a block: its attributes in the singular; `value` is null where there is none."""
        return pl.DataFrame(
            {
                "block": self.blocks,
                "contribution": self.contributions,
                "members": self.members,
                "protected": self.protected,
                "feature": self.quoted,
                "source": self.sources,
                "value": self.quoted_values,
                "feature_contribution": self.quoted_contributions,
            },
            schema_overrides={"block": pl.String, "feature": pl.String, "source": pl.String},
        ).with_columns(pl.col("value").fill_nan(None))


def in_blocks(contributions: Contributions, catalog: Sequence[Feature]) -> BlockContributions:
    """Return one client's contributions summed by block, the strongest first.

    Parameters
    ----------
    contributions : in log-odds of repayment; for the reasons of a decision, those against accepted clients.
    catalog : entries of at least the model's features, in any order.

    Raises
    ------
    FeatureMismatch
        If the catalogue doesn't have one of the model's features.
    UnknownColumn
        If no block has the source column of one of them.
    InvalidOption
        If there is not one contribution and one value a feature.
    ModelError
        If a contribution, the base or the score's log-odds is NaN or infinite.
    """
    values, row = contributions.values, contributions.row
    if values.shape != (len(contributions.names),) or row.shape != values.shape:
        raise InvalidOption(
            f"There are {len(contributions.names)} features, but contributions of shape {values.shape} and a client of "
            f"shape {row.shape}. Give one contribution and one value a feature."
        )
    _refuse_not_finite(contributions)
    plan = _plan(contributions.names, tuple(catalog))
    sums, units = np.zeros(len(plan.names)), np.zeros(plan.unit_block.size)
    np.add.at(sums, plan.block, values)
    np.add.at(units, plan.unit, values)
    direction = np.sign(sums)[plan.unit_block]
    pull = np.where(direction == 0.0, np.abs(units), units * direction)
    # Sorted by block, then by falling pull, then by the catalogue's order: the first of each block is quoted.
    by_pull = np.lexsort((-pull, plan.unit_block))
    strongest = by_pull[np.searchsorted(plan.unit_block[by_pull], np.arange(len(plan.names)))]
    order = np.argsort(-np.abs(sums), kind="stable")
    quoted = np.array([_quoted(plan, unit, values, row) for unit in strongest[order]], dtype=np.intp)
    members = np.bincount(plan.block)[order].astype(np.int64)
    summed, own, alone = sums[order], row[quoted], units[strongest[order]]
    named = tuple(plan.names[place] for place in order)
    protected = np.array([blocks()[name].protected for name in named], dtype=np.bool_)
    for array in (summed, members, protected, own, alone):
        array.setflags(write=False)
    return BlockContributions(
        blocks=named,
        contributions=summed,
        members=members,
        protected=protected,
        quoted=tuple(contributions.names[place] for place in quoted),
        sources=tuple(plan.sources[place] for place in quoted),
        quoted_values=own,
        quoted_contributions=alone,
        base=contributions.base,
        logit_score=contributions.logit_score,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """How a model's F features are summed: into U units that can be quoted, and these into the B blocks it reads.

    Attributes
    ----------
    names : the B blocks, in the order of `blocks.toml`.
    block, unit : (F,) intp, the block and the unit of every feature; the indicators of one column are one unit.
    unit_block : (U,) intp, the block of every unit.
    sources : the F source columns, "table.column".
    """

    names: tuple[str, ...]
    block: NDArray[np.intp]
    unit: NDArray[np.intp]
    unit_block: NDArray[np.intp]
    sources: tuple[str, ...]


@functools.lru_cache(maxsize=8)
def _plan(names: tuple[str, ...], catalog: tuple[Feature, ...]) -> _Plan:
    grouped = grouping(names, catalog)
    sources = tuple(grouped.groups[place] for place in grouped.index)
    of = [block_of(source).name for source in sources]
    read = tuple(name for name in blocks() if name in set(of))
    place = {name: index for index, name in enumerate(read)}
    units: dict[str, int] = {}
    keys = [
        source if is_indicator else f"{source} {name}"
        for name, source, is_indicator in zip(names, sources, grouped.indicators, strict=True)
    ]
    unit = np.array([units.setdefault(key, len(units)) for key in keys], dtype=np.intp)
    block = np.array([place[name] for name in of], dtype=np.intp)
    unit_block = np.empty(len(units), dtype=np.intp)
    unit_block[unit] = block
    return _Plan(read, block, unit, unit_block, sources)


def _quoted(plan: _Plan, unit: np.intp, values: NDArray[np.float64], row: NDArray[np.float64]) -> int:
    """Return the feature that a unit is quoted by: of several indicators the client's own, else the heaviest."""
    members = np.flatnonzero(plan.unit == unit)
    own = members[row[members] == 1.0]
    listed = own if members.size > 1 and own.size else members
    return int(listed[np.argmax(np.abs(values[listed]))])


def _refuse_not_finite(contributions: Contributions) -> None:
    wrong = np.flatnonzero(~np.isfinite(contributions.values))
    if wrong.size:
        name = contributions.names[wrong[0]]
        raise ModelError(
            f"{wrong.size} contributions are not finite, such as {contributions.values[wrong[0]]} of {name}: they rank "
            "no reasons. Train the model again: python -m models train --help"
        )
    for what, value in (("base", contributions.base), ("score's log-odds", contributions.logit_score)):
        if not np.isfinite(value):
            raise ModelError(
                f"The {what} is {value}, not finite: it gives no reasons. Train the model again: "
                "python -m models train --help"
            )
