"""The key for the order of events at one time is that of the ids, however their table is written."""

import pandas as pd

from fraudsieve.training import Recipe
from fraudsieve.training.data.builders import read_data, with_order_key


def key_of(events: pd.DataFrame) -> str:
    labels = pd.DataFrame(
        {"subject_id": [f"e{n}" for n in [*range(10), *range(11, 21)]], "label": ["fraud", "ok"] * 10}
    )
    data = read_data(Recipe(), {"events": events, "labels": labels}, min_label_rows=1)
    return with_order_key(Recipe(), data, "").history.order_key


def test_a_table_in_another_order_has_the_same_key_and_other_ids_have_another() -> None:
    events = pd.DataFrame({"event_id": [f"e{n}" for n in range(10)], "account_id": "ann", "amount": 1.5})
    events["occurred_at"] = pd.Timestamp("2026-01-01", tz="UTC")
    key = key_of(events)
    assert len(key) == 32
    assert key_of(events[::-1].assign(extra="x").astype({"amount": str})) == key
    assert key_of(pd.concat([events, events.head(1).assign(event_id="e10")])) == key  # it has no label
    assert key_of(events.assign(event_id="e1" + events["event_id"].str[1:])) != key
