"""Slices: values that the rows have, no metric of too few records or frauds, missing values in none."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.points import OperatingPoint
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.points import PointMetrics, PointRates
from fraudsieve.training.evaluation.report_parts.slices import (
    MAX_VALUES,
    MIN_FRAUDS,
    MIN_ROWS,
    Slices,
    break_notes,
    check_slicing,
    excess_notes,
    first_seen_of,
    mixture_of,
    slice_metrics,
    slices_of_rows,
)


def test_values_of_messages() -> None:
    rows = pd.DataFrame(
        {
            "text": ["win " * 20, "你好，免费 gift", "👍", "hello"],
            "channel": ["sms", "chat", None, "sms"],
            "as_of": pd.to_datetime(["2026-05-10"] * 4, utc=True),
        }
    )
    first_seen = pd.Series(pd.to_datetime(["2026-05-10", "2026-05-04", "NaT", "2026-06-01"], utc=True))
    slices = {name: values.tolist() for name, values in slices_of_rows(rows, first_seen).items()}
    assert slices == {
        "channel": ["sms", "chat", None, "sms"],
        "language": ["Latin script", "Chinese", "other", "Latin script"],
        "length": ["71 to 160", "up to 20 characters", "up to 20 characters", "up to 20 characters"],
        "age of the account": ["less than 1 day", "1 to 7 days", None, None],
    }


def test_accounts_have_the_age_since_they_were_created() -> None:
    times = pd.to_datetime(["2026-05-10", "2026-05-10"], utc=True)
    created = pd.to_datetime(["2026-05-09T12:00", "2025-05-09T12:00"], utc=True)
    slices = slices_of_rows(pd.DataFrame({"as_of": times}), pd.Series(created))
    assert slices["age of the account"].tolist() == ["less than 1 day", "more than 30 days"]


def test_a_column_created_at_of_messages_is_not_read() -> None:
    rows = pd.DataFrame({"as_of": pd.to_datetime(["2026-05-10"] * 2, utc=True), "created_at": ["1 May", None]})
    assert slices_of_rows(rows) == {}
    assert first_seen_of(rows, Subject.MESSAGE, None) is None
    of_accounts = first_seen_of(rows, Subject.ACCOUNT, None)
    assert of_accounts is not None
    assert of_accounts.equals(rows["created_at"])


def test_a_column_of_lists_or_objects_has_no_slices() -> None:
    rows = pd.DataFrame(
        {"channel": [["sms"], ["app"]] * 3, "country": [{"code": "FR"}, None] * 3, "kind": ["a", "b"] * 3}
    )
    assert set(slices_of_rows(rows)) == {"kind"}


def test_rare_values_of_a_column_are_one_slice_that_says_how_many() -> None:
    country = [f"country {i:02d}" for i in range(24) for _ in range(30 - i)]
    values = slices_of_rows(pd.DataFrame({"country": country}))["country"]
    assert sorted({*values}) == [*(f"country {i:02d}" for i in range(MAX_VALUES)), "other (4 values)"]


def test_any_column_can_be_sliced_by() -> None:
    rows = pd.DataFrame(
        {
            "partner": ["a", "b", None] * 40,
            "is_new": [True, False] * 60,
            "tries": [1, 2, 3, 4] * 30,
            "amount": [*np.arange(118.0), np.nan, np.inf],
            "region": "north",
        }
    )
    slices = slices_of_rows(rows, by=["partner", "is_new", "tries", "amount", "region"])
    assert {name: sorted({*values} - {None}) for name, values in slices.items()} == {
        "partner": ["a", "b"],
        "is_new": ["False", "True"],
        "tries": ["1", "2", "3", "4"],
        "amount": ["0 to 29.25", "29.25 to 58.5", "58.5 to 87.75", "87.75 to 117"],
        "region": ["north"],
    }
    assert slices["amount"][[0, 29, 30, 117, 118, 119]].tolist() == [
        *("0 to 29.25", "0 to 29.25", "29.25 to 58.5", "87.75 to 117"),
        *(None, None),
    ]
    assert slices_of_rows(rows) == {}


def test_a_mixture_has_no_values_that_may_tell_persons_apart() -> None:
    rows = pd.DataFrame(
        {"channel": ["sms", None, "sms"] * 10, "source": [f"source {i}" for i in range(30)], "country": "FR"}
    )
    assert mixture_of(rows) == {"channel": {"sms": 20}}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "chanel",
            "expected a column 'chanel' to slice by, got none of this name. Choose one that exists, such as: Type.",
        ),
        ("Body", "in column 'Body' to slice by, got texts"),
        ("sent_at", "in column 'sent_at' to slice by, got times"),
        ("tags", "in column 'tags' to slice by, got lists"),
        ("text", "in column 'text' to slice by, got texts"),
    ],
)
def test_a_column_that_cannot_be_sliced_by_is_an_error(name: str, problem: str) -> None:
    rows = pd.DataFrame({"text": ["a"], "sent_at": pd.to_datetime(["2026-05-10"]), "tags": [["x"]], "kind": "a"})
    names = {"messages.text": "Body", "kind": "Type"}
    with pytest.raises(SchemaError, match=re.escape(problem)):
        check_slicing(rows, [name], "messages", names)


def test_a_column_is_sliced_by_under_the_name_that_the_table_gives_it() -> None:
    rows = pd.DataFrame({"kind": ["a", "b"], "app": ["c", "c"]})
    sliced = check_slicing(rows, ["Type", "app"], "events", {"events.kind": "Type"})
    assert sliced["Type"].tolist() == ["a", "b"]
    assert "Type" not in check_slicing(rows, ["app"], "events", {"kind": "Type"})
    assert list(rows) == ["kind", "app"]


@pytest.mark.parametrize(
    ("n_rows", "n_frauds", "known"),
    [
        (MIN_ROWS + MIN_FRAUDS, MIN_FRAUDS, ("recall", "false_positive_rate", "observed_over_expected")),
        (200, MIN_FRAUDS - 1, ("false_positive_rate",)),
        (MIN_ROWS, MIN_FRAUDS, ("recall", "observed_over_expected")),
        (MIN_ROWS - 1, 20, ()),
    ],
)
def test_a_slice_has_no_metric_of_too_few_rows_or_frauds(n_rows: int, n_frauds: int, known: tuple[str, ...]) -> None:
    truth = np.arange(n_rows) < n_frauds
    rows = FraudRows(np.linspace(0.9, 0.1, n_rows), truth, np.arange(n_rows), 20)
    sliced = slice_metrics(rows, rows.probability >= 0.5, {"channel": np.full(n_rows, "sms", object)})
    (part,) = sliced.parts
    assert (part.rows, part.frauds) == (n_rows, n_frauds)
    assert (sliced.compared, sliced.too_small) == ((1, 0) if n_rows >= MIN_ROWS else (0, 1))
    names = ("recall", "false_positive_rate", "observed_over_expected")
    assert tuple(name for name in names if getattr(part, name) is not None) == known
    assert tuple(name for name in names if getattr(part, f"{name}_interval") is not None) == known


def test_rows_without_a_value_are_in_no_slice() -> None:
    rows = FraudRows(np.tile([0.9, 0.2], 100), np.tile([True, False], 100))
    values = np.array(["sms"] * 100 + [None] * 100, object)
    assert [part.rows for part in slice_metrics(rows, rows.is_fraud, {"channel": values}).parts] == [100]


def mixture(by: str = "channel", requested: tuple[str, ...] = ()) -> Slices:
    """Return slices of a mixture of three values, whose point of 1 % flags 12 % of the legitimate rows of one."""
    rng = np.random.default_rng(0)
    values, truth = np.repeat(np.array(["sms", "app", "mail"], object), 1000), np.tile(np.arange(1000) < 100, 3)
    flags = truth | (rng.random(3000) < np.where(values == "mail", 0.12, 0.003))
    probability = np.where(flags, 0.95, 0.2)
    points = [
        OperatingPoint("false_positive_rate_0.01", 0.9, 0.01, 1.0, 0.1, max_false_positive_rate=0.01),
        OperatingPoint("precision_0.9", 0.1, 0.01, 1.0, 0.1),
    ]
    rows = FraudRows(probability, truth, np.arange(3000), 100)
    return slice_metrics(rows, flags, {by: values}, points, requested)


def test_a_slice_has_the_false_positive_rate_of_every_point() -> None:
    sliced = mixture()
    mail = next(part for part in sliced.parts if part.value == "mail")
    first, second = mail.points
    assert (sliced.point, sliced.compared) == ("false_positive_rate_0.01", 3)
    assert first.false_positive_rate == mail.false_positive_rate == pytest.approx(0.12, abs=0.03)
    assert first.interval is not None
    assert first.interval[0] < first.false_positive_rate < first.interval[1]
    assert (second.false_positive_rate, second.promised) == (1.0, None)
    assert [part.value for part in sliced.parts if part.points[0].is_exceeded] == ["mail"]


def test_a_note_names_the_values_for_which_a_promise_does_not_hold() -> None:
    (note,) = excess_notes(mixture())
    assert note.startswith("the point for 1 % false positives promises this for the mixture of all records, not for")
    assert "% of the legitimate records where channel is mail (95 % interval " in note
    assert note.endswith("). 3 slices were compared")
    assert not any(f"is {value}" in note for value in ("sms", "app"))
    assert excess_notes(mixture("length")) == []
    assert len(excess_notes(mixture("partner", ("partner",)))) == 1


def chosen_at(rate: float | None, **target: Any) -> list[PointMetrics]:
    point = OperatingPoint("a point", 0.9, rate, 1.0, 0.1, **target)
    here = PointRates(false_positive_rate=rate, recall=None, precision=None, flagged=None, alerts_a_day=None)
    return [PointMetrics(point, here)]


@pytest.mark.parametrize("kind", ["max_false_positive_rate", "estimated_false_positive_rate"])
def test_a_break_names_the_value_whose_legitimate_rows_are_flagged_far_too_often(kind: str) -> None:
    chosen = chosen_at(0.05, **{kind: 0.01})
    (note,) = break_notes(mixture(), chosen)
    assert note.startswith("where channel is mail, 1")
    assert " % of the legitimate records are flagged, and not 1 %: recalibrate the model on these" in note
    assert break_notes(mixture("length"), chosen) == break_notes(None, chosen) == break_notes(mixture(), []) == []
    assert len(break_notes(mixture("partner", ("partner",)), chosen)) == 1


@pytest.mark.parametrize(("rate", "n_breaks"), [(0.01, 1), (0.0, 1), (0.06, 0), (None, 0)])
def test_a_point_without_a_rate_is_compared_with_the_rows_that_it_was_chosen_on(
    rate: float | None, n_breaks: int
) -> None:
    assert len(break_notes(mixture(), chosen_at(rate))) == n_breaks
