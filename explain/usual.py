"""The category that is most frequent among some clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data.errors import UnknownColumn
from data.features.application import BINARIES
from explain.sentences import category_column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from data.features.catalog import Feature


def usual_category(
    source: str,
    catalog: Sequence[Feature],
    column: Callable[[str], NDArray[np.float32]],
    kept: NDArray[np.bool_],
) -> str | None:
    """Return the category that most of the clients kept have; None where none of them has any.

    Those whose category is missing are left out, as a median leaves out missing values; of equally frequent categories
    the first of the catalogue is taken.

    Parameters
    ----------
    source : a column of categories of the application, "table.column".
    catalog : entries of the features.
    column : gives one feature of every client, (n,) float32, by its name.
    kept : (n,) bool, the clients, such as the accepted ones.

    Raises
    ------
    UnknownColumn
        If the source is no column of categories, or no feature is of it.
    """
    known = category_column(source)
    entries = [feature for feature in catalog if feature.group == source]
    if known is None or not entries:
        raise UnknownColumn(f"{source} is no column of categories that features are made of.")
    if known.name in BINARIES:
        values = column(entries[0].name)[kept]
        counts = [int(np.count_nonzero(values == code)) for code in (0.0, 1.0)]
        names: list[str] = list(BINARIES[known.name])
    else:
        counts = [int(np.count_nonzero(column(entry.name)[kept] == 1.0)) for entry in entries]
        names = [str(entry.category) for entry in entries]
    best = int(np.argmax(counts))
    return names[best] if counts[best] else None
