"""Whether the best trial is adopted, on small examples."""

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial, TrialState

from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tuning.search import TuningResult

PRUNED = TrialState.PRUNED
WITHIN = "the gain is within 2 standard errors of {:.4f}: the settings of the recipe are kept"


def trial(*scores: float, leaves: int = 7, state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    return optuna.create_trial(
        params={"model.num_leaves": leaves},
        distributions={"model.num_leaves": IntDistribution(2, 31)},
        value=sum(scores) / len(scores),
        user_attrs={"scores": scores},
        state=state,
    )


def tuned(*trials: FrozenTrial) -> TuningResult:
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    return TuningResult(Recipe(), "average_precision", study)


@pytest.mark.parametrize(
    ("scores", "error", "leaves", "note"),
    [
        # The differences are .03 and .05; their standard deviation is .0141, and divided by the root of two .01.
        ((0.23, 0.85), 0.01, 15, "0.5000 -> 0.5400"),
        ((0.3, 0.78), 0.06, 7, f"-> 0.5400; {WITHIN.format(0.06)}"),
        ((0.21, 0.87), 0.03, 7, f"-> 0.5400; {WITHIN.format(0.03)}"),
    ],
)
def test_only_a_gain_beyond_two_standard_errors_is_adopted(
    scores: tuple[float, ...], error: float, leaves: int, note: str
) -> None:
    result = tuned(trial(0.2, 0.8), trial(*scores, leaves=15))
    assert result.standard_error == pytest.approx(error)
    assert result.is_adopted == (leaves == 15)
    assert result.recipe.model.num_leaves == (15 if leaves == 15 else None)
    assert result.facts["settings"] == {"model.num_leaves": leaves}
    assert result.note.endswith(note)


def test_the_recipe_is_kept_without_a_better_trial() -> None:
    result = tuned(trial(0.5, 0.6), trial(0.5, 0.6, leaves=15), trial(0.4, 0.6, leaves=3))
    assert result.best.number == result.default.number == 0
    assert not result.is_adopted
    assert "0.5500 -> 0.5500; no trial was better: the settings of the recipe are kept" in result.note
    alone = tuned(trial(0.5, 0.6))
    assert not alone.is_adopted
    assert "only the settings of the recipe were tried" in alone.note


def test_a_trial_that_was_stopped_is_never_the_best() -> None:
    result = tuned(trial(0.5, 0.6), trial(0.9, leaves=15, state=PRUNED))
    assert result.best.number == result.default.number == 0
    assert (result.facts["trials"], result.facts["pruned"]) == (2, 1)


def test_nested_runs_have_the_status_of_each_trial() -> None:
    runs = tuned(trial(0.5, 0.6), trial(0.4, state=PRUNED)).runs
    assert [run.status for run in runs] == ["FINISHED", "KILLED"]
    assert runs[0].params == {"num_leaves": 7}
    assert runs[0].metrics == {"average_precision": pytest.approx(0.55)}
    assert runs[0].steps == {"average_precision_of_fold": (0.5, 0.6)}
