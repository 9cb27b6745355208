"""Card precision on small tables, and against a plain implementation of its definition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.training.evaluation.card_precision import DailyLists, card_precision, days_since_1970


def rows(*given: tuple[str, int, bool]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    days = np.datetime64("2018-08-08T12:00", "us") + np.array([day for _, day, _ in given], "m8[D]")
    return np.array([name for name, _, _ in given]), days, np.array([fraud for _, _, fraud in given])


def card_precision_in_pandas(
    accounts: np.ndarray, cutoff_times: np.ndarray, fraud: np.ndarray, scores: np.ndarray, top: int
) -> float:
    """Compute card precision as the Handbook does: a frame per day, and a set of the cards that were found."""
    frame = pd.DataFrame({"card": accounts, "day": cutoff_times.astype("M8[D]"), "fraud": fraud, "score": scores})
    cards = frame.groupby(["day", "card"], as_index=False)[["score", "fraud"]].max()
    caught: set[str] = set()
    shares = []
    for _, today in cards.groupby("day"):
        listed = today[~today["card"].isin(caught)].nlargest(top, "score")
        hits = listed.loc[listed["fraud"], "card"]
        caught.update(hits)
        shares.append(len(hits) / top)
    return float(np.mean(shares))


def test_accounts_whose_fraud_was_found_are_not_listed_again() -> None:
    table = rows(("ann", 0, True), ("bob", 0, True), ("ann", 1, True), ("bob", 1, True), ("eve", 1, False))
    scores = np.array([0.9, 0.8, 0.9, 0.5, 0.7])
    # ann is listed on the first day; on the second she is left out, and eve is listed before bob.
    assert card_precision(*table, scores, top=1) == 0.5
    # ann and bob are listed on the first day; on the second only eve is left.
    assert card_precision(*table, scores, top=2) == pytest.approx((1 + 0) / 2)


def test_an_account_is_listed_for_its_largest_score() -> None:
    table = rows(("ann", 0, False), ("ann", 0, True), ("bob", 0, False))
    assert card_precision(*table, np.array([0.9, 0.1, 0.5]), top=1) == 1.0


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_the_plain_definition(seed: int, top: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 80))
    names = rng.integers(0, 12, n).astype(str)
    days = np.datetime64("2026-05-01", "us") + rng.integers(0, 5 * 86_400, n).astype("m8[s]")
    fraud, scores = rng.random(n) < 0.3, rng.integers(0, 6, n) / 5
    assert card_precision(names, days, fraud, scores, top=top) == pytest.approx(
        card_precision_in_pandas(names, days, fraud, scores, top), abs=1e-12
    )


def test_an_account_that_counts_twice_is_two_accounts() -> None:
    rng = np.random.default_rng(0)
    n = 300
    names, fraud, scores = rng.integers(0, 40, n), rng.random(n) < 0.2, rng.random(n)
    days = np.datetime64("2026-05-01", "us") + rng.integers(0, 6 * 86_400, n).astype("m8[s]")
    weights = rng.poisson(1.0, 40)
    weights[0] = max(weights[0], 1)
    twins = np.repeat(np.arange(n), weights[names])
    copy = np.concatenate([np.arange(weights[name]) for name in names])
    expanded = card_precision(names[twins] * 100 + copy, days[twins], fraud[twins], scores[twins], top=5)
    days_there = len(np.unique(days.astype("M8[D]")))
    assert days_there == len(np.unique(days[twins].astype("M8[D]")))
    assert DailyLists.of(names, days, fraud, scores).precision(5, weights) == pytest.approx(expanded, abs=1e-12)


def test_drawn_accounts_spread_around_the_card_precision() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    names, fraud = rng.integers(0, 300, n), rng.random(n) < 0.1
    days = np.datetime64("2026-05-01", "us") + rng.integers(0, 10 * 86_400, n).astype("m8[s]")
    lists = DailyLists.of(names, days, fraud, 0.3 * fraud + rng.random(n))
    drawn = lists.bootstrap(10, replicates=200, seed=1)
    assert np.quantile(drawn, 0.01) < lists.precision(10) < np.quantile(drawn, 0.99)
    assert (drawn == lists.bootstrap(10, replicates=200, seed=1)).all()


def test_days_are_those_of_utc() -> None:
    assert days_since_1970(pd.Series(pd.to_datetime(["1970-01-02T01:00:00+08:00"]))).tolist() == [0]
