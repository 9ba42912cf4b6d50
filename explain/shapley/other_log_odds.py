"""How a model that is not LightGBM is asked for the log-odds of default, and what of it shap can look into.

Nothing is ever unpickled: a model is an object that is there already, or an ONNX graph.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import logit

from data.errors import FeatureMismatch, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Rows = NDArray[np.float64]

Gives = Literal["probability", "log-odds"]
Inside = Literal["tree", "linear", "nothing"]

LEAST_PROBABILITY = 1e-6
"""Probabilities are kept this far from 0 and from 1, where a model gives nothing but probabilities: log-odds of a
forest that is all of one mind would be infinite."""

ALLOWED = (
    "Allowed: a scikit-learn classifier of two classes that gives probabilities, or a pipeline that ends with one; an "
    "XGBoost Booster or classifier of objective binary:logistic; an ONNX graph (onnxruntime.InferenceSession, bytes, "
    "or the path of an .onnx file); a function from rows to log-odds of default. For LightGBM: "
    "explain.contributions.Explainer."
)
_LINEAR = ("LogisticRegression", "LogisticRegressionCV", "SGDClassifier")
_TREES = ("GradientBoostingClassifier", "HistGradientBoostingClassifier")
_COLUMN_WISE = (
    "FunctionTransformer", "MaxAbsScaler", "MinMaxScaler", "PowerTransformer", "QuantileTransformer", "RobustScaler",
    "SimpleImputer", "StandardScaler",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """How a model is asked.

    Attributes
    ----------
    log_odds : from rows, float64 (n, F), to log-odds of default, float64 (n,).
    inside : what shap's own explainers can look into: trees or weights whose sum is the log-odds, or nothing.
    native : what shap is given of the model, where there is something to look into.
    before : from rows to what `native` reads: each column by itself, so that it changes no contribution.
    sign : 1.0 where `native` gives log-odds of default, -1.0 where of repayment.
    """

    log_odds: Callable[[Rows], Rows]
    inside: Inside = "nothing"
    native: Any = None
    before: Callable[[Rows], Rows] | None = None
    sign: float = 1.0


def how_to_ask(model: Any, names: Sequence[str], default_class: object = None, gives: Gives | None = None) -> Asked:
    """Return how a model is asked for the log-odds of default.

    Parameters
    ----------
    model : see ALLOWED.
    names : the F features, in the model's order.
    default_class : the class that is default; None for the model's positive class, the second of its two.
    gives : what an ONNX graph with one value a client gives: its probability of default, or its log-odds.

    Raises
    ------
    ModelError
        The model is none of those that can be explained, or its log-odds can't be told.
    FeatureMismatch
        It has other features, or another number of them.
    """
    package = type(model).__module__.partition(".")[0]
    if package == "lightgbm":
        raise ModelError(f"A LightGBM model is explained by explain.contributions.Explainer, not here. {ALLOWED}")
    if package == "xgboost":
        return _xgboost(model, names, default_class)
    if isinstance(model, (bytes, str, Path)) or type(model).__name__ == "InferenceSession":
        return _onnx(model, names, default_class, gives)
    if isinstance(model, type):
        raise ModelError(f"{model.__name__} is a class, which can't be explained: give a fitted model. {ALLOWED}")
    if hasattr(model, "fit") and hasattr(model, "get_params"):
        return _scikit(model, names, default_class)
    if callable(model):
        return Asked(lambda rows: np.asarray(model(rows), dtype=np.float64).reshape(len(rows), -1)[:, 0])
    raise ModelError(f"A {type(model).__module__}.{type(model).__qualname__} can't be explained. {ALLOWED}")


def _logit(probability: NDArray[Any]) -> Rows:
    """Return the log-odds of probabilities; NaN stays NaN."""
    found: Rows = logit(np.clip(probability.astype(np.float64), LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY))
    return found


def _check_names(had: Sequence[str] | None, count: int | None, names: Sequence[str]) -> None:
    if had is not None and list(had) != list(names):
        first = next((pair for pair in zip(had, names, strict=False) if pair[0] != pair[1]), None)
        differ = f"the first that differ: {first[0]!r} and {first[1]!r}" if first else f"{len(had)} and {len(names)}"
        raise FeatureMismatch(
            f"The model was trained on other features than those named, or in another order ({differ}). "
            "Give names and rows in the model's order."
        )
    if count is not None and count != len(names):
        raise FeatureMismatch(f"The model has {count} features, {len(names)} are named. Give all of them, in order.")


def _scikit(model: Any, names: Sequence[str], default_class: object) -> Asked:
    classes = getattr(model, "classes_", None)
    if classes is None or not hasattr(model, "predict_proba"):
        raise ModelError(
            f"{type(model).__name__} gives no probabilities of two classes, hence no log-odds of default (a model that "
            f"is not fitted gives none either). {ALLOWED}"
        )
    if len(classes) != 2:
        raise ModelError(f"{type(model).__name__} has {len(classes)} classes; contributions are of two. {ALLOWED}")
    known = getattr(model, "feature_names_in_", None)
    _check_names(None if known is None else list(known), getattr(model, "n_features_in_", None), names)
    place = 1 if default_class is None else _place_of(default_class, list(classes))
    steps, last = ([step for _, step in model.steps[:-1]], model.steps[-1][1]) if _is_pipeline(model) else ([], model)
    sign = 1.0 if place == 1 else -1.0
    inside = _inside(last)
    if inside == "nothing":
        return Asked(lambda rows: _logit(np.asarray(model.predict_proba(_given(model, rows)))[:, place]))

    def log_odds(rows: Rows) -> Rows:
        found: Rows = sign * np.asarray(model.decision_function(_given(model, rows)), dtype=np.float64)
        return found

    if not all(_column_wise(step) for step in steps):
        return Asked(log_odds)
    before = (lambda rows: np.asarray(model[:-1].transform(_given(model, rows)), dtype=np.float64)) if steps else None
    return Asked(log_odds, inside, last, before, sign)


def _place_of(default_class: object, classes: list[Any]) -> int:
    if default_class not in classes:
        raise ModelError(f"The model has no class {default_class!r}: its classes are {classes}. Name one of them.")
    return classes.index(default_class)


def _given(model: Any, rows: Rows) -> Any:
    """Return rows as the model wants them: under their names where it was trained on names."""
    if not hasattr(model, "feature_names_in_"):
        return rows
    import pandas as pd

    return pd.DataFrame(rows, columns=model.feature_names_in_)


def _is_pipeline(model: Any) -> bool:
    from sklearn.pipeline import Pipeline

    return isinstance(model, Pipeline)


def _inside(model: Any) -> Inside:
    """Say what shap can look into; only where the sum of trees or weights is the log-odds itself."""
    name = type(model).__name__
    if not type(model).__module__.startswith("sklearn."):
        return "nothing"
    if name in _LINEAR:
        return "linear" if getattr(model, "loss", "log_loss") == "log_loss" else "nothing"
    if name not in _TREES or model.loss != "log_loss":
        return "nothing"
    if name == "HistGradientBoostingClassifier":
        return "nothing" if model.is_categorical_ is not None and model.is_categorical_.any() else "tree"
    return "tree" if model.init is None else "nothing"


def _column_wise(step: Any) -> bool:
    """Say whether a step changes each column by itself and keeps all of them."""
    if step == "passthrough":
        return True
    name = type(step).__name__
    if name not in _COLUMN_WISE or not type(step).__module__.startswith("sklearn."):
        return False
    if name == "FunctionTransformer":
        return step.func is None
    return name != "SimpleImputer" or (not step.add_indicator and not np.isnan(step.statistics_).any())


def _xgboost(model: Any, names: Sequence[str], default_class: object) -> Asked:
    import xgboost

    if not isinstance(model, (xgboost.Booster, xgboost.XGBClassifier)):
        raise ModelError(f"An XGBoost {type(model).__name__} gives no log-odds of two classes. {ALLOWED}")
    booster = model
    if isinstance(model, xgboost.XGBClassifier):
        booster = model.get_booster()
        best = booster.attr("best_iteration")
        if best is not None:  # the trees after it are not used
            booster = booster[: int(best) + 1]
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    if objective not in {"binary:logistic", "binary:logitraw"}:
        raise ModelError(f"The XGBoost model has the objective {objective!r}, whose margin is no log-odds. {ALLOWED}")
    _check_names(booster.feature_names, booster.num_features(), names)
    sign = 1.0 if default_class is None else (-1.0, 1.0)[_place_of(default_class, [0, 1])]

    def log_odds(rows: Rows) -> Rows:
        matrix = xgboost.DMatrix(rows, feature_types=booster.feature_types, enable_categorical=True, nthread=1)
        found: Rows = sign * np.asarray(
            booster.predict(matrix, output_margin=True, validate_features=False), dtype=np.float64
        )
        return found

    plain = learner["gradient_booster"]["name"] == "gbtree" and "c" not in (booster.feature_types or ())
    return Asked(log_odds, "tree", booster, None, sign) if plain else Asked(log_odds)


def _onnx(model: Any, names: Sequence[str], default_class: object, gives: Gives | None) -> Asked:
    import onnxruntime as ort

    session = model
    if isinstance(model, (bytes, str, Path)):
        if not isinstance(model, bytes) and Path(model).suffix.lower() != ".onnx":
            raise ModelError(f"{model} is no .onnx file, and nothing is ever unpickled. {ALLOWED}")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            graph = model if isinstance(model, bytes) else Path(model).read_bytes()
            session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except _refusals() as error:
            raise ModelError(f"The ONNX graph can't be read: {error}. Export it again. {ALLOWED}") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    types = {"tensor(float)": np.float32, "tensor(double)": np.float64}
    if len(inputs) != 1 or inputs[0].type not in types or len(inputs[0].shape) != 2:
        found = ", ".join(f"{one.name}: {one.type} {one.shape}" for one in inputs)
        raise ModelError(f"The ONNX graph reads {found}; allowed is one table of float or double, a row a client.")
    read, dtype, width = inputs[0].name, types[inputs[0].type], inputs[0].shape[1]
    _check_names(None, width if isinstance(width, int) else None, names)
    place = 1 if default_class is None else _place_of(default_class, [0, 1])
    tables = [one for one in outputs if one.type in types]
    if len(tables) != 1:
        found = ", ".join(f"{one.name}: {one.type}" for one in outputs)
        raise ModelError(
            f"The ONNX graph gives {found}; allowed is one output of float or double, beside a label: probabilities of "
            "two classes, or one value a client. From scikit-learn, export with zipmap=False."
        )

    def given(rows: Rows) -> NDArray[Any]:
        out: NDArray[Any] = session.run([tables[0].name], {read: rows.astype(dtype)})[0]
        return out.reshape(len(rows), -1)

    values = given(np.zeros((1, len(names)))).shape[1]
    if values == 2 and gives in {None, "probability"}:
        return Asked(lambda rows: _logit(given(rows)[:, place]))
    if values != 1 or gives is None:
        raise ModelError(
            f"The ONNX graph gives {values} values a client, and `gives` is {gives!r}. Allowed: two probabilities; one "
            "value with gives='probability' or gives='log-odds', of default."
        )
    sign = 1.0 if place == 1 else -1.0
    if gives == "log-odds":
        return Asked(lambda rows: sign * given(rows)[:, 0].astype(np.float64))
    return Asked(lambda rows: sign * _logit(given(rows)[:, 0]))


def _refusals() -> tuple[type[Exception], ...]:
    """Return what is raised for a graph that can't be read; ONNX Runtime's derive from nothing but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented)
    return (OSError, RuntimeError, ValueError, *own)
