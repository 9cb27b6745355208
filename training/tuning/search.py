"""Hyperparameter search with Optuna inside the training slice, and whether its best trial is adopted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial

from fraudsieve._typing import Array, JsonObject, Progress
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.split import Split
from fraudsieve.training.tracking.tracked_run import NestedRun

from .folds import METRICS, SearchFolds, metric_of, search_folds, training_alone
from .space import recipe_settings, suggest_settings, tune_of

SCORES = "scores"
"""Attribute of a trial: its score in each fold."""
MIN_TRIALS_TO_PRUNE = 5
"""Complete trials before any trial is pruned."""
PROGRESS_SECONDS = 10.0
"""Seconds between progress messages, unless a better trial is found."""
MIN_ERRORS: Final = 2
"""Standard errors that a gain must exceed: the best of many trials exceeds one by chance."""
STATUS = {"complete": "FINISHED", "pruned": "KILLED"}
"""Status in MLflow by state of a trial."""


@dataclass(frozen=True)
class TuningResult:
    """The result of a search.

    Parameters
    ----------
    original : Recipe
        The recipe before the search.
    metric : str
        The metric that was maximised.
    study : optuna.Study
        All trials; the first one has the settings of the recipe. Its attribute ``scores`` has the metric of each fold.

    Examples
    --------
    >>> space = {"model.num_leaves": optuna.distributions.IntDistribution(2, 31)}
    >>> study = optuna.create_study(direction="maximize")
    >>> for leaves, scores in [(7, (0.50, 0.60)), (15, (0.53, 0.64))]:
    ...     of_trial = {"params": {"model.num_leaves": leaves}, "distributions": space, "value": sum(scores) / 2}
    ...     study.add_trial(optuna.create_trial(**of_trial, user_attrs={"scores": scores}))
    >>> tuned = TuningResult(Recipe(), "average_precision", study)
    >>> tuned.is_adopted, tuned.recipe.model.num_leaves
    (True, 15)
    """

    original: Recipe
    metric: str
    study: optuna.Study = field(repr=False)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials, complete or pruned."""
        return self.study.get_trials(deepcopy=False)

    @property
    def default(self) -> FrozenTrial:
        """The trial with the settings of the recipe."""
        return self.trials[0]

    @property
    def best(self) -> FrozenTrial:
        """The trial with the largest mean; the first of equals."""
        return self.study.best_trial

    @property
    def standard_error(self) -> float:
        """Standard error of the gain, paired by fold, because folds differ more than settings."""
        differences = np.subtract(self.best.user_attrs[SCORES], self.default.user_attrs[SCORES])
        return float(differences.std(ddof=1) / np.sqrt(len(differences)))

    @property
    def is_adopted(self) -> bool:
        """Whether the best settings are adopted: only if the gain exceeds twice its standard error."""
        return _value(self.best) - _value(self.default) > MIN_ERRORS * self.standard_error

    @property
    def recipe(self) -> Recipe:
        """The recipe to train with."""
        return self.original.with_values(self.best.params) if self.is_adopted else self.original

    @property
    def facts(self) -> JsonObject:
        """The search as it is stored in the model folder; without durations, so that it is reproducible."""
        states = [_state(trial) for trial in self.trials]
        return {
            "metric": self.metric,
            "folds": len(self.default.user_attrs[SCORES]),
            "trials": len(states),
            "pruned": states.count("pruned"),
            "default": _value(self.default),
            "best": _value(self.best),
            "standard_error": self.standard_error,
            "adopted": self.is_adopted,
            "settings": (self.best if self.is_adopted else self.default).params,
        }

    @property
    def content(self) -> JsonObject:
        """The facts of the search, and its duration."""
        return self.facts | {"seconds": sum(map(_seconds, self.trials))}

    @property
    def means(self) -> str:
        """How many trials there are, and the means of the recipe and of the best trial."""
        name, means = METRICS[self.metric], f"{_value(self.default):.4f} -> {_value(self.best):.4f}"
        return (
            f"{len(self.trials)} trials in {sum(map(_seconds, self.trials)):.0f} s, {name} in cross-validation {means}"
        )

    @property
    def note(self) -> str:
        """A summary for the user, in one line."""
        if len(self.trials) == 1:
            return f"tuned: {self.means}; only the settings of the recipe were tried"
        if self.best.number == self.default.number:
            return f"tuned: {self.means}; no trial was better: the settings of the recipe are kept"
        if self.is_adopted:
            return f"tuned: {self.means}"
        within = f"the gain is within {MIN_ERRORS} standard errors of {self.standard_error:.4f}"
        return f"tuned: {self.means}; {within}: the settings of the recipe are kept"

    @property
    def runs(self) -> list[NestedRun]:
        """The trials, for MLflow."""
        return [
            NestedRun(
                name=f"trial {trial.number}",
                params={name.partition(".")[2]: value for name, value in trial.params.items()},
                metrics={self.metric: float(np.mean(trial.user_attrs[SCORES]))},
                tags={"trial.state": _state(trial)},
                steps={f"{self.metric}_of_fold": trial.user_attrs[SCORES]},
                status=STATUS[_state(trial)],
                started=trial.datetime_start.timestamp() if trial.datetime_start else 0.0,
                seconds=_seconds(trial),
            )
            for trial in self.trials
        ]


