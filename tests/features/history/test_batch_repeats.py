"""Repeated events and labels in tables: only the first row of an id counts."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.columns.table import ColumnTable
from fraudsieve.features.history.declaration import LABEL_MEASURES, History
from fraudsieve.features.history.history_batch import HistoryTables, encode, history_features
from fraudsieve.features.live_state import HistoryState

COUNT = History(("1h",), measures=("count", "sum"))
IDS = st.lists(st.none() | st.sampled_from(["", "a", "b", "c", "d", "ä"]), max_size=30)


def table(ids: list[Any]) -> dict[str, Any]:
    minutes = np.arange(len(ids)) * 60
    return {
        "event_id": ids,
        "account_id": ["ann"] * len(ids),
        "occurred_at": minutes.astype("M8[s]"),
        "amount": [1.0] * len(ids),
    }


@given(IDS)
def test_the_first_row_of_each_id_is_kept(ids: list[str | None]) -> None:
    seen: set[str] = set()
    expected = []
    for row, name in enumerate(ids):
        if not name or name not in seen:
            expected.append(row)
        seen.add(name or "")
    source = ColumnTable({"event_id": pa.array(ids, pa.string()), "row": pa.array(range(len(ids)))}, name="events")
    assert source.without_repeats().amounts("row")[0].tolist() == expected


@pytest.mark.parametrize("ids", [[1, 2, 1], [1.0, None, 1.0], ["a", "b", "a"], pd.Categorical(["a", "b", "a"])])
def test_forms_of_tables_and_ids(ids: Any) -> None:
    columns = table(list(ids)) | {"event_id": ids}
    for events in (
        columns,
        pd.DataFrame(columns),
        pa.table(pd.DataFrame(columns)),
        pd.DataFrame(columns, index=[5, 5, 5]),
    ):
        assert history_features(events, history=COUNT).tolist() == [[0, 0], [1, 1], [2, 2]]
        tables = HistoryTables.read(events, None, None)
        encoded, cutoffs = encode(COUNT, tables.events, tables.subjects)
        assert (encoded.times.size, cutoffs.rows.size) == (2, 3)


def test_a_table_without_repeats_or_ids_is_not_copied() -> None:
    for events in (table(["a", "b", None, None]), {"account_id": ["ann"] * 4}):
        source = ColumnTable(events, name="events")
        assert source.without_repeats() is source


def test_a_label_counts_until_the_next_one_of_its_event() -> None:
    history = History(("1h",), measures=("count", "known", "frauds"))
    times = np.array([60, 60, 120, 60], "M8[s]")
    labels = {
        "event_id": ["a", "a", "a", "b"],
        "account_id": ["ann"] * 4,
        "labelled_at": times,
        "is_fraud": [1, 0, 1, 0],
    }
    subjects = {"account_id": ["ann"], "as_of": np.array([180], "M8[s]")}
    assert history_features(table(["a"]), subjects, history, labels=labels).tolist() == [[1, 2, 1]]


@pytest.mark.parametrize("n_repeats", [1, 40])
def test_the_order_of_contradicting_labels_does_not_matter(n_repeats: int) -> None:
    """One event, one time and two verdicts, each sent again and again; many records are read as columns."""
    history = History(("1h",), measures=("count", *LABEL_MEASURES))
    event = {"event_id": "a", "account_id": "ann", "occurred_at": datetime(2026, 5, 1, tzinfo=UTC)}
    verdicts = [event | {"labelled_at": event["occurred_at"], "is_fraud": is_fraud} for is_fraud in (True, False)]
    subject = {"account_id": "ann", "as_of": datetime(2026, 5, 1, 0, 1, tzinfo=UTC)}
    found = []
    for labels in (verdicts * n_repeats, verdicts[::-1] * n_repeats):
        found.append(
            history_features(pd.DataFrame([event]), pd.DataFrame([subject]), history, labels=pd.DataFrame(labels))
        )
        state = HistoryState(history)
        assert not state.update(event, labels)
        found.append(state.features(subject))
        assert not state.update((), labels)  # delivered again
        found.append(state.features(subject))
    assert found[0][0, :3].tolist() == [1, 1, 1]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
