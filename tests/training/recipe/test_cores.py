"""The default number of threads: idle cores, at least one, and a note if the machine is busy."""

import os

import pytest

from fraudsieve.training.recipe import cores
from fraudsieve.training.recipe.cores import idle_cores, load_average, physical_cores, with_threads
from fraudsieve.training.recipe.recipe import Recipe


@pytest.mark.parametrize(
    ("n_cores", "load", "n_logical", "idle"),
    [
        (8, 0.0, 8, 8),
        (8, 0.4, 8, 8),  # the commands of this minute
        (8, 3.0, 8, 5),
        (8, 40.0, 8, 1),
        (1, 0.0, 1, 1),
        (2, 2.6, 2, 1),
        (4, 4.0, 8, 2),  # two logical cores for each physical one
        (2, 16.0, 64, 2),  # a container with two of 64 cores, a quarter of which is busy
    ],
)
def test_idle_cores_are_those_without_load(n_cores: int, load: float, n_logical: int, idle: int) -> None:
    assert idle_cores(n_cores, load, n_logical) == idle


def test_cores_and_load_of_this_machine() -> None:
    assert 1 <= physical_cores() <= (os.cpu_count() or 1)
    assert load_average() >= 0


def test_without_a_load_average_all_cores_are_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg")
    assert load_average() == 0.0
    recipe, notes = with_threads(Recipe())
    assert (recipe.n_jobs, notes) == (physical_cores(), ())


def test_a_busy_machine_gets_fewer_threads_and_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "physical_cores", lambda: 8)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "getloadavg", lambda: (5.2, 0.0, 0.0))
    recipe, notes = with_threads(Recipe(seed=3))
    assert (recipe.n_jobs, recipe.seed) == (3, 3)
    assert notes == ("3 of 8 cores used, because the machine is busy (load 5.2); n_jobs in a recipe sets this",)


@pytest.mark.parametrize("n_jobs", [-1, 1, 6])
def test_a_given_number_is_kept(n_jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (50.0, 0.0, 0.0))
    assert with_threads(Recipe(n_jobs=n_jobs)) == (Recipe(n_jobs=n_jobs), ())
