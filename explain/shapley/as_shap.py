"""Contributions as shap's own Explanation, for its plots and for programs that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data.errors import FeatureMismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def to_shap(values: NDArray[np.float64], base: float, rows: NDArray[np.float64], names: Sequence[str]) -> Any:
    """Return contributions as a `shap.Explanation`.

    Parameters
    ----------
    values : (F,) float64 of one client or (n, F) of n, log-odds of repayment: above zero helps the client.
    base : log-odds of repayment that every contribution starts from.
    rows : the clients' features, NaN where there is no value, in the shape of `values`.
    names : the F features.

    Returns
    -------
    shap.Explanation with the same values and clients, copied; `base_values` is a number for one client and (n,) for n.

    Raises
    ------
    FeatureMismatch
        The values are neither (F,) nor (n, F), or the rows are of another shape.
    """
    if values.ndim not in {1, 2} or values.shape[-1] != len(names) or rows.shape != values.shape:
        raise FeatureMismatch(
            f"{len(names)} features are named, the contributions are {values.shape}, the rows {rows.shape}: both must "
            f"be ({len(names)},) for one client or (n, {len(names)}) for n."
        )
    import shap

    bases: Any = float(base) if values.ndim == 1 else np.full(len(values), float(base))
    return shap.Explanation(np.array(values), bases, np.array(rows), feature_names=list(names))
