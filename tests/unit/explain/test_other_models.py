"""Models other than LightGBM, against Shapley values counted out by their definition, and what shap makes of ours."""

from __future__ import annotations

import itertools
import math

import lightgbm as lgb
import matplotlib as mpl
import numpy as np
import onnxruntime as ort
import polars as pl
import pytest
import skl2onnx
import xgboost
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from data.errors import FeatureMismatch, ModelError
from explain.shapley import other_models
from explain.shapley.as_shap import to_shap
from explain.shapley.other_log_odds import LEAST_PROBABILITY
from explain.shapley.other_models import ADDS_UP, OtherExplainer, explain_other
from models.export import to_onnx

NAMES = tuple(f"FEATURE_{place}" for place in range(6))
TREES = {
    "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=12, max_depth=3, random_state=0),
    "histogram gradient boosting": lambda: HistGradientBoostingClassifier(max_iter=12, max_leaf_nodes=7),
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=12, max_depth=4, n_jobs=1),
}
OTHERS = {
    "forest": lambda: RandomForestClassifier(n_estimators=8, max_depth=4, random_state=0),
    "tree": lambda: DecisionTreeClassifier(max_depth=4, random_state=0),
    "calibrated": lambda: CalibratedClassifierCV(LogisticRegression(), cv=2),
    "crossed": lambda: make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression(max_iter=500)),
    "boosted otherwise": lambda: GradientBoostingClassifier(loss="exponential", n_estimators=5, random_state=0),
    "dart": lambda: xgboost.XGBClassifier(booster="dart", rate_drop=0.5, n_estimators=6, max_depth=3, n_jobs=1),
}
LINEAR = {
    "logistic": LogisticRegression,
    "scaled": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
}


def people(count, seed, features=6):
    rows = np.random.default_rng(seed).normal(size=(count, features)).astype(np.float32).astype(np.float64)
    rows[:, 3] = np.round(rows[:, 3])
    return rows


def defaults(rows, seed=1):
    known = np.nan_to_num(rows)
    risk = -1.5 * known[:, 0] + known[:, 1] * known[:, 2] + 0.5 * known[:, 3] - np.isnan(rows[:, 4])
    return (risk + np.random.default_rng(seed).logistic(size=len(rows)) > 0.5).astype(int)


def with_missing(rows, seed=2):
    found = rows.copy()
    found[np.random.default_rng(seed).random(rows.shape) < 0.2] = np.nan
    return found


def counted_out(log_odds_of_repayment, row, reference):
    """Return the interventional Shapley values of one client by their definition."""
    count = len(row)
    worth = {}
    for known in itertools.chain.from_iterable(itertools.combinations(range(count), size) for size in range(count + 1)):
        mixed = reference.copy()
        mixed[:, list(known)] = row[list(known)]
        worth[frozenset(known)] = log_odds_of_repayment(mixed).mean()
    values = np.zeros(count)
    for feature in range(count):
        for known, of_known in worth.items():
            if feature not in known:
                weight = math.factorial(len(known)) * math.factorial(count - len(known) - 1) / math.factorial(count)
                values[feature] += weight * (worth[known | {feature}] - of_known)
    return values


def repayment(model):
    return lambda rows: -logit(model.predict_proba(rows)[:, 1].astype(np.float64).clip(1e-6, 1 - 1e-6))


@pytest.fixture(scope="module")
def rows():
    return people(600, 0)


@pytest.fixture(scope="module")
def reference(rows):
    return rows[500:530]


def check(model, rows, reference, method, near=1e-6):
    explainer = OtherExplainer(model, NAMES, reference)
    found = explainer.explain_many(rows)
    assert (found.method, found.exact) == (method, method != "permutation")
    assert explainer.base == pytest.approx(repayment(model)(reference).mean(), abs=near)
    np.testing.assert_allclose(found.logit_scores, repayment(model)(rows), atol=near, rtol=0)
    expected = [counted_out(repayment(model), row, reference) for row in rows]
    np.testing.assert_allclose(found.values, expected, atol=near, rtol=0)
    assert found.largest_residual == np.abs(found.residuals).max() < near
    assert np.abs(found.base + found.values.sum(axis=1) - found.logit_scores).max() < near
    return found


