"""One contestant on one set: quality fold by fold, time to train, and time for a record."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.folds import Fold
from benchmarks.machine import one_core
from benchmarks.runner import progress

__all__ = ["Measured", "measure"]


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
    """

    values: list[float]
    train_seconds: float
    train_cpu_seconds: float
    ms_per_record: float
    column_seconds: float = 0.0


def measure(
    name: str,
    fit: Callable[[Fold], Callable[[], NDArray[Any]]],
    folds: Sequence[Fold],
    score: Callable[[Fold, NDArray[Any]], float],
) -> Measured:
    """Train a contestant on every fold, on one core, and score the test rows.

    `fit` trains on a fold and returns what scores its test rows; `score` is the metric of these scores. The name is for
    the lines of progress.
    """
    values, elapsed, cpu, scoring = [], [], [], []
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
            values.append(score(fold, predicted))
            progress(f"{name} run {number + 1}/{len(folds)}: {values[-1]:.4f}, trained in {elapsed[-1]:.1f} s")
    return Measured(values, *(float(np.mean(seconds)) for seconds in (elapsed, cpu, scoring)))
