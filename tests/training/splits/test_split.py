"""Splits keep groups apart, and do not use labels that were not known yet."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SplitError
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.training.labels import maturity_gap
from fraudsieve.training.splits.split import (
    Split,
    has_times,
    split_by_campaign,
    split_by_time,
    split_randomly,
    unusable,
)
from tests.messages import refused

SHARES: dict[str, Any] = {"test_share": 0.2, "calibration_share": 0.15}


def parts(split: Split) -> list[set[int]]:
    return [set(split.train.tolist()), set(split.calibration.tolist()), set(split.test.tolist())]


def assert_disjoint(split: Split) -> None:
    train, calibration, test = parts(split)
    assert len(train) + len(calibration) + len(test) == len(train | calibration | test)


def by_time(messages: pd.DataFrame, gap_days: float | None = None) -> tuple[Split, np.ndarray]:
    groups = near_duplicate_groups(messages["text"].tolist())
    is_crime = (messages["label"] != "legitimate").to_numpy()
    times = messages["sent_at"], messages["labelled_at"]
    return split_by_time(*times, groups, is_crime, gap_days=gap_days, **SHARES), groups


def test_time_runs_from_training_to_calibration_to_the_test(labelled_messages: pd.DataFrame) -> None:
    split, _ = by_time(labelled_messages)
    sent = labelled_messages["sent_at"]
    assert_disjoint(split)
    assert sent.iloc[split.train].max() <= sent.iloc[split.calibration].min()
    gap = pd.Timedelta(days=maturity_gap(labelled_messages))
    assert gap > pd.Timedelta(days=5)
    assert sent.iloc[split.calibration].max() <= sent.iloc[split.test].min() - gap
    assert sum(map(len, parts(split))) + sum(split.dropped.values()) == len(sent)


def test_a_label_that_came_after_the_test_began_is_not_trained_on(labelled_messages: pd.DataFrame) -> None:
    split, _ = by_time(labelled_messages, gap_days=0)
    begin = labelled_messages["sent_at"].iloc[split.test].min()
    used = labelled_messages.iloc[[*split.train, *split.calibration]]
    assert (used["labelled_at"] < begin).all()
    assert split.dropped["label_not_known"] > 0


def test_fraud_of_campaigns_of_later_fraud_is_not_trained_on(labelled_messages: pd.DataFrame) -> None:
    split, groups = by_time(labelled_messages)
    is_crime = (labelled_messages["label"] != "legitimate").to_numpy()
    tested = set(groups[split.test[is_crime[split.test]]])
    calibrated = set(groups[split.calibration[is_crime[split.calibration]]])
    assert tested
    assert not (tested | calibrated) & set(groups[split.train[is_crime[split.train]]])
    assert split.dropped["crime_campaign_of_later_slice"] > 0
    assert split.keeps_apart == ("time", "fraud campaigns")
    assert not split.flatters


def test_one_wrong_label_does_not_remove_a_legitimate_campaign_from_training() -> None:
    sent = pd.Series(pd.date_range("2026-01-01", periods=200, freq="D", tz="UTC"))
    notices, is_crime = np.arange(200) % 2 == 0, np.arange(200) % 10 == 1
    groups = np.where(notices, 0, np.arange(200))
    settings: dict[str, Any] = {"gap_days": 1, **SHARES}
    right = split_by_time(sent, sent, groups, is_crime, **settings)
    is_crime[[20, 190]] = True  # one notice of the training slice, and one of the test
    wrong = split_by_time(sent, sent, groups, is_crime, **settings)
    assert set(right.train) - set(wrong.train) == {20}
    assert wrong.dropped["crime_campaign_of_later_slice"] == 1
    accounts = split_by_time(sent, sent, groups, is_crime, group_kind="account", **settings)
    assert not notices[accounts.train].any(), "an account that is kept apart goes as a whole"


def test_fraud_is_as_frequent_in_the_calibration_as_in_its_window(labelled_messages: pd.DataFrame) -> None:
    split, groups = by_time(labelled_messages)
    sent, is_crime = labelled_messages["sent_at"], (labelled_messages["label"] != "legitimate").to_numpy()
    held_back = sent.iloc[split.calibration]
    known = labelled_messages["labelled_at"] < sent.iloc[split.test].min()
    window = (known & sent.between(held_back.min(), held_back.max())).to_numpy()
    assert np.isin(groups[split.test], groups[split.calibration][is_crime[split.calibration]]).any()
    assert is_crime[split.calibration].mean() == is_crime[window].mean()


def test_rows_without_a_time_are_in_no_slice() -> None:
    sent = pd.Series(pd.date_range("2026-01-01", periods=100, freq="D", tz="UTC"))
    sent = sent.where(np.arange(100) % 10 != 0)
    split = split_by_time(sent, sent, np.arange(100), np.ones(100, bool), gap_days=1, **SHARES)
    assert split.dropped["no_time"] == 10
    assert all(sent.iloc[sorted(rows)].notna().all() for rows in parts(split))


@given(st.lists(st.integers(0, 30), min_size=60, max_size=200), st.integers(0, 5))
def test_campaigns_stay_whole(groups: list[int], seed: int) -> None:
    y = np.array(groups) % 3
    try:
        split = split_by_campaign(y, np.array(groups), seed=seed, **SHARES)
    except SplitError:
        assert len(set(groups)) < 20
        return
    assert_disjoint(split)
    assert sum(map(len, parts(split))) == len(groups)
    sides = [set(np.array(groups)[sorted(rows)]) for rows in parts(split)]
    assert sum(map(len, sides)) == len(set.union(*sides))


def test_a_random_split_is_optimistic() -> None:
    split = split_randomly(1000, seed=1, **SHARES)
    assert_disjoint(split)
    assert [len(rows) for rows in parts(split)] == [650, 150, 200]
    assert split.flatters
    assert split.keeps_apart == ()


def test_the_same_seed_gives_the_same_split() -> None:
    y, groups = np.arange(200) % 2, np.arange(200)
    one, two, other = (split_by_campaign(y, groups, seed=seed, **SHARES).test for seed in (3, 3, 4))
    assert (one == two).all()
    assert set(one) != set(other)


def test_too_little_data_is_an_error_with_advice() -> None:
    with pytest.raises(SplitError, match=r"leaves no .* rows of 3 labelled rows"):
        split_by_campaign(np.zeros(3), np.zeros(3), seed=0, **SHARES)
    sent = pd.Series(pd.date_range("2026-01-01", periods=50, freq="D", tz="UTC"))
    with pytest.raises(SplitError, match=r"calibration|training"):
        split_by_time(sent, sent, np.arange(50), np.ones(50, bool), gap_days=1000, **SHARES)


def test_the_gap_of_a_split_is_given_or_that_of_the_rows(labelled_messages: pd.DataFrame) -> None:
    assert by_time(labelled_messages, gap_days=2.5)[0].gap_days == 2.5
    assert by_time(labelled_messages)[0].gap_days == maturity_gap(labelled_messages)


def test_a_label_dated_at_the_start_of_the_test_is_not_known() -> None:
    day = pd.Timedelta(days=1)
    start = pd.Timestamp("2026-05-10", tz="UTC")
    sent = pd.Series([start - 5 * day, start - 5 * day, start - 4 * day, start, pd.NaT])
    labelled = pd.Series([start - day, start, start - day, start, pd.NaT])
    late, in_gap = unusable(start, 5.0, sent, labelled)
    assert late.tolist() == [False, True, False, False, False]
    assert in_gap.tolist() == [False, False, True, False, False]


def test_rows_with_few_distinct_times_are_not_split_by_time() -> None:
    times = pd.Series(pd.date_range("2026-01-01", periods=21, freq="D", tz="UTC"))
    assert has_times(times)
    assert not has_times(times.iloc[:20])
    assert not has_times(pd.concat([times, pd.Series([pd.NaT] * 21)]))


@given(st.integers(0, 2**32), st.integers(40, 200), st.floats(0.05, 1), st.sampled_from([0.0, 0.5, 3.0]))
def test_a_sample_of_early_rows_is_split_like_all_rows(seed: int, n: int, rate: float, gap_days: float) -> None:
    rng = np.random.default_rng(seed)
    sent = pd.Series(pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 60 * 24, n), unit="h"))
    labelled = sent + pd.to_timedelta(rng.integers(0, 48, n), unit="h")
    nobody, one_each = np.zeros(n, bool), np.arange(n)
    full = split_by_time(sent, labelled, one_each, nobody, gap_days=gap_days, **SHARES)
    start = sent[full.calibration].min()
    kept = np.flatnonzero((sent >= start) | (rng.random(n) < rate) | (np.arange(n) == full.train[0]))
    sent, labelled = (times.iloc[kept].reset_index(drop=True) for times in (sent, labelled))
    sampled: dict[str, Any] = {"calibration_start": start, "n_left_out": n - len(kept)}
    split = split_by_time(sent, labelled, kept, nobody[kept], gap_days=gap_days, **SHARES, **sampled)
    assert kept[split.test].tolist() == full.test.tolist()
    assert kept[split.calibration].tolist() == full.calibration.tolist()
    assert kept[split.train].tolist() == [row for row in full.train if row in set(kept)]


def test_the_test_may_not_begin_where_rows_were_sampled() -> None:
    sent = pd.Series(pd.date_range("2026-01-01", periods=100, freq="D", tz="UTC"))
    arguments: dict[str, Any] = {"gap_days": 0.0, **SHARES, "calibration_start": sent[95], "n_left_out": 50}
    with refused(SplitError):
        split_by_time(sent, sent, np.arange(100), np.zeros(100, bool), **arguments)