@pytest.mark.parametrize("name", TREES)
def test_boosted_trees_are_exact_against_a_reference(name, rows, reference):
    model = TREES[name]().fit(rows, defaults(rows))
    found = check(model, rows[:5], reference, "tree", 2e-6)
    assert np.abs(found.values).max() > 0.1


@pytest.mark.parametrize("name", ["histogram gradient boosting", "xgboost"])
def test_trees_that_take_missing_values_take_them_in_clients_and_references(name, rows):
    missing = with_missing(rows)
    model = TREES[name]().fit(missing, defaults(missing))
    assert np.isnan(missing[500:520]).any()
    check(model, missing[:5], missing[500:520], "tree", 2e-6)


@pytest.mark.parametrize("name", LINEAR)
def test_a_logistic_regression_is_exact(name, rows, reference):
    found = check(LINEAR[name]().fit(rows, defaults(rows)), rows[:5], reference, "linear", 1e-9)
    assert found.values[:, 0] @ found.rows[:, 0] > 0  # what lowers default helps repayment


def test_an_imputer_before_it_doesn_t_hide_it(rows):
    missing = with_missing(rows)
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(missing, defaults(missing))
    check(model, missing[:5], missing[500:530], "linear", 1e-9)


@pytest.mark.parametrize("name", OTHERS)
def test_anything_else_of_few_features_is_asked_for_every_subset(name, rows, reference):
    check(OTHERS[name]().fit(rows, defaults(rows)), rows[:3], reference[:10], "exact", 2e-6)


def test_values_a_hair_apart_are_not_taken_for_the_same(rows):
    reference = np.zeros((4, 6))
    client = np.full(6, 1e-9)
    step = lambda rows: np.where(rows[:, 0] > 5e-10, 2.0, 0.0)
    found = OtherExplainer(step, NAMES, reference).explain(client)
    np.testing.assert_allclose(found.values, [-2.0, 0, 0, 0, 0, 0], atol=1e-12)


def test_many_features_are_estimated_and_add_up_all_the_same(monkeypatch):
    rows = people(300, 3, features=14)
    names = [f"F{place}" for place in range(14)]
    model = RandomForestClassifier(n_estimators=10, max_depth=5, random_state=0).fit(rows, defaults(rows))
    boosted = TREES["xgboost"]().fit(rows, defaults(rows))
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    found = explain_other(model, names, rows[:4], rows[200:220])
    assert (found.exact, found.method) == (False, "permutation")
    assert found.largest_residual < 1e-9
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    # The same alone as among others, again, and however the reference is cut into pieces that add up.
    explainer = OtherExplainer(model, names, rows[200:220])
    np.testing.assert_array_equal(explainer.explain(rows[2]).values, found.values[2])
    # Near to what is known exactly, and nearer with more permutations.
    margin = lambda asked: boosted.predict(asked, output_margin=True).astype(np.float64)
    exact = explain_other(boosted, names, rows[:4], rows[200:220]).values
    rough, fine = (
        explain_other(margin, names, rows[:4], rows[200:220], permutations=count).values for count in (2, 60)
    )
    assert np.abs(fine - exact).max() < 0.05 < np.abs(exact).max()
    assert np.abs(fine - exact).mean() < np.abs(rough - exact).mean()
    monkeypatch.setattr(other_models, "_AT_ONCE_BYTES", 8 * 29 * 14 * 7)
    cut = explain_other(model, names, rows[:4], rows[200:220])
    assert cut.largest_residual < 1e-9
    assert np.abs(cut.values - found.values).max() < 0.2


