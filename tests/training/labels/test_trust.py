"""The label that counts, against a loop over the labels of every subject."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SchemaError
from fraudsieve.training.labels.trust import Trust, label_as_of, reversals
from fraudsieve.training.simulation.world import simulate
from tests.profiles import examples

START = pd.Timestamp("2026-01-01", tz="UTC")
TRUST = Trust({"review": 1.0, "report": 0.5, "rule": 0.5, "joke": 0.0})

LabelRows = list[tuple[str, str, int | None, str]]
LABEL_ROWS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["spam", "phishing", "legitimate"]),
        st.none() | st.integers(0, 6),
        st.sampled_from(sorted(TRUST.by_source)),
    ),
    max_size=25,
)


def labels_of(label_rows: LabelRows) -> pd.DataFrame:
    frame = pd.DataFrame(label_rows, columns=["subject_id", "label", "day", "source"])
    days = frame.pop("day").astype("float64")
    return frame.assign(labelled_at=START + pd.to_timedelta(days, unit="D"))


def histories_by_hand(label_rows: LabelRows, day: int | None, trust: Trust) -> dict[str, list[tuple[int, str, float]]]:
    """Return the labels that counted for every subject in order: (time, label, weight)."""
    known_rows = [row for row in label_rows if row[2] is None or day is None or row[2] < day]
    by_time: dict[tuple[str, int], list[tuple[float, int, str]]] = {}
    for place, (subject, label, time, source) in enumerate(known_rows):
        weight = trust.by_source[source] if trust.declared else 1.0
        if weight > 0:
            by_time.setdefault((subject, -1 if time is None else time), []).append((weight, place, label))
    out: dict[str, list[tuple[int, str, float]]] = {}
    for (subject, time), at_once in sorted(by_time.items()):
        weight, _, label = max(at_once)
        before = out.setdefault(subject, [])
        if not before or weight >= before[-1][2]:
            before.append((time, label, weight))
    return out


@examples(300)
@given(LABEL_ROWS, st.none() | st.integers(0, 7), st.sampled_from([TRUST, Trust()]))
def test_the_label_at_a_cutoff_time_is_that_of_a_loop(label_rows: LabelRows, day: int | None, trust: Trust) -> None:
    cutoff = None if day is None else START + pd.Timedelta(days=day)
    result = label_as_of(labels_of(label_rows), cutoff, trust=trust)
    expected = {subject: rows[-1] for subject, rows in histories_by_hand(label_rows, day, trust).items()}
    assert result["label"].to_dict() == {subject: label for subject, (_, label, _) in expected.items()}
    assert result["weight"].to_dict() == {subject: weight for subject, (_, _, weight) in expected.items()}
    days = (result["labelled_at"] - START).dt.days.fillna(-1)
    assert days.to_dict() == {subject: time for subject, (time, _, _) in expected.items()}


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


def test_a_label_counts_strictly_after_its_time() -> None:
    labels = labels_of([("a", "spam", 3, "review")])
    assert len(label_as_of(labels, START + pd.Timedelta(days=3))) == 0
    assert len(label_as_of(labels, START + pd.Timedelta(days=3, microseconds=1))) == 1


def test_a_less_trusted_source_does_not_replace_a_label() -> None:
    labels = labels_of([("a", "spam", 1, "review"), ("a", "legitimate", 2, "report")])
    assert label_as_of(labels, trust=TRUST).loc["a", "label"] == "spam"
    assert label_as_of(labels).loc["a", "label"] == "legitimate"
    assert len(reversals(labels, trust=TRUST)) == 0
    assert len(reversals(labels)) == 1


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
    assert label_as_of(labels, "1980-01-01")["label"].to_dict() == {"a": "legitimate", "b": "spam"}


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_weights_are_from_0_to_1(weight: float) -> None:
    with pytest.raises(ValueError, match="1 of 2 are not"):
        Trust({"review": weight, "rule": 1.0})
    with pytest.raises(ValueError, match="1 of 1 are not"):
        Trust(default=weight)


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
