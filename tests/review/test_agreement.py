"""Cohen's kappa: a published example, the mean of scikit-learn, and its interval."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from fraudsieve.review import cohen_kappa


def test_a_published_example() -> None:
    # Fleiss, Levin and Paik (2003), "Statistical Methods for Rates and Proportions": 0.68 and 0.087
    table = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    first = np.repeat(np.repeat(["psychotic", "neurotic", "organic"], 3), table.ravel())
    second = np.repeat(np.tile(["psychotic", "neurotic", "organic"], 3), table.ravel())
    found = cohen_kappa(first, second)
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert found.records == 100
    assert found.agreement == pytest.approx(0.89)
    assert found.interval is not None
    low, high = found.interval
    assert (high - low) / 2 / 1.959964 == pytest.approx(0.0877, abs=5e-5)
    assert (low + high) / 2 == pytest.approx(found.kappa)


def kappa_of(shares: np.ndarray) -> float:
    observed, expected = np.trace(shares), shares.sum(axis=1) @ shares.sum(axis=0)
    return float((observed - expected) / (1 - expected))


@pytest.mark.parametrize("seed", range(5))
def test_the_standard_error_is_that_of_the_delta_method(seed: int) -> None:
    table = np.random.default_rng(seed).integers(1, 20, (3, 3))
    shares, step = table / table.sum(), 1e-6
    nudges = step * np.eye(9).reshape(9, 3, 3)
    slopes = np.array([kappa_of(shares + nudge) - kappa_of(shares - nudge) for nudge in nudges]) / (2 * step)
    cells = shares.ravel()
    variance = slopes @ (np.diag(cells) - np.outer(cells, cells)) @ slopes / table.sum()
    first, second = (np.repeat(codes, table.ravel()).astype(str) for codes in np.divmod(np.arange(9), 3))
    interval = cohen_kappa(first, second).interval
    assert interval is not None
    assert (interval[1] - interval[0]) / 2 / 1.959964 == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_the_interval_covers_the_kappa_of_the_population() -> None:
    cells = np.array([0.55, 0.08, 0.07, 0.30])
    observed, expected = 0.85, 0.63 * 0.62 + 0.37 * 0.38
    rng, covered = np.random.default_rng(0), 0
    for _ in range(300):
        cell = rng.choice(4, 200, p=cells)
        interval = cohen_kappa(cell // 2, cell % 2).interval
        assert interval is not None
        covered += interval[0] <= (observed - expected) / (1 - expected) <= interval[1]
    assert covered / 300 > 0.92


def test_edges() -> None:
    same = np.array(["ham", "ham"])
    assert cohen_kappa(same, same).kappa is None
    different = cohen_kappa(np.array(["ham", "spam"]), np.array(["spam", "ham"]))
    assert (different.kappa, different.agreement) == (-1.0, 0.0)
    assert cohen_kappa(np.array(["ham", "spam"]), np.array(["ham", "spam"])).interval == (1.0, 1.0)
    with pytest.raises(ValueError, match="at least one record, got 2 and 1"):
        cohen_kappa(same, same[:1])
    with pytest.raises(ValueError, match="got 0 and 0"):
        cohen_kappa(same[:0], same[:0])
