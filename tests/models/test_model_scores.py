"""A trained model in a pipeline: scikit-learn's own checks, and the scores of the scorer."""

import inspect
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

import fraudsieve.models
from fraudsieve.exceptions import ArtifactError
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.models import Calibration, Model, ModelScores, Scorer, write_model
from fraudsieve.models.trees.ensemble import Ensemble

FOLDERS = tempfile.TemporaryDirectory()


class StablePath(str):
    """A path that differs between runs, with a constant representation for test names."""

    def __repr__(self) -> str:
        return "'tiny'"


def tiny() -> StablePath:
    """Write a model that uses only the length of a text; the checks need one when they are collected."""
    matrix = MessageMatrix(None)
    X = matrix.compute(["a" * n for n in range(1, 60)])
    settings = {"objective": "binary", "min_data_in_leaf": 1, "verbosity": -1, "num_threads": 1}
    booster = lgb.train(settings, lgb.Dataset(X, np.arange(59) > 30), 3)
    ensemble = Ensemble(lgb.Booster(model_str=booster.model_to_string()), (), np.zeros(1))
    write_model(Model("tiny", ("fraud", "ham"), "ham", matrix, ensemble, Calibration()), Path(FOLDERS.name, "tiny"))
    return StablePath(Path(FOLDERS.name, "tiny"))


def lengths(X: pd.DataFrame) -> Any:
    return X["text"].str.len().to_numpy()[:, None]


class OfNumbers(ModelScores):
    """Adapter for matrices, which scikit-learn's checks use: a row is read as the text of its numbers."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit([repr(row) for row in validate_data(self, X).tolist()])

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        return super().transform([repr(row) for row in validate_data(self, X, reset=False).tolist()])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = tags.input_tags.string = tags.input_tags.allow_nan = False
        return tags


FOLDER = tiny()
with warnings.catch_warnings():
    # On an estimator of texts only one check runs, and a warning lists the others; these run on OfNumbers.
    warnings.simplefilter("ignore", SkipTestWarning)
    checks = parametrize_with_checks([ModelScores(FOLDER), OfNumbers(FOLDER)])


@checks  # type: ignore[untyped-decorator]
def test_scikit_learn_contract(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_every_estimator_is_checked() -> None:
    public = (getattr(fraudsieve.models, name) for name in fraudsieve.models.__all__)
    names = {thing.__name__ for thing in public if inspect.isclass(thing) and issubclass(thing, BaseEstimator)}
    assert names == {"FraudClassifier", "ModelScores"}  # test_classifier.py has the other


@pytest.fixture(autouse=True, scope="session")
def gone() -> Iterator[None]:
    yield
    FOLDERS.cleanup()


def test_columns_equal_the_scores_of_the_scorer(fitted: Any) -> None:
    texts = [*fitted.texts[:40], " ", "", "免费领奖"]
    expected = Scorer.load(fitted.folder).score_columns({"text": texts})
    step = ModelScores(fitted.folder).fit(texts)
    for batch in (texts, np.array(texts, object), pd.Series(texts), pd.DataFrame({"text": texts, "other": 5})):
        scores = step.transform(batch)
        for position, name in enumerate(step.get_feature_names_out()):
            np.testing.assert_array_equal(scores[:, position], expected[name].astype(float))
    assert np.isnan(scores[40:42]).all()
    assert step.get_feature_names_out().tolist() == [f"probability__{name}" for name in fitted.model.classes]


def test_in_a_pipeline_with_other_features(several: Any) -> None:
    frame = pd.DataFrame({"text": several.texts[:300]}, index=range(7, 307))
    y = np.asarray(several.labels[:300] != "legitimate")
    both = make_union(ModelScores(several.folder), FunctionTransformer(lengths))
    pipeline = make_pipeline(both, LogisticRegression(max_iter=1000))
    assert pipeline.fit(frame, y).score(frame, y) > 0.9
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict_proba(frame), pipeline.predict_proba(frame))
    step = clone(ModelScores(several.folder)).set_output(transform="pandas")
    scored = step.fit_transform(frame)
    assert (scored.index == frame.index).all()
    assert scored.columns.tolist() == step.get_feature_names_out().tolist()


def test_only_the_pinned_model_is_accepted(binary: Any, tmp_path: Path) -> None:
    assert ModelScores(binary.folder, digest=binary.model.digest).fit(["x"]).transform(["x"]).shape == (1, 2)
    with pytest.raises(ArtifactError):
        ModelScores(binary.folder, digest="0" * 64).fit(["x"])
    with pytest.raises(ArtifactError):
        ModelScores(tmp_path / "none").fit(["x"])
    with pytest.raises(NotFittedError):
        ModelScores(binary.folder).transform(["x"])


def test_invalid_records_are_rejected(binary: Any) -> None:
    step = ModelScores(binary.folder).fit(["x"])
    with pytest.raises(KeyError, match="Expected a column 'text'"):
        step.transform(pd.DataFrame({"message": ["x"]}))
    for wrong in ("x", {"text": "x"}):
        with pytest.raises(TypeError, match="Expected a sequence of texts"):
            step.transform(wrong)
    with pytest.raises(ValueError, match="1 dimension"):
        step.transform(np.array([["x"]], object))
