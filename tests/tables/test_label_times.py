"""Times from which labels count as known."""

import pandas as pd
import pytest

from fraudsieve.tables.label_values import has_only_dates, resolve_label_times


@pytest.mark.parametrize(
    ("times", "days"),
    [
        (["2026-05-01", "2026-05-02"], True),
        (["2026-05-01", None], True),
        (["2026-05-01", "2026-05-02 00:00:01"], False),
        ([None, None], False),
        ([], False),
    ],
)
def test_dates_are_distinguished_from_times(times: list[str | None], days: bool) -> None:
    column = pd.to_datetime(pd.Series(times, dtype=object), utc=True, format="ISO8601")
    assert has_only_dates(column) is days
    moved, notes = resolve_label_times(column)
    assert (len(notes) == 1) is days
    assert (moved - column).dropna().eq(pd.Timedelta(days=int(days))).all()
    assert moved.isna().tolist() == column.isna().tolist()
