"""Folds that go forward in time: they train on the past only, and nothing is on both sides."""

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SplitError
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.training.labels import maturity_gap
from fraudsieve.training.splits.forward import Fold, forward_folds
from tests.messages import refused

START = pd.Timestamp("2026-01-01", tz="UTC")
DAY = pd.Timedelta(days=1)


def columns_of(messages: pd.DataFrame) -> tuple[pd.Series, pd.Series, dict[str, Any], Any]:
    groups = {
        "campaign": near_duplicate_groups(messages["text"].tolist()),
        "account": messages["account_id"].to_numpy(object),
    }
    return messages["sent_at"], messages["labelled_at"], groups, (messages["label"] != "legitimate").to_numpy()


def random_rows(seed: int, n: int = 300) -> tuple[pd.Series, pd.Series, dict[str, Any], Any]:
    """Return rows on whole days: a tenth without a time, a tenth with always known labels, some without account."""
    rng = np.random.default_rng(seed)
    times = pd.Series(START + pd.to_timedelta(rng.integers(0, 60, n), unit="D"))
    labelled = (times + pd.to_timedelta(rng.integers(0, 9, n), unit="D")).where(rng.random(n) > 0.1)
    times = times.where(rng.random(n) > 0.1)
    accounts = rng.integers(0, 200, n).astype(object)
    accounts[rng.random(n) < 0.2] = None
    return times, labelled, {"campaign": rng.integers(0, 200, n), "account": accounts}, rng.random(n) < 0.4


@given(st.integers(0, 10_000), st.integers(1, 4), st.none() | st.integers(0, 10), st.sampled_from(["all", "crime"]))
def test_each_fold_trains_on_the_past_and_shares_nothing(
    seed: int, n_folds: int, gap_days: int | None, apart: Literal["all", "crime"]
) -> None:
    times, labelled, groups, is_crime = random_rows(seed)
    settings: dict[str, Any] = {"n_folds": n_folds, "gap_days": gap_days, "apart": apart, "min_train_share": 0.4}
    folds = forward_folds(times, labelled, groups, is_crime, **settings)
    for fold in folds:
        assert fold.window is not None
        begin, end = fold.window
        train, test = times.iloc[fold.train], times.iloc[fold.test]
        assert test.between(begin, end).all()
        assert (train <= begin - fold.gap_days * DAY).all()
        assert not (labelled.iloc[fold.train] >= begin).any()
        assert not set(fold.train) & set(fold.test)
        assert len(fold.train) + len(fold.test) + sum(fold.dropped.values()) == len(times)
        kept_apart = fold.test[is_crime[fold.test]] if apart == "crime" else fold.test
        for name, values in groups.items():
            fraud_only = apart == "crime" and name == "campaign"
            trained = fold.train[is_crime[fold.train]] if fraud_only else fold.train
            assert not (set(values[trained]) & set(values[kept_apart])) - {None}
    windows = [times.iloc[fold.test] for fold in folds]
    assert all(one.max() < two.min() for one, two in pairwise(windows))
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == np.flatnonzero(times >= windows[0].min()).tolist()


def test_nothing_is_dropped_without_a_reason() -> None:
    """Every row that may be trained on is trained on."""
    times, labelled, groups, is_crime = random_rows(3)
    fold = forward_folds(times, labelled, groups, is_crime, n_folds=2, gap_days=3)[0]
    assert fold.window is not None
    begin, _ = fold.window
    free = (times <= begin - 3 * DAY) & ~(labelled >= begin)
    for values in groups.values():
        shared = pd.Series(values).isin([value for value in values[fold.test] if value is not None])
        free &= ~shared
    assert fold.train.tolist() == np.flatnonzero(free).tolist()
    assert all(count > 0 for count in fold.dropped.values())


def test_the_gap_uses_the_labels_known_when_the_window_begins() -> None:
    """Labels take one day at first and forty days later, which the first fold cannot know."""
    times = pd.Series(pd.date_range(START, periods=200, freq="D"))
    labelled = times + pd.to_timedelta(np.where(np.arange(200) < 100, 1, 40), unit="D")
    rows = times, labelled, [np.arange(200)], np.arange(200) % 2 == 0
    folds = forward_folds(*rows, n_folds=5, min_train_share=0.4)
    assert folds[0].gap_days == 1.0
    assert folds[-1].gap_days == 40.0
    frame = pd.DataFrame({"as_of": times, "labelled_at": labelled})
    assert all(fold.gap_days == maturity_gap(frame, until=fold.window[0]) for fold in folds if fold.window)
    assert forward_folds(*rows, gap_days=7.5)[0].gap_days == 7.5


def test_windows_have_equal_size_and_training_grows(labelled_messages: pd.DataFrame) -> None:
    folds = forward_folds(*columns_of(labelled_messages), n_folds=4, min_train_share=0.4, apart="crime")
    assert [fold.number for fold in folds] == [1, 2, 3, 4]
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 2
    assert sum(sizes) == pytest.approx(0.6 * len(labelled_messages), abs=2)
    trained = [len(fold.train) for fold in folds]
    assert trained == sorted(trained)
    assert all(fold.kind == "time" and not fold.flatters and not len(fold.calibration) for fold in folds)


