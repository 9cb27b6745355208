"""What the reader is warned of, and what the tables say."""

from typing import Any

import pytest

from fraudsieve.training.pages.sections import all_figures, headline, notices, point_table, slice_tables

Sheets = dict[str, dict[str, Any]]


def test_a_random_split_is_told_in_red(sheets: Sheets) -> None:
    first = next(notices(sheets["account"]))
    assert first.startswith('<div class="notice bad"><strong>These figures flatter: the split is random')
    assert "train 2,000, test 900" in first


def test_an_honest_split_is_named(sheets: Sheets) -> None:
    first = next(notices(sheets["message"]))
    assert first.startswith('<div class="notice"><strong>Split by time; on one side only: campaigns.')
    assert "210 rows left out: label came too late" in first


def test_an_unknown_split_is_said_to_be_unknown(sheets: Sheets) -> None:
    assert "is not known here" in next(notices(sheets["type-only"]))


def test_records_that_were_trained_on_are_told_in_red(sheets: Sheets) -> None:
    sheet = sheets["type-only"]
    (first, *_) = notices(sheet | {"not_later_than_training": 12})
    assert first.startswith('<div class="notice bad"><strong>These figures flatter: 12 of ')
    (later, *_) = notices(sheet | {"not_later_than_training": 0})
    assert "All records are later than what the model was trained" in later
    assert "is not known here" in next(notices(sheet | {"not_later_than_training": None}))


def test_operating_points_have_what_they_do_here_beside_what_they_did(sheets: Sheets) -> None:
    html, points = point_table(sheets["message"]), sheets["message"]["operating_points"]
    assert html.count("<tr>") == 1 + len(points) == 5
    for one in points:
        here, then = one["here"], one["calibration"]
        assert f"<td>{here['recall']:.3f}</td><td>{then['recall']:.3f}</td>" in html
        rates = [100 * one[which]["false_positive_rate"] for which in ("here", "calibration")]
        assert "".join(f"<td>{rate:.2f} %</td>" for rate in rates) in html
    assert point_table(sheets["type-only"]) == ""
    nothing = [points[0] | {"here": dict.fromkeys(points[0]["here"])}]
    assert point_table({"operating_points": nothing}).count("<td>–</td>") == 5


def test_records_that_wait_for_labels_are_warned_of(sheets: Sheets) -> None:
    young = sheets["message"]["labels"]["youngest"]
    (_, warned) = notices(sheets["message"])
    assert f"{young['waiting']:,} of {young['records']:,} records of the last" in warned
    all_there = sheets["message"]["labels"] | {"youngest": young | {"expected": 0.2}}
    assert "wait for labels" not in "".join(notices(sheets["message"] | {"labels": all_there}))


def test_warnings_are_shown_whatever_they_are(sheets: Sheets) -> None:
    (_, warned) = notices(sheets["message"])
    assert "T3: 12 accounts of the test were trained on." in warned
    assert "labels take 40 days. wait" in warned
    assert "3 records could not be scored" in warned
    assert len(list(notices(sheets["account"]))) == 1


def test_few_groups_are_told(sheets: Sheets) -> None:
    sheet = sheets["account"]
    few = sheet | {"bootstrap": sheet["bootstrap"] | {"groups_with_fraud": 29}}
    assert "Only 29 accounts have fraud" in list(notices(few))[1]


def test_what_is_not_known_has_no_card(sheets: Sheets) -> None:
    assert headline(sheets["message"]).count("<li>") == 8
    assert headline(sheets["account"]).count("<li>") == 7  # no card precision: no times
    assert headline(sheets["type-only"]).count("<li>") == 1
    assert "no interval" in headline(sheets["type-only"])


def test_the_table_says_over_what_was_drawn(sheets: Sheets) -> None:
    assert "95 % intervals from 100 draws of 500 campaigns" in all_figures(sheets["message"])
    assert "no intervals" in all_figures(sheets["type-only"])


def test_tables_of_slices(sheets: Sheets) -> None:
    sheet = sheets["message"]
    found = dict(slice_tables(sheet))
    may = sheet["by_month"][3]
    assert f"<td>{may['rows']:,}</td><td>{may['frauds']:,}</td>" in found["By month"]
    cold = sheet["cold_start"]["no_history"]
    assert f"no history</th><td>{cold['rows']:,}</td>" in found["Cold start"]
    assert f"<td>{sheet['attack']['obfuscations']['symbols']['medium']['kept']:.3f}</td>" in found["Under attack"]
    leetspeak = found["Under attack"].split("leetspeak")[1].split("</tr>")[0]
    assert leetspeak.count("–") == 3  # nothing to change
    spam = sheet["by_type"]["spam"]
    assert f"<td>{spam['caught']:.3f}</td>" in found["By type"].split(">spam<")[1].split("</tr>")[0]
    assert "<dt>overlap, accounts</dt><dd>12</dd>" in found["Over time"]
    assert "<dt>checks</dt><dd>T1 passed, T2 passed</dd>" in found["Over time"]


@pytest.mark.parametrize("name", ["account", "type-only"])
def test_empty_slices_have_no_table(sheets: Sheets, name: str) -> None:
    found = dict(slice_tables(sheets[name]))
    assert [heading for heading, html in found.items() if html] == ["By type"]
