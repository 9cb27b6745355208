"""Peers on accounts, with columns that are hard for some of them."""

from typing import Any

import numpy as np
import pytest
from benchmarks.contestants.contestant import Fitted, Labels, contestants_of
from benchmarks.contestants.early import Part, stop_early

CONTESTANTS = contestants_of("contest")
EARLY = {name: one.fit_early for name, one in CONTESTANTS.items() if one.fit_early}


@pytest.mark.parametrize("name", EARLY)
def test_early_stopping_chooses_by_the_held_back_rows_and_fits_all(name: str) -> None:
    """The held-back rows know nothing of what the others show: few rounds; as they do, many."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    y = (X[:, 0] > 0.5).astype(int)
    held_back = np.arange(480, 600)
    alike = EARLY[name](X, y, held_back).score(X)
    assert ((alike > 0.5) == y).mean() > 0.97
    shuffled = y.copy()
    shuffled[held_back] = rng.permutation(y[held_back])
    unlike = EARLY[name](X, shuffled, held_back).score(X)
    assert unlike.std() < alike.std() / 2


def test_a_fit_after_early_stopping_has_all_rows_and_what_was_chosen() -> None:
    seen: list[tuple[int, int, dict[str, Any]]] = []

    def choose(others: Part, held_back: Part, seed: int) -> dict[str, Any]:
        assert (others[0].tolist(), held_back[1].tolist()) == ([0, 1, 4], [12, 13])
        return {"rounds": 7}

    def fit(X: Any, y: Labels, *, seed: int = 0, **settings: Any) -> Fitted:
        seen.append((len(X), seed, settings))
        return Fitted(np.asarray, np.asarray)

    stop_early(choose, fit)(np.arange(5), np.arange(10, 15), np.array([2, 3]), seed=4)
    assert seen == [(5, 4, {"rounds": 7})]
