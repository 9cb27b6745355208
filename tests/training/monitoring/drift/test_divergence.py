"""Indices of drift: properties, oracles, and false alarms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from fraudsieve.training.monitoring.bounds import Clusters
from fraudsieve.training.monitoring.drift import js_distance, measure_drift, psi
from tests.messages import refused

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12).filter(
    lambda pairs: all(sum(column) for column in zip(*pairs, strict=True))
)


def both(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    counts = np.array(pairs)
    return counts[None, :, 0], counts[None, :, 1]


def sample(n: int, seed: int) -> np.ndarray:
    """Return columns like those of messages: smooth, rare, mostly zero, missing, constant, counts."""
    rng = np.random.default_rng(seed)
    smooth = rng.normal(size=(n, 8))
    smooth[rng.random((n, 8)) < 0.1] = np.nan
    rare = (rng.random((n, 8)) < 0.004).astype(float)
    heavy = rng.lognormal(size=(n, 8)) * (rng.random((n, 8)) < 0.3)
    return np.hstack([smooth, rare, heavy, np.ones((n, 1)), rng.poisson(1.0, (n, 8))])


@given(COUNTS)
def test_both_are_symmetric_and_within_their_ends(pairs: list[tuple[int, int]]) -> None:
    p, q = both(pairs)
    assert psi(p, q) == pytest.approx(psi(q, p))
    assert psi(p, q)[0] >= 0
    assert js_distance(p, q) == pytest.approx(js_distance(q, p))
    assert 0 <= js_distance(p, q)[0] <= 1
    assert psi(p, p)[0] == js_distance(p, p)[0] == 0


@given(COUNTS)
def test_oracles(pairs: list[tuple[int, int]]) -> None:
    p, q = both(pairs)
    filled = ((p + q) > 0) / 2
    a, b = (((counts + filled) / (counts + filled).sum())[filled > 0] for counts in (p, q))
    assert psi(p, q)[0] == pytest.approx(entropy(a, b) + entropy(b, a), abs=1e-12)
    with np.errstate(invalid="ignore"):  # SciPy takes the root of a value that rounding may leave below 0
        expected = np.nan_to_num(jensenshannon(p[0], q[0], base=2))
    assert js_distance(p, q)[0] == pytest.approx(expected, abs=1e-6)


def test_an_empty_bin_is_finite_and_costs_half_a_row() -> None:
    p, q = np.array([[50, 50, 0, 0]]), np.array([[50, 0, 50, 0]])
    share = (50.5 / 101.5, 0.5 / 101.5)
    assert psi(p, q)[0] == pytest.approx(2 * (share[0] - share[1]) * np.log(101))


def test_a_sample_does_not_drift_from_itself() -> None:
    rows = sample(500, 0)
    shuffled = rows[np.random.default_rng(1).permutation(500)]
    drift = measure_drift(rows, shuffled)
    assert (drift.psi == 0).all()
    assert (drift.js == 0).all()
    assert not drift.exceeds(0.01).any()


def test_order_and_increasing_changes_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    a, b = (rng.integers(-20, 21, (n, 4)).astype(float) for n in (700, 300))
    b[:, 1] += 3
    b[:40, 2] = np.nan
    drift = measure_drift(a, b)
    shuffled = measure_drift(a[rng.permutation(700)], b[rng.permutation(300)])
    changed = measure_drift(a**3 - 7, b**3 - 7)
    for name in ("psi", "expected", "chance", "js"):
        assert (getattr(drift, name) == getattr(shuffled, name)).all()
        assert (getattr(drift, name) == getattr(changed, name)).all()


@pytest.mark.parametrize(
    "change",
    ["shift", "missing", "zeros", "constant"],
)
def test_what_moved_is_named(change: str) -> None:
    a, b = sample(2000, 4), sample(1000, 5)
    place = {"shift": 0, "missing": 1, "zeros": 16, "constant": 24}[change]
    some = np.random.default_rng(6).random(1000) < 0.4
    b[:, place] = {
        "shift": b[:, 0] + 0.8,
        "missing": np.where(some, np.nan, b[:, 1]),
        "zeros": np.where(some, 1.5, b[:, 16]),
        "constant": np.where(some, 0.0, 1.0),
    }[change]
    assert np.flatnonzero(measure_drift(a, b).exceeds(0.25)).tolist() == [place]


def test_a_renamed_category_moves_and_codes_have_no_order() -> None:
    rng = np.random.default_rng(7)
    a, b = (rng.choice(30, (n, 1), p=np.r_[0.4, np.full(29, 0.6 / 29)]).astype(float) for n in (5000, 2000))
    coded = np.array([True])
    assert not measure_drift(a, b, categorical=coded).exceeds(0.1)[0]
    swapped = b.copy()
    swapped[b == 7], swapped[b == 8] = 8, 7  # a swap of neighbours, as of any two, is no change of shares
    swapped[b == 9] = 8
    assert measure_drift(a, swapped, categorical=coded).psi[0] > 2 * measure_drift(a, swapped).psi[0]
    renamed = np.where(b == 0, -1.0, b)
    assert measure_drift(a, renamed, categorical=coded).exceeds(0.25)[0]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(100, 100), (1000, 100), (3000, 1000)])
def test_without_drift_the_index_is_as_expected_and_few_alarms_come(n: int, m: int) -> None:
    drifts = [measure_drift(sample(n, 2 * seed), sample(m, 2 * seed + 1)) for seed in range(100)]
    smooth = slice(0, 8)
    ratio = np.mean([one.psi[smooth] for one in drifts]) / np.mean([one.expected[smooth] for one in drifts])
    assert ratio == pytest.approx(1, abs=0.1)
    assert np.mean([one.clear.any() for one in drifts]) <= 0.05  # .03 are declared
    assert np.mean([one.exceeds(0.25).any() for one in drifts]) <= 0.05
    assert abs(np.mean([one.excess[smooth] for one in drifts])) < 0.1 * drifts[0].expected[0]
    if n == 100:  # the index without its mean would raise false alarms
        assert np.mean([(one.psi > 0.25).any() for one in drifts]) > 0.15


@pytest.mark.slow
def test_changes_in_few_accounts_are_not_drift() -> None:
    rng = np.random.default_rng(8)

    def accounts(n: int) -> tuple[np.ndarray, Clusters]:
        sizes = rng.geometric(0.05, n)
        return np.repeat(rng.normal(size=(n, 20)), sizes, axis=0), Clusters.of(np.repeat(np.arange(n), sizes))

    naive = clear = 0
    for _ in range(40):
        (a, of_a), (b, of_b) = accounts(60), accounts(60)
        naive += bool(measure_drift(a, b).exceeds(0.25).any())
        clear += bool(measure_drift(a, b, clusters=(of_a, of_b)).exceeds(0.25).any())
    assert naive == 40
    assert clear <= 2
    # A change of all accounts is still found.
    (a, of_a), (b, of_b) = accounts(400), accounts(400)
    assert measure_drift(a, b + np.eye(20)[3] * 1.5, clusters=(of_a, of_b)).exceeds(0.25).nonzero()[0].tolist() == [3]


@pytest.mark.slow
def test_few_accounts_estimate_their_variance_badly() -> None:
    rng = np.random.default_rng(10)

    def accounts(n: int, shift: float = 0.0) -> tuple[np.ndarray, Clusters]:
        sizes = rng.geometric(0.03, n)
        own = rng.normal(size=(n, 20)) + shift
        return np.repeat(own, sizes, axis=0), Clusters.of(np.repeat(np.arange(n), sizes))

    clear = 0
    for _ in range(200):
        (a, of_a), (b, of_b) = accounts(30), accounts(30)
        clear += bool(measure_drift(a, b, clusters=(of_a, of_b)).clear.any())
    assert clear <= 6  # .03 are declared; against a chi-square statistic it is one in ten
    (a, of_a), (b, of_b) = accounts(150), accounts(150, shift=2.0)
    assert measure_drift(a, b, clusters=(of_a, of_b)).exceeds(0.25).all()


def test_one_account_in_one_bin_has_few_degrees_of_freedom() -> None:
    rng = np.random.default_rng(9)
    rows = rng.normal(size=(800, 1))
    rows[:60] = 0.37  # one account pays the same again and again
    busy = Clusters.of(np.maximum(np.arange(800) - 59, 0))
    alike, apart = measure_drift(rows, rows, clusters=(busy, busy)), measure_drift(rows, rows)
    assert alike.expected[0] > 2 * apart.expected[0]
    assert alike.chance[0] / alike.expected[0] > 1.5 * apart.chance[0] / apart.expected[0]


def test_one_account_shows_no_drift_of_others() -> None:
    before, after = sample(2000, 0), np.full((2000, sample(1, 0).shape[1]), 7.0)
    one, many = Clusters.of(np.zeros(2000, np.int64)), Clusters.of(np.arange(2000) // 2)
    assert measure_drift(before, after, clusters=(many, many)).clear.all()
    for clusters in ((many, one), (one, many)):
        drift = measure_drift(before, after, clusters=clusters)
        assert not drift.clear.any()
        assert np.isinf(drift.chance).all()
        assert np.isfinite(drift.excess).all()


def test_samples_that_cannot_be_compared() -> None:
    with refused(ValueError):
        measure_drift(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"got \(0, 2\)"):
        measure_drift(np.zeros((0, 2)), np.zeros((3, 2)))
