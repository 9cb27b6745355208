"""Hyperparameter search with Optuna inside the training slice, stored in a file from which it can resume.

Every trial is seeded by the seed of the recipe and the number of finished trials. So a search that was killed and
resumed makes the same trials as one that was not.
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
from .space import distributions, recipe_settings, tune_of, with_settings

SCORES = "scores"
"""Attribute of a trial: its score in each fold."""
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
MIN_TRIALS_TO_PRUNE = 5
"""Complete trials before any trial is pruned."""
PROGRESS_SECONDS = 10.0
"""Seconds between progress messages, unless a better trial is found."""


def tune(
    data: LabelledData,
    groups: Array,
    group_kind: str,
    split: Split,
    recipe: Recipe,
    *,
    output: str | Path,
    progress: Progress,
) -> TuningResult:
    """Search the hyperparameters of a recipe inside the training slice.

    The first trial has the settings of the recipe. The name of the file depends on the data and the recipe. The same
    call resumes an earlier search, whose time counts; other data or another recipe start a new search.

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
    output : str or Path
        The future model folder; the file of the trials is next to it.
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
    start = time.monotonic()
    space, recipe_values = distributions(recipe, data.subject), recipe_settings(recipe, data.subject)
    metric = metric_of(data, recipe)
    training_data, training_groups = training_alone(data, split), groups[split.train]
    splits = search_folds(training_data, training_groups, group_kind, split, recipe)
    folds = SearchFolds(training_data, training_groups, splits, metric, progress)
    storage = Path(f"{output}.tune-{_digest(data, recipe)[:12]}.db")
    with _study(storage) as study:
        _fail_unfinished(study)
        if not _finished(study):
            study.enqueue_trial(recipe_values)
        clock = _Clock(start, tune_of(recipe), sum(map(_seconds, _finished(study))))
        while not clock.over(len(_finished(study))):
            _try(study, folds, recipe, space)
            clock.report(TuningResult(recipe, metric, _trials(study), storage), progress)
        return TuningResult(recipe, metric, _trials(study), storage)


def _try(study: optuna.Study, folds: SearchFolds, recipe: Recipe, space: dict[str, BaseDistribution]) -> None:
    """Run one trial; after half of the folds it may be pruned, unless it is the first."""
    finished = _finished(study)
    seed = int(np.random.SeedSequence([recipe.seed, len(finished)]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    trial = study.ask(space)
    trial_recipe, half = with_settings(recipe, trial.params), len(folds) // 2
    try:
        scores = folds.scores(trial_recipe, range(half))
        trial.report(float(np.mean(scores)), half)
        pruned = bool(finished) and trial.should_prune()
        scores += [] if pruned else folds.scores(trial_recipe, range(half, len(folds)))
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
    """Decide when the search ends, and when progress is reported."""

    start: float
    settings: TuneRecipe
    before: float
    """Seconds in the trials of earlier calls."""
    reported: float = -PROGRESS_SECONDS
    best: int = 0

    def left(self) -> float | None:
        budget = self.settings.seconds
        return None if budget is None else budget - self.before - (time.monotonic() - self.start)

    def over(self, n_finished: int) -> bool:
        left, trials = self.left(), self.settings.trials
        return n_finished > 0 and ((left is not None and left <= 0) or (trials is not None and n_finished >= trials))

    def report(self, result: TuningResult, progress: Progress) -> None:
        now = time.monotonic()
        if result.best.number == self.best and now - self.reported < PROGRESS_SECONDS:
            return
        self.reported, self.best, left = now, result.best.number, self.left()
        ends = [] if left is None else [f"{max(left, 0):.0f} s left"]
        ends += [] if self.settings.trials is None else [f"at most {self.settings.trials} trials"]
        means = f"{METRICS[result.metric]} {result.default.mean:.4f} -> {result.best.mean:.4f}"
        progress(f"tuning: {result.facts['trials']} trials, {means}, {', '.join(ends)}")


@contextmanager
def _study(storage: Path) -> Iterator[optuna.Study]:
    """Open or create the study in a file, with Optuna silenced."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
        database = optuna.storages.RDBStorage(f"sqlite:///{storage}")
        try:
            pruner = optuna.pruners.MedianPruner(n_startup_trials=MIN_TRIALS_TO_PRUNE)
            yield optuna.create_study(
                storage=database, pruner=pruner, study_name="fraudsieve", direction="maximize", load_if_exists=True
            )
        finally:
            database.remove_session()
            database.engine.dispose()
    finally:
        optuna.logging.set_verbosity(verbosity)


def _fail_unfinished(study: optuna.Study) -> None:
    """Mark the unfinished trials of a killed process as failed."""
    while study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.ask()  # only a running trial can be marked as failed
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
    """Return the duration of a trial; 0 if it was killed."""
    return trial.duration.total_seconds() if trial.duration and trial.state in FINISHED else 0.0


def _digest(data: LabelledData, recipe: Recipe) -> str:
    """Return a digest of everything that the trials depend on."""
    tables = {"messages", "accounts", "events", "labels", "features", "as_of"}
    excluded: dict[str, Any] = {"name": True, "n_jobs": True, "thresholds": True, "track": True, "data": tables}
    excluded["model"] = {"refit"}
    settings = recipe.model_dump(mode="json", exclude=excluded | {"tune": {"budget", "trials"}})
    rows = [len(data.rows), data.n_unlabelled]
    facts = {
        "data": data.digests,
        "rows": rows,
        "recipe": settings,
        "versions": [FEATURES_VERSION, lightgbm.__version__],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
