"""`score` on Spark: equal to `Scorer` to the last bit; records that cannot be scored are unscorable and fail no job."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fraudsieve.exceptions import ArtifactError, RecordError, SchemaError
from fraudsieve.models import Policy, Scorer
from fraudsieve.models.verification import load_model
from fraudsieve.spark import score
from tests.live.small_models import message_model
from tests.messages import refused
from tests.models.own_model import records as own_records
from tests.models.own_model import write_own_model
from tests.profiles import examples

from . import score_models as made
from .odd_tables import shuffled

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def event_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of payments that uses views of accounts and devices, and labels."""
    folder = tmp_path_factory.mktemp("events") / "model"
    made.write_event_model(folder)
    return folder


def scores_of(frame: "DataFrame") -> list[dict[str, Any]]:
    """Return the scores in the order of the column ``row``."""
    rows = frame.select("row", "score").toArrow().sort_by("row")
    scores: list[dict[str, Any]] = rows["score"].to_pylist()
    return scores


def expected_scores(scorer: Scorer, records: list[dict[str, Any]], **history: Any) -> list[dict[str, Any]]:
    """Return the scores of one machine in the form of Spark's."""
    answers: list[Any] = scorer.score(records, **history)
    scores = []
    for found in answers:
        classes = {f"probability__{name}": value for name, value in found["probabilities"].items()}
        scores.append({name: found[name] for name in found if name not in ("probabilities", "model")} | classes)
    return scores


def test_messages_with_own_columns_and_lists(spark: Any, tmp_path: Path) -> None:
    write_own_model(tmp_path / "model")
    odd = [{**own_records()[0], "text": text} for text in (None, " ", "免费领奖 😀", "account 4111111111111111")]
    rows = [*own_records(), *odd]
    frame = pd.DataFrame(rows).astype({"age": "float64", "is_new": "boolean"}).assign(row=np.arange(len(rows)))
    found = score(shuffled(spark, frame, 0), tmp_path / "model")
    assert found.columns == [*frame.columns, "score"]
    scores = scores_of(found)
    assert scores == expected_scores(Scorer.load(tmp_path / "model"), rows)
    assert [one["status"] for one in scores[-4:]] == ["unscorable", "unscorable", "ok", "ok"]


@given(made.RECORDS, made.EVENTS, st.sampled_from([2, 3, 7]), st.integers(0, 99))
@settings(examples(3), phases=[Phase.generate])  # a failure is not worth minutes of shrinking
def test_odd_events_with_history(
    spark: Any, event_model: Path, records: Any, events: Any, n_buckets: int, seed: int
) -> None:
    record_table, event_table = made.as_records(records), made.as_history(events)
    scorer = Scorer.load(event_model)
    state = scorer.new_state(lateness="all")
    state.update(made.as_dicts(event_table.drop(columns="offset")))  # rejects events, as `score` leaves them out
    expected = expected_scores(scorer, made.as_dicts(record_table), history=state)
    frames = shuffled(spark, record_table, seed), shuffled(spark, event_table, seed + 1)
    found = score(frames[0], event_model, frames[1], order="offset", n_buckets=n_buckets)
    assert scores_of(found) == expected


def test_history_labels_and_status(spark: Any, event_model: Path) -> None:
    world = made.world(120)
    world["labels"] = world["labels"].dropna(subset="device_id")
    records = world["events"].assign(row=np.arange(120))
    records.loc[:9, "account_id"] = "new"
    parts = {name: made.as_dicts(world[name]) for name in ("events", "labels")}
    expected = expected_scores(Scorer.load(event_model), made.as_dicts(records), history=parts)
    on_spark = [shuffled(spark, frame, seed) for seed, frame in enumerate((records, world["events"], world["labels"]))]
    scores = scores_of(score(on_spark[0], event_model, on_spark[1], labels=on_spark[2], n_buckets=3))
    assert scores == expected
    assert {one["status"] for one in scores[:10]} == {"no_history"}
    assert {one["status"] for one in scores} == {"no_history", "ok"}
    without_history = expected_scores(Scorer.load(event_model), made.as_dicts(records))
    assert sum(one["probability"] != two["probability"] for one, two in zip(scores, without_history, strict=True)) > 20


def test_messages_with_senders_and_campaigns(spark: Any) -> None:
    scorer, numbers = Scorer.load(message_model()), np.arange(60)
    events = made.world(120)["events"]
    times = events["occurred_at"].iloc[:60].reset_index(drop=True)
    texts = [f"pay {number} now at shop{number}" if number % 3 else f"see you at {number}" for number in numbers]
    names = {"message_id": [f"m{number}" for number in numbers], "account_id": [f"a{number % 7}" for number in numbers]}
    sent = pd.DataFrame(
        {**names, "text": texts, "sent_at": times, "recipient_id": [f"r{number % 4}" for number in numbers]}
    )
    classes = pd.Series("fraud", sent.index).where(numbers % 3 > 0)
    labelled = sent.assign(label=classes, labelled_at=times + pd.Timedelta(hours=5))
    records = sent.drop(columns="recipient_id").assign(sent_at=times + pd.Timedelta(days=1), row=numbers)
    records.loc[3, "account_id"], records.loc[4, "account_id"], records.loc[5, "text"] = None, " ", None
    records.loc[6, "sent_at"], records.loc[7, "sent_at"] = None, pd.Timestamp("1969-01-01", tz="UTC")
    of_labels = made.as_dicts(labelled.dropna(subset="label"))
    history = {"events": made.as_dicts(events), "messages": [*made.as_dicts(sent), *of_labels]}
    expected = expected_scores(scorer, made.as_dicts(records), history=history)
    frames = [shuffled(spark, frame, seed) for seed, frame in enumerate((records, events, labelled))]
    scores = scores_of(score(frames[0], message_model(), frames[1], messages=frames[2], n_buckets=3))
    assert scores == expected
    assert [place for place, one in enumerate(scores) if one["status"] == "unscorable"] == [5, 7]
    for parts, of_events in (({"events": history["events"]}, frames[1:2]), ({"messages": history["messages"]}, [])):
        messages = None if of_events else frames[2]
        found = scores_of(score(frames[0], message_model(), *of_events, messages=messages, n_buckets=2))
        assert found == expected_scores(scorer, made.as_dicts(records), history=parts)


