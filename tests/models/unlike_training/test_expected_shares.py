"""The interval of an expected share, for any number of records, and what is said about a share outside it."""

from dataclasses import replace
from typing import Any

import pytest

from fraudsieve.models.unlike_training.expected_shares import (
    FLAGGED,
    MIN_RECORDS,
    UNLIKE,
    ExpectedShare,
    ShareCount,
    UnusualShare,
    expected_problem,
)

EXPECTED = ExpectedShare(FLAGGED, 0.1, spread=0.002)


def test_the_interval_narrows_with_the_records_down_to_the_drift() -> None:
    intervals = [EXPECTED.interval(n) for n in (200, 1000, 5000, 10**9)]
    assert all(low < 0.1 < high for low, high in intervals)
    assert [high - low for low, high in intervals] == sorted((high - low for low, high in intervals), reverse=True)
    low, high = intervals[-1]
    assert (low, high) == pytest.approx(ExpectedShare(FLAGGED, 0.1, 0.002).interval(10**9), abs=1e-6)
    assert high - low > 0.05


@pytest.mark.parametrize("share", [0.0005, 0.5, 0.9995])
def test_the_interval_stays_between_zero_and_one(share: float) -> None:
    low, high = ExpectedShare(FLAGGED, share, 1.0).interval(200)
    assert 0 <= low < share < high <= 1


def test_fewer_unfamiliar_records_than_usual_are_no_warning() -> None:
    unlike = replace(EXPECTED, name=UNLIKE)
    assert unlike.check(ShareCount(0, 5000)) is None
    assert unlike.check(ShareCount(5000, 5000)) is not None
    assert EXPECTED.check(ShareCount(0, 5000)) is not None


def test_few_records_are_no_warning() -> None:
    assert EXPECTED.check(ShareCount(MIN_RECORDS - 1, MIN_RECORDS - 1)) is None
    assert EXPECTED.check(ShareCount(MIN_RECORDS, MIN_RECORDS)) is not None
    assert EXPECTED.check(ShareCount(0, 0)) is None


def test_a_warning_says_what_came_and_what_was_expected() -> None:
    assert UnusualShare(UNLIKE, 0.031, 5000, 0.0, 0.019).text == (
        "3.1 % of 5,000 records are unlike training; expected at most 1.9 %"
    )
    assert UnusualShare(FLAGGED, 0.0004, 5000, 0.021, 0.119).text == (
        "0.04 % of 5,000 records are flagged; expected at least 2.1 %"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "other"}, "another name"),
        ({"name": None}, "another name"),
        ({"share": "0.1"}, "another type"),
        ({"share": 0.0}, "other values"),
        ({"share": 1.0}, "other values"),
        ({"share": float("nan")}, "other values"),
        ({"spread": 10**400}, "other values"),
        ({"spread": -1e-9}, "other values"),
        ({"spread": float("inf")}, "other values"),
    ],
)
def test_numbers_that_make_no_sense_are_a_problem(change: dict[str, Any], problem: str) -> None:
    assert problem in str(expected_problem([replace(EXPECTED, **change)]))


def test_a_share_that_is_expected_twice_is_a_problem() -> None:
    assert expected_problem([EXPECTED, replace(EXPECTED, name=UNLIKE)]) is None
    assert "several times" in str(expected_problem([EXPECTED, EXPECTED]))