def _value(trial: FrozenTrial) -> float:
    return float(np.mean(trial.user_attrs[SCORES]))


def _state(trial: FrozenTrial) -> str:
    return trial.state.name.lower()


def _seconds(trial: FrozenTrial) -> float:
    return trial.duration.total_seconds() if trial.duration else 0.0


def tune(
    data: LabelledData, groups: Array, group_kind: str, split: Split, recipe: Recipe, *, progress: Progress
) -> TuningResult:
    """Search the hyperparameters of a recipe inside the training slice.

    The first trial has the settings of the recipe. With a number of trials as the limit, the same seed makes the same
    trials.

    Parameters
    ----------
    data : LabelledData
        All rows.
    groups : ndarray, shape (n_rows,)
        Campaigns or accounts.
    group_kind : str
        The kind of group: ``campaign`` or ``account``.
    split : Split
        The slices; only the training slice is used.
    recipe : Recipe
        With a section ``[tune]``.
    progress : callable
        Called with a message before each step.

    Returns
    -------
    TuningResult
        The recipe to train with, and all trials.

    Raises
    ------
    RecipeError
        If the search space or the metric does not fit the data.
    SplitError
        If there are too few rows for folds.
    """
    settings, own = tune_of(recipe), recipe_settings(recipe, data.subject, data.size)
    of_run = recipe.model.settings(data.subject, data.size)  # the training slice has fewer rows, with other defaults
    fixed = recipe.with_values({f"model.{name}": value for name, value in of_run.items() if name != "n_seeds"})
    metric = metric_of(data, recipe)
    training_data, training_groups = training_alone(data, split), groups[split.train]
    splits = search_folds(training_data, training_groups, group_kind, split, recipe)
    folds = SearchFolds(training_data, training_groups, splits, metric, progress)
    with _quiet_study(recipe.seed) as study:
        study.enqueue_trial(own)
        result = TuningResult(recipe, metric, study)
        study.optimize(
            lambda trial: mean_score(trial, folds, fixed.with_values(suggest_settings(trial, settings.space, own))),
            n_trials=settings.trials,
            timeout=settings.seconds,
            callbacks=[_reporter(result, progress)],
        )
    return result


def mean_score(trial: Trial, folds: SearchFolds, recipe: Recipe) -> float:
    """Return the mean score of a trial; after half of the folds it may be pruned."""
    half = len(folds) // 2
    scores = folds.scores(recipe, range(half))
    trial.set_user_attr(SCORES, scores)
    trial.report(float(np.mean(scores)), half)
    if trial.should_prune():
        raise optuna.TrialPruned
    scores = [*scores, *folds.scores(recipe, range(half, len(folds)))]
    trial.set_user_attr(SCORES, scores)
    return float(np.mean(scores))


@contextmanager
def _quiet_study(seed: int) -> Iterator[optuna.Study]:
    """Create a study, with Optuna silenced."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
        pruner = optuna.pruners.MedianPruner(n_startup_trials=MIN_TRIALS_TO_PRUNE)
        yield optuna.create_study(sampler=sampler, pruner=pruner, direction="maximize")
    finally:
        optuna.logging.set_verbosity(verbosity)


def _reporter(result: TuningResult, progress: Progress) -> Callable[[optuna.Study, FrozenTrial], None]:
    reported = time.monotonic()

    def report(study: optuna.Study, trial: FrozenTrial) -> None:
        nonlocal reported
        if trial.number == study.best_trial.number or time.monotonic() - reported >= PROGRESS_SECONDS:
            reported = time.monotonic()
            progress(f"tuning: {result.means}")

    return report
