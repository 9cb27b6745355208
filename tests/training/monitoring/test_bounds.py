"""Bounds: exceeded ones are named with their value, and changes that chance explains exceed none."""

from typing import Any

import numpy as np
import pytest

from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.monitoring.bounds import Share, bounds_exceeded, compare_ratio, compare_shares
from fraudsieve.training.monitoring.clusters import Clusters
from fraudsieve.training.monitoring.report import MonitorMeasures
from fraudsieve.training.recipe.sections import MonitorRecipe


def share(hits: int, rows: int) -> Share:
    return Share.of(np.arange(rows) < hits)


def measures(**parts: Any) -> MonitorMeasures:
    shares = {"rejected": compare_shares(share(0, 1000), share(0, 1000)), "cold_start": None, "unseen": {}}
    shares["unlike_training"] = None
    nothing: dict[str, Any] = {
        "rows": {},
        "windows": {},
        "labelled": {},
        "families": [],
        "columns": [],
        "left_out": {},
        "scores": {},
        "alerts": [],
        "expected": [],
        "calibration": None,
        "shares": shares,
        "unlike": None,
        "bounds": {},
    }
    return MonitorMeasures(**nothing | parts)


def index(excess: float, clear: bool = True) -> dict[str, Any]:
    return {"column": "cues__links", "psi": excess + 0.01, "expected": 0.01, "excess": excess, "clear": clear}


def calibration(share: float = 1.0, **intervals: list[float] | None) -> dict[str, Any]:
    between = {"ece": None, "observed_over_expected": None} | intervals
    return {"share": share, "ece": 0.1, "observed_over_expected": 3.0, "intervals": between}


def names(measured: MonitorMeasures, **settings: Any) -> list[str]:
    return [bound.bound for bound in bounds_exceeded(measured, MonitorRecipe(**settings))]


def test_no_bound_is_exceeded_without_measures() -> None:
    assert names(measures()) == []


@pytest.mark.parametrize(("excess", "clear", "passes"), [(0.26, True, 1), (0.26, False, 0), (0.24, True, 0)])
def test_an_index_must_be_beyond_its_bound_and_beyond_chance(excess: float, clear: bool, passes: int) -> None:
    measured = measures(families=[{"family": "cues", "worst": index(excess, clear)}])
    assert names(measured) == ["family_psi"] * passes
    assert names(measured, family_psi=None) == []
    assert names(measures(scores={"types": index(excess, clear)}), score_psi=0.25) == ["score_psi"] * passes


def test_an_exceeded_bound_has_a_text() -> None:
    (bound,) = bounds_exceeded(measures(families=[{"family": "cues", "worst": index(0.5)}]), MonitorRecipe())
    assert (bound.name, bound.value, bound.limit) == ("cues", 0.5, 0.25)
    assert bound.text == (
        "column cues__links: PSI 0.51, where 0.01 is expected without drift; the bound is 0.25 above it"
    )


@pytest.mark.parametrize("name", ["rejected", "cold_start", "unseen", "unlike_training"])
def test_a_rise_of_a_share(name: str) -> None:
    def of(compared: dict[str, Any]) -> MonitorMeasures:
        return measures(
            shares={**measures().shares, name: {"profile__city": compared} if name == "unseen" else compared}
        )

    bound = f"{name.removesuffix('_training')}_rise"
    assert names(of(compare_shares(share(10, 1000), share(300, 1000)))) == [bound]
    assert names(of(compare_shares(share(300, 1000), share(10, 1000)))) == []  # a decrease is not a rise
    assert names(of(compare_shares(share(0, 1000), share(40, 1000)))) == []
    few = of(compare_shares(share(0, 10), share(3, 10)))
    assert names(few, **{bound: 0.05}) == []  # three of ten may be chance
    assert names(of(compare_shares(share(10, 1000), share(300, 1000))), **{bound: None}) == []


def test_alerts_both_ways_at_the_point_that_decides() -> None:
    def of(before: Share, after: Share) -> MonitorMeasures:
        still = {"name": "other"} | compare_ratio(share(10, 1000), share(10, 1000))
        return measures(alerts=[{"name": "first"} | compare_ratio(before, after), still])

    assert names(of(share(20, 2000), share(80, 2000))) == ["alerts_times"]
    assert names(of(share(80, 2000), share(20, 2000))) == ["alerts_times"]
    assert names(of(share(40, 2000), share(70, 2000))) == []
    assert names(of(share(2, 200), share(8, 200))) == []  # the same factor, with fewer rows
    assert names(of(share(0, 2000), share(0, 2000))) == []
    assert names(of(share(0, 2000), share(60, 2000))) == ["alerts_times"]


def test_the_alerts_of_one_account_may_be_chance() -> None:
    flagged = np.arange(2000) < 80
    alone, together = Share.of(flagged), Share.of(flagged, Clusters.of(np.maximum(np.arange(2000) - 79, 0)))
    before = share(20, 2000)
    assert compare_ratio(before, alone)["chance"] < 4 < compare_ratio(before, together)["chance"]


def test_rows_of_one_account_exceed_no_bound_on_shares() -> None:
    flagged = np.arange(2000) < 1900
    one = Share.of(flagged, Clusters.of(np.zeros(2000, np.int64)))
    for before, after in ((share(20, 2000), one), (one, share(20, 2000))):
        alerts = {"name": "first"} | compare_ratio(before, after)
        measured = measures(alerts=[alerts], shares={**measures().shares, "cold_start": compare_shares(before, after)})
        assert names(measured) == []
        assert names(MonitorMeasures(**to_json_types(measured))) == []
        assert to_json_types(alerts)["chance"] is None
    two = Share.of(flagged, Clusters.of(np.repeat([0, 1], 1000)))
    assert np.isfinite(compare_ratio(two, two)["chance"])


def test_calibration_must_be_wrong_with_its_whole_interval_and_on_enough_labels() -> None:
    assert names(measures(calibration=calibration(ece=[0.06, 0.12]))) == ["ece"]
    assert names(measures(calibration=calibration(ece=[0.04, 0.12]))) == []
    assert names(measures(calibration=calibration(ece=[0.06, 0.12], share=0.4))) == []
    assert names(measures(calibration=calibration(ece=[0.06, 0.12], share=0.4)), labelled_share=0.0) == ["ece"]
    assert names(measures(calibration=calibration(observed_over_expected=[2.1, 4.0]))) == ["observed_times"]
    assert names(measures(calibration=calibration(observed_over_expected=[0.1, 0.4]))) == ["observed_times"]
    assert names(measures(calibration=calibration(observed_over_expected=[0.4, 2.5]))) == []
    assert names(measures(calibration=calibration(ece=[0.06, 0.1])), ece=None) == []
