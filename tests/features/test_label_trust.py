"""The label that counts, against a loop over the labels of every subject."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import Trust, label_as_of, labels_that_counted
from tests.profiles import examples

from .label_rows import LABEL_ROWS, START, TRUST, LabelRows, held_since, histories_by_hand, labels_of


@pytest.mark.slow
@examples(300)
@given(LABEL_ROWS, st.none() | st.integers(0, 7), st.sampled_from([TRUST, Trust()]))
def test_the_label_at_a_cutoff_time_is_that_of_a_loop(label_rows: LabelRows, day: int | None, trust: Trust) -> None:
    cutoff = None if day is None else START + pd.Timedelta(days=day)
    result = label_as_of(labels_of(label_rows), cutoff, trust=trust)
    expected = histories_by_hand(label_rows, day, trust)
    assert result["label"].to_dict() == {subject: rows[-1][1] for subject, rows in expected.items()}
    assert result["weight"].to_dict() == {subject: rows[-1][2] for subject, rows in expected.items()}
    days = (result["labelled_at"] - START).dt.days.fillna(-1)
    assert days.to_dict() == {subject: held_since(rows) for subject, rows in expected.items()}


@pytest.mark.parametrize(
    ("label_rows", "day"),
    [
        ([("spam", 3, "rule"), ("spam", 6, "review")], 3),
        ([("legitimate", 1, "rule"), ("spam", 3, "rule"), ("spam", 6, "rule")], 3),
        ([("spam", 1, "rule"), ("legitimate", 3, "rule"), ("spam", 6, "rule")], 6),
        ([("spam", 1, "review"), ("legitimate", 3, "rule"), ("spam", 6, "review")], 1),  # the rule does not count
        ([("spam", None, "rule"), ("spam", 6, "rule")], 6),
    ],
)
def test_a_label_has_the_time_since_which_it_has_held(label_rows: list[tuple[str, int, str]], day: int) -> None:
    labels = labels_of([("a", *row) for row in label_rows])
    assert label_as_of(labels, trust=TRUST)["labelled_at"].tolist() == [START + pd.Timedelta(days=day)]


def test_a_label_counts_strictly_after_its_time() -> None:
    labels = labels_of([("a", "spam", 3, "review")])
    assert len(label_as_of(labels, START + pd.Timedelta(days=3))) == 0
    assert len(label_as_of(labels, START + pd.Timedelta(days=3, microseconds=1))) == 1


def test_a_source_of_weight_0_leaves_its_subjects_unlabelled() -> None:
    labels = labels_of([("a", "legitimate", 1, "joke"), ("b", "legitimate", 1, "rule")])
    assert label_as_of(labels, trust=TRUST).index.tolist() == ["b"]


def test_an_unknown_source_has_the_default_weight_or_is_an_error() -> None:
    sources = pd.Series(["review", "hearsay", None, "hearsay"])
    with pytest.raises(SchemaError, match=r"in 3 of 4 rows.*data.default_trust") as error:
        TRUST.weights(sources)
    assert "hearsay" not in str(error.value)
    assert Trust(TRUST.by_source, default=0.3).weights(sources).tolist() == [1.0, 0.3, 0.3, 0.3]
    assert Trust().weights(sources).tolist() == [1.0] * 4
    assert Trust(default=0.4).weights(sources.astype("category")).tolist() == [0.4] * 4


def test_without_a_column_of_sources_all_sources_are_unknown() -> None:
    labels = labels_of([("a", "spam", 1, "review")]).drop(columns="source")
    with pytest.raises(SchemaError, match="in 1 of 1 rows"):
        label_as_of(labels, trust=TRUST)
    assert label_as_of(labels, trust=Trust(TRUST.by_source, 0.7))["weight"].tolist() == [0.7]


def test_labels_without_times_were_always_known() -> None:
    labels = pd.DataFrame({"subject_id": ["a", "a", "b"], "label": ["spam", "legitimate", "spam"]})
    for rows in (labels, labels[::-1]):
        assert label_as_of(rows, "1980-01-01")["label"].to_dict() == {"a": "spam", "b": "spam"}


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_weights_are_from_0_to_1(weight: float) -> None:
    with pytest.raises(ValueError, match="1 of 2 are not"):
        Trust({"review": weight, "rule": 1.0})
    with pytest.raises(ValueError, match="1 of 1 are not"):
        Trust(default=weight)


@examples(100)
@given(LABEL_ROWS, st.sampled_from([TRUST, Trust()]))
def test_the_labels_that_counted_are_those_of_a_loop(label_rows: LabelRows, trust: Trust) -> None:
    counted = labels_that_counted(labels_of(label_rows), trust=trust)
    for subject, rows in histories_by_hand(label_rows, None, trust).items():
        of_subject = counted[counted["subject_id"] == subject]
        assert of_subject["label"].tolist() == [label for _, label, _ in rows]
        assert of_subject["weight"].tolist() == [weight for _, _, weight in rows]
