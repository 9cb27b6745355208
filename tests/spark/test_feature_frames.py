"""`feature_frame`: equal to one machine to the last bit, and errors before any job."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.features import AccountFeatures, History, MessageFeatures, MessageMatrix, Network
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.spark import feature_frame
from tests.features.test_accounts import world
from tests.messages import refused
from tests.profiles import examples

from . import odd_tables as odd
from .odd_tables import differing, shuffled

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.slow


def fitted(events: pd.DataFrame | None, subjects: pd.DataFrame, **options: Any) -> AccountFeatures:
    features = AccountFeatures(events, network=False, min_category_rows=1, **options)
    return features.fit(subjects)


@given(odd.EVENTS, odd.SUBJECTS, st.sampled_from([2, 3, 7]), st.integers(0, 99))
@settings(examples(3), phases=[Phase.generate])  # a failure is not worth minutes of shrinking
def test_odd_accounts_in_any_buckets_and_order(
    spark: "SparkSession", events: Any, subjects: Any, n_buckets: int, seed: int
) -> None:
    event_table, subject_table = odd.as_events(events), odd.as_subjects(subjects)
    exclude = ("row", "counterparty_id")
    features = fitted(event_table, subject_table, history=odd.VIEWS, exclude=exclude, categories=("city", "level"))
    frames = shuffled(spark, subject_table, seed), shuffled(spark, event_table, seed + 1)
    found = feature_frame(*frames, features.matrix_, order="offset", n_buckets=n_buckets)
    assert found.columns == [*subject_table.columns, *features.matrix_.columns]
    assert differing(features.matrix_.columns, found, features.transform(subject_table)) == []


@given(odd.EVENTS, odd.SUBJECTS, odd.LABELS, st.sampled_from([2, 3, 7]), st.sampled_from([1, 3, 1000]), st.booleans())
@settings(examples(4), phases=[Phase.generate])  # a failure is not worth minutes of shrinking
def test_odd_networks_in_any_buckets(
    spark: "SparkSession", events: Any, subjects: Any, labels: Any, n_buckets: int, max_degree: int, labelled: bool
) -> None:
    event_table, subject_table, label_table = odd.as_events(events), odd.as_subjects(subjects), odd.as_labels(labels)
    network = Network(identifiers=("device_id",), labels=labelled, max_degree=max_degree)
    builder = AccountFeatures(event_table, account_labels=label_table, network=network, history=odd.VIEWS[-1:])
    features = builder.set_params(exclude=("row", "counterparty_id", "city", "level")).fit(subject_table)
    assert features.matrix_.network == network
    frames = shuffled(spark, subject_table, 1), shuffled(spark, event_table, 2)
    known = shuffled(spark, label_table, 3)
    found = feature_frame(*frames, features.matrix_, account_labels=known, order="offset", n_buckets=n_buckets)
    assert differing(features.matrix_.columns, found, features.transform(subject_table)) == []


@given(odd.EVENTS, odd.MESSAGES, odd.MESSAGES, st.sampled_from([2, 3, 7]), st.booleans())
@settings(examples(4), phases=[Phase.generate])
def test_odd_messages_with_senders_and_campaigns(
    spark: "SparkSession", events: Any, messages: Any, past: Any, n_buckets: int, labelled: bool
) -> None:
    event_table, message_table, past_table = odd.as_events(events), odd.as_messages(messages), odd.as_messages(past)
    message_table = message_table.drop(columns=["label", "labelled_at", "offset"]).assign(
        row=np.arange(len(messages)), length=7.5
    )
    past_table = past_table if labelled else past_table.drop(columns=["label"])
    builder = MessageFeatures(
        wording=False, events=event_table, history=odd.VIEWS[:2], past=past_table, columns=["length"]
    )
    features = builder.fit(message_table)
    assert features.matrix_.campaigns is not None
    frames = shuffled(spark, message_table, 1), shuffled(spark, event_table, 2)
    earlier = shuffled(spark, past_table, 3)
    found = feature_frame(*frames, features.matrix_, messages=earlier, order="offset", n_buckets=n_buckets)
    assert differing(features.matrix_.columns, found, np.asarray(features.transform(message_table))) == []


def test_events_with_labels_and_a_hub(
    spark: "SparkSession", caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    monkeypatch.setattr("fraudsieve.spark.history_frames.BUCKET_EVENTS", 100)
    made = world(300)
    hub = {"account_id": np.where(np.arange(300) % 2, "a0", made["events"]["account_id"])}
    events = made["events"].assign(**hub).assign(row=np.arange(300))
    labels = made["labels"].assign(**hub)
    contradicting = labels[:100].assign(is_fraud=~labels["is_fraud"])  # each twice, and in any order
    later = contradicting.assign(labelled_at=contradicting["labelled_at"] + pd.to_timedelta(np.arange(100) % 5, "D"))
    labels = pd.concat([labels, contradicting, contradicting, later, labels[:50]], ignore_index=True)
    events["occurred_at"] = events["occurred_at"].dt.floor("12h")  # ties
    options: dict[str, Any] = {"subject": "event", "exclude": ("row",), "time_zone": "America/New_York"}
    features = fitted(events, events, labels=labels, **options)
    frames = shuffled(spark, events, 1), shuffled(spark, events, 2)
    with caplog.at_level(logging.WARNING, "fraudsieve.spark"):
        found = feature_frame(*frames, features.matrix_, labels=shuffled(spark, labels, 3), order="row")
        assert differing(features.matrix_.columns, found, features.transform(events)) == []
    assert [record.getMessage()[:30] for record in caplog.records] == ["1 hot entities by account_id: "]
    assert "a0" not in caplog.text


@pytest.mark.parametrize("with_events", [True, False])
def test_without_times_or_history(spark: "SparkSession", with_events: bool) -> None:
    made = world(60)
    subjects = made["subjects"].merge(made["accounts"]).assign(row=np.arange(22))
    events = made["events"].drop(columns=["occurred_at", "event_id"]) if with_events else None
    if events is None:
        features = fitted(None, subjects, exclude=("row",))
    else:
        with pytest.warns(UserWarning, match="There are no times"):
            features = fitted(events, subjects, exclude=("row",))
    on_spark = None if events is None else shuffled(spark, events, 0)
    found = feature_frame(shuffled(spark, subjects, 0), on_spark, features.matrix_, n_buckets=2)
    assert differing(features.matrix_.columns, found, features.transform(subjects)) == []


def test_times_without_a_zone_whole_ids_no_kinds_and_a_column_with_an_odd_name(spark: "SparkSession") -> None:
    made = world(60)
    numbers = {name: made["events"][name].str[1:].astype("int64") for name in ("account_id", "counterparty_id")}
    events = made["events"].assign(**numbers).drop(columns=["event_id"])
    events["occurred_at"] = events["occurred_at"].dt.tz_convert(None)
    events = events.drop(columns="kind")
    subjects = made["subjects"].assign(row=np.arange(22))
    subjects["account_id"] = subjects["account_id"].str[1:]
    subjects["as_of"] = subjects["as_of"].dt.tz_convert(None)
    subjects["a name: 中文"] = np.arange(22) / 7
    subjects["opened"] = [f"20{10 + place}-03-0{1 + place % 9}" for place in range(22)]
    subjects["visited"] = subjects["as_of"] - pd.to_timedelta(np.arange(22) * 1.7 - 3, unit="D")
    subjects["birth_date"] = [(pd.Timestamp("1949-03-01") + pd.Timedelta(days=place)).date() for place in range(22)]
    measures = ("count", "sum", "distinct", "hour_entropy", "since_last")
    history = History(("1d", "30d"), kinds=("event", "pay"), by_kind=("count",), measures=measures)
    features = fitted(events, subjects, history=history, exclude=("row",))
    found = feature_frame(shuffled(spark, subjects, 0), shuffled(spark, events, 0), features.matrix_, n_buckets=2)
    assert differing(features.matrix_.columns, found, features.transform(subjects)) == []


def test_values_of_other_types_are_read_as_in_tables(spark: "SparkSession") -> None:
    made = world(60)
    numbers = {name: made["events"][name].str[1:].astype("int64") for name in ("account_id", "counterparty_id")}
    events = made["events"].assign(**numbers, amount=made["events"]["amount"].round(2)).drop(columns="event_id")
    subjects = made["subjects"].assign(account_id=made["subjects"]["account_id"].str[1:], row=np.arange(22))
    history = History(("1d", "30d"), kinds=("pay",), by_kind=("count",), measures=("count", "sum", "distinct"))
    features = fitted(events, subjects, history=history, exclude=("row",))
    on_spark = shuffled(spark, events, 0)
    odd = on_spark.selectExpr(
        *(name for name in on_spark.columns if name not in ("account_id", "counterparty_id", "amount", "occurred_at")),
        "cast(account_id as double) as account_id",
        "cast(counterparty_id as decimal(12,2)) as counterparty_id",
        "cast(amount as string) as amount",
        "unix_micros(occurred_at) as occurred_at",
    )
    texts = shuffled(spark, subjects, 0)
    texts = texts.withColumn("as_of", texts.as_of.cast("string"))
    spark.conf.set("spark.sql.session.timeZone", "UTC")  # in which Spark prints times
    try:
        found = feature_frame(texts, odd, features.matrix_, n_buckets=2)
        assert differing(features.matrix_.columns, found, features.transform(subjects)) == []
    finally:
        spark.conf.set("spark.sql.session.timeZone", "Asia/Shanghai")


def test_texts_have_the_features_of_messages(spark: "SparkSession") -> None:
    subjects = world(60)["subjects"].assign(row=np.arange(22))
    remarks = ["rent for march", "win a prize now", None, "充值解锁奖金", "see you at six", "call the agent"]
    subjects["remark"] = [remarks[place % 6] and f"{remarks[place % 6]} {place}" for place in range(22)]
    builder = AccountFeatures(texts=["remark"], n_folds=2, exclude=["row"], network=False)
    builder.fit(subjects, np.where(np.arange(22) % 6 % 2, "fraud", "legitimate"))
    assert builder.matrix_.custom.texts
    found = feature_frame(shuffled(spark, subjects, 0), None, builder.matrix_)
    assert differing(builder.matrix_.columns, found, builder.transform(subjects)) == []


ERRORS: dict[str, tuple[Callable[["DataFrame", "DataFrame"], Any], type[Exception], str]] = {
    "no events": (lambda s, e: (s, None), SchemaError, "the model needs events, and none were given"),
    "no cutoff": (lambda s, e: (s.drop("as_of"), e), SchemaError, "subjects: column 'as_of' is missing"),
    "no custom column": (lambda s, e: (s.drop("n_cards"), e), SchemaError, "subjects: column 'n_cards' is missing"),
    "no amount": (lambda s, e: (s, e.drop("amount")), SchemaError, "events: column 'amount' is missing"),
    "lists of amounts": (
        lambda s, e: (s, e.selectExpr("* except (amount)", "array(amount) as amount")),
        ColumnTypeError,
        "events: 'amount': expected a number, got array<double>. Cast the column",
    ),
    "times as bytes": (
        lambda s, e: (s, e.withColumn("occurred_at", e.account_id.cast("binary"))),
        ColumnTypeError,
        "events: 'occurred_at': expected a time such as 2026-05-01T10:00:00Z, got binary",
    ),
    "amounts as text": (
        lambda s, e: (s, e.withColumn("amount", e.account_id)),
        SchemaError,
        "events: 'amount' is missing or out of range in 60 rows",
    ),
    "fractions as ids": (
        lambda s, e: (s, e.withColumn("counterparty_id", e.amount + 0.001)),
        SchemaError,
        "events: 'counterparty_id' is missing or out of range in 60 rows",
    ),
    "a missing time": (
        lambda s, e: (s, e.selectExpr("* except (occurred_at)", "nullif(occurred_at, occurred_at) as occurred_at")),
        SchemaError,
        "events: 'occurred_at' is missing or out of range in 60 rows",
    ),
    "an infinite amount": (
        lambda s, e: (s, e.withColumn("amount", e.amount * 1e300 * 1e300)),
        SchemaError,
        "events: 'amount' is missing or out of range in 60 rows",
    ),
    "no order": (lambda s, e: (s, e), SchemaError, "events: column 'seen' is missing. Name a column of the events"),
    "a dot in a name": (
        lambda s, e: (s.withColumnRenamed("row", "a.b"), e),
        SchemaError,
        "subjects: column 'a.b': expected a name without dots and backticks",
    ),
    "a name that is taken": (
        lambda s, e: (s.withColumnRenamed("row", "volume__count_30d"), e),
        SchemaError,
        "subjects: column 'volume__count_30d' has the name of a column that is added",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_come_before_the_job(spark: "SparkSession", case: str) -> None:
    change, kind, text = ERRORS[case]
    made = world(60)
    subjects = made["subjects"].merge(made["accounts"]).assign(row=np.arange(22))
    history = History(("30d",), measures=("count", "sum", "distinct"))
    features = fitted(made["events"], subjects, history=history, exclude=("row",))
    subject_rows, event_rows = change(shuffled(spark, subjects, 0), shuffled(spark, made["events"], 0))
    with pytest.raises(kind, match=text):
        feature_frame(subject_rows, event_rows, features.matrix_, order="event_id" if case != "no order" else "seen")


def test_a_frame_that_the_matrix_needs_is_named(spark: "SparkSession") -> None:
    made = world(60)
    subjects, events = shuffled(spark, made["subjects"], 0), shuffled(spark, made["events"], 0)
    network = AccountFeatures(made["events"], account_labels=made["labels"]).fit(made["subjects"]).matrix_
    with refused(SchemaError, "account_labels"):
        feature_frame(subjects, events, network)
    messages = subjects.selectExpr("account_id as text", "account_id", "as_of as sent_at")
    with refused(SchemaError, "messages"):
        feature_frame(messages, None, MessageMatrix(None, campaigns=CampaignHistory(("1d",))))
