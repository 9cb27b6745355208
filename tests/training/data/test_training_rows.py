"""Training rows and trees of a run and of its hyperparameter search."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features.label_trust import Trust
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.training.data import builders as of_rows
from fraudsieve.training.data.builders import grow_trees, read_data, training_rows
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import Labelling, load_labelled
from fraudsieve.training.recipe.recipe import LabelledSize, Recipe


def recipe(**overrides: object) -> Recipe:
    return Recipe.read(overrides={"n_jobs": 1, "features.pinyin": False, "model.n_rounds": 5, **overrides})


@pytest.mark.slow
def test_rows_labels_and_campaigns_are_of_the_slice_and_its_copies(labelled_messages: pd.DataFrame) -> None:
    data = load_labelled(labelled_messages)
    groups, train = groups_of(data)[0], np.arange(0, len(data.rows), 2)
    result = training_rows(data, groups, train, recipe())
    assert len(result.matrix) == len(result.labels) == len(result.positions) > len(train)
    assert set(result.positions) == set(train)
    assert (result.labels == data.rows["label"].to_numpy(object)[result.positions]).all()
    assert result.groups is not None
    assert np.array_equal(result.groups, groups[result.positions])
    assert result.weights is None


@pytest.mark.slow
def test_wording_features_are_out_of_fold(labelled_messages: pd.DataFrame) -> None:
    data = load_labelled(labelled_messages)
    groups, train = groups_of(data)[0], np.arange(len(data.rows))
    result = training_rows(data, groups, train, recipe(**{"features.augment": 0}))
    seen = result.builder.transform(data.rows)
    column = next(name for name in map(str, result.matrix) if name.startswith("wording__"))
    assert not np.allclose(result.matrix[column], np.asarray(seen)[:, result.matrix.columns.get_loc(column)])


@pytest.mark.slow
def test_trees_are_those_of_the_recipe(labelled_messages: pd.DataFrame) -> None:
    trusting = load_labelled(labelled_messages.assign(source="rule"), labelling=Labelling(trust=Trust({"rule": 0.5})))
    groups, train = groups_of(trusting)[0], np.arange(len(trusting.rows))
    settings = recipe(**{"data.trust": {"rule": 0.5}, "seed": 3})
    result = training_rows(trusting, groups, train, settings)
    assert result.weights is not None
    assert (result.weights == 0.5).all()
    expected = FraudClassifier(n_rounds=5, random_state=3, n_jobs=1).fit(
        result.matrix, result.labels, sample_weight=result.weights, groups=result.groups
    )
    grown = grow_trees(result, settings, Subject.MESSAGE)
    assert grown.ensemble_.booster.model_to_string() == expected.ensemble_.booster.model_to_string()


def test_trees_of_a_large_table_are_grown_on_a_sample_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_rows, "MAX_LEGITIMATE", 600)
    n = 2000
    labels = np.where(np.arange(n) % 10 == 0, "fraud", "legitimate")
    table = pd.DataFrame({"account_id": [f"a{i}" for i in range(n)], "a": np.arange(n), "label": labels})
    settings = recipe(**{"data.subject": "account"})
    data = read_data(settings, {"accounts": table}, min_label_rows=2)
    assert of_rows.sample_of(data, settings).rate == pytest.approx(600 / 1800, abs=0.001)
    kept = of_rows.sample_slice(data, np.arange(n), settings)
    labels_of_kept = data.rows["label"].iloc[kept]
    assert (labels_of_kept == "fraud").sum() == 200
    assert (labels_of_kept == "legitimate").sum() == pytest.approx(600, abs=60)
    whole = recipe(**{"data.subject": "account", "model.sample_rate": 1.0})
    assert len(of_rows.sample_slice(data, np.arange(n), whole)) == n


def test_of_many_rows_some_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, labels = pd.DataFrame({"a": np.arange(100.0)}), np.full(100, "legitimate", object)
    rows = of_rows.TrainingRows(MessageFeatures(), matrix, labels, np.arange(100), None, LabelledSize(100, 10))
    assert rows.plain is matrix
    monkeypatch.setattr(of_rows, "PLAIN_ROWS", 30)
    assert rows.plain["a"].tolist() == list(range(0, 100, 4))
    assert replace(rows, drawn=np.zeros(100, np.bool_)).plain["a"].tolist() == list(range(0, 100, 4))
    assert replace(rows, drawn=np.arange(100) < 20).plain["a"].tolist() == list(range(20))
