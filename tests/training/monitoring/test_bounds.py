"""Bounds: exceeded ones are named with their value, and changes that chance explains exceed none."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fraudsieve.training.monitoring.bounds import Clusters, Share, bounds_exceeded, compare_ratio, compare_shares
from fraudsieve.training.monitoring.report import (
    Both,
    ColumnDrift,
    FamilyDrift,
    MeanDrift,
    MonitorMeasures,
    PointAlerts,
    ScoreDrift,
    ShareChange,
    ShareChanges,
    TypeDrift,
)
from fraudsieve.training.recipe.sections import MonitorRecipe


def share(hits: int, rows: int) -> Share:
    return Share.of(np.arange(rows) < hits)


NO_SHARES = ShareChanges(compare_shares(share(0, 1000), share(0, 1000)))


def measures(**parts: Any) -> MonitorMeasures:
    nothing: dict[str, Any] = {
        "rows": Both(0, 0),
        "windows": Both(None, None),
        "labelled": Both(0, 0),
        "families": (),
        "columns": (),
        "left_out": {},
        "scores": ScoreDrift(),
        "alerts": (),
        "expected": (),
        "calibration": None,
        "shares": NO_SHARES,
        "unlike": None,
        "bounds": {},
    }
    return MonitorMeasures(**nothing | parts)


def index(excess: float, clear: bool = True) -> dict[str, Any]:
    return {"psi": excess + 0.01, "expected": 0.01, "excess": excess, "clear": clear, "chance": 0.1, "js": 0.2}


def family(excess: float, clear: bool = True) -> FamilyDrift:
    facts: dict[str, Any] = {
        "column": "cues__links",
        "family": "cues",
        "mean": Both(None, None),
        "missing": Both(0.0, 0.0),
    }
    return FamilyDrift("cues", 1, ColumnDrift(**index(excess, clear), **facts), MeanDrift(0.1, 0.01, 0.2))


def alerts(name: str, before: Share, after: Share) -> PointAlerts:
    facts: dict[str, Any] = {"threshold": 0.5, "alerts_a_day": Both(None, None), "unlike_training": Both(0.0, 0.0)}
    return PointAlerts(**vars(compare_ratio(before, after)), name=name, **facts)


def names(measured: MonitorMeasures, **settings: Any) -> list[str]:
    return [bound.bound for bound in bounds_exceeded(measured, MonitorRecipe(**settings))]


def test_no_bound_is_exceeded_without_measures() -> None:
    assert names(measures()) == []


@pytest.mark.parametrize(("excess", "clear", "passes"), [(0.26, True, 1), (0.26, False, 0), (0.24, True, 0)])
def test_an_index_must_be_beyond_its_bound_and_beyond_chance(excess: float, clear: bool, passes: int) -> None:
    measured = measures(families=(family(excess, clear),))
    assert names(measured) == ["family_psi"] * passes
    assert names(measured, family_psi=None) == []
    assert (
        names(measures(scores=ScoreDrift(TypeDrift(**index(excess, clear), shares={}))), score_psi=0.25)
        == ["score_psi"] * passes
    )


def test_an_exceeded_bound_has_a_text() -> None:
    (bound,) = bounds_exceeded(measures(families=(family(0.5),)), MonitorRecipe())
    assert (bound.name, bound.value, bound.limit) == ("cues", 0.5, 0.25)
    assert bound.text == (
        "column cues__links: PSI 0.51, where 0.01 is expected without drift; the bound is 0.25 above it"
    )


@pytest.mark.parametrize("name", ["rejected", "cold_start", "unseen", "unlike_training"])
def test_a_rise_of_a_share(name: str) -> None:
    def of(compared: ShareChange) -> MonitorMeasures:
        change: Any = {name: {"profile__city": compared} if name == "unseen" else compared}
        return measures(shares=replace(NO_SHARES, **change))

    bound = f"{name.removesuffix('_training')}_rise"
    assert names(of(compare_shares(share(10, 1000), share(300, 1000)))) == [bound]
    assert names(of(compare_shares(share(300, 1000), share(10, 1000)))) == []  # a decrease is not a rise
    assert names(of(compare_shares(share(0, 1000), share(40, 1000)))) == []
    few = of(compare_shares(share(0, 10), share(3, 10)))
    assert names(few, **{bound: 0.05}) == []  # three of ten may be chance
    assert names(of(compare_shares(share(10, 1000), share(300, 1000))), **{bound: None}) == []


def test_the_alerts_of_one_account_may_be_chance() -> None:
    flagged = np.arange(2000) < 80
    alone, together = Share.of(flagged), Share.of(flagged, Clusters.of(np.maximum(np.arange(2000) - 79, 0)))
    before = share(20, 2000)
    one, many = compare_ratio(before, alone).chance, compare_ratio(before, together).chance
    assert one is not None
    assert many is not None
    assert one < 4 < many


def test_rows_of_one_account_exceed_no_bound_on_shares() -> None:
    flagged = np.arange(2000) < 1900
    one = Share.of(flagged, Clusters.of(np.zeros(2000, np.int64)))
    for before, after in ((share(20, 2000), one), (one, share(20, 2000))):
        point = alerts("first", before, after)
        cold_start = compare_shares(before, after)
        assert names(measures(alerts=(point,), shares=replace(NO_SHARES, cold_start=cold_start))) == []
        assert (point.chance, cold_start.chance) == (None, None)
    two = Share.of(flagged, Clusters.of(np.repeat([0, 1], 1000)))
    assert compare_ratio(two, two).chance is not None
