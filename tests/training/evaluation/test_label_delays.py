"""Metrics of labels: expected labels against those that came, and reversals against a count."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features.label_trust import Trust
from fraudsieve.training.data.labelled import LabelledData, Labelling, load_labelled
from fraudsieve.training.evaluation.label_delays import GapUsed, label_metrics, waiting_note
from fraudsieve.training.simulation.world import World, simulate

BY_TIME = {"split": "time", "gap_days": 9.0, "recipe": {"split": {"gap_days": None}}}
DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(days=90, n_accounts=600, label_delay_days=4.0, wrong_labels=0.1)


@pytest.fixture(scope="module")
def cutoff(world: World) -> pd.Timestamp:
    return pd.Timestamp(world.messages["sent_at"].min() + 60 * DAY)


def data_before(world: World, cutoff: pd.Timestamp) -> LabelledData:
    """Return the messages and labels that are known before a cutoff time."""
    messages = world.messages[world.messages["sent_at"] < cutoff]
    return load_labelled(messages, world.labels[world.labels["labelled_at"] < cutoff])


@pytest.mark.slow
def test_the_expected_number_of_labels_comes(world: World, cutoff: pd.Timestamp) -> None:
    data = data_before(world, cutoff)
    metrics: Any = label_metrics(data, BY_TIME, legitimate="legitimate")
    young = metrics.youngest
    messages = world.messages[world.messages["sent_at"] < cutoff]
    end = max(messages["sent_at"].max(), data.rows["labelled_at"].max())
    ages = (end - messages["sent_at"]) / DAY
    first = world.labels.sort_values("labelled_at").drop_duplicates("subject_id").set_index("subject_id")
    labels = messages["message_id"].map(first["label"])
    known = messages["message_id"].map(first["labelled_at"]) < cutoff
    waits = (ages < young.days) & ~known
    came = labels[waits].dropna()
    assert young.records == (ages < young.days).sum()
    assert young.waiting == waits.sum()
    assert len(came) > 100
    assert young.expected == pytest.approx(len(came), rel=0.12)
    to_come = labels[(ages < young.days)].notna()
    assert young.share_to_come == pytest.approx(len(came) / to_come.sum(), abs=0.04)
    note = waiting_note(metrics.youngest)
    assert note is not None
    assert note.startswith(f"{waits.sum():,} of {young.records:,} records of the last ")


@pytest.mark.slow
def test_expected_frauds_use_the_delays_of_fraud() -> None:
    """A tenth is fraud, and its labels take five times as long, so more of them are still to come."""
    rng = np.random.default_rng(0)
    start, n = pd.Timestamp("2026-01-01", tz="UTC"), 20_000
    fraud = rng.random(n) < 0.1
    frame = pd.DataFrame({"message_id": np.arange(n).astype(str), "text": "text"})
    frame["sent_at"] = start + pd.to_timedelta(rng.uniform(0, 90, n), unit="D")
    frame["labelled_at"] = frame["sent_at"] + pd.to_timedelta(rng.exponential(np.where(fraud, 10, 2)), unit="D")
    late = frame["labelled_at"] > start + 90 * DAY
    frame["label"] = pd.Series(np.where(fraud, "spam", "legitimate")).where(~late)
    metrics: Any = label_metrics(load_labelled(frame.assign(labelled_at=frame["labelled_at"].where(~late))), BY_TIME)
    assert metrics.youngest.expected_frauds is None
    data = load_labelled(frame.assign(labelled_at=frame["labelled_at"].where(~late)))
    young: Any = label_metrics(data, BY_TIME, legitimate="legitimate").youngest
    waits = late & (frame["sent_at"] > start + (90 - young.days) * DAY)
    assert young.waiting == waits.sum()
    assert young.expected == pytest.approx(waits.sum(), rel=0.05)
    assert young.expected_frauds == pytest.approx((fraud & waits).sum(), rel=0.1)
    assert (fraud & waits).sum() > 0.2 * waits.sum()


def test_complete_labels_give_no_warning(world: World, cutoff: pd.Timestamp) -> None:
    """A month later nearly all labels of these records have come."""
    messages = world.messages[world.messages["sent_at"] < cutoff]
    metrics: Any = label_metrics(load_labelled(messages, world.labels), BY_TIME, legitimate="legitimate")
    assert metrics.unlabelled_in_period > 100
    assert metrics.youngest.records == 0
    assert waiting_note(metrics.youngest) is None


@pytest.mark.slow
def test_the_delays_are_those_of_the_curve(world: World, cutoff: pd.Timestamp) -> None:
    metrics: Any = label_metrics(data_before(world, cutoff), BY_TIME, legitimate="legitimate")
    days = [item.days for item in metrics.delays]
    # A mixture of exponential delays with means of 1.2, 1 and .64 times four days.
    ages, means = np.linspace(0, 60, 6001), 4.0 * np.array([1.2, 1.0, 0.64])
    known = (1 - np.exp(-ages[:, None] / means)) @ np.array([0.45, 0.30, 0.25])
    assert days[:3] == pytest.approx([ages[np.searchsorted(known, share)] for share in (0.5, 0.9, 0.95)], rel=0.1)
    assert metrics.curve[49] == (days[0], 0.5)
    assert set(metrics.mature_by_class) == set(data_before(world, cutoff).rows["label"])
    assert metrics.youngest.days == max(days[2], 9.0)


@pytest.mark.slow
def test_records_since_a_time(world: World, cutoff: pd.Timestamp) -> None:
    data = data_before(world, cutoff)
    all_of_them, later = (label_metrics(data, BY_TIME, since=since) for since in (None, cutoff - 2 * DAY))
    sent = world.messages["sent_at"]
    assert all_of_them.records_in_period == (sent < cutoff).sum()
    assert all_of_them.unlabelled_in_period == data.n_unlabelled
    assert later.records_in_period == ((sent < cutoff) & (sent >= cutoff - 2 * DAY)).sum()
    assert later.youngest is not None
    assert all_of_them.youngest is not None
    assert later.youngest.records == later.records_in_period < all_of_them.youngest.records
    assert later.delays == all_of_them.delays
    naive = (cutoff - 2 * DAY).tz_localize(None).to_pydatetime()
    assert label_metrics(data, BY_TIME, since=naive) == later


def test_reversals_and_sources_against_a_count_by_hand() -> None:
    sent = pd.Timestamp("2026-05-01 09:30", tz="UTC")
    messages = pd.DataFrame({"message_id": list("abcd"), "text": list("abcd"), "sent_at": sent})
    label_rows = [
        ("a", "spam", 1, "report"),
        ("a", "legitimate", 3, "review"),
        ("b", "legitimate", 2, "review"),
        ("b", "spam", 5, "report"),
        ("c", "spam", 4, "report"),
        ("unknown", "spam", 1, "report"),
        ("unknown", "legitimate", 2, "report"),
    ]
    labels = pd.DataFrame(label_rows, columns=["subject_id", "label", "day", "source"])
    labels["labelled_at"] = sent + pd.to_timedelta(labels.pop("day"), unit="D")
    metrics: Any = label_metrics(load_labelled(messages, labels), {})
    pairs = {(pair["from"], pair["to"]): pair["count"] for pair in metrics.reversals.pairs}
    assert (metrics.reversals.count, pairs) == (2, {("spam", "legitimate"): 1, ("legitimate", "spam"): 1})
    report, review = sorted(metrics.by_source, key=lambda item: item.source)
    assert (report.labels, report.first, report.reversed) == (3, 2, 1)
    assert (review.labels, review.first, review.reversed) == (2, 1, 1)
    assert report.days == (1, 4, 4, 4)
    assert review.days == (2, 2, 2, 2)
    trust = Trust({"review": 1.0, "report": 0.5})
    trusted: Any = label_metrics(load_labelled(messages, labels, labelling=Labelling(trust=trust)), {}, trust=trust)
    assert [(pair["from"], pair["to"]) for pair in trusted.reversals.pairs] == [("spam", "legitimate")]
    assert {item.source: item.reversed for item in trusted.by_source} == {"report": 1, "review": 0}


def test_labels_in_the_table_itself() -> None:
    sent = pd.date_range("2026-05-01 09:30", periods=4, freq="D", tz="UTC")
    frame = pd.DataFrame({"message_id": list("abcd"), "text": list("abcd"), "sent_at": sent})
    frame = frame.assign(label=pd.Series(["spam", "ham", "ham", None]), labelled_at=sent + DAY, source=list("xyyy"))
    metrics: Any = label_metrics(load_labelled(frame), BY_TIME)
    assert metrics.reversals is None
    assert {item.source: item.labels for item in metrics.by_source} == {"x": 1, "y": 2}
    assert label_metrics(load_labelled(frame.drop(columns="source")), BY_TIME).by_source is None


@pytest.mark.parametrize("columns", [["sent_at"], ["labelled_at"], []])
def test_without_times_there_are_no_delays(columns: list[str]) -> None:
    day = pd.Timestamp("2026-05-01 09:30", tz="UTC")
    frame = pd.DataFrame({"message_id": list("abc"), "text": list("abc"), "label": ["spam", "ham", None]})
    metrics: Any = label_metrics(load_labelled(frame.assign(**dict.fromkeys(columns, day))), {})
    assert (metrics.records_in_period, metrics.unlabelled_in_period) == (3, 1)
    assert metrics.delays is metrics.curve is metrics.youngest is metrics.mature_by_class is None
    assert waiting_note(metrics.youngest) is None


def test_records_exported_when_their_labels_came_have_no_delays() -> None:
    labelled = pd.Series(pd.date_range("2026-05-01 09:30", periods=3, freq="D", tz="UTC"))
    rows = pd.DataFrame({"as_of": labelled - pd.Timedelta(microseconds=1), "labelled_at": labelled, "label": "spam"})
    waiting = pd.Series([labelled.max()])
    data = LabelledData(rows, rows[:0], rows[:0], 1, (), {}, subject=Subject.ACCOUNT, waiting=waiting)
    assert label_metrics(data, {}).delays is None


@pytest.mark.parametrize(
    ("training", "days", "why"),
    [
        (BY_TIME, 9.0, "95 % of the labels have arrived by then"),
        (BY_TIME | {"recipe": {"split": {"gap_days": 9.0}}}, 9.0, "as given"),
        (BY_TIME | {"gap_days": 0.0}, 0.0, "labels have no times"),
        ({"split": "campaign", "gap_days": 0.0}, None, "split by campaign, not by time"),
        ({"split": "time"}, None, "unknown to the model"),
        ({}, None, "unknown to the model"),
    ],
)
def test_the_gap_and_why(training: dict[str, Any], days: float | None, why: str) -> None:
    frame = pd.DataFrame({"message_id": ["a"], "text": ["a"], "label": ["spam"]})
    assert label_metrics(load_labelled(frame), training).gap == GapUsed(days, why)
