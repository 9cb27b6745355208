"""The fit of expected shares: the same traffic rarely warns, whether records are alike or drift, and other does."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from fraudsieve.models.unlike_training.expected_shares import FLAGGED, UNLIKE, ExpectedShare, ShareCount
from fraudsieve.training.monitoring.bounds import expected_share

Rows = tuple[NDArray[np.bool_], NDArray[np.int64], pd.Series]
START = pd.Timestamp("2026-01-01", tz="UTC")
BATCHES = (200, 500, 2000)


def rows(rng: np.random.Generator, n: int, share: float, *, campaign: float = 1.0, moves: float = 0.0) -> Rows:
    """Return hits, groups and times of traffic: campaigns of a mean size, and log-odds that move from day to day."""
    size = rng.geometric(1 / campaign, n)
    groups = np.repeat(np.arange(n), size)[:n]
    rng.shuffle(groups)
    # A campaign counts or does not: its records are alike.
    day = np.arange(n) * 20 // n
    odds = np.log(share / (1 - share)) + moves * rng.normal(size=20)[day]
    hits = rng.random(n)[groups] < 1 / (1 + np.exp(-odds))
    return hits, groups, pd.Series(START + pd.to_timedelta(np.arange(n), "min"))


def batches(hits: NDArray[np.bool_], n: int) -> Iterator[ShareCount]:
    for start in range(0, len(hits) - n + 1, n):
        yield ShareCount(int(hits[start : start + n].sum()), n)


def alarms(make: Callable[[np.random.Generator, int], Rows], name: str, other: float = 1.0) -> float:
    """Return the share of batches with a warning, over models of 1,500 rows each and 4,000 later rows."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        hits, groups, times = make(rng, 5500)
        expected = expected_share(name, hits[:1500], groups[:1500], times[:1500])
        later = hits[1500:] if other == 1 else hits[1500:] | (rng.random(4000) < other * expected.share)
        found += [expected.check(count) is not None for n in BATCHES for count in batches(later, n)]
    return float(np.mean(found))


@pytest.mark.parametrize("name", [UNLIKE, FLAGGED])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
@pytest.mark.parametrize(("campaign", "moves"), [(1.0, 0.0), (5.0, 0.0), (1.0, 0.3), (3.0, 0.5)])
def test_the_same_traffic_rarely_warns(name: str, share: float, campaign: float, moves: float) -> None:
    assert alarms(lambda rng, n: rows(rng, n, share, campaign=campaign, moves=moves), name) <= 0.01


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_other_traffic_always_warns(share: float) -> None:
    assert alarms(lambda rng, n: rows(rng, n, share), UNLIKE, other=15.0) == 1.0


def test_records_of_one_campaign_widen_the_interval() -> None:
    hits, times = np.repeat([True, False], [20, 980]), pd.Series(pd.NaT, range(1000))
    single = expected_share(UNLIKE, hits, np.arange(1000), times)
    alike = expected_share(UNLIKE, hits, np.arange(1000) // 10, times)
    assert alike.spread - single.spread == pytest.approx(2 * 9 / 1000, rel=0.05)
    assert alike.interval(500)[1] > single.interval(500)[1]


def test_records_of_one_account_say_nothing_about_others() -> None:
    hits, times = np.arange(1000) % 10 == 0, pd.Series(pd.NaT, range(1000))
    expected = expected_share(FLAGGED, hits, np.zeros(1000, np.int64), times)
    assert expected.check(ShareCount(190, 200)) is None


def test_a_share_that_moved_over_time_widens_the_interval_for_any_number_of_records() -> None:
    hits = np.concatenate([np.arange(1000) % 20 == 0, np.arange(1000) % 4 == 0])
    times = pd.Series(START + pd.to_timedelta(np.arange(2000), "min"))
    moved = expected_share(FLAGGED, hits, np.arange(2000), times)
    still = expected_share(FLAGGED, hits, np.arange(2000), pd.Series(pd.NaT, range(2000)))
    assert moved.spread > 3 * still.spread
    low, high = moved.interval(10**6)
    assert low < 0.05
    assert high > 0.25
    shuffled = np.random.default_rng(0).permutation(2000)
    assert expected_share(FLAGGED, hits[shuffled], np.arange(2000), times[shuffled].reset_index(drop=True)) == moved


def test_a_share_of_nothing_and_of_everything_leave_room() -> None:
    times = pd.Series(pd.NaT, range(300))
    for hits in (np.zeros(300, bool), np.ones(300, bool)):
        expected = expected_share(FLAGGED, hits, np.arange(300), times)
        assert expected.problem is None
        assert expected.check(ShareCount(abs(int(hits[:200].sum()) - 1), 200)) is None


@pytest.mark.parametrize("n", [1, 3, 7])
def test_few_rows_expect_anything(n: int) -> None:
    times = pd.Series(START + pd.to_timedelta(np.arange(n), "min"))
    expected = expected_share(FLAGGED, np.zeros(n, bool), np.zeros(n, np.int64), times)
    assert isinstance(expected, ExpectedShare)
    assert expected.problem is None
    assert expected.check(ShareCount(60, 200)) is None