def test_accounts_with_a_network(spark: Any, tmp_path: Path) -> None:
    made.write_account_model(tmp_path / "model")
    events, labels = made.world(240)["events"], made.account_labels()
    records = pd.DataFrame({"account_id": [f"a{place % 24}" for place in range(80)], "row": np.arange(80)})
    records["as_of"] = events["occurred_at"].iloc[100:180].reset_index(drop=True)
    parts = {"events": made.as_dicts(events), "account_labels": made.as_dicts(labels)}
    scorer = Scorer.load(tmp_path / "model")
    expected = expected_scores(scorer, made.as_dicts(records), history=parts)
    frames = [shuffled(spark, table, seed) for seed, table in enumerate((records, events, labels))]
    found = scores_of(score(frames[0], tmp_path / "model", frames[1], account_labels=frames[2], n_buckets=3))
    assert found == expected
    without_labels = expected_scores(scorer, made.as_dicts(records), history=parts["events"])
    found = scores_of(score(frames[0], tmp_path / "model", frames[1]))
    assert found == without_labels
    assert sum(one["probability"] != two["probability"] for one, two in zip(found, expected, strict=True)) > 20


def test_without_events(spark: Any, event_model: Path) -> None:
    records = made.world(30)["events"].assign(row=np.arange(30))
    expected = expected_scores(Scorer.load(event_model), made.as_dicts(records))
    assert scores_of(score(shuffled(spark, records, 0), event_model)) == expected


def test_a_policy_that_rejects_a_record_makes_it_unscorable(spark: Any, tmp_path: Path) -> None:
    made.write_event_model(tmp_path / "model", Policy(wrong_type="error"))
    records = made.world(30)["events"].assign(row=np.arange(30))
    records.loc[3, "amount"] = np.inf
    with pytest.raises(RecordError):
        Scorer.load(tmp_path / "model").score(made.as_dicts(records))
    scores = scores_of(score(shuffled(spark, records, 0), tmp_path / "model", shuffled(spark, records[9:], 1)))
    assert [one["status"] == "unscorable" for one in scores] == [row == 3 for row in range(30)]
    assert scores[3]["why"] == "amount: expected a number up to 1e+15, got a larger or an infinite one"


def test_a_record_that_fails_leaves_the_others_alone(event_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fraudsieve.spark.score_frames import rows_without_history

    scorer = Scorer.load(event_model)
    records = made.as_dicts(made.world(5)["events"])
    expected = scorer.model.matrix.rows(records)
    kind = type(scorer.model.matrix)
    read = kind._read  # type: ignore[union-attr]

    def fails(matrix: Any, record: Any, state: Any) -> Any:
        if record.get("event_id") == "e2":
            raise ZeroDivisionError("secret")
        return read(matrix, record, state)

    monkeypatch.setattr(kind, "_read", fails)
    rows = rows_without_history(scorer, records)
    others = [0, 1, 3, 4]
    assert rows.X[others].tobytes() == expected.X[others].tobytes()
    assert rows.why.tolist() == [None, None, "the record cannot be read (ZeroDivisionError)", None, None]
    assert np.isnan(rows.X[2]).all()


def test_errors_come_before_the_job(spark: Any, event_model: Path, tmp_path: Path) -> None:
    world = made.world(30)
    records = shuffled(spark, world["events"], 0)
    messages = records.selectExpr("event_id as text", "account_id", "occurred_at as sent_at")
    with pytest.raises(ArtifactError):
        score(records, tmp_path)
    with pytest.raises(SchemaError, match="records: column 'account_id' is missing"):
        score(records.drop("account_id"), event_model)
    with refused(SchemaError, "score"):
        score(records.withColumnRenamed("kind", "score"), event_model)
    with pytest.raises(SchemaError, match="messages: column 'sent_at' is missing"):
        score(messages, message_model(), messages=messages.drop("sent_at"))


def test_a_process_loads_the_model_once(spark: Any, event_model: Path) -> None:
    from fraudsieve.spark.score_frames import load_shipped, ship_model

    archive, scorer = ship_model(spark, event_model)
    digest = load_model(event_model).digest

    def load(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            is_same = load_shipped(archive, digest) is load_shipped(archive, digest)
            try:
                load_shipped(archive, "0" * 64)
            except ArtifactError:
                loaded = load_shipped(archive, digest).model.digest
                yield pa.RecordBatch.from_pydict({"same": [is_same], "digest": [loaded]})

    (found,) = spark.range(1).coalesce(1).mapInArrow(load, "same boolean, digest string").collect()
    assert (found["same"], found["digest"]) == (True, digest)
    assert scorer.model.digest == digest