def test_without_a_reference_boosted_trees_give_what_they_give_themselves(rows):
    model = TREES["xgboost"]().fit(rows, defaults(rows))
    own = model.get_booster().predict(xgboost.DMatrix(rows[:20]), pred_contribs=True).astype(np.float64)
    found = explain_other(model, NAMES, rows[:20], None)
    np.testing.assert_allclose(found.values, -own[:, :-1], atol=1e-5)
    assert found.base == pytest.approx(-own[0, -1], abs=1e-5)
    assert found.largest_residual < 1e-5
    boosted = TREES["gradient boosting"]().fit(rows, defaults(rows))
    assert explain_other(boosted, NAMES, rows[:20], None).largest_residual < 1e-9
    with pytest.raises(ModelError, match="Only boosted trees are explained without reference"):
        explain_other(LogisticRegression().fit(rows, defaults(rows)), NAMES, rows[:2], None)


def test_the_interface_is_that_of_the_explainer(rows, reference, explainer):
    model = TREES["xgboost"]().fit(rows, defaults(rows))
    other = OtherExplainer(model.get_booster(), NAMES, reference)
    many = other.explain_many(rows[:9])
    assert (len(many), many.names, other.names) == (9, NAMES, NAMES)
    one = other.explain(rows[4])
    np.testing.assert_array_equal(one.values, many.values[4])
    assert one.frame().columns == ["feature", "value", "contribution"]
    assert 0.0 < one.score < 1.0
    columns = np.ascontiguousarray(rows[:9].T.astype(np.float32))
    np.testing.assert_array_equal(other.explain_columns(columns), many.values.T)
    assert other.explain_many(rows[:0]).values.shape == (0, 6)
    assert other.explain_many(rows[:0]).largest_residual == 0.0
    for name in ("names", "base", "explain", "explain_many", "explain_columns"):
        assert hasattr(explainer, name)
        assert hasattr(other, name)
    with pytest.raises(ValueError, match="read-only"):
        many.values[0, 0] = 1.0


def test_the_class_that_is_default_can_be_named(rows, reference):
    words = np.where(defaults(rows) == 1, "default", "repaid")  # "repaid" is then scikit-learn's positive class
    for make in (LogisticRegression, TREES["gradient boosting"], OTHERS["forest"]):
        named = explain_other(make().fit(rows, words), NAMES, rows[:4], reference, default_class="default")
        plain = explain_other(make().fit(rows, defaults(rows)), NAMES, rows[:4], reference)
        np.testing.assert_allclose(named.values, plain.values, atol=1e-6)
        assert named.base == pytest.approx(plain.base, abs=1e-6)
    with pytest.raises(ModelError, match=r"no class 'paid': its classes are .*'default'.*'repaid'"):
        explain_other(LogisticRegression().fit(rows, words), NAMES, rows[:4], reference, default_class="paid")


def test_a_model_trained_on_names_is_asked_by_names(rows, reference):
    frame = pl.DataFrame(rows, schema=list(NAMES)).to_pandas()
    for model in (make_pipeline(StandardScaler(), LogisticRegression()), TREES["xgboost"](), OTHERS["forest"]()):
        found = explain_other(model.fit(frame, defaults(rows)), NAMES, rows[:3], reference)
        assert found.largest_residual < ADDS_UP
        with pytest.raises(FeatureMismatch, match="'FEATURE_0' and 'FEATURE_5'"):
            OtherExplainer(model, NAMES[::-1], reference)


