"""One contestant on one set: quality fold by fold, time to train, and time for a record."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.folds import Fold
from benchmarks.machine import one_core
from benchmarks.runner import progress

from .tasks import TableSet, TextSet

__all__ = ["Measured", "mean_draws", "measure"]


@dataclass(frozen=True)
class Measured:
    """What was measured of a contestant.

    Parameters
    ----------
    values : list of float
        The metric, fold by fold or seed by seed.
    train_seconds, train_cpu_seconds : float
        Mean time of a fold to choose settings and train: elapsed, and of all cores.
    ms_per_record : float
        Mean processor time to score a record in a batch, in milliseconds.
    column_seconds : float, default=0.0
        Processor time to make the columns of the training rows, a part of the times to train.
    draws : list of float, default=[]
        As from `mean_draws`.
    """

    values: list[float]
    train_seconds: float
    train_cpu_seconds: float
    ms_per_record: float
    column_seconds: float = 0.0
    draws: list[float] = field(default_factory=list)


def measure(
    name: str,
    fit: Callable[[Fold], Callable[[], NDArray[Any]]],
    folds: Sequence[Fold],
    of_set: TextSet | TableSet,
) -> Measured:
    """Train a contestant on every fold, on one core, and score the test rows.

    `fit` trains on a fold and returns what scores its test rows. The name is for the lines of progress.
    """
    values, draws, elapsed, cpu, scoring = [], [], [], [], []
    with one_core(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peers say about their own settings
        for number, fold in enumerate(folds):
            start, cpu_start = time.perf_counter(), time.process_time()
            predict = fit(fold)
            elapsed.append(time.perf_counter() - start)
            cpu.append(time.process_time() - cpu_start)
            cpu_start = time.process_time()
            predicted = predict()
            scoring.append(1000 * (time.process_time() - cpu_start) / len(fold.test))
            values.append(of_set.value(fold, predicted))
            draws.append(of_set.draws(fold, predicted))
            progress(f"{name} run {number + 1}/{len(folds)}: {values[-1]:.4f}, trained in {elapsed[-1]:.1f} s")
    train, train_cpu, per_record = (float(np.mean(of_runs)) for of_runs in (elapsed, cpu, scoring))
    return Measured(values, train, train_cpu, per_record, draws=mean_draws(draws))


def mean_draws(draws: Sequence[NDArray[np.float64]]) -> list[float]:
    """Return the mean over runs of each bootstrap draw, to six digits.

    Examples
    --------
    >>> mean_draws([np.array([0.5, 0.25]), np.array([0.6, 0.25])])
    [0.55, 0.25]
    """
    means: list[float] = np.mean(draws, axis=0).round(6).tolist()
    return means
