"""`FraudClassifier`: the contract of scikit-learn, and its own behaviour."""

import inspect
import io
import pickle
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import ClassifierMixin, clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import fraudsieve.models
from fraudsieve.features import MessageFeatures
from fraudsieve.features.wording.fit import campaign_weights
from fraudsieve.models import Calibration, FraudClassifier
from fraudsieve.models.trees.ensemble import initial_log_odds
from tests.messages import refused

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "LightGBM bins columns and draws bags by row, not by weight",
}


def estimators() -> list[Any]:
    public = [getattr(fraudsieve.models, name) for name in fraudsieve.models.__all__]
    return [thing() for thing in public if inspect.isclass(thing) and issubclass(thing, ClassifierMixin)]


def expected_failures(_: Any) -> dict[str, str]:
    return EXPECTED_FAILURES


def frame_of(n_rows: int = 300, classes: tuple[str, ...] = ("fraud", "legitimate"), seed: int = 0) -> Any:
    """A frame with a wording column for each output among other columns, and labels that follow from both."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(len(classes), size=n_rows)
    outputs = classes[1:] if len(classes) == 2 else classes
    frame = pd.DataFrame({"cues__money": rng.normal(size=n_rows) + (codes == 0)})
    for name in outputs:
        frame[f"wording__{name}"] = rng.normal(size=n_rows) + np.where(codes == classes.index(name), 1.0, -1.0)
        frame[f"shape__{name}"] = rng.normal(size=n_rows)
    return frame, np.array(classes, object)[codes]


def small(**settings: Any) -> FraudClassifier:
    return FraudClassifier(**{"n_rounds": 10, "n_jobs": 1, **settings})


def text_of(model: FraudClassifier) -> str:
    return str(model.ensemble_.booster.model_to_string(num_iteration=-1))


def test_discovery_finds_the_classifier() -> None:
    assert [type(estimator) for estimator in estimators()] == [FraudClassifier]


@parametrize_with_checks(estimators(), expected_failed_checks=expected_failures)  # type: ignore[untyped-decorator]
def test_scikit_learn_contract(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.parametrize("classes", [("fraud", "legitimate"), ("ham", "scam", "spam")])
def test_wording_columns_are_found_by_name_in_any_order(classes: tuple[str, ...]) -> None:
    frame, y = frame_of(classes=classes)
    expected_columns = [f"wording__{name}" for name in (classes[1:] if len(classes) == 2 else classes)]
    for order in (frame.columns, frame.columns[::-1], sorted(frame.columns)):
        model = small().fit(frame[order], y)
        assert [model.feature_names_in_[at] for at in model.ensemble_.wording] == expected_columns
        trees = np.asarray(model.ensemble_.booster.predict(frame[order].to_numpy(), raw_score=True))
        expected = trees.reshape(len(frame), -1) + frame[expected_columns].to_numpy()
        odds = model.decision_function(frame[order]).reshape(len(frame), -1)
        np.testing.assert_allclose(odds, expected, rtol=1e-12, atol=1e-12)


def test_a_missing_wording_column_of_one_class_is_an_error() -> None:
    frame, y = frame_of(classes=("ham", "scam", "spam"))
    with refused(ValueError, "wording__scam"):
        small().fit(frame.drop(columns="wording__scam"), y)


def test_wording_of_absent_classes_is_an_ordinary_column() -> None:
    frame, y = frame_of(classes=("ham", "scam", "spam"))
    two = y != "scam"
    model = small().fit(frame[two], y[two])
    assert [model.feature_names_in_[at] for at in model.ensemble_.wording] == ["wording__spam"]


@pytest.mark.parametrize("prefix", ["text__", "union__text__"])
@pytest.mark.parametrize("classes", [("fraud", "legitimate"), ("ham", "scam", "spam")])
def test_wording_columns_are_found_behind_the_prefix_of_a_step(prefix: str, classes: tuple[str, ...]) -> None:
    frame, y = frame_of(classes=classes)
    plain = small().fit(frame, y)
    prefixed = small().fit(frame.add_prefix(prefix), y)
    assert prefixed.ensemble_.wording == plain.ensemble_.wording != ()
    np.testing.assert_array_equal(prefixed.predict_proba(frame.add_prefix(prefix)), plain.predict_proba(frame))


def test_wording_columns_of_several_steps_are_an_error() -> None:
    frame, y = frame_of()
    both = pd.concat([frame.add_prefix("a__"), frame.add_prefix("b__")], axis=1)
    with refused(ValueError, "a__wording__", "b__wording__"):
        small().fit(both, y)


@pytest.mark.slow
def test_an_array_of_the_builder_of_messages_has_lost_its_names() -> None:
    texts, y = (
        ["win a prize", "a prize, call now", "see you at six", "home tonight"] * 3,
        ["spam", "spam", "ham", "ham"] * 3,
    )
    with pytest.warns(UserWarning, match=r"boosting starts from the class frequencies.* set_output"):
        make_pipeline(MessageFeatures(n_folds=2), small()).fit(texts, y)
    make_pipeline(MessageFeatures(n_folds=2, wording=False), small()).fit(texts, y)  # no start to lose
    make_pipeline(MessageFeatures(n_folds=2).set_output(transform="pandas"), small()).fit(texts, y)


def test_importances_are_shares_of_the_gain_and_rounds_are_reported() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    y, seen = np.where(X[:, 1] > 0, "fraud", "legitimate"), []
    model = FraudClassifier(n_rounds=25, n_jobs=1)
    model.fit(X, y, on_round=lambda n, loss: seen.append((n, loss)))
    assert model.feature_importances_.argmax() == 1
    assert model.feature_importances_.sum() == pytest.approx(1)
    assert [n for n, _ in seen] == [10, 20, 25]
    assert seen[0][1] > seen[1][1] > seen[2][1] > 0
    silent = FraudClassifier(n_rounds=25, n_jobs=1).fit(X, y)
    assert silent.ensemble_.booster.model_to_string() == model.ensemble_.booster.model_to_string()


def test_without_wording_boosting_starts_from_the_class_frequencies() -> None:
    frame, y = frame_of(classes=("ham", "scam", "spam"))
    plain = frame.drop(columns=[name for name in frame if name.startswith("wording")])
    model = small(min_leaf_rows=len(frame)).fit(plain, y)  # no split is possible
    assert model.ensemble_.wording == ()
    _, counts = np.unique(y, return_counts=True)
    np.testing.assert_allclose(model.predict_proba(plain[:1])[0], counts / len(y), rtol=1e-9)


def test_probabilities_are_not_biased_towards_balance() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2))
    y = np.where(rng.random(4000) < 1 / (1 + np.exp(4 - X[:, 0])), "fraud", "legitimate")
    fraud = small(n_rounds=40).fit(X, y).predict_proba(X)[:, 0]
    assert fraud.mean() == pytest.approx((y == "fraud").mean(), rel=0.05)


@pytest.mark.parametrize("classes", [("fraud", "legitimate"), ("ham", "scam", "spam")])
def test_calibration_keeps_the_ranking_and_the_likeliest_type(classes: tuple[str, ...]) -> None:
    frame, y = frame_of(classes=classes)
    model = small().fit(frame[::2], y[::2])
    before, labels = model.decision_function(frame), model.predict(frame)
    model.calibrate(frame[1::2], y[1::2])
    after = model.decision_function(frame)
    assert model.calibration_ != Calibration()
    if len(classes) == 2:
        assert (np.argsort(before) == np.argsort(after)).all()
        truth = y == "legitimate"
        assert average_precision_score(truth, before) == average_precision_score(truth, after)
    else:
        assert (labels == model.predict(frame)).all()
    assert (model.predict(frame) == model.classes_[model.predict_proba(frame).argmax(axis=1)]).all()


def test_calibration_weighs_rows() -> None:
    frame, y = frame_of()
    model = small().fit(frame, y)
    doubled = pd.concat([frame, frame[:50]])
    twice = clone(model).fit(frame, y).calibrate(doubled, np.append(y, y[:50])).calibration_
    weighted = model.calibrate(frame, y, np.where(np.arange(len(y)) < 50, 2.0, 1.0)).calibration_
    assert weighted.low == pytest.approx(twice.low, rel=1e-3)
    assert weighted.shift == pytest.approx(twice.shift, abs=1e-3)


def test_calibrating_takes_labels_of_one_column_as_fit_does() -> None:
    frame, labels = frame_of()
    model = small().fit(frame, labels)
    expected = model.calibrate(frame, labels).predict_proba(frame)
    for column in (labels[:, None], pd.DataFrame({"label": labels})):
        with pytest.warns(DataConversionWarning):
            model.calibrate(frame, column)
        assert (model.predict_proba(frame) == expected).all()


def test_calibrating_on_unseen_classes_is_an_error() -> None:
    frame, y = frame_of()
    with pytest.raises(NotFittedError):
        small().calibrate(frame, y)
    model = small().fit(frame, y)
    with refused(ValueError, "fraud", "legitimate"):
        model.calibrate(frame, np.where(y == "fraud", "scam", y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.calibrate(frame, y[:-1])
    assert model.calibration_ == Calibration()


def test_fitting_again_forgets_the_calibration() -> None:
    frame, y = frame_of()
    model = small().fit(frame, y).calibrate(frame, y)
    assert model.fit(frame, y).calibration_ == Calibration()


@pytest.mark.slow
@pytest.mark.parametrize("classes", [("fraud", "legitimate"), ("ham", "scam", "spam")])
def test_a_model_is_the_same_to_the_byte_whatever_the_threads(classes: tuple[str, ...]) -> None:
    frame, y = frame_of(classes=classes)
    text = text_of(small().fit(frame, y))
    assert text == text_of(small().fit(frame, y))
    assert [n_jobs for n_jobs in (2, -1, None) if text_of(small(n_jobs=n_jobs).fit(frame, y)) != text] == []
    assert text != text_of(small(random_state=1).fit(frame, y))


def test_each_campaign_counts_as_one_row() -> None:
    frame, y = frame_of()
    groups = np.where(np.arange(len(y)) < 100, 0, np.arange(len(y)))
    model = small().fit(frame, y, groups=groups)
    assert text_of(model) == text_of(small().fit(frame, y, campaign_weights(groups)))
    assert text_of(model) != text_of(small().fit(frame, y))
    assert text_of(small().fit(frame, y, groups=np.arange(len(y)))) == text_of(small().fit(frame, y))
    both = small().fit(frame, y, np.full(len(y), 3.0), groups=groups)
    assert text_of(both) == text_of(small().fit(frame, y, 3 * campaign_weights(groups)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small().fit(frame, y, groups=groups[:-1])


def test_missing_values_are_allowed() -> None:
    frame, y = frame_of()
    frame.loc[::3, "cues__money"] = np.nan
    model = small().fit(frame, y).calibrate(frame, y)
    assert np.isfinite(model.predict_proba(frame)).all()


@pytest.mark.parametrize("classes", [("fraud", "legitimate"), ("ham", "scam", "spam")])
def test_missing_wording_adds_nothing(classes: tuple[str, ...]) -> None:
    frame, y = frame_of(classes=classes)
    wording = [name for name in frame if name.startswith("wording")]
    frame.loc[:20, wording] = np.nan
    model = small().fit(frame, y)
    odds = model.decision_function(frame[:20])
    trees = model.ensemble_.booster.predict(frame[:20].to_numpy(), raw_score=True)
    np.testing.assert_allclose(odds, trees, rtol=1e-12, atol=1e-12)
    assert np.isfinite(model.predict_proba(frame)).all()
    start = initial_log_odds(np.array([[np.nan, 1.0], [2.0, np.nan]]), (0, 1), np.array([0.5, 0.5]))
    assert start.tolist() == [[0.5, 1.5], [2.5, 0.5]]


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_rejected(value: float) -> None:
    frame, y = frame_of()
    model = small().fit(frame, y)
    broken = frame.copy()
    broken.iloc[5, 0] = value
    for call in (
        lambda: small().fit(broken, y),
        lambda: model.calibrate(broken, y),
        lambda: model.predict_proba(broken),
        lambda: model.decision_function(broken),
        lambda: model.predict(broken),
    ):
        with pytest.raises(ValueError, match="infinity"):
            call()


def test_other_columns_than_those_of_fit_are_rejected() -> None:
    frame, y = frame_of()
    model = small().fit(frame, y)
    wrong = {
        "must be in the same order": frame[frame.columns[::-1]],
        "missing": frame.drop(columns="cues__money"),
        "unseen at fit": frame.assign(more=1.0),
    }
    for text, columns in wrong.items():
        for method in (model.predict_proba, model.predict, model.decision_function):
            with pytest.raises(ValueError, match=text):
                method(columns)


@pytest.mark.parametrize(
    "setting",
    [
        {"n_rounds": 0},
        {"learning_rate": 0.0},
        {"num_leaves": 1},
        {"min_leaf_weight": -1.0},
        {"min_leaf_rows": 0},
        {"feature_fraction": 0.0},
        {"row_fraction": 1.5},
        {"l2": -1.0},
        {"random_state": -1},
        {"n_jobs": 1.5},
    ],
)
def test_settings_are_checked_in_fit(setting: dict[str, Any]) -> None:
    frame, y = frame_of()
    model = FraudClassifier(**setting)
    with refused(ValueError):
        model.fit(frame, y)


def test_one_class_is_rejected() -> None:
    frame, y = frame_of()
    with pytest.raises(ValueError, match="y has 1 class"):
        small().fit(frame, np.full(len(y), "fraud"))


def test_single_rows_equal_batches_and_input_is_unchanged() -> None:
    frame, y = frame_of(classes=("ham", "scam", "spam"))
    untouched, labels = frame.copy(), y.copy()
    model = small().fit(frame, y).calibrate(frame, y)
    many = model.predict_proba(frame)
    one_by_one = np.vstack([model.predict_proba(frame[at : at + 1]) for at in range(50)])
    np.testing.assert_array_equal(many[:50], one_by_one)
    np.testing.assert_array_equal(many[::-1], model.predict_proba(frame[::-1]))
    np.testing.assert_allclose(many.sum(axis=1), 1.0, rtol=1e-12)
    pd.testing.assert_frame_equal(frame, untouched)
    assert (y == labels).all()


def through_joblib(model: Any) -> Any:
    stream = io.BytesIO()
    joblib.dump(model, stream)
    stream.seek(0)
    return joblib.load(stream)


def through_pickle(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("copied", [through_pickle, through_joblib])
def test_copies_of_a_model_score_the_same(copied: Callable[[FraudClassifier], FraudClassifier]) -> None:
    frame, y = frame_of()
    unfitted = copied(small(l2=2.0))
    assert unfitted.get_params() == small(l2=2.0).get_params()
    model = small(l2=2.0).fit(frame, y).calibrate(frame, y)
    assert text_of(unfitted.fit(frame, y)) == text_of(model)
    np.testing.assert_array_equal(copied(model).predict_proba(frame), model.predict_proba(frame))


@pytest.mark.slow
def test_it_works_in_a_pipeline_after_the_builder_of_messages(labelled: pd.DataFrame) -> None:
    texts = labelled["text"].to_numpy(object)
    labels = np.where(labelled["label"] == "legitimate", "legitimate", "fraud").astype(object)
    train, test = slice(0, None, 2), slice(1, None, 2)
    steps = [MessageFeatures(n_folds=2).set_output(transform="pandas"), small()]
    pipeline = make_pipeline(*map(clone, steps)).fit(texts[train], labels[train])
    features = clone(steps[0])
    by_hand = small().fit(features.fit_transform(texts[train], labels[train]), labels[train])
    predicted = pipeline.predict_proba(texts[test])
    np.testing.assert_array_equal(predicted, by_hand.predict_proba(features.transform(texts[test])))
    assert average_precision_score(labels[test] == "fraud", predicted[:, 0]) > 0.9
    assert pipeline[-1].ensemble_.wording  # boosting starts from the wording columns, recognised by name
    for copied in (
        through_pickle(pipeline),
        through_joblib(pipeline),
        clone(pipeline).fit(texts[train], labels[train]),
    ):
        np.testing.assert_array_equal(copied.predict_proba(texts[test][:9]), predicted[:9])
    scores = cross_val_score(pipeline, texts, labels == "fraud", cv=2, scoring="average_precision")
    assert (scores > 0.7).all()  # of later messages, other campaigns
    pipeline.set_params(messagefeatures__n_folds=3, fraudclassifier__n_rounds=3).fit(texts[train], labels[train])
    assert pipeline[-1].ensemble_.booster.num_trees() == 3


@pytest.mark.parametrize("prefix", ["", "messages__"])
def test_of_surprisal_trees_split_on_means_alone(prefix: str) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    X = pd.DataFrame(
        {f"{prefix}surprisal__raw_char_worst": y.astype(float), f"{prefix}cues__money": y + rng.normal(size=400)}
    )
    fitted = FraudClassifier(n_jobs=1).fit(X, y)
    assert fitted.feature_importances_.tolist() == [0.0, 1.0]
    named = FraudClassifier(n_jobs=1).fit(X.set_axis(["profile__surprisal", "cues__money"], axis=1), y)
    assert named.feature_importances_[0] > 0.5
