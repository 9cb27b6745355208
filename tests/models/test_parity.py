"""Thousands of messages with a history, scored in every way there is: the scores are the same to the last bit."""

import json
import math
from collections.abc import Iterator
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

TRAINED, ASKED = 1_000, size(10_000, dev=2_500)  # the first are asked about too: nothing is learnt from a score
LATENESS = timedelta(days=1)
ALONE = 40
"""Of so many messages one is sent alone, and those between as a list."""
Record = dict[str, Any]


class Delivery(NamedTuple):
    """What a stream brings at a time: an ``event``, a ``message``, or the ``label`` of a message."""

    at: pd.Timestamp
    kind: str
    record: Record


@dataclass(frozen=True, eq=False)
class World:
    """A model, what it is asked, and all that happens around it."""

    folder: Path
    messages: pd.DataFrame
    events: pd.DataFrame
    asked: pd.DataFrame

    @cached_property
    def stream(self) -> list[Delivery]:
        """All that happens, by its time."""
        found = [Delivery(event["occurred_at"], "event", event) for event in records_of(self.events)]
        for message in records_of(self.messages):
            label = {name: message.pop(name) for name in ("label", "labelled_at")}
            found.append(Delivery(message["sent_at"], "message", message))
            if label["label"] is not None:
                found.append(Delivery(max(label["labelled_at"], message["sent_at"]), "label", {**message, **label}))
        return sorted(found, key=itemgetter(0))


def records_of(frame: pd.DataFrame) -> list[Record]:
    rows: Any = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows  # type: ignore[no-any-return]


def plain(scores: pd.DataFrame) -> list[Record]:
    """The rows of a frame of scores, NaN as None."""
    return records_of(scores.drop(columns="message_id", errors="ignore"))


