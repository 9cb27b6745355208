"""Thousands of messages with a history, scored in every supported way: the scores are the same to the last bit."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.features import History, MessageFeatures
from fraudsieve.models import FraudClassifier, Model, Scorer, write_model
from fraudsieve.models.batch.score import score_frame
from fraudsieve.models.flavor import save_model
from fraudsieve.models.thresholds import operating_points
from fraudsieve.training.simulation.world import simulate
from tests.profiles import size

pytestmark = pytest.mark.slow

TRAINED, SCORED = 1_000, size(10_000, usual=1_500)  # training messages are scored too
LATENESS = timedelta(days=1)
ALONE = 40
"""One of so many messages is sent alone, and those between as a list."""
Record = dict[str, Any]


class Delivery(NamedTuple):
    """An element of a stream: an ``event``, a ``message``, or the ``label`` of a message."""

    at: pd.Timestamp
    kind: str
    record: Record


@dataclass(frozen=True, eq=False)
class World:
    """A model, the records to score, and their history."""

    folder: Path
    messages: pd.DataFrame
    events: pd.DataFrame
    records: pd.DataFrame

    @cached_property
    def stream(self) -> list[Delivery]:
        """Return all deliveries in order of time."""
        deliveries = [Delivery(event["occurred_at"], "event", event) for event in records_of(self.events)]
        for message in records_of(self.messages):
            label = {name: message.pop(name) for name in ("label", "labelled_at")}
            deliveries.append(Delivery(message["sent_at"], "message", message))
            if label["label"] is not None:
                deliveries.append(
                    Delivery(max(label["labelled_at"], message["sent_at"]), "label", {**message, **label})
                )
        return sorted(deliveries, key=itemgetter(0))


def records_of(frame: pd.DataFrame) -> list[Record]:
    rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows  # type: ignore[no-any-return]


def plain(scores: pd.DataFrame) -> list[Record]:
    """Return the rows of a frame of scores, with NaN as None."""
    return records_of(scores.drop(columns="message_id", errors="ignore"))


def flat(score: Mapping[str, Any]) -> Record:
    """Return a score in the columns of a frame."""
    row = {name: value for name, value in score.items() if name != "model"}
    return row | {f"probability__{name}": value for name, value in row.pop("probabilities").items()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    simulated = simulate(
        days=50, n_accounts=400, messages_per_day=SCORED / 50, events_per_message=2, start="2025-01-01"
    )
    labels = (
        simulated.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last").set_index("subject_id")
    )
    messages = simulated.messages.join(labels[["label", "labelled_at"]], on="message_id")
    messages = messages.sort_values("sent_at", ignore_index=True)
    messages["label"] = messages["label"].where(messages["label"].isin(["legitimate"]) | messages["label"].isna(), "x")
    records = messages.drop(columns=["label", "labelled_at"])
    folder = tmp_path_factory.mktemp("parity") / "model"
    write_model(trained(messages[:TRAINED].dropna(subset=["label"]), messages, simulated.events), folder)
    return World(folder, messages, simulated.events, records)


def trained(rows: pd.DataFrame, past: pd.DataFrame, events: pd.DataFrame) -> Model:
    """Return a model that uses senders, with all measures, and campaigns with labels."""
    y = rows["label"].to_numpy(object)
    view = History(("1h", "7d"))
    features = MessageFeatures(n_folds=2, pinyin=False, events=events, history=view, past=past)
    X = features.set_output(transform="pandas").fit_transform(rows[["text", "account_id", "sent_at"]], y)
    classifier = FraudClassifier(n_rounds=40, n_jobs=1).fit(X, y).calibrate(X, y)
    classes = tuple(map(str, classifier.classes_))
    model = Model("m", classes, "legitimate", features.matrix_, classifier.ensemble_, classifier.calibration_)
    fraud = score_frame(Scorer(model), rows, events=events, history=past)["probability"].to_numpy()
    return replace(model, points=operating_points(fraud, y != "legitimate"))


@pytest.fixture(scope="module")
def expected(world: World) -> list[Record]:
    """Return the scores that ``fraudsieve predict`` writes."""
    folder = world.folder.parent
    world.records.to_parquet(folder / "records.parquet")
    world.events.to_parquet(folder / "events.parquet")
    world.messages.to_csv(folder / "past.csv", index=False)  # times of labels are read from text too
    options = {"model": "model", "messages": "records.parquet", "events": "events.parquet", "history": "past.csv"}
    call = ["predict", "--json", "--output", str(folder / "scores.parquet")]
    for name, file in options.items():
        call += [f"--{name}", str(folder / file)]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    scores = pd.read_parquet(folder / "scores.parquet")
    assert scores["message_id"].tolist() == world.records["message_id"].tolist()
    return plain(scores)


def test_the_history_matters(world: World, expected: list[Record]) -> None:
    assert len(expected) == SCORED
    assert {score["status"] for score in expected} == {"ok"}
    assert {score["decision"] for score in expected} == {"flag", "pass"}
    assert len({score["probability"] for score in expected}) > SCORED / 10
    sample = slice(None, None, 20)
    without = plain(pd.DataFrame(Scorer.load(world.folder).score_columns(world.records[sample])))
    assert sum(a != b for a, b in zip(without, expected[sample], strict=True)) > len(without) / 10


def test_one_by_one_in_order(world: World, expected: list[Record]) -> None:
    scorer, scores_by_id = Scorer.load(world.folder), {}
    state = scorer.new_state()
    for _, kind, record in world.stream:
        if kind == "message":
            scores_by_id[record["message_id"]] = flat(scorer.score(record, history=state))
        rejected = state.update(record) if kind == "event" else scorer.observe(state, record)
        assert rejected == ()
    assert [scores_by_id[name] for name in world.records["message_id"]] == expected


def test_in_another_order_of_arrival(world: World, expected: list[Record]) -> None:
    """Everything arrives up to a day late; a message is scored once all before it has arrived."""
    scorer, chance = Scorer.load(world.folder), np.random.default_rng(0)
    delays = chance.uniform(0, LATENESS.total_seconds(), len(world.stream))
    arrivals = [
        (delivery.at + timedelta(seconds=delay), delivery) for delivery, delay in zip(world.stream, delays, strict=True)
    ]
    sample = set(world.records["message_id"][::10])
    arrivals += [
        (at + LATENESS, Delivery(at, "ask", record))
        for at, kind, record in world.stream
        if kind == "message" and record["message_id"] in sample
    ]
    state, scores_by_id, newest, late = scorer.new_state(lateness="1d"), {}, pd.Timestamp.min.tz_localize("UTC"), 0
    for _, (at, kind, record) in sorted(arrivals, key=itemgetter(0)):
        if kind == "ask":
            scores_by_id[record["message_id"]] = flat(scorer.score(record, history=state))
            continue
        assert (state.update(record) if kind == "event" else scorer.observe(state, record)) == ()
        late += at < newest
        newest = max(newest, at)
    assert late > len(world.stream) / 2
    by_id = dict(zip(world.records["message_id"], expected, strict=True))
    assert scores_by_id == {name: by_id[name] for name in sample}


def parts(stream: list[Delivery]) -> Iterator[list[Delivery]]:
    """Split the stream into parts that are well within the lateness."""
    start, part = stream[0].at, list[Delivery]()
    for delivery in stream:
        if delivery.at - start > LATENESS * 0.8:
            yield part
            start, part = delivery.at, []
        part.append(delivery)
    yield part


def test_over_http(world: World, expected: list[Record], serve: Any) -> None:
    service, scores_by_id = serve(world.folder, "--lateness", "1d"), dict[str, Record]()
    names = {"event": "events", "message": "messages", "label": "messages"}
    with service.client() as client:

        def post(path: str, body: Any) -> Any:
            content = json.dumps(body, default=lambda time: time.isoformat())
            answer = client.post(path, content=content, headers={"content-type": "application/json"})
            assert answer.status_code == 200, answer.text
            return answer.json()

        for part in parts(world.stream):
            for kind, name in names.items():
                batch = [delivery.record for delivery in part if delivery.kind == kind]
                for start in range(0, len(batch), 1000):
                    assert post("/v1/events", {name: batch[start : start + 1000]})["rejected"] == []
            records = [delivery.record for delivery in part if delivery.kind == "message"]
            for start in range(0, len(records), ALONE):
                alone, *many = records[start : start + ALONE]
                scores = [post("/v1/score", alone), *post("/v1/score", many)]
                scores_by_id |= {
                    delivery["message_id"]: flat(score) for delivery, score in zip([alone, *many], scores, strict=True)
                }
    assert [scores_by_id[name] for name in world.records["message_id"]] == expected


def test_through_mlflow(world: World, expected: list[Record]) -> None:
    saved = world.folder.parent / "saved"
    save_model(saved, folder=world.folder)
    loaded = mlflow.pyfunc.load_model(str(saved))
    stream = {"events": ("event",), "messages": ("message", "label")}
    history = {
        name: [delivery.record for delivery in world.stream if delivery.kind in kinds] for name, kinds in stream.items()
    }
    text = json.dumps(history, default=lambda time: time.isoformat())
    assert plain(loaded.predict(world.records, params={"history": text})) == expected
    assert not any(isinstance(value, float) and math.isnan(value) for row in expected for value in row.values())
