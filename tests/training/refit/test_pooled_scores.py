"""Pooled scores are those of the models of folds, in the order of the rows, with a column for every class."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.calibration import fit_calibration, probabilities
from fraudsieve.training.data.builders import groups_of, matrix_of
from fraudsieve.training.data.labelled import load_labelled
from fraudsieve.training.data.training_rows import grow_trees, training_rows
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit.pooled_scores import PooledScores, pool_scores, with_all_classes
from fraudsieve.training.splits.split import Split

pytestmark = pytest.mark.slow

EMPTY = np.array([], np.int64)


@pytest.mark.parametrize("two_classes", [True, False])
def test_scores_are_those_of_a_model_of_the_other_rows(labelled_messages: pd.DataFrame, two_classes: bool) -> None:
    label = labelled_messages["label"]
    if two_classes:
        label = label.where(label == "legitimate", "fraud")
    data = load_labelled(labelled_messages.assign(label=label))
    groups, _ = groups_of(data)
    rare = str(label.value_counts().index[-1])
    truth = data.rows["label"].to_numpy(object)
    # The first fold has not seen the rarest class; its rows come last in the table.
    first = np.flatnonzero(truth != rare) if not two_classes else np.arange(len(truth) // 2)
    tested = np.arange(len(truth) // 2, len(truth))
    folds = [
        Split("time", np.setdiff1d(first, tested), EMPTY, tested, ()),
        Split("time", tested, EMPTY, np.arange(len(truth) // 2), ()),
    ]
    recipe = Recipe.read(overrides={"n_jobs": 1, "features.pinyin": False, "model.n_rounds": 5})
    classes, steps = sorted(set(truth)), list[Any]()
    pooled = pool_scores(data, groups, folds, classes, ["shape__length"], recipe, steps.append)
    assert steps == ["refit: fold 1 of 2", "refit: fold 2 of 2"]
    assert pooled.rows.tolist() == list(range(len(truth)))
    trained_on = training_rows(data, groups, folds[0].train, recipe)
    classifier = grow_trees(trained_on, recipe, "message")
    by_hand = classifier.predict_proba(matrix_of(trained_on.builder, data.rows.iloc[tested]))
    places = [classes.index(name) for name in classifier.classes_]
    ours = probabilities(pooled.log_odds)[tested]
    np.testing.assert_allclose(ours[:, places], by_hand, atol=1e-12)
    assert (pooled.seen[tested] == (two_classes | (truth[tested] != rare))).all()
    assert pooled.seen[: len(truth) // 2].all() or not two_classes


def test_rows_whose_class_was_not_seen_do_not_calibrate() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(size=(300, 1))
    labels = np.where(rng.random(300) < 1 / (1 + np.exp(-2 * odds[:, 0])), "spam", "ham").astype(object)
    seen = np.arange(300) < 200
    pooled = PooledScores(np.arange(300), odds, seen, np.zeros(300))
    expected = fit_calibration(odds[:200], (labels[:200] == "spam").astype(int))
    assert pooled.calibrate(labels, ["ham", "spam"]) == expected
    assert expected.low > 1


def test_classes_that_were_not_seen_are_all_but_impossible() -> None:
    classes = ["a", "b", "c", "d"]
    odds = np.array([[0.3, -1.0, 700.0], [-2.0, 5.0, 0.0]])
    filled = with_all_classes(odds, ["a", "c", "d"], classes)
    np.testing.assert_allclose(probabilities(filled)[:, [0, 2, 3]], probabilities(odds), atol=1e-15)
    assert (probabilities(filled)[:, 1] < 1e-20).all()
    two = with_all_classes(np.array([[2.0]]), ["b", "d"], classes)
    np.testing.assert_allclose(probabilities(two)[:, [1, 3]], probabilities(np.array([[2.0]])), atol=1e-15)
    assert with_all_classes(odds, ["a", "c", "d"], ["a", "c", "d"]) is odds
