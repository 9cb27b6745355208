"""Frauds that the champion knew and that are legitimate by a later label, by source."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from fraudsieve.features.label_trust import Trust
from fraudsieve.training.promotion.model_comparison import Overturned, overturned_frauds

UNTIL = "2026-03-01T00:00:00+00:00"
ROWS = [
    # subject, label, day, source
    ("a", "fraud", "2026-02-01", "chargeback"),
    ("a", "legitimate", "2026-03-05", "api"),
    ("b", "fraud", "2026-02-01", "chargeback"),
    ("b", "legitimate", "2026-03-02", "api"),
    ("b", "fraud", "2026-03-09", "review"),  # taken back
    ("c", "fraud", "2026-02-01", "review"),
    ("c", "legitimate", "2026-02-02", "review"),  # the champion knew it as legitimate
    ("d", "spam", "2026-02-28", None),
    ("d", "legitimate", "2026-03-03", None),
    ("e", "fraud", "2026-03-02", "chargeback"),  # the champion did not know it
    ("e", "legitimate", "2026-03-03", "api"),
]


def found(trust: Trust | None = None, **changes: Any) -> Overturned | None:
    labels = pd.DataFrame(ROWS, columns=["subject_id", "label", "labelled_at", "source"])
    labels["labelled_at"] = pd.to_datetime(labels["labelled_at"], utc=True)
    data: Any = SimpleNamespace(**{"all_labels": labels, "legitimate": "legitimate"} | changes)
    champion: Any = SimpleNamespace(training={"window": ["2026-01-01T00:00:00+00:00", UNTIL]})
    return overturned_frauds(data, champion, trust or Trust())


def test_labels_that_hold_now_are_counted_by_source() -> None:
    assert found() == Overturned(3, {"api": 1, "none": 1})


def test_sources_without_weight_overturn_nothing() -> None:
    assert found(Trust({"api": 0.0}, default=1.0)) == Overturned(3, {"none": 1})


@pytest.mark.parametrize("labels", [None, pd.DataFrame({"subject_id": ["a"], "label": ["legitimate"]})])
def test_without_known_frauds_there_is_nothing_to_overturn(labels: Any) -> None:
    assert found(all_labels=labels) is None
