"""The number of records that each labelled row stands for."""

from typing import Any

import pandas as pd
import pytest

from fraudsieve.features.label_trust import Trust
from fraudsieve.training.data.assumed_labels import INCLUSION, inclusion_weights
from fraudsieve.training.data.labelled import Labelling, load_events, load_labelled
from fraudsieve.training.evaluation.points import share_of_records

MESSAGES = pd.DataFrame(
    {
        "message_id": list("abcdef"),
        "text": [f"text {name}" for name in "abcdef"],
        "sent_at": pd.date_range("2026-05-01", periods=6, tz="UTC"),
    }
)


def labels(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"subject_id": list("abc"), "label": ["spam", "legitimate", "spam"], **columns})


def test_a_label_stands_for_as_many_records_as_its_probability_says() -> None:
    data = load_labelled(MESSAGES, labels(inclusion_probability=[1.0, 0.25, None]))
    assert data.rows[INCLUSION].tolist() == [1.0, 4.0, 1.0]
    assert share_of_records(data, data.rows) == 1.0  # of five days that have three labels


def test_without_probabilities_rows_have_no_weights() -> None:
    for table in (labels(), labels(inclusion_probability=[None, None, None])):
        data = load_labelled(MESSAGES, table)
        assert inclusion_weights(data.rows) is None
    assert share_of_records(data, data.rows) == 1.0


def test_the_largest_probability_counts_and_a_label_without_one_is_certain() -> None:
    table = pd.concat([labels(inclusion_probability=0.1), labels(inclusion_probability=[None, 0.5, 0.05])])
    assert load_labelled(MESSAGES, table).rows[INCLUSION].tolist() == [1.0, 2.0, 10.0]


def test_labels_of_ignored_sources_do_not_count() -> None:
    table = pd.concat(
        [labels(inclusion_probability=0.1, source="review"), labels(inclusion_probability=1.0, source="rumour")]
    )
    data = load_labelled(MESSAGES, table, labelling=Labelling(trust=Trust({"review": 1.0, "rumour": 0.0})))
    assert data.rows[INCLUSION].tolist() == pytest.approx([10.0, 10.0, 10.0])


def test_records_with_assumed_labels_stand_for_none() -> None:
    """Those that were drawn stand for them."""
    data = load_labelled(
        MESSAGES,
        labels(inclusion_probability=[1.0, 0.25, 1.0]),
        labelling=Labelling(legitimate_after=pd.Timedelta(0).to_pytimedelta()),
    )
    weights = data.rows.set_index("message_id")[INCLUSION]
    assert weights.to_dict() == {"a": 1.0, "b": 4.0, "c": 1.0, "d": 0.0, "e": 0.0, "f": 0.0}


def test_events_have_weights_and_are_no_feature_of_them() -> None:
    events = pd.DataFrame(
        {
            "event_id": list("abc"),
            "account_id": "x",
            "occurred_at": pd.date_range("2026-05-01", periods=3, tz="UTC"),
            "kind": "pay",
        }
    )
    data = load_events(events, labels=labels(inclusion_probability=[0.5, 0.25, None]))
    assert data.rows[INCLUSION].tolist() == [2.0, 4.0, 1.0]
    assert data.events is not None
    assert INCLUSION not in data.events
