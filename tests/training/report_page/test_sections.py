"""The warnings of a page, and the numbers of its cards and tables."""

from dataclasses import replace

import pytest

from fraudsieve.pages.rendering import PageTable
from fraudsieve.training.data.column_notes import RefitSummary
from fraudsieve.training.evaluation.report import EvaluationReport, SplitSummary, TemporalMetrics
from fraudsieve.training.report_page.sections import (
    headline_cards,
    metric_table,
    point_table,
    report_notices,
    slice_tables,
    temporal_facts,
)

Reports = dict[str, EvaluationReport]


def row(table: PageTable, name: str) -> list[str]:
    return list(next(cells for cells in table.rows if cells[0] == name))


def test_reviews_by_the_policy_are_said_with_the_points(reports: Reports) -> None:
    report = reports["message"]
    assert report.decision is not None
    assert "below its threshold" not in point_table(report).caption
    decision = replace(report.decision, reviews=2000, unlike_training=1500)
    caption = point_table(replace(report, decision=decision)).caption
    assert "1,500 of its 2,000 reviews here are of records below its threshold" in caption


def test_a_random_split_is_a_red_notice(reports: Reports) -> None:
    first = next(report_notices(reports["account"]))
    assert first.kind == "bad"
    assert first.title.startswith("These metrics are too good: the split is random")
    assert "Rows: train 2,000, test 900." in first.lines


def test_an_honest_split_is_named(reports: Reports) -> None:
    first = next(report_notices(reports["message"]))
    assert first.kind == ""
    assert first.title.startswith("Split by time; training and test share no campaigns.")
    assert "Left out: 210 rows, which had no label yet when the test begins." in first.lines


def test_an_unknown_split_is_noted(reports: Reports) -> None:
    assert "is unknown" in next(report_notices(reports["type-only"])).title


def test_a_refit_is_the_first_notice(reports: Reports) -> None:
    refit = RefitSummary(
        rows=19_000,
        window=("2026-01-01T00:00:00+00:00", "2026-06-30T00:00:00+00:00"),
        left_out={"no_time": 0, "not_mature": 1_200},
        calibration_rows=9_500,
        split_model="ab" * 32,
        split_rows=12_000,
        split_window=("2026-01-01T00:00:00+00:00", "2026-04-30T00:00:00+00:00"),
    )
    first, second, *_ = report_notices(replace(reports["message"], refit=refit))
    assert first.title == (
        "The metrics are of the evaluated model, trained on 12,000 rows up to 2026-04-30. The model that was "
        "written was trained again, on 19,000 rows up to 2026-06-30."
    )
    assert list(first.lines) == [
        "Its calibration and operating points come from 9,500 rows, each scored by a model that had not learned "
        "from it.",
        "1,200 labelled rows with labels that are not mature were left out of it.",
    ]
    assert second.title.startswith("Split by time")


def test_records_that_were_trained_on_are_a_red_notice(reports: Reports) -> None:
    report = reports["type-only"]
    (first, *_) = report_notices(replace(report, not_later_than_training=12))
    assert first.kind == "bad"
    assert first.title.startswith("These metrics are too good: 12 of ")
    (later, *_) = report_notices(replace(report, not_later_than_training=0))
    assert "All records are later than what the model was trained" in later.title
    assert "is unknown" in next(report_notices(replace(report, not_later_than_training=None))).title


def test_operating_points_have_their_rates_here_next_to_the_calibrated_ones(reports: Reports) -> None:
    points = reports["message"].operating_points
    table = point_table(reports["message"])
    assert len(table.rows) == len(points) == 5
    for point, cells in zip(points, table.rows, strict=True):
        here, then = point.here, point.calibration
        rates = [f"{100 * (rates.false_positive_rate or 0):.2f} %" for rates in (here, then)]
        assert cells[2:4] == [f"{rates[0]} ({rates[1]})", f"{here.recall:.3f} ({then.recall:.3f})"]
    assert point_table(reports["type-only"]).rows == []
    bases = [f" {point.point.basis}." for point in points if point.point.basis]
    assert len(bases) == 3
    assert table.caption.endswith(f" which counts once.{''.join(bases)}")
    nothing = replace(points[0], here=replace(points[0].here, **dict.fromkeys(vars(points[0].here))))
    (cells,) = point_table(replace(reports["message"], operating_points=(nothing,))).rows
    assert [cell.startswith("– (") for cell in cells[2:]] == [True] * 5
    assert "alerts per day" in table.columns
    without_days = [
        replace(p, here=replace(p.here, alerts_a_day=None), point=replace(p.point, alerts_a_day=None)) for p in points
    ]
    table = point_table(replace(reports["message"], operating_points=tuple(without_days)))
    assert "alerts per day" not in table.columns
    assert {len(cells) for cells in table.rows} == {len(table.columns)}


