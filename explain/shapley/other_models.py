"""Models other than LightGBM, explained through shap's own explainers behind the interface of ours.

As everywhere, contributions are in log-odds of repayment: above zero helps the client. Default is the model's positive
class, unless another is named, and the sign is turned. No calibration is added: what is explained is what the model
itself gives, `-logit(PD)`.

| model | explainer | values |
|---|---|---|
| boosted trees of scikit-learn or XGBoost | shap.TreeExplainer | exact |
| logistic regression | shap.LinearExplainer | exact |
| anything else, at most EXACT_FEATURES features | shap.ExactExplainer | exact |
| anything else | shap.PermutationExplainer | estimated; they add up all the same |

They are interventional: a feature that is "absent" has the values of the reference clients, one after the other, and
the base is the mean of their log-odds. Without a reference, boosted trees give path-dependent values as LightGBM does.
Steps of a pipeline that change each column by itself (scaling, imputing) don't stand in the way of the exact ones. A
random forest's log-odds are not the sum of its trees': it is explained as a function.

Sources: doi:10.1038/s42256-019-0138-9 (trees); E. Strumbelj, I. Kononenko, "Explaining prediction models and individual
predictions with feature contributions", 2014, doi:10.1007/s10115-013-0679-x (permutations).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from data.errors import FeatureMismatch, ModelError
from explain.contributions import Contributions, ManyContributions
from explain.shapley.other_log_odds import how_to_ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from explain.shapley.other_log_odds import Asked, Gives

ADDS_UP = 1e-4
"""Greatest difference, in log-odds, between a client's log-odds and the base with all contributions. Wider than for
LightGBM: XGBoost and most ONNX graphs compute in single precision."""
EXACT_FEATURES = 10
"""Up to which all subsets of the features are asked for: a thousand."""
PERMUTATIONS = 10
SEED = 0
_AT_ONCE_BYTES = 2**26


@dataclass(frozen=True, slots=True, eq=False)
class OtherContributions(ManyContributions):
    """The Shapley values of n clients, in log-odds of repayment: above zero helps the client.

    Attributes
    ----------
    exact : whether they are computed, not estimated from permutations.
    method : "tree", "linear", "exact" or "permutation", after shap's explainer.
    """

    exact: bool
    method: str

    @property
    def largest_residual(self) -> float:
        """Greatest |residual|, in log-odds; 0.0 of nobody."""
        return float(np.abs(self.residuals).max(initial=0.0))


class OtherExplainer:
    """Gives the contributions to the log-odds of a model that is not LightGBM.

    Parameters
    ----------
    model : see `explain.shapley.other_log_odds.ALLOWED`.
    names : its F features, in its order.
    reference : float64 (R, F), the reference clients; NaN only where the model takes NaN. None for the path-dependent
        values of boosted trees.
    default_class, gives : as `how_to_ask` takes them.
    permutations : how many to estimate from, each there and back; more cost more and are nearer.

    Attributes
    ----------
    names : the F features.
    base : mean log-odds of repayment of the reference clients; without them, of the average training client.
    exact, method : as in OtherContributions.

    Raises
    ------
    ModelError
        The model can't be explained, or has no finite log-odds for a reference client.
    FeatureMismatch
        The reference or the model has other features than those named.
    """

    def __init__(
        self,
        model: Any,
        names: Sequence[str],
        reference: NDArray[np.float64] | None,
        *,
        default_class: object = None,
        gives: Gives | None = None,
        permutations: int = PERMUTATIONS,
    ) -> None:
        self.names = tuple(names)
        if permutations < 1:
            raise ModelError(f"Contributions are estimated from at least 1 permutation, got {permutations}.")
        self._permutations = permutations
        self._asked = how_to_ask(model, self.names, default_class, gives)
        self._reference: NDArray[np.float64] = np.empty((0, len(self.names)))
        if reference is not None:
            self._reference = self._checked(reference, "a reference client").copy()
            if not len(self._reference):
                raise ModelError("There is no reference client: contributions are in comparison with at least one.")
        elif self._asked.inside != "tree":
            raise ModelError(
                "Only boosted trees are explained without reference clients; give the rows of some, float64 (R, F)."
            )
        self.method: str = self._asked.inside
        if self.method == "nothing":
            self.method = "exact" if len(self.names) <= EXACT_FEATURES else "permutation"
        self.exact = self.method != "permutation"
        if reference is not None:  # first: it refuses what shap would stumble over
            self.base = -float(self._log_odds(self._reference, "reference client").mean())
        self._native: Any = _native(self._asked, self._reference) if self._asked.inside != "nothing" else None
        if reference is None:
            self.base = self._path_dependent_base()

    def explain(self, row: NDArray[np.float64]) -> Contributions:
        """Return the contributions to one client's log-odds; parameters and errors are those of `explain_many`."""
        if row.ndim != 1:
            raise FeatureMismatch(
                f"One client is a row of {len(self.names)} values; got an array of shape {row.shape}."
            )
        return self.explain_many(row[np.newaxis]).client(0)

    def explain_many(self, rows: NDArray[np.float64]) -> OtherContributions:
        """Return the contributions to the log-odds of n clients.

        A client gets the same values alone as among others. While values are estimated, NumPy's global random state
        belongs to shap; it is put back afterwards.

        Parameters
        ----------
        rows : (n, F) float64, in the order of `names`; NaN only where the model takes NaN.

        Raises
        ------
        FeatureMismatch
            The rows don't have F values.
        ModelError
            A client has no finite log-odds, or contributions that miss them by more than ADDS_UP.
        """
        own = self._checked(rows, "a client").copy()
        log_odds = self._log_odds(own, "client")
        values = -(self._of_function(own) if self._native is None else self._of_native(own))
        logit_scores = -log_odds
        residuals = self.base + values.sum(axis=1) - logit_scores
        if not bool((np.abs(residuals) <= ADDS_UP).all()):
            raise ModelError(
                f"shap's {self.method} contributions miss the model's log-odds by {np.abs(residuals).max():.3g}, more "
                f"than {ADDS_UP:g}: they would not explain this model. Give a function of it, `lambda rows: ...` from "
                "rows to log-odds of default, which is explained without looking into the model."
            )
        for array in (own, values, logit_scores, residuals):
            array.setflags(write=False)
        return OtherContributions(
            self.names, values, own, self.base, logit_scores, residuals, exact=self.exact, method=self.method
        )

    def explain_columns(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the contributions of m clients, (F, m) float64, feature by feature; see `explain_many`.

        Parameters
        ----------
        columns : (F, m) float32, one line a feature in the order of `names`.
        """
        if columns.ndim != 2 or len(columns) != len(self.names):
            raise FeatureMismatch(f"The model has {len(self.names)} features, got an array of shape {columns.shape}.")
        return np.ascontiguousarray(self.explain_many(np.ascontiguousarray(columns.T, dtype=np.float64)).values.T)

    def _checked(self, rows: NDArray[np.float64], whose: str) -> NDArray[np.float64]:
        found = np.asarray(rows, dtype=np.float64, order="C")
        if found.ndim != 2 or found.shape[1] != len(self.names):
            got = f"{found.shape[1]} values" if found.ndim == 2 else f"an array of shape {found.shape}"
            raise FeatureMismatch(f"The model has {len(self.names)} features, got {got} for {whose}.")
        return found

    def _log_odds(self, rows: NDArray[np.float64], whose: str) -> NDArray[np.float64]:
        if not len(rows):
            return np.empty(0)
        try:
            found = self._asked.log_odds(rows)
        except ValueError as error:  # what scikit-learn raises for a NaN that it doesn't take
            first = str(error).splitlines()[0]
            raise ModelError(f"The model refuses a {whose}: {first}{self._missing(rows)}") from error
        wrong = np.flatnonzero(~np.isfinite(found))
        if len(wrong):
            row = rows[wrong[0]]
            raise ModelError(
                f"The model's log-odds are {found[wrong[0]]} for the {whose} at place {wrong[0]} ({len(wrong)} of "
                f"{len(rows)}): contributions need a finite number.{self._missing(row[np.newaxis])}"
            )
        return found

    def _missing(self, rows: NDArray[np.float64]) -> str:
        where = np.flatnonzero(np.isnan(rows).any(axis=0))
        if not len(where):
            return ""
        return (
            f" {len(where)} features have no value (NaN), the first is {self.names[where[0]]!r}: impute them in a "
            "pipeline with the model, or leave these clients out."
        )

    def _path_dependent_base(self) -> float:
        anyone = np.zeros((1, len(self.names)))
        given = anyone if self._asked.before is None else self._asked.before(anyone)
        found = np.asarray(self._native(given, check_additivity=False).base_values)
        return -self._asked.sign * float(found.reshape(-1)[-1])

    def _of_native(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if not len(rows):
            return np.empty(rows.shape)
        given = rows if self._asked.before is None else self._asked.before(rows)
        # Its own check is of a hundredth; ours follows.
        checked = {"check_additivity": False} if self.method == "tree" else {}
        found = np.asarray(self._native(given, **checked).values, dtype=np.float64)
        return self._asked.sign * found.reshape(rows.shape)

    def _of_function(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ask shap reference by reference: it holds every client it asks the model about in memory at once."""
        features = len(self.names)
        asked = 2**features if self.method == "exact" else 2 * features + 1
        at_once = max(1, _AT_ONCE_BYTES // (8 * asked * features))
        values = np.zeros(rows.shape)
        for start in range(0, len(self._reference), at_once):
            some = self._reference[start : start + at_once]
            explainer, choices = self._explainer_of(some, asked)
            for place in range(len(rows)):
                with _seeded():
                    found = explainer(rows[place : place + 1], silent=True, **choices)
                values[place] += np.asarray(found.values, dtype=np.float64).reshape(features) * len(some)
        return values / len(self._reference)

    def _explainer_of(self, reference: NDArray[np.float64], asked: int) -> tuple[Any, dict[str, int]]:
        import shap

        masker = _masker(reference)
        if self.method == "exact":
            return shap.ExactExplainer(self._asked.log_odds, masker), {}
        with _seeded():  # it sets the state where it is made
            return shap.PermutationExplainer(self._asked.log_odds, masker, seed=SEED), {
                "max_evals": asked * self._permutations
            }


def explain_other(
    model: Any,
    names: Sequence[str],
    rows: NDArray[np.float64],
    reference: NDArray[np.float64] | None,
    **chosen: Any,
) -> OtherContributions:
    """Return the contributions of n clients to the log-odds of a model that is not LightGBM; see OtherExplainer."""
    return OtherExplainer(model, names, reference, **chosen).explain_many(rows)


def _native(asked: Asked, reference: NDArray[np.float64]) -> Any:
    """Return shap's explainer that looks into the model; against all reference clients, of which it takes 100 else."""
    import shap

    masker = None
    if len(reference):
        given = reference if asked.before is None else asked.before(reference)
        masker = shap.maskers.Independent(given, max_samples=len(given))
    if asked.inside == "linear":
        return shap.LinearExplainer(asked.native, masker)
    return shap.TreeExplainer(asked.native, masker)


def _masker(reference: NDArray[np.float64]) -> Any:
    from shap.maskers import Independent

    class ToTheLastBit(Independent):  # type: ignore[misc]
        """shap takes values for the same that differ by a hundred-thousandth: a tree may split between them."""

        def invariants(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
            """Return which values of the reference clients are this client's; NaN is NaN."""
            same: NDArray[np.bool_] = (x == self.data) | (np.isnan(x) & np.isnan(self.data))
            return same

    return ToTheLastBit(reference, max_samples=len(reference))


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """Seed NumPy's global state, which shap draws from, and put it back."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(SEED)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