def test_xgboost_stops_where_its_training_stopped(rows, reference):
    model = xgboost.XGBClassifier(n_estimators=60, max_depth=5, learning_rate=1.0, n_jobs=1, early_stopping_rounds=3)
    model.fit(rows[:300], defaults(rows)[:300], eval_set=[(rows[300:], defaults(rows)[300:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    check(model, rows[:3], reference, "tree", 5e-6)


def _graph(model, width, **options):
    return skl2onnx.to_onnx(
        model, np.zeros((1, width), dtype=np.float32), options={id(model): options}
    ).SerializeToString()


def test_an_onnx_graph_is_explained_from_bytes_a_path_or_a_session(rows, reference, tmp_path):
    model = LogisticRegression().fit(rows, defaults(rows))
    graph = _graph(model, 6, zipmap=False)
    (tmp_path / "model.onnx").write_bytes(graph)
    plain = explain_other(model, NAMES, rows[:4], reference)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    for given in (graph, tmp_path / "model.onnx", str(tmp_path / "model.onnx"), session):
        found = explain_other(given, NAMES, rows[:4], reference)
        np.testing.assert_allclose(found.values, plain.values, atol=1e-4)
        assert (found.exact, found.method) == (True, "exact")
    turned = explain_other(graph, NAMES, rows[:4], reference, default_class=0)
    np.testing.assert_allclose(turned.values, -plain.values, atol=1e-4)
    with pytest.raises(ModelError, match="zipmap=False"):
        OtherExplainer(_graph(model, 6), NAMES, reference)


def test_our_own_graph_is_explained_as_lightgbm_explains_its_model():
    rows = people(500, 5)
    booster = lgb.train(
        {"objective": "binary", "num_leaves": 7, "verbosity": -1, "num_threads": 1},
        lgb.Dataset(rows, defaults(rows)),
        num_boost_round=10,
    )
    graph = to_onnx(booster.model_to_string()).SerializeToString()
    log_odds = lambda asked: -booster.predict(asked, raw_score=True, num_threads=1)
    found = explain_other(graph, NAMES, rows[:3], rows[400:420], gives="log-odds")
    expected = [counted_out(log_odds, row, rows[400:420]) for row in rows[:3]]
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    with pytest.raises(ModelError, match=r"1 values a client, and `gives` is None"):
        OtherExplainer(graph, NAMES, rows)


def test_a_forest_of_one_mind_has_the_least_probability(rows):
    sure = RandomForestClassifier(n_estimators=3, random_state=0).fit(rows, rows[:, 0] > 0)
    found = explain_other(sure, NAMES, rows[:20], rows[500:510])
    assert np.abs(found.logit_scores).max() == pytest.approx(-logit(LEAST_PROBABILITY))
    assert found.largest_residual < 1e-9


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda r, t: LinearSVC().fit(r, t), "LinearSVC gives no probabilities"),
        (lambda r, t: LinearRegression().fit(r, t), "LinearRegression gives no probabilities"),
        (lambda r, t: LogisticRegression(), "a model that is not fitted"),
        (lambda r, t: LogisticRegression().fit(r, np.arange(len(r)) % 3), "has 3 classes"),
        (lambda r, t: xgboost.XGBRegressor(n_estimators=2, n_jobs=1).fit(r, t), "XGBRegressor gives no log-odds"),
        (
            lambda r, t: xgboost.train({"objective": "count:poisson", "nthread": 1}, xgboost.DMatrix(r, t), 2),
            "objective 'count:poisson'",
        ),
        (
            lambda r, t: lgb.train({"verbosity": -1, "num_threads": 1}, lgb.Dataset(r, t), 2),
            r"explain\.contributions\.Explainer",
        ),
        (lambda r, t: b"no graph at all", "can't be read"),
        (lambda r, t: "model.pkl", "nothing is ever unpickled"),
        (lambda r, t: "nowhere.onnx", "can't be read"),
        (lambda r, t: 3, "builtins.int can't be explained"),
        (lambda r, t: LogisticRegression, "can't be explained"),
    ],
)
def test_what_can_t_be_explained_is_refused_with_what_can(model, words, rows, reference):
    with pytest.raises(ModelError, match=words) as raised:
        OtherExplainer(model(rows, defaults(rows)), NAMES, reference)
    assert "Allowed: a scikit-learn classifier" in str(raised.value)


def test_nothing_is_unpickled(reference, tmp_path):
    content = b"cbuiltins\nexit\n(I3\ntR."  # a pickle that ends the process which loads it
    for name in ("model.pkl", "model.joblib", "model.onnx"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match=r"nothing is ever unpickled|can't be read"):
            OtherExplainer(tmp_path / name, NAMES, reference)
    with pytest.raises(ModelError, match="can't be read"):
        OtherExplainer(content, NAMES, reference)


def test_missing_values_are_refused_by_name_where_the_model_doesn_t_take_them(rows, reference):
    missing = reference.copy()
    missing[2, 3] = np.nan
    for make in (LogisticRegression, TREES["gradient boosting"], LINEAR["scaled"]):
        model = make().fit(rows, defaults(rows))
        with pytest.raises(ModelError, match=r"refuses a reference client.*'FEATURE_3'.*impute"):
            OtherExplainer(model, NAMES, missing)
        with pytest.raises(ModelError, match=r"refuses a client.*'FEATURE_3'"):
            explain_other(model, NAMES, missing, reference)
    with pytest.raises(ModelError, match=r"log-odds are nan for the client at place 2 \(1 of 30\).*'FEATURE_3'"):
        explain_other(lambda asked: asked.sum(axis=1), NAMES, missing, reference)


def test_shapes_that_don_t_fit_are_refused(rows, reference):
    model = LogisticRegression().fit(rows, defaults(rows))
    explainer = OtherExplainer(model, NAMES, reference)
    for call, words in (
        (lambda: explainer.explain(rows[:2]), "One client is a row of 6 values"),
        (lambda: explainer.explain_many(rows[:2, :4]), "6 features, got 4 values for a client"),
        (lambda: explainer.explain_many(rows[0]), r"an array of shape \(6,\)"),
        (lambda: explainer.explain_columns(rows[:9].astype(np.float32)), r"6 features, got an array of shape \(9, 6\)"),
        (lambda: OtherExplainer(model, NAMES, reference[:, :2]), "got 2 values for a reference client"),
        (lambda: OtherExplainer(model, NAMES[:4], reference[:, :4]), "The model has 6 features, 4 are named"),
    ):
        with pytest.raises(FeatureMismatch, match=words):
            call()
    with pytest.raises(ModelError, match="There is no reference client"):
        OtherExplainer(model, NAMES, reference[:0])
    with pytest.raises(ModelError, match="at least 1 permutation, got 0"):
        OtherExplainer(model, NAMES, reference, permutations=0)


def test_what_doesn_t_add_up_is_refused(rows, reference, monkeypatch):
    explainer = OtherExplainer(LogisticRegression().fit(rows, defaults(rows)), NAMES, reference)
    monkeypatch.setattr(explainer, "base", explainer.base + 2 * ADDS_UP)
    with pytest.raises(ModelError, match=r"miss the model's log-odds by 0\.0002"):
        explainer.explain_many(rows[:3])


def test_shap_draws_and_adds_up_our_contributions(explainer, rows_of_model):
    mpl.use("Agg")
    import shap
    from matplotlib import pyplot as plt

    many = explainer.explain_many(rows_of_model[:30])
    several = to_shap(many.values, many.base, many.rows, many.names)
    single = to_shap(many.values[3], many.base, many.rows[3], many.names)
    assert isinstance(several, shap.Explanation)
    np.testing.assert_allclose(several.base_values + several.values.sum(axis=1), many.logit_scores, atol=1e-9)
    assert single.base_values + single.values.sum() == pytest.approx(many.logit_scores[3], abs=1e-9)
    np.testing.assert_array_equal(several[3].values, single.values)
    assert list(several.feature_names) == list(many.names)
    for draw, given in (
        (shap.plots.waterfall, single),
        (shap.plots.bar, several),
        (shap.plots.beeswarm, several),
    ):
        draw(given, show=False)
        axes = plt.gcf().axes[0]
        assert any(many.names[0] in label.get_text() for label in axes.get_yticklabels())
        plt.close("all")
    for wrong in (many.values[:, :3], many.values[np.newaxis]):
        with pytest.raises(FeatureMismatch, match="24 features are named"):
            to_shap(wrong, many.base, many.rows, many.names)


@pytest.fixture
def rows_of_model(make_clients):
    return make_clients(60, seed=11)
