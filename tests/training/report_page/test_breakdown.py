"""Tables of types that are confused, of slices, and of the largest errors."""

from dataclasses import replace

import pytest

from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.report_page.breakdown import breakdown_tables, importance_tables
from fraudsieve.training.report_page.evaluation import render_report

Reports = dict[str, EvaluationReport]


@pytest.mark.slow
def test_the_confusion_matrix_counts_every_record(reports: Reports) -> None:
    (table,) = breakdown_tables(reports["message"])["Which types are confused"]
    counts = [[int(cell.replace(",", "")) for cell in row[1:]] for row in table.rows]
    assert sum(map(sum, counts)) == reports["message"].rows
    types = reports["message"].by_type
    assert {row[0]: sum(counts[i]) for i, row in enumerate(table.rows)} == {n: m.rows for n, m in types.items()}


@pytest.mark.slow
def test_the_rarest_of_many_types_are_added_up(reports: Reports) -> None:
    (table,) = breakdown_tables(reports["type-only"])["Which types are confused"]
    assert len(table.rows) == len(table.columns) - 1 == 9
    assert table.columns[-1] == table.rows[-1][0] == "22 others"
    assert sum(int(cell) for row in table.rows for cell in row[1:]) == reports["type-only"].rows


def test_slices_have_rows_frauds_and_intervals(reports: Reports) -> None:
    report = reports["message"]
    tables = breakdown_tables(report)["Slices"]
    assert [table.columns[0] for table in tables] == ["channel", "channel", "age of the account"]
    assert report.slices is not None
    part = report.slices.parts[0]
    assert part.interval is not None
    assert tables[0].rows[0][:3] == [part.value, f"{part.rows:,}", f"{part.frauds:,}"]
    for place, value, interval in (
        (3, part.average_precision, part.interval),
        (4, part.recall, part.recall_interval),
        (6, part.observed_over_expected, part.observed_over_expected_interval),
    ):
        assert interval is not None
        text = f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"
        assert tables[0].rows[0][place].replace("\N{NO-BREAK SPACE}", " ") == text


def test_errors_are_identifiers(reports: Reports) -> None:
    report = reports["message"]
    missed, false_alarms = breakdown_tables(report)["Largest errors"]
    assert report.errors is not None
    assert [row[0] for row in missed.rows] == [record.record_id for record in report.errors.missed]
    assert [row[2] for row in false_alarms.rows] == [f"{r.probability:.4f}" for r in report.errors.false_alarms]


def test_what_is_missing_has_no_heading(reports: Reports) -> None:
    html = render_report(replace(reports["message"], slices=None, errors=None))
    assert "<h2>Slices</h2>" not in html
    assert "<h2>Largest errors</h2>" not in html


def test_the_gain_of_families_and_of_features(reports: Reports) -> None:
    families, features = importance_tables(reports["account"])
    assert [row[1] for row in families.rows] == ["0.700", "0.300"]
    assert features.rows[0] == ["volume: count in 1 day", "0.700"]
    without = replace(reports["account"], importance=None, column_importance=None)
    assert importance_tables(without) == []
