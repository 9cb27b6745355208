"""Training rows and trees of a run and of its hyperparameter search."""

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.label_trust import Trust
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import load_labelled
from fraudsieve.training.data.training_rows import grow_trees, training_rows
from fraudsieve.training.recipe.recipe import Recipe


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
    assert (result.campaigns["groups"] == groups[result.positions]).all()
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
    trusting = load_labelled(labelled_messages.assign(source="rule"), trust=Trust({"rule": 0.5}))
    groups, train = groups_of(trusting)[0], np.arange(len(trusting.rows))
    settings = recipe(**{"data.trust": {"rule": 0.5}, "seed": 3})
    result = training_rows(trusting, groups, train, settings)
    assert result.weights is not None
    assert (result.weights == 0.5).all()
    expected = FraudClassifier(n_rounds=5, random_state=3, n_jobs=1).fit(
        result.matrix, result.labels, sample_weight=result.weights, **result.campaigns
    )
    grown = grow_trees(result, settings, "message")
    assert grown.ensemble_.booster.model_to_string() == expected.ensemble_.booster.model_to_string()