def test_records_that_wait_for_labels_are_a_warning(reports: Reports) -> None:
    labels = reports["message"].labels
    assert labels
    young = labels.youngest
    assert young
    (_, warning) = report_notices(reports["message"])
    assert any(f"{young.waiting:,} of {young.records:,} records of the last" in line for line in warning.lines)
    complete = replace(labels, youngest=replace(young, expected=0.2))
    lines = [line for notice in report_notices(replace(reports["message"], labels=complete)) for line in notice.lines]
    assert not any("waiting for labels" in line for line in lines)


def test_all_warnings_are_shown(reports: Reports) -> None:
    (_, warning) = report_notices(reports["message"])
    assert warning.kind == "warn"
    assert "labels take 40 days. wait" in warning.lines
    assert any(line.startswith("3 records could not be scored") for line in warning.lines)
    assert len(list(report_notices(reports["account"]))) == 1


def test_few_groups_are_a_warning(reports: Reports) -> None:
    report = reports["account"]
    assert report.bootstrap
    few = replace(report, bootstrap=replace(report.bootstrap, groups_with_fraud=29))
    assert "Only 29 accounts have fraud" in list(report_notices(few))[1].lines[0]


def test_missing_metrics_have_no_card(reports: Reports) -> None:
    assert len(headline_cards(reports["message"])) == 8
    assert len(headline_cards(reports["account"])) == 7  # no unfamiliar records
    (card,) = headline_cards(reports["type-only"])
    assert card.interval == "no interval"


def test_the_table_states_what_was_drawn(reports: Reports) -> None:
    assert "95 % intervals from 100 draws of 500 campaigns" in metric_table(reports["message"]).caption
    assert "no intervals" in metric_table(reports["type-only"]).caption


def test_tables_of_slices(reports: Reports) -> None:
    report = reports["message"]
    tables = slice_tables(report)
    assert report.by_month
    assert report.cold_start
    assert report.cold_start.no_history
    assert report.attack
    may = report.by_month[3]
    assert row(tables["By month"], may.month)[1:3] == [f"{may.rows:,}", f"{may.frauds:,}"]
    assert row(tables["Cold start"], "no history")[1] == f"{report.cold_start.no_history.rows:,}"
    symbols = report.attack.obfuscations["symbols"]
    assert row(tables["Under attack"], "symbols")[3] == f"{symbols.medium.kept:.3f}"
    assert row(tables["Under attack"], "leetspeak").count("–") == 3  # nothing to change
    assert row(tables["Under attack"], "the same, legitimate texts obfuscated alike")[2:] == ["0.700"] * 3
    assert row(tables["Under attack"], "share of these that is flagged")[2:] == ["0.021"] * 3
    assert row(tables["By type"], "spam")[-1] == f"{report.by_type['spam'].caught:.3f}"


def test_metrics_of_a_split_by_time_next_to_a_random_one() -> None:
    split = SplitSummary(
        kind="time", keeps_apart=("accounts",), flatters=False, rows={"test": 1200}, dropped={"late": 3}, gap_days=14.0
    )
    facts = temporal_facts(TemporalMetrics(average_precision=0.25, rows=1200, split=split))
    assert (facts["average precision"], facts["rows"]) == ("0.250", "1,200")
    assert facts["split, test rows"] == "1,200"
    assert facts["split, gap in days"] == "14"
    assert temporal_facts(TemporalMetrics(skipped="too few rows")) == {"skipped": "too few rows"}
    assert temporal_facts(None) == {}


@pytest.mark.parametrize("name", ["account", "type-only"])
def test_empty_slices_have_no_table(reports: Reports, name: str) -> None:
    assert [heading for heading, table in slice_tables(reports[name]).items() if table.rows] == ["By type"]
