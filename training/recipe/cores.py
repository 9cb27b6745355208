"""The number of threads of a run: as many as the machine has idle cores."""

import os
import warnings

import joblib

from .recipe import Recipe


def physical_cores() -> int:
    """Return the number of physical cores that this process may use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where they cannot be counted, joblib counts logical ones and warns
        return int(joblib.cpu_count(only_physical_cores=True))


def load_average() -> float:
    """Return the number of threads that ran or waited for a core in the last minute; 0 if the system does not report
    it."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has no such number
        return 0.0


def idle_cores(cores: int, load: float, n_logical: int) -> int:
    """Return how many of some cores are idle, at least one.

    Threads of LightGBM wait for each other by spinning. One of them without a core of its own keeps all others waiting,
    and a fit then takes many times as long as with a single thread.
    """
    return max(1, round(cores * (1 - load / n_logical)))


def with_threads(recipe: Recipe) -> tuple[Recipe, tuple[str, ...]]:
    """Return a recipe that names its number of threads; by default as many as there are idle cores."""
    if recipe.n_jobs is not None:
        return recipe, ()
    cores, load = physical_cores(), load_average()
    idle = idle_cores(cores, load, os.cpu_count() or 1)
    note = f"{idle} of {cores} cores used, because the machine is busy (load {load:.1f}); n_jobs in a recipe sets this"
    return recipe.model_copy(update={"n_jobs": idle}), (note,) if idle < cores else ()
