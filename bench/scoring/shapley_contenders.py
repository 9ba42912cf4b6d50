"""Who computes Shapley values: ours, LightGBM, shap and woodelf-explainer, each on one thread.

What is not installed is left out, and said to be: it is never counted as fast.
"""

from __future__ import annotations

import contextlib
import importlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from explain.contributions import Explainer
    from explain.shapley.ensemble import TreeShapley

    Calls = dict[str, Callable[[int], object]]

NULL, OURS, WHOLE, LIGHTGBM, SHAP, WOODELF = "null", "pretscope", "pretscope_whole", "lightgbm", "shap", "woodelf"
INSTALL = {
    "shap": "shap is not installed: pip install shap==0.51.0",
    "woodelf": "woodelf-explainer is not installed: pip install woodelf-explainer==0.4.8",
}


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients made ready in the layout that each contender wants, so that none pays for the conversion.

    Attributes
    ----------
    columns : float32 (F, m), one line a feature: for ours, as a portfolio has it.
    rows : float64 (m, F), one line a client: for LightGBM and shap.
    """

    columns: NDArray[np.float32]
    rows: NDArray[np.float64]

    @classmethod
    def of(cls, columns: NDArray[np.float32]) -> Clients:
        """Return clients of columns, float32 (F, m), copied."""
        own = np.ascontiguousarray(columns)
        return cls(own, np.ascontiguousarray(own.T, dtype=np.float64))


def missing(package: str) -> str | None:
    """Return how to install a package that can't be imported, or None where it can."""
    try:
        importlib.import_module(package)
    except ImportError:
        return INSTALL[package]
    return None


def blocks(explainer: Explainer, text: str, given: Sequence[Clients]) -> Calls:
    """Return calls on blocks of clients: ours, LightGBM and shap."""
    booster, many = lgb.Booster(model_str=text), len(given)
    calls: Calls = {
        NULL: lambda k: given[k % many].columns,
        OURS: lambda k: explainer.explain_columns(given[k % many].columns),
        LIGHTGBM: lambda k: booster.predict(given[k % many].rows, pred_contrib=True, num_threads=1),
    }
    if missing("shap") is None:
        shap = _shap(text)
        calls[SHAP] = lambda k: shap(given[k % many].rows)
    return calls


def singles(explainer: Explainer, shapley: TreeShapley, text: str, rows: NDArray[np.float64]) -> Calls:
    """Return calls on one client: our mere values and our whole answer, LightGBM, and shap."""
    booster, many = lgb.Booster(model_str=text), len(rows)
    flat, tables = list(rows), [rows[k : k + 1] for k in range(len(rows))]
    calls: Calls = {
        NULL: lambda k: flat[k % many],
        OURS: lambda k: shapley.row(flat[k % many]),
        WHOLE: lambda k: explainer.explain(flat[k % many]),
        LIGHTGBM: lambda k: booster.predict(tables[k % many], pred_contrib=True, num_threads=1),
    }
    if missing("shap") is None:
        shap = _shap(text)
        calls[SHAP] = lambda k: shap(tables[k % many])
    return calls


def against(
    explainer: Explainer, text: str, reference: Clients, clients: Clients
) -> tuple[dict[str, Callable[[], NDArray[np.float64]]], Callable[[], object]]:
    """Return what computes interventional values, in raw log-odds of default, by name; and what makes ours ready."""
    ours = explainer.against(reference.columns)
    calls: dict[str, Callable[[], NDArray[np.float64]]] = {OURS: lambda: ours.explain_columns(clients.columns).T}
    if missing("shap") is None:
        from shap import TreeExplainer
        from shap.maskers import Independent

        masker = Independent(reference.rows, max_samples=len(reference.rows))  # which keeps 100 of them else
        theirs = TreeExplainer(lgb.Booster(model_str=text), masker)
        calls[SHAP] = lambda: np.asarray(theirs.shap_values(clients.rows, check_additivity=False))
    return calls, lambda: explainer.against(reference.columns)


@contextlib.contextmanager
def without_shap_s_remark() -> Iterator[None]:
    """Keep shap from remarking, at every call, that it once gave the values of both classes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LightGBM binary classifier with TreeExplainer", UserWarning)
        yield


def _shap(text: str) -> Callable[[NDArray[np.float64]], object]:
    """Return shap's TreeExplainer, which for path-dependent values asks LightGBM, and would do so on all threads."""
    from shap import TreeExplainer

    explainer = TreeExplainer(_OnOneThread(model_str=text))
    return lambda rows: explainer.shap_values(rows, check_additivity=False)


class _OnOneThread(lgb.Booster):
    """A booster that takes one thread whoever asks it."""

    def predict(self, *arguments: Any, **named: Any) -> Any:
        """Predict as a booster does."""
        return super().predict(*arguments, **{**named, "num_threads": 1})


class Woodelf:
    """woodelf-explainer without its progress bar; the frames that it wants are made beforehand, column by column.

    It works out its tables anew at every call: what that takes is found by calling it with few clients and with many.
    It has float32 values and no categorical splits.
    """

    def __init__(self, text: str, names: Sequence[str], columns: NDArray[np.float32]) -> None:
        import pandas as pd
        from woodelf import WoodelfExplainer

        self._frame = pd.DataFrame(columns.astype(np.float64).T, columns=list(names), copy=False)
        self._explainer: Any = WoodelfExplainer(lgb.Booster(model_str=text))

    def __call__(self, clients: int) -> NDArray[np.float32]:
        """Return the values of the first so many clients, (clients, F), in raw log-odds of default."""
        found: NDArray[np.float32] = self._explainer.shap_values(self._frame[:clients], verbose=False)
        return found
