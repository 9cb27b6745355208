"""`save_pipeline`: a folder scores as its pipeline does; what a folder cannot hold is an error that says what to do."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from fraudsieve.features import AccountFeatures, History, MessageFeatures
from fraudsieve.models import FraudClassifier, Scorer, save_pipeline
from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
from fraudsieve.training.simulation.world import simulate
from tests.messages import refused

pytestmark = pytest.mark.slow

TEXTS = ["win a prize now", "prize waiting, call now", "see you at six", "dinner at home tonight"] * 4
LABELS = np.array(["spam", "spam", "ham", "ham"] * 4, object)
FRAME = pd.DataFrame({"text": TEXTS, "amount": np.arange(16.0)})


def features(**settings: Any) -> MessageFeatures:
    builder = MessageFeatures(n_folds=2, **settings)
    builder.set_output(transform="pandas")
    return builder


def trees() -> FraudClassifier:
    return FraudClassifier(n_rounds=3, min_leaf_rows=2, n_jobs=1)


def fitted(*steps: Any, X: Any = TEXTS, y: Any = LABELS) -> Pipeline:
    return make_pipeline(*steps, trees()).set_output(transform="pandas").fit(X, y)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return fitted(features())


def scores(folder: Path, texts: list[str]) -> npt.NDArray[np.float64]:
    """The probability of the second class by the model in a folder."""
    scored = Scorer.load(folder).score_columns({"text": texts})
    return np.asarray(scored["probability__spam"], np.float64)


def test_a_folder_scores_as_its_pipeline(pipeline: Pipeline, tmp_path: Path) -> None:
    model = save_pipeline(pipeline, tmp_path / "shop")
    assert (model.name, model.classes, model.legitimate, model.points) == ("shop", ("ham", "spam"), "ham", ())
    new = ["call now for a prize", "home at six", "something else"]
    np.testing.assert_allclose(scores(tmp_path / "shop", new), pipeline.predict_proba(new)[:, 1], rtol=1e-12)
    assert Scorer.load(tmp_path / "shop", digest=model.digest).score({"text": "a"})["decision"] is None


def test_texts_may_be_in_a_column_of_another_name(tmp_path: Path) -> None:
    frame = FRAME.rename(columns={"text": "body"}).assign(text="not this")
    fitted = make_pipeline(features(text_column="body", columns=["amount"]), trees()).fit(frame, LABELS)
    usual = make_pipeline(features(columns=["amount"]), trees()).fit(FRAME, LABELS)
    np.testing.assert_array_equal(fitted.predict_proba(frame), usual.predict_proba(FRAME))
    save_pipeline(fitted, tmp_path / "model", calibration=(frame, LABELS))
    scorer = Scorer.load(tmp_path / "model")
    record = {"body": TEXTS[0], "amount": 0.0}
    assert scorer.score(record) == scorer.score({"text": TEXTS[0], "amount": 0.0})
    assert scorer.score_columns(frame.drop(columns="text"))["probability"][0] == scorer.score(record)["probability"]
    with refused(ValueError, "body"):
        fitted.predict(FRAME)


@pytest.mark.parametrize(
    "step",
    [
        ColumnTransformer([("text", features(), "text")]),
        FeatureUnion([("text", features())]),
        make_pipeline("passthrough", features()),
    ],
    ids=["column-transformer", "union", "nested"],
)
def test_the_builder_may_be_in_another_step(step: Any, tmp_path: Path) -> None:
    X = FRAME if isinstance(step, ColumnTransformer) else TEXTS
    pipeline = fitted(step, X=X)
    assert pipeline[-1].ensemble_.wording == (0,)
    save_pipeline(pipeline, tmp_path / "model")
    np.testing.assert_allclose(scores(tmp_path / "model", TEXTS), pipeline.predict_proba(X)[:, 1], rtol=1e-12)


def test_calibration_chooses_operating_points_and_leaves_the_pipeline_as_it_is(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    before = pipeline.predict_proba(TEXTS)
    model = save_pipeline(pipeline, tmp_path / "model", name="shop", calibration=(TEXTS, LABELS))
    assert model.name == "shop"
    # 16 campaigns are too few to promise any rate.
    assert [point.estimated_false_positive_rate for point in model.points] == [0.01, 0.001, 0.05, None]
    assert Scorer.load(tmp_path / "model").score({"text": TEXTS[0]})["decision"] == "flag"
    np.testing.assert_array_equal(pipeline.predict_proba(TEXTS), before)
    noisy = np.where(np.arange(80) % 3 == 0, "ham", np.tile(LABELS, 5))
    calibrated = save_pipeline(pipeline, tmp_path / "noisy", calibration=(TEXTS * 5, noisy))
    assert calibrated.calibration != model.calibration
    with refused(ValueError, "ham", "spam"):
        save_pipeline(pipeline, tmp_path / "other", calibration=(["a"], ["scam"]))
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("labels", "settings", "expected"),
    [
        ((0, 1), {}, "0"),
        (("ham", "spam"), {}, "ham"),
        (("fine", "fraud"), {}, "fine"),
        (("red", "blue"), {"legitimate": "red"}, "red"),
        (("ham", "spam"), {"legitimate": None}, None),
    ],
)
def test_the_legitimate_class(labels: Any, settings: dict[str, Any], expected: str | None, tmp_path: Path) -> None:
    y = np.where(LABELS == "ham", *labels)
    assert save_pipeline(fitted(features(), y=y), tmp_path / "model", **settings).legitimate == expected


def test_a_model_of_types_must_be_asked_for(tmp_path: Path) -> None:
    pipeline = fitted(features(), y=np.where(LABELS == "ham", "red", "blue"))
    with refused(ValueError, "blue", "red"):
        save_pipeline(pipeline, tmp_path / "model")
    assert save_pipeline(pipeline, tmp_path / "model", legitimate=None).legitimate is None


def test_the_builder_names_the_legitimate_class(tmp_path: Path) -> None:
    y = np.where(LABELS == "ham", "red", "blue")
    assert save_pipeline(fitted(features(legitimate="red"), y=y), tmp_path / "model").legitimate == "red"
    with refused(ValueError, "blue", "red"):
        save_pipeline(fitted(features(), y=y), tmp_path / "other", legitimate="green")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            ColumnTransformer([("text", features(), "text"), ("own", "passthrough", ["amount"])]),
            r"'columntransformer.own' passes \['amount'\] through.* Name them in MessageFeatures\(columns=\.\.\.\)",
        ),
        (
            ColumnTransformer([("text", features(), "text"), ("own", StandardScaler(), ["amount"])]),
            r"got StandardScaler in step 'columntransformer.own'.* joblib or mlflow.sklearn",
        ),
        (ColumnTransformer([("own", StandardScaler(), ["amount"])]), "got StandardScaler in step"),
        (ColumnTransformer([("own", "passthrough", ["amount"])]), "passes .* through"),
        (
            ColumnTransformer([("a", features(wording=False), "text"), ("b", features(), "text")]),
            "Expected one MessageFeatures or AccountFeatures before FraudClassifier, got 2",
        ),
        (
            ColumnTransformer([("text", features(), "text")], transformer_weights={"text": 2.0}),
            "got ColumnTransformer in step 'columntransformer'",
        ),
    ],
    ids=["passthrough", "foreign-beside", "foreign", "only-passthrough", "two", "weights"],
)
def test_what_a_folder_cannot_hold_is_named(step: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        save_pipeline(fitted(step, X=FRAME), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_other_objects_are_rejected(pipeline: Pipeline, tmp_path: Path) -> None:
    search = GridSearchCV(pipeline, {})
    search.best_estimator_ = pipeline
    with refused(TypeError, "best_estimator_"):
        save_pipeline(search, tmp_path / "model")
    with pytest.raises(TypeError, match="got FraudClassifier"):
        save_pipeline(pipeline[-1], tmp_path / "model")
    with refused(ValueError):
        save_pipeline(make_pipeline(features(), LogisticRegression()), tmp_path / "model")
    with pytest.raises(ValueError, match="got 0"):
        save_pipeline(make_pipeline(trees()), tmp_path / "model")
    with pytest.raises(NotFittedError):
        save_pipeline(make_pipeline(features(), trees()), tmp_path / "model")
    (tmp_path / "model").mkdir()
    with pytest.raises(FileExistsError):
        save_pipeline(pipeline, tmp_path / "model")


def test_a_classifier_of_other_columns_is_rejected(pipeline: Pipeline, tmp_path: Path) -> None:
    rows = pipeline[0].transform(TEXTS)
    reversed_columns = clone(trees()).fit(rows[rows.columns[::-1]], LABELS)
    for other in (reversed_columns, clone(trees()).fit(rows.iloc[:, 1:], LABELS)):
        with pytest.raises(ValueError, match="columns that are others or in another order"):
            save_pipeline(Pipeline([("features", pipeline[0]), ("trees", other)]), tmp_path / "model")


def test_accounts_too(tmp_path: Path) -> None:
    world = simulate(days=10, n_accounts=100, messages_per_day=20)
    accounts = world.accounts[["account_id"]].assign(as_of=world.events["occurred_at"].max())
    y = np.where(np.arange(len(accounts)) % 3 == 0, "fraud", "legitimate").astype(object)
    builder = AccountFeatures(world.events, history=[History(("1d",), kinds=("message",))])
    pipeline = fitted(builder, X=accounts, y=y)
    save_pipeline(pipeline, tmp_path / "model")
    events: Any = world.events.astype(object).where(world.events.notna(), None).to_dict("records")
    scored = Scorer.load(tmp_path / "model").score_columns(accounts, history=events)
    np.testing.assert_allclose(scored["probability"], pipeline.predict_proba(accounts)[:, 0], rtol=1e-12)


def test_a_saved_pipeline_can_be_evaluated(pipeline: Pipeline, tmp_path: Path) -> None:
    save_pipeline(pipeline, tmp_path / "model", calibration=(TEXTS, LABELS))
    table = pd.DataFrame({"message_id": [f"m{i}" for i in range(16)], "text": TEXTS, "label": LABELS})
    assert evaluate_tables(tmp_path / "model", messages=table).report.average_precision == 1.0
