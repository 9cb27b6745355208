"""Slices: values that the rows have, none with too few records or frauds, missing values in none."""

import numpy as np
import pandas as pd
import pytest

from fraudsieve.training.evaluation.evaluation_run import _first_seen
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.report_parts.slices import MIN_FRAUDS, MIN_ROWS, slice_metrics, slices_of_rows


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
    assert _first_seen(rows, "message", None) is None
    of_accounts = _first_seen(rows, "account", None)
    assert of_accounts is not None
    assert of_accounts.equals(rows["created_at"])


def test_a_column_of_lists_or_objects_has_no_slices() -> None:
    rows = pd.DataFrame(
        {"channel": [["sms"], ["app"]] * 3, "country": [{"code": "FR"}, None] * 3, "kind": ["a", "b"] * 3}
    )
    assert set(slices_of_rows(rows)) == {"kind"}


def test_rare_values_of_a_column_are_one_slice() -> None:
    country = [f"country {i:02d}" for i in range(12) for _ in range(20 - i)]
    values = slices_of_rows(pd.DataFrame({"country": country}))["country"]
    assert sorted({*values}) == [*(f"country {i:02d}" for i in range(8)), "other"]


@pytest.mark.parametrize(
    ("n_rows", "n_frauds", "shown"), [(MIN_ROWS, MIN_FRAUDS, 1), (MIN_ROWS - 1, 20, 0), (200, 9, 0)]
)
def test_a_slice_with_too_few_rows_or_frauds_is_left_out(n_rows: int, n_frauds: int, shown: int) -> None:
    truth = np.arange(n_rows) < n_frauds
    rows = FraudRows(np.linspace(0.9, 0.1, n_rows), truth, np.arange(n_rows), 20)
    parts = slice_metrics(rows, 0.5, {"channel": np.full(n_rows, "sms", object)})
    assert len(parts) == shown
    if shown:
        assert (parts[0].rows, parts[0].frauds, parts[0].recall) == (n_rows, n_frauds, 1.0)
        assert parts[0].interval is not None


def test_rows_without_a_value_are_in_no_slice() -> None:
    rows = FraudRows(np.tile([0.9, 0.2], 100), np.tile([True, False], 100))
    values = np.array(["sms"] * 100 + [None] * 100, object)
    assert [part.rows for part in slice_metrics(rows, 0.5, {"channel": values})] == [100]
