"""The result of a hyperparameter search: its trials, and whether the best one is adopted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.tracked_run import NestedRun

from .folds import METRICS
from .space import with_settings

MIN_ERRORS: Final = 2
"""Standard errors that a gain must exceed: the best of many trials exceeds one by chance."""
STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
"""Status in MLflow by state of a trial."""


@dataclass(frozen=True)
class Trial:
    """A trial of the search: parameters and their scores.

    Parameters
    ----------
    number : int
        Number in the search, from 0.
    settings : dict
        Values by dotted name, such as ``model.num_leaves``.
    scores : tuple of float
        The metric of each fold; fewer folds if the trial was pruned.
    state : {"complete", "pruned", "failed"}
        A failed trial was running when the process was killed.
    started : float
        Start, in seconds since 1970.
    seconds : float
        Duration; 0 if it failed.

    Examples
    --------
    >>> Trial(0, {"model.num_leaves": 7}, (0.5, 0.6), "complete", 0.0, 1.0).mean
    0.55
    """

    number: int
    settings: dict[str, Any]
    scores: tuple[float, ...]
    state: str
    started: float
    seconds: float

    @property
    def mean(self) -> float:
        """The mean over its folds; NaN if it has none."""
        return float(np.mean(self.scores)) if self.scores else float("nan")


@dataclass(frozen=True)
class TuningResult:
    """The result of a search.

    Parameters
    ----------
    original : Recipe
        The recipe before the search.
    metric : str
        The metric that was maximised.
    trials : tuple of Trial
        All trials; the first finished one has the settings of the recipe.
    storage : Path
        The file of the trials.

    Examples
    --------
    >>> own = Trial(0, {"model.num_leaves": 7}, (0.50, 0.60), "complete", 0.0, 1.0)
    >>> other = Trial(1, {"model.num_leaves": 15}, (0.53, 0.64), "complete", 1.0, 1.0)
    >>> tuned = TuningResult(Recipe(), "average_precision", (own, other), Path("search.db"))
    >>> tuned.is_adopted, tuned.recipe.model.num_leaves
    (True, 15)
    """

    original: Recipe
    metric: str
    trials: tuple[Trial, ...]
    storage: Path

    @property
    def default(self) -> Trial:
        """The trial with the settings of the recipe."""
        return next(trial for trial in self.trials if trial.state == "complete")

    @property
    def best(self) -> Trial:
        """The trial with the largest mean; the first of equals."""
        return max((trial for trial in self.trials if trial.state == "complete"), key=lambda trial: trial.mean)

    @property
    def gain(self) -> float:
        """The difference of the means of the best trial and the default trial."""
        return self.best.mean - self.default.mean

    @property
    def standard_error(self) -> float:
        """Standard error of the gain, paired by fold, because folds differ more than settings."""
        differences = np.subtract(self.best.scores, self.default.scores)
        return float(differences.std(ddof=1) / np.sqrt(len(differences)))

    @property
    def is_adopted(self) -> bool:
        """Whether the best settings are adopted: only if the gain exceeds twice its standard error."""
        return self.gain > MIN_ERRORS * self.standard_error

    @property
    def recipe(self) -> Recipe:
        """The recipe to train with."""
        return with_settings(self.original, self.best.settings) if self.is_adopted else self.original

    @property
    def seconds(self) -> float:
        """Duration of all trials."""
        return sum(trial.seconds for trial in self.trials)

    @property
    def facts(self) -> dict[str, Any]:
        """The search as it is stored in the model folder; without durations, so that it is reproducible."""
        finished = [trial.state for trial in self.trials if trial.state != "failed"]
        return {
            "metric": self.metric,
            "folds": len(self.default.scores),
            "trials": len(finished),
            "pruned": finished.count("pruned"),
            "default": self.default.mean,
            "best": self.best.mean,
            "standard_error": self.standard_error,
            "adopted": self.is_adopted,
            "settings": (self.best if self.is_adopted else self.default).settings,
        }

    @property
    def content(self) -> dict[str, Any]:
        """The facts of the search, its duration, and the file of its trials."""
        return self.facts | {"seconds": self.seconds, "storage": str(self.storage)}

    @property
    def note(self) -> str:
        """A summary for the user, in one line."""
        n_trials, name = self.facts["trials"], METRICS[self.metric]
        result = f"{name} in cross-validation {self.default.mean:.4f} -> {self.best.mean:.4f}"
        if n_trials == 1:
            result = f"{name} in cross-validation {self.default.mean:.4f}; only the settings of the recipe were tried"
        elif self.best is self.default:
            result += "; no trial was better: the settings of the recipe are kept"
        elif not self.is_adopted:
            result += f"; the gain is within {MIN_ERRORS} standard errors of {self.standard_error:.4f}: "
            result += "the settings of the recipe are kept"
        return f"tuned: {n_trials} trials in {self.seconds:.0f} s, {result}. The trials are in {self.storage}"

    @property
    def runs(self) -> list[NestedRun]:
        """The trials, for MLflow."""
        return [
            NestedRun(
                name=f"trial {trial.number}",
                params={name.partition(".")[2]: value for name, value in trial.settings.items()},
                metrics={self.metric: trial.mean} if trial.scores else {},
                tags={"trial.state": trial.state},
                steps={f"{self.metric}_of_fold": trial.scores},
                status=STATUS[trial.state],
                started=trial.started,
                seconds=trial.seconds,
            )
            for trial in self.trials
        ]
