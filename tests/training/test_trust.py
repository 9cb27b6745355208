"""Labels that were replaced, against a loop over the labels of every subject."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.label_trust import Trust, label_as_of
from fraudsieve.training.labels import reversals
from fraudsieve.training.simulation.world import simulate
from tests.features.label_rows import LABEL_ROWS, START, TRUST, LabelRows, histories_by_hand, labels_of
from tests.profiles import examples


@pytest.mark.slow
@examples(300)
@given(LABEL_ROWS, st.none() | st.integers(0, 7), st.sampled_from([TRUST, Trust()]))
def test_reversals_are_those_of_a_loop(label_rows: LabelRows, day: int | None, trust: Trust) -> None:
    cutoff = None if day is None else START + pd.Timedelta(days=day)
    expected: dict[tuple[str, str], int] = {}
    for rows in histories_by_hand(label_rows, day, trust).values():
        for (_, old, _), (_, new, _) in pairwise(rows):
            if old != new:
                expected[old, new] = expected.get((old, new), 0) + 1
    result = reversals(labels_of(label_rows), cutoff, trust=trust)
    assert dict(zip(zip(result["from"], result["to"], strict=True), result["count"], strict=True)) == expected
    assert result["count"].is_monotonic_decreasing


def test_a_less_trusted_source_does_not_replace_a_label() -> None:
    labels = labels_of([("a", "spam", 1, "review"), ("a", "legitimate", 2, "report")])
    assert label_as_of(labels, trust=TRUST).loc["a", "label"] == "spam"
    assert label_as_of(labels).loc["a", "label"] == "legitimate"
    assert len(reversals(labels, trust=TRUST)) == 0
    assert len(reversals(labels)) == 1


def test_the_corrections_of_the_simulated_world_are_counted() -> None:
    world = simulate(days=30, n_accounts=200, wrong_labels=0.1)
    replaced = world.labels["subject_id"].duplicated().sum()
    assert replaced > 50
    assert reversals(world.labels)["count"].sum() == replaced
    halfway = world.labels["labelled_at"].quantile(0.5)
    earlier = reversals(world.labels, halfway)["count"].sum()
    assert 0 < earlier < replaced
    latest = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    assert label_as_of(world.labels)["label"].sort_index().equals(latest.sort_index())


def test_the_input_is_not_changed() -> None:
    labels = labels_of([("a", "spam", 1, "review"), ("b", "spam", None, "rule")])
    before = labels.copy()
    label_as_of(labels, START + pd.Timedelta(days=9), trust=TRUST)
    reversals(labels)
    pd.testing.assert_frame_equal(labels, before)
    assert np.isfinite(label_as_of(labels)["weight"]).all()
