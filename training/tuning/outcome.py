"""What a search of settings found: its trials, and whether the best of them is worth taking."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.run import NestedRun

from .folds import METRICS
from .space import with_settings

__all__ = ["Trial", "TuningResult"]

ERRORS: Final = 2
"""Standard errors that a gain must exceed: of hundreds of trials the best one has been lucky by more than one."""
STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
"""What MLflow calls the state of a trial."""


@dataclass(frozen=True)
class Trial:
    """Settings, and what they reached.

    Parameters
    ----------
    number : int
        Its place in the search, from 0.
    settings : dict
        By dotted name: ``model.num_leaves``.
    scores : tuple of float
        The metric in each fold; fewer where the trial was stopped early.
    state : {"complete", "pruned", "failed"}
        A failed one was under way when the run was killed.
    started : float
        Seconds since 1970.
    seconds : float
        How long it took; 0 where it failed.

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
        """The mean over the folds that it saw; NaN of none."""
        return float(np.mean(self.scores)) if self.scores else float("nan")


@dataclass(frozen=True)
class TuningResult:
    """What a search found.

    Parameters
    ----------
    own : Recipe
        The recipe as it came.
    metric : str
        What was made large.
    trials : tuple of Trial
        All of them, the recipe's own settings first among the finished.
    storage : Path
        Where they are kept.

    Examples
    --------
    >>> own = Trial(0, {"model.num_leaves": 7}, (0.50, 0.60), "complete", 0.0, 1.0)
    >>> other = Trial(1, {"model.num_leaves": 15}, (0.53, 0.64), "complete", 1.0, 1.0)
    >>> tuned = TuningResult(Recipe(), "average_precision", (own, other), Path("search.db"))
    >>> tuned.taken, tuned.recipe.model.num_leaves
    (True, 15)
    """

    own: Recipe
    metric: str
    trials: tuple[Trial, ...]
    storage: Path

    @property
    def default(self) -> Trial:
        """The trial of the recipe's own settings."""
        return next(trial for trial in self.trials if trial.state == "complete")

    @property
    def best(self) -> Trial:
        """The trial of the largest mean; of equals the first."""
        return max((trial for trial in self.trials if trial.state == "complete"), key=lambda trial: trial.mean)

    @property
    def gain(self) -> float:
        """The mean over the folds of what the best is better than the recipe's own settings."""
        return self.best.mean - self.default.mean

    @property
    def standard_error(self) -> float:
        """Of the gain: folds are compared in pairs, for they differ more among each other than settings do."""
        differences = np.subtract(self.best.scores, self.default.scores)
        return float(differences.std(ddof=1) / np.sqrt(len(differences)))

    @property
    def taken(self) -> bool:
        """Whether the best settings are taken: only where the gain is larger than twice its standard error."""
        return self.gain > ERRORS * self.standard_error

    @property
    def recipe(self) -> Recipe:
        """The recipe to train with."""
        return with_settings(self.own, self.best.settings) if self.taken else self.own

    @property
    def seconds(self) -> float:
        """How long all trials took."""
        return sum(trial.seconds for trial in self.trials)

    @property
    def facts(self) -> dict[str, Any]:
        """What the model folder says of the search: all but times, so that the same search says the same."""
        finished = [trial.state for trial in self.trials if trial.state != "failed"]
        return {
            "metric": self.metric,
            "folds": len(self.default.scores),
            "trials": len(finished),
            "pruned": finished.count("pruned"),
            "default": self.default.mean,
            "best": self.best.mean,
            "standard_error": self.standard_error,
            "taken": self.taken,
            "settings": (self.best if self.taken else self.default).settings,
        }

    @property
    def content(self) -> dict[str, Any]:
        """All that is said of the search where it ended: the facts, how long it took, and where its trials are."""
        return self.facts | {"seconds": self.seconds, "storage": str(self.storage)}

    @property
    def note(self) -> str:
        """What the user should know, in a line."""
        facts, said = self.facts, METRICS[self.metric]
        found = f"{said} inside the folds {self.default.mean:.4f} -> {self.best.mean:.4f}"
        if facts["trials"] == 1:
            found = (
                f"{said} inside the folds {self.default.mean:.4f}; there was time for the recipe's own settings alone"
            )
        elif self.best is self.default:
            found += "; nothing better was found: the recipe's own settings are kept"
        elif not self.taken:
            found += f"; no more than {ERRORS} standard errors of {self.standard_error:.4f}: "
            found += "the recipe's own settings are kept"
        return f"tuned: {facts['trials']} trials in {self.seconds:.0f} s, {found}. The trials are in {self.storage}"

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
