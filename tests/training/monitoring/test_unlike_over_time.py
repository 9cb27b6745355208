"""Records that look like nothing in training, over time."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.training.monitoring.monitoring_run import compare_unlike, unlike_over_time
from fraudsieve.training.monitoring.page import draw_unlike_over_time, render_monitor_report
from fraudsieve.training.monitoring.report import MonitorReport
from fraudsieve.training.monitoring.scored_table import ScoredTable

MODEL: Any = SimpleNamespace(unlike=object(), subject=Subject.MESSAGE)


def table(days: np.ndarray, unlike: np.ndarray) -> ScoredTable:
    """Return a table of messages that were sent so many days after the first of May."""
    records = pd.DataFrame({"sent_at": pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(days, unit="D")})
    nothing: Any = np.zeros((len(days), 0))
    return ScoredTable(records, nothing, nothing, {"unlike_training": unlike}, None, 0, ())


def two_tables(n: int = 1400, days: float = 14.0) -> tuple[ScoredTable, ScoredTable]:
    """Return two tables that follow each other; in the last half of the second, every fourth record is unfamiliar."""
    place = np.arange(n) * days / n
    late = (place >= days / 2) & (np.arange(n) % 4 == 0)
    return table(place, np.full(n, 0.5)), table(place + days, np.where(late, 0.999, 0.5))


def test_the_share_of_every_day() -> None:
    before, after = two_tables()
    unlike = unlike_over_time(MODEL, before, after)
    assert unlike is not None
    assert unlike.period == "week"  # 28 days are more than 26
    periods = unlike.periods
    assert [part.start for part in periods] == ["2026-05-01", "2026-05-08", "2026-05-15", "2026-05-22"]
    assert [part.share for part in periods] == [0.0, 0.0, 0.0, 0.25]
    assert [part.table for part in periods] == ["reference"] * 2 + ["current"] * 2
    assert sum(part.rows for part in periods) == 2800
    compared = compare_unlike(MODEL, before, after)
    assert compared is not None
    assert (compared.reference, compared.current) == (0.0, 0.125)


@pytest.mark.parametrize(("days", "period"), [(2.0, "day"), (60.0, "week"), (400.0, "month")])
def test_the_period_fits_the_time(days: float, period: str) -> None:
    unlike = unlike_over_time(MODEL, *two_tables(days=days))
    assert unlike is not None
    assert unlike.period == period
    assert len(unlike.periods) <= 28


def test_days_are_counted_from_the_start_of_the_first_one() -> None:
    days = np.repeat(np.append(np.arange(26.0) + 23 / 24, 26.8), 30)  # the first record comes late in its day
    unlike = unlike_over_time(MODEL, table(days, np.full(len(days), 0.5)), table(days, np.full(len(days), 0.5)))
    assert unlike is not None
    assert unlike.period == "week"  # there are 27 days
    short = table(days[:-30], np.full(len(days) - 30, 0.5))
    unlike = unlike_over_time(MODEL, short, short)
    assert unlike is not None
    assert (unlike.period, len({part.start for part in unlike.periods})) == ("day", 26)


def test_a_period_with_few_records_is_left_out() -> None:
    before, after = two_tables()
    assert unlike_over_time(MODEL, *two_tables(n=100)) is not None
    few = unlike_over_time(MODEL, table(np.array([0.0, 9.0]), np.array([0.5, 0.5])), after)
    assert few is not None
    assert {part.table for part in few.periods} == {"current"}
    missing = before.records["sent_at"].where(np.arange(1400) % 2 == 0)
    half = replace(before, records=pd.DataFrame({"sent_at": missing}))
    unlike = unlike_over_time(MODEL, half, after)
    assert unlike is not None
    assert sum(part.rows for part in unlike.periods if part.table == "reference") == 700


def test_without_times_or_without_the_measure_there_is_nothing() -> None:
    before, after = two_tables()
    timeless = [replace(part, records=part.records.drop(columns="sent_at")) for part in (before, after)]
    assert unlike_over_time(MODEL, timeless[0], timeless[1]) is None
    older: Any = SimpleNamespace(unlike=None, subject=Subject.MESSAGE)
    assert unlike_over_time(older, before, after) is None
    assert compare_unlike(older, before, after) is None


def test_the_page_draws_it_with_the_bound(monitored: MonitorReport) -> None:
    figure = draw_unlike_over_time(monitored)
    assert figure is not None
    assert figure.svg in render_monitor_report(monitored)
    assert "bound" in figure.svg
    assert "bound" not in draw_without_bound(monitored)
    share = monitored.shares.unlike_training
    assert share is not None
    assert f'<div class="value">{100 * share.current:.1f} %</div>' in render_monitor_report(monitored)
    assert monitored.bounds["unlike_rise"] == 0.05


def draw_without_bound(report: MonitorReport) -> str:
    figure = draw_unlike_over_time(replace(report, bounds={**report.bounds, "unlike_rise": None}))
    assert figure is not None
    return figure.svg