def flat(score: Record) -> Record:
    """A score in the columns of a frame."""
    score = {name: value for name, value in score.items() if name != "model"}
    return score | {f"probability__{name}": value for name, value in score.pop("probabilities").items()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = simulate(days=50, n_accounts=400, messages_per_day=ASKED / 50, events_per_message=2, start="2025-01-01")
    known = made.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last").set_index("subject_id")
    messages = made.messages.join(known[["label", "labelled_at"]], on="message_id")
    messages = messages.sort_values("sent_at", ignore_index=True)
    messages["label"] = messages["label"].where(messages["label"].isin(["legitimate"]) | messages["label"].isna(), "x")
    asked = messages.drop(columns=["label", "labelled_at"])
    folder = tmp_path_factory.mktemp("parity") / "model"
    write_model(trained(messages[:TRAINED].dropna(subset=["label"]), messages, made.events), folder)
    return World(folder, messages, made.events, asked)


def trained(rows: pd.DataFrame, past: pd.DataFrame, events: pd.DataFrame) -> Model:
    """A model that looks at senders, in every measure there is, and at campaigns with what is known of them."""
    y = rows["label"].to_numpy(object)
    view = History(("1h", "7d"))
    features = MessageFeatures(n_folds=2, pinyin=False, events=events, history=view, past=past)
    X = features.set_output(transform="pandas").fit_transform(rows[["text", "account_id", "sent_at"]], y)
    classifier = FraudClassifier(n_rounds=40, n_jobs=1).fit(X, y).calibrate(X, y)
    classes = tuple(map(str, classifier.classes_))
    model = Model("m", classes, "legitimate", features.matrix_, classifier.ensemble_, classifier.calibration_)
    fraud = score_frame(Scorer(model), rows, events=events, past=past)["probability"].to_numpy()
    return replace(model, points=operating_points(fraud, y != "legitimate"))


@pytest.fixture(scope="module")
def expected(world: World) -> list[Record]:
    """What ``fraudsieve predict`` writes."""
    place = world.folder.parent
    world.asked.to_parquet(place / "asked.parquet")
    world.events.to_parquet(place / "events.parquet")
    world.messages.to_parquet(place / "past.parquet")
    options = {"model": "model", "input": "asked.parquet", "events": "events.parquet", "past": "past.parquet"}
    call = ["predict", "--json", "--output", str(place / "scores.parquet")]
    for name, file in options.items():
        call += [f"--{name}", str(place / file)]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    scores = pd.read_parquet(place / "scores.parquet")
    assert scores["message_id"].tolist() == world.asked["message_id"].tolist()
    return plain(scores)


def test_the_history_matters(world: World, expected: list[Record]) -> None:
    assert len(expected) == ASKED
    assert {score["status"] for score in expected} == {"ok"}
    assert {score["decision"] for score in expected} == {"flag", "pass"}
    assert len({score["probability"] for score in expected}) > ASKED / 10
    some = slice(None, None, 20)
    without = plain(pd.DataFrame(Scorer.load(world.folder).score_columns(world.asked[some])))
    assert sum(a != b for a, b in zip(without, expected[some], strict=True)) > len(without) / 10


def test_one_by_one_as_they_come(world: World, expected: list[Record]) -> None:
    scorer, found = Scorer.load(world.folder), {}
    state = scorer.new_state()
    for _, kind, record in world.stream:
        if kind == "message":
            found[record["message_id"]] = flat(scorer.score(record, history=state))
        refused = state.update(record) if kind == "event" else scorer.observe(state, record)
        assert refused == ()
    assert [found[name] for name in world.asked["message_id"]] == expected


def test_in_another_order_of_arrival(world: World, expected: list[Record]) -> None:
    """All comes up to a day late; a message is asked about once all before it has come."""
    scorer, chance = Scorer.load(world.folder), np.random.default_rng(0)
    delays = chance.uniform(0, LATENESS.total_seconds(), len(world.stream))
    arrivals = [(one.at + timedelta(seconds=delay), one) for one, delay in zip(world.stream, delays, strict=True)]
    some = set(world.asked["message_id"][::10])
    arrivals += [
        (at + LATENESS, Delivery(at, "ask", record))
        for at, kind, record in world.stream
        if kind == "message" and record["message_id"] in some
    ]
    state, found, newest, late = scorer.new_state(lateness="1d"), {}, pd.Timestamp.min.tz_localize("UTC"), 0
    for _, (at, kind, record) in sorted(arrivals, key=itemgetter(0)):
        if kind == "ask":
            found[record["message_id"]] = flat(scorer.score(record, history=state))
            continue
        assert (state.update(record) if kind == "event" else scorer.observe(state, record)) == ()
        late += at < newest
        newest = max(newest, at)
    assert late > len(world.stream) / 2
    by_id = dict(zip(world.asked["message_id"], expected, strict=True))
    assert found == {name: by_id[name] for name in some}


def parts(stream: list[Delivery]) -> Iterator[list[Delivery]]:
    """Cut the stream, so that each part is well within the lateness."""
    start, part = stream[0].at, list[Delivery]()
    for one in stream:
        if one.at - start > LATENESS * 0.8:
            yield part
            start, part = one.at, []
        part.append(one)
    yield part


def test_over_http(world: World, expected: list[Record], serve: Any) -> None:
    service, found = serve(world.folder, "--lateness", "1d"), dict[str, Record]()
    names = {"event": "events", "message": "messages", "label": "messages"}
    with service.client() as client:

        def post(path: str, body: Any) -> Any:
            content = json.dumps(body, default=lambda time: time.isoformat())
            answer = client.post(path, content=content, headers={"content-type": "application/json"})
            assert answer.status_code == 200, answer.text
            return answer.json()

        for part in parts(world.stream):
            for kind, name in names.items():
                given = [one.record for one in part if one.kind == kind]
                for start in range(0, len(given), 1000):
                    assert post("/v1/events", {name: given[start : start + 1000]})["rejected"] == []
            asked = [one.record for one in part if one.kind == "message"]
            for start in range(0, len(asked), ALONE):
                alone, *many = asked[start : start + ALONE]
                scores = [post("/v1/score", alone), *post("/v1/score", many)]
                found |= {one["message_id"]: flat(score) for one, score in zip([alone, *many], scores, strict=True)}
    assert [found[name] for name in world.asked["message_id"]] == expected


def test_through_mlflow(world: World, expected: list[Record]) -> None:
    saved = world.folder.parent / "saved"
    save_model(saved, folder=world.folder)
    loaded = mlflow.pyfunc.load_model(str(saved))
    stream = {"events": ("event",), "messages": ("message", "label")}
    history = {name: [one.record for one in world.stream if one.kind in kinds] for name, kinds in stream.items()}
    text = json.dumps(history, default=lambda time: time.isoformat())
    assert plain(loaded.predict(world.asked, params={"history": text})) == expected
    assert not any(isinstance(value, float) and math.isnan(value) for row in expected for value in row.values())
