"""Whether the best trial is adopted, on small examples."""

from pathlib import Path

import numpy as np
import pytest

from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tuning.outcome import Trial, TuningResult


def trial(number: int, *scores: float, leaves: int = 7, state: str = "complete") -> Trial:
    return Trial(number, {"model.num_leaves": leaves}, scores, state, 1000.0, 2.0)


def tuned(*trials: Trial) -> TuningResult:
    return TuningResult(Recipe(), "average_precision", trials, Path("model.tune-0.db"))


def test_a_gain_beyond_two_standard_errors_is_adopted() -> None:
    result = tuned(trial(0, 0.2, 0.8), trial(1, 0.23, 0.85, leaves=15))
    assert result.gain == pytest.approx(0.04)
    # The differences are .03 and .05; their standard deviation is .0141, and divided by the root of two .01.
    assert result.standard_error == pytest.approx(0.01)
    assert result.is_adopted
    assert result.recipe.model.num_leaves == 15
    assert result.facts["settings"] == {"model.num_leaves": 15}
    assert "0.5000 -> 0.5400. The trials" in result.note


def test_a_gain_within_two_standard_errors_is_not_adopted() -> None:
    result = tuned(trial(0, 0.2, 0.8), trial(1, 0.3, 0.78, leaves=15))
    assert result.gain == pytest.approx(0.04)
    assert result.standard_error == pytest.approx(0.06)
    assert not result.is_adopted
    assert result.recipe == result.original
    assert result.facts["settings"] == {"model.num_leaves": 7}
    assert (
        "0.5000 -> 0.5400; the gain is within 2 standard errors of 0.0600: the settings of the recipe are kept"
        in result.note
    )


def test_one_standard_error_is_not_enough() -> None:
    result = tuned(trial(0, 0.2, 0.8), trial(1, 0.21, 0.87, leaves=15))
    assert result.standard_error < result.gain < 2 * result.standard_error
    assert not result.is_adopted


def test_the_recipe_is_kept_without_a_better_trial() -> None:
    result = tuned(trial(0, 0.5, 0.6), trial(1, 0.5, 0.6, leaves=15), trial(2, 0.4, 0.6, leaves=3))
    assert result.best is result.default is result.trials[0]
    assert not result.is_adopted
    assert "0.5500 -> 0.5500; no trial was better: the settings of the recipe are kept" in result.note
    alone = tuned(trial(0, 0.5, 0.6))
    assert not alone.is_adopted
    assert "only the settings of the recipe were tried" in alone.note


def test_a_trial_that_was_stopped_or_killed_is_never_the_best() -> None:
    trials = [trial(0, state="failed"), trial(1, 0.5, 0.6), trial(2, 0.9, leaves=15, state="pruned")]
    result = tuned(*trials)
    assert result.best is result.default is trials[1]
    assert (result.facts["trials"], result.facts["pruned"]) == (2, 1)
    assert np.isnan(trials[0].mean)


@pytest.mark.slow
def test_nested_runs_have_the_status_of_each_trial() -> None:
    runs = tuned(trial(0, 0.5, 0.6), trial(1, 0.4, state="pruned"), trial(2, state="failed")).runs
    assert [run.status for run in runs] == ["FINISHED", "KILLED", "FAILED"]
    assert runs[0].params == {"num_leaves": 7}
    assert runs[0].metrics == {"average_precision": pytest.approx(0.55)}
    assert runs[0].steps == {"average_precision_of_fold": (0.5, 0.6)}
    assert runs[2].metrics == {}
