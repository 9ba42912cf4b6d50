"""The features whose effect on risk has a known sign, and which may not be learnt the other way round.

A better external score may never raise the risk; more days past due, more overdue debt or a larger share of refused
applications may never lower it. Variances are left free: they rise with both good and bad surprises.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FALLING = re.compile(r"EXT_SOURCE_\d+")
RISING = re.compile(
    r"""
    (?: INSTAL_DPD_\w+
      | POS_SK_DPD\w*
      | CC_SK_DPD\w*
      | (?:BURO|ACTIVE|CLOSED)_(?:CREDIT_DAY_OVERDUE|AMT_CREDIT_SUM_OVERDUE|AMT_CREDIT_MAX_OVERDUE)_\w+
      | PREV_NAME_CONTRACT_STATUS_Refused_MEAN
    )
    (?<!_VAR)
    """,
    re.VERBOSE,
)


def direction(name: str) -> int:
    """Return 1 where the risk of default may only rise with the feature, -1 where only fall, 0 where it is free."""
    if FALLING.fullmatch(name):
        return -1
    return 1 if RISING.fullmatch(name) else 0


def model_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names as LightGBM takes them: letters, digits, underscores; numbered where two would be the same."""
    taken: dict[str, int] = {}
    result = []
    for name in names:
        plain = candidate = re.sub(r"[^0-9A-Za-z_]+", "_", name)
        while candidate in taken:
            taken[plain] += 1
            candidate = f"{plain}_{taken[plain]}"
        taken[candidate] = 1
        result.append(candidate)
    return tuple(result)
