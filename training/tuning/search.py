"""The search of settings: Optuna over the recipe's space, inside the training slice, kept in a file to resume from.

Every draw is seeded by the seed of the recipe and the number of finished trials, so a search that was killed and goes
on makes the trials that it would have made.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from fraudsieve._typing import Array, Progress
from fraudsieve.models.artifact.folder import FEATURES_VERSION
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.recipe.tune import TuneRecipe
from fraudsieve.training.splits.split import Split

from .folds import METRICS, SearchFolds, metric_of, search_folds, training_alone
from .outcome import Trial, TuningResult
from .space import distributions, own_settings, tune_of, with_settings

__all__ = ["tune"]


SCORES = "scores"
"""The attribute of a trial that holds its figure in each fold."""
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
TO_PRUNE = 5
"""No trial is stopped early before so many are complete."""
SPEAK_EVERY = 10.0
"""Seconds between two lines of progress, unless there is something better to say."""


def tune(
    data: LabelledData,
    groups: Array,
    what: str,
    split: Split,
    recipe: Recipe,
    *,
    output: str | Path,
    progress: Progress,
) -> TuningResult:
    """Search the settings of a recipe inside the training slice.

    The first trial is the recipe itself. The file of the search is named for the data and the recipe: the same call
    goes on where an earlier one was stopped, its time counted, and other data or another recipe begin anew.

    Parameters
    ----------
    data : LabelledData
        All rows.
    groups : ndarray, shape (n_rows,)
        Campaigns or accounts.
    what : str
        Which of the two.
    split : Split
        The slices; of these the training slice alone is looked at.
    recipe : Recipe
        With a section ``[tune]``.
    output : str or Path
        The model folder to be made; the trials are kept beside it.
    progress : callable
        Called with what is done next.

    Returns
    -------
    TuningResult
        The recipe to train with, and all trials.

    Raises
    ------
    RecipeError
        When the space or the metric does not fit the data.
    SplitError
        When there are too few rows for folds.
    """
    began = time.monotonic()
    space, own = distributions(recipe, data.subject), own_settings(recipe, data.subject)
    metric = metric_of(data, recipe)
    alone, its_groups = training_alone(data, split), groups[split.train]
    folds = SearchFolds(alone, its_groups, search_folds(alone, its_groups, what, split, recipe), metric, progress)
    storage = Path(f"{output}.tune-{_digest(data, recipe)[:12]}.db")
    with _study(storage) as study:
        _fail_unfinished(study)
        if not _finished(study):
            study.enqueue_trial(own)
        clock = _Clock(began, tune_of(recipe), sum(map(_seconds, _finished(study))))
        while not clock.over(len(_finished(study))):
            _try(study, folds, recipe, space)
            found = TuningResult(recipe, metric, _trials(study), storage)
            clock.say(found, progress)
        return TuningResult(recipe, metric, _trials(study), storage)


def _try(study: optuna.Study, folds: SearchFolds, recipe: Recipe, space: dict[str, BaseDistribution]) -> None:
    """Make one trial; one that is behind in the first half of the folds is stopped there, but never the first."""
    finished = _finished(study)
    seed = int(np.random.SeedSequence([recipe.seed, len(finished)]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    trial = study.ask(space)
    asked, half = with_settings(recipe, trial.params), len(folds) // 2
    try:
        scores = folds.scores(asked, range(half))
        trial.report(float(np.mean(scores)), half)
        pruned = bool(finished) and trial.should_prune()
        scores += [] if pruned else folds.scores(asked, range(half, len(folds)))
        trial.set_user_attr(SCORES, scores)
    except BaseException:
        study.tell(trial, state=TrialState.FAIL)
        raise
    if pruned:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, float(np.mean(scores)))


@dataclass
class _Clock:
    """When the search is over, and when something is said of it."""

    began: float
    settings: TuneRecipe
    before: float
    """Seconds in the trials of earlier calls."""
    said: float = -SPEAK_EVERY
    best: int = 0

    def left(self) -> float | None:
        budget = self.settings.seconds
        return None if budget is None else budget - self.before - (time.monotonic() - self.began)

    def over(self, n_finished: int) -> bool:
        left, trials = self.left(), self.settings.trials
        return n_finished > 0 and ((left is not None and left <= 0) or (trials is not None and n_finished >= trials))

    def say(self, found: TuningResult, progress: Progress) -> None:
        now = time.monotonic()
        if found.best.number == self.best and now - self.said < SPEAK_EVERY:
            return
        self.said, self.best, left = now, found.best.number, self.left()
        ends = [] if left is None else [f"{max(left, 0):.0f} s left"]
        ends += [] if self.settings.trials is None else [f"at most {self.settings.trials} trials"]
        figures = f"{METRICS[found.metric]} {found.default.mean:.4f} -> {found.best.mean:.4f}"
        progress(f"tuning: {found.facts['trials']} trials, {figures}, {', '.join(ends)}")


@contextmanager
def _study(storage: Path) -> Iterator[optuna.Study]:
    """Open the study in a file, or make it; keep Optuna from talking."""
    loud = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
        database = optuna.storages.RDBStorage(f"sqlite:///{storage}")
        try:
            pruner = optuna.pruners.MedianPruner(n_startup_trials=TO_PRUNE)
            yield optuna.create_study(
                storage=database, pruner=pruner, study_name="fraudsieve", direction="maximize", load_if_exists=True
            )
        finally:
            database.remove_session()
            database.engine.dispose()
    finally:
        optuna.logging.set_verbosity(loud)


def _fail_unfinished(study: optuna.Study) -> None:
    """Mark what a killed run left: trials under way, and one that was to come."""
    while study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.ask()  # a trial that waits is told of only when it runs
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=FINISHED)


def _trials(study: optuna.Study) -> tuple[Trial, ...]:
    names = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}
    return tuple(
        Trial(
            trial.number,
            dict(trial.params),
            tuple(trial.user_attrs.get(SCORES, ())),
            names.get(trial.state, "failed"),
            trial.datetime_start.timestamp() if trial.datetime_start else 0.0,
            _seconds(trial),
        )
        for trial in study.get_trials(deepcopy=False)
    )


def _seconds(trial: FrozenTrial) -> float:
    """Return how long a trial took; nobody knows of one that was killed."""
    return trial.duration.total_seconds() if trial.duration and trial.state in FINISHED else 0.0


def _digest(data: LabelledData, recipe: Recipe) -> str:
    """Return a digest of all that the trials depend on."""
    tables = {"messages", "accounts", "events", "labels"}
    beside: dict[str, Any] = {"name": True, "n_jobs": True, "thresholds": True, "track": True, "data": tables}
    said = recipe.model_dump(mode="json", exclude=beside | {"tune": {"budget", "trials"}})
    facts = {"data": data.digests, "recipe": said, "versions": [FEATURES_VERSION, lightgbm.__version__]}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
