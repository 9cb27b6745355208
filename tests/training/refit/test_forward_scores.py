"""The scores that calibrate a refit are those of the evaluated model, with a column for every class."""

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.calibration import fit_calibration, probabilities
from fraudsieve.training.data.builders import groups_of, matrix_of
from fraudsieve.training.data.labelled import load_labelled
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import ForwardScores, score_forward, with_all_classes
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.split import Split


@pytest.mark.slow
@pytest.mark.parametrize("two_classes", [True, False])
def test_scores_are_those_of_the_evaluated_model(labelled_messages: pd.DataFrame, two_classes: bool) -> None:
    label = labelled_messages["label"]
    if two_classes:
        label = label.where(label == "legitimate", "fraud")
    data = load_labelled(labelled_messages.assign(label=label))
    truth, half = data.rows["label"].to_numpy(object), len(data.rows) // 2
    rare = str(label.value_counts().index[-1])
    # The evaluated model has not seen the rarest class.
    train = np.arange(half) if two_classes else np.flatnonzero(truth[:half] != rare)
    later = np.arange(half, len(truth))
    recipe = Recipe.read(overrides={"n_jobs": 1, "features.pinyin": False, "model.n_rounds": 5})
    evaluated, builder, *_ = fit_model(
        data, groups_of(data)[0], Split("given", train, later, later[:0], ()), recipe, lambda step: None
    )
    classes = sorted(set(truth))
    forward = score_forward(evaluated, builder, data, later, classes)
    odds = evaluated.ensemble.log_odds(matrix_of(builder, data.rows.iloc[later]).to_numpy())
    places = [classes.index(name) for name in evaluated.classes]
    np.testing.assert_allclose(probabilities(forward.log_odds)[:, places], probabilities(odds), atol=1e-12)
    assert forward.rows.tolist() == later.tolist()
    assert (forward.seen == (two_classes | (truth[later] != rare))).all()
    assert len(forward.distances) == len(later)


def test_rows_whose_class_was_not_seen_do_not_calibrate() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(size=(300, 1))
    labels = np.where(rng.random(300) < 1 / (1 + np.exp(-2 * odds[:, 0])), "spam", "ham").astype(object)
    seen = np.arange(300) < 200
    forward = ForwardScores(np.arange(300), odds, seen, np.zeros(300))
    expected = fit_calibration(odds[:200], (labels[:200] == "spam").astype(int))
    assert forward.calibrate(labels, ["ham", "spam"]) == expected
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
