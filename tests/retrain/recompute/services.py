"""A service that logs its scores, and small models whose scores change with every event and label."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve.features import AccountFeatures, History, MessageFeatures, Network
from fraudsieve.live.recording import LoggedScore
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.score_rows import iterate_scores
from fraudsieve.models import FraudClassifier, Model, write_model
from tests.service.handling import handler_of, reply_of
from tests.shared import shared_folder

START = pd.Timestamp("2026-05-01T10:00:30Z")
PAID = History(("1h", "30d"), measures=("count", "sum", "since_last", "distinct"))
TEXTS = (
    "Your parcel {} is held at the office, pay the duty with your card at once",
    "See you at six o'clock tonight, bring {} bottles of water and the blue coat",
    "Dear client, the account {} is locked, log in within the hour to keep it open",
    "We have won {} games in a row, and nobody knows why the others were so tired",
)
SUBJECT_IDS = ("message_id", "event_id", "account_id")
TIMES = ("sent_at", "occurred_at", "as_of")
RECEIVED = History(
    ("30d",), entity="counterparty_id", measures=("count", "known", "frauds", "since_fraud"), name="received"
)


def some_events(rng: np.random.Generator, n: int, hours: float = 8) -> list[dict[str, Any]]:
    """Return events of four accounts, in order of time; some at equal times."""
    minutes = np.sort(rng.integers(0, int(hours * 60), n))
    return [
        {
            "event_id": f"e{number}",
            "account_id": f"a{rng.integers(4)}",
            "counterparty_id": f"m{rng.integers(3)}",
            "occurred_at": (START + pd.Timedelta(minutes=int(minutes[number]))).isoformat(),
            "amount": float(rng.integers(1, 500)),
            "kind": "pay",
            "branch": str(rng.choice(["north", "south"])),
        }
        for number in range(n)
    ]


def records_of(subject: str, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a record to score for each event: the event, its account at that time, or a message of the account."""
    if subject == "event":
        return [*events]
    if subject == "account":
        return [{"account_id": one["account_id"], "as_of": one["occurred_at"]} for one in events]
    return [
        {
            "message_id": f"m{number}",
            "text": TEXTS[number * 7 % 4].format(number % 3),
            "sent_at": one["occurred_at"],
            "account_id": one["account_id"],
            "recipient_id": one["counterparty_id"],
        }
        for number, one in enumerate(events)
    ]


def some_labels(rng: np.random.Generator, records: Sequence[dict[str, Any]], n: int) -> list[dict[str, Any]]:
    """Return labels of records, several of one among them, which contradict each other."""
    chosen = [records[place] for place in rng.integers(0, len(records), n)]
    return [label_of(one, str(rng.choice(["fraud", "legitimate"])), int(rng.integers(1, 120))) for one in chosen]


def label_of(record: dict[str, Any], label: str = "fraud", minutes: int = 30) -> dict[str, Any]:
    """Return a label some minutes after the time of a record."""
    subject, time = ((record[name] for name in names if name in record) for names in (SUBJECT_IDS, TIMES))
    at = pd.Timestamp(next(time)) + pd.Timedelta(minutes=minutes)
    return {"subject_id": next(subject), "label": label, "labelled_at": at.isoformat()}


def _features(subject: str, events: pd.DataFrame, records: pd.DataFrame, y: Any) -> Any:
    if subject == "message":
        past = records.assign(label=y, labelled_at=records["sent_at"] + pd.Timedelta(hours=1))
        return MessageFeatures(n_folds=2, pinyin=False, events=events, history=PAID, past=past)
    if subject == "account":
        known = events[["account_id"]][::3].assign(labelled_at=events["occurred_at"], is_fraud=True)
        return AccountFeatures(events, account_labels=known, history=PAID, network=Network("counterparty_id"))
    labels = events[::3].assign(labelled_at=events["occurred_at"] + pd.Timedelta(hours=1), is_fraud=True)
    return AccountFeatures(events, labels=labels, history=[PAID, RECEIVED], network=False, subject="event")


def _train(folder: Path, subject: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    several = some_events(rng, 600, hours=200)
    events = pd.DataFrame(several).astype({"occurred_at": "datetime64[us, UTC]"})
    records = pd.DataFrame(records_of(subject, several))
    time = next(name for name in TIMES if name in records)
    records[time] = events["occurred_at"]
    y = np.where(rng.random(len(events)) < 0.4, "fraud", "legitimate").astype(object)
    features = _features(subject, events, records, y).set_output(transform="pandas")
    matrix = features.fit_transform(records.drop(columns="message_id", errors="ignore"), y)
    classifier = FraudClassifier(n_rounds=30, n_jobs=1).fit(matrix, y)  # of noise, so that every column counts
    classifier.calibrate(matrix, y)
    parts = classifier.ensemble_, classifier.calibration_
    classes = tuple(map(str, classifier.classes_))
    write_model(Model(f"{subject}s", classes, "legitimate", features.matrix_, *parts), folder / "model")


@cache
def noise_model(subject: str = "event", seed: int = 0) -> Path:
    """Return the folder of a model: of events with the labels of merchants, accounts with a network, or campaigns."""
    name = f"recomputed_{subject}_{seed}"
    return shared_folder(name, lambda folder: _train(folder, subject, seed)) / "model"


class LoggingService:
    """A service that logs its scores with the records."""

    def __init__(self, store: Path, model: Path, mode: Any = "records") -> None:
        self._handler = handler_of(model, state=store, score_log=mode)

    @property
    def live(self) -> LiveState:
        """The history."""
        assert self._handler.live is not None
        return self._handler.live

    def score(self, *records: dict[str, Any]) -> None:
        """Score records, and log the scores."""
        reply_of(self._handler, records, name="r1")

    def add(self, events: Any = (), labels: Any = (), messages: Any = ()) -> None:
        """Add events, labels and messages."""
        assert self.live.update(events, labels).rejected == ()
        assert not messages or self.live.observe(messages).rejected == ()

    def close(self) -> None:
        """Stop it."""
        self._handler.close()


@contextmanager
def serving(store: Path, model: Path | None = None, mode: Any = "records") -> Iterator[LoggingService]:
    """Run a service."""
    service = LoggingService(store, model or noise_model(), mode)
    try:
        yield service
    finally:
        service.close()


def logged(store: Path) -> list[LoggedScore]:
    """Return the logged scores, in the order of the answers."""
    with open_store(store) as opened:
        return [LoggedScore.decode(row, "") for rows in iterate_scores(opened) for row in rows]