def test_folds_report_what_they_keep_apart_and_what_they_drop(labelled_messages: pd.DataFrame) -> None:
    rows = columns_of(labelled_messages)
    strict, fold = (forward_folds(*rows, n_folds=2, min_train_share=0.5, apart=how)[-1] for how in ("all", "crime"))
    assert strict.keeps_apart == ("time", "campaigns", "accounts")
    assert fold.keeps_apart == ("time", "crime campaigns", "crime accounts")
    assert 0 <= fold.dropped["crime_campaign_of_test"] < strict.dropped["campaign_of_test"]
    assert fold.dropped["crime_account_of_test"] > 0
    assert fold.dropped["in_gap"] > 0
    assert len(strict.train) < len(fold.train)


def test_without_times_whole_campaigns_are_dealt() -> None:
    times, labelled, groups, is_crime = random_rows(5)
    folds = forward_folds(times.where(times.isna()), labelled, groups, is_crime, n_folds=4)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(times)))
    for fold in folds:
        assert (fold.kind, fold.keeps_apart, fold.window) == ("campaign", ("campaigns", "accounts"), None)
        assert fold.dropped["campaign_of_test"] == 0
        assert fold.dropped["account_of_test"] > 0
        assert len(fold.train) + len(fold.test) + fold.dropped["account_of_test"] == len(times)
        for values in groups.values():
            assert not (set(values[fold.train]) & set(values[fold.test])) - {None}


def test_few_distinct_times_are_cut_by_time_where_that_is_asked_for() -> None:
    """Sixteen days are too few for a choice of its own, and enough for folds by time."""
    times = pd.Series(START + pd.to_timedelta(np.arange(320) // 20, unit="D"))
    rows = times, times, {"account": np.arange(320)}, np.arange(320) % 2 == 0
    settings: dict[str, Any] = {"n_folds": 4, "gap_days": 2.0}
    by_choice = forward_folds(*rows, **settings)
    assert {fold.kind for fold in by_choice} == {"account"}
    assert all(times.iloc[fold.train].max() >= times.iloc[fold.test].min() for fold in by_choice)
    for fold in forward_folds(*rows, by_time=True, **settings):
        assert fold.kind == "time"
        assert fold.gap_days == 2.0
        assert times.iloc[fold.train].max() <= times.iloc[fold.test].min() - 2 * DAY


def test_rows_with_times_can_be_dealt() -> None:
    folds = forward_folds(*random_rows(5), n_folds=4, by_time=False)
    assert {(fold.kind, fold.gap_days, fold.window) for fold in folds} == {("campaign", 0.0, None)}


@pytest.mark.parametrize("n_times", [0, 1, 3])
def test_too_few_times_for_folds_by_time_are_an_error(n_times: int) -> None:
    times = pd.Series(START + pd.to_timedelta(np.arange(300) % max(n_times, 1), unit="D"))
    times = times if n_times else times.where(times.isna())
    is_crime = np.arange(300) % 7 < 2
    with refused(SplitError):
        forward_folds(times, times, [], is_crime, n_folds=4, gap_days=0.0, by_time=True)


def test_without_times_and_groups_folds_are_random_and_optimistic() -> None:
    none = pd.Series(pd.NaT, range(100), "datetime64[us, UTC]")
    folds = forward_folds(none, none, [], np.arange(100) % 2 == 0, n_folds=4)
    assert all(fold.kind == "random" and fold.flatters and fold.keeps_apart == () for fold in folds)
    assert [len(fold.test) for fold in folds] == [25] * 4
    other = forward_folds(none, none, [], np.arange(100) % 2 == 0, n_folds=4, seed=1)
    assert folds[0].test.tolist() != other[0].test.tolist()


def test_one_array_and_a_sequence_are_groups_too() -> None:
    times, labelled, groups, is_crime = random_rows(7)
    one, two = list(groups.values())

    def last(given: Any) -> Fold:
        return forward_folds(times, labelled, given, is_crime, n_folds=2)[-1]

    assert last([one, two]).train.tolist() == last(groups).train.tolist()
    assert last([one, two]).keeps_apart == ("time", "group_1s", "group_2s")
    assert len(last(one).train) > len(last(groups).train)


def test_too_few_training_rows_are_an_error_with_advice() -> None:
    times, labelled, groups, is_crime = random_rows(9)
    with refused(SplitError, "in_gap"):
        forward_folds(times, labelled, groups, is_crime, gap_days=1000)
    with pytest.raises(SplitError, match=r"has 1 of the 2 kinds"):
        forward_folds(times, labelled, groups, np.zeros(len(times), bool))
    with pytest.raises(SplitError, match="and 0 test rows"):
        forward_folds(times, labelled, groups, is_crime, n_folds=200, gap_days=0)


def test_bad_parameters_are_named() -> None:
    times, labelled, groups, is_crime = random_rows(1)
    with refused(ValueError):
        forward_folds(times, labelled, groups, is_crime[1:])
    for wrong in ({"n_folds": 0}, {"min_train_share": 1.0}):
        with pytest.raises(ValueError, match="n_folds must be"):
            forward_folds(times, labelled, groups, is_crime, **wrong)
