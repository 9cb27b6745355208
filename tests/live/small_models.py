"""Small models with a history, trained in a second and outside of pytest too, for fuzzers and their processes."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from fraudsieve.features import AccountFeatures, History, MessageFeatures, Network
from fraudsieve.live.state import LiveState
from fraudsieve.models import FraudClassifier, Model, Scorer, write_model

from .samples import NIGHTS, RECEIVED

__all__ = [
    "account_model",
    "account_scorer",
    "event_pair_model",
    "message_model",
    "message_pair_model",
    "message_scorer",
    "score_log",
]

N = 60


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="fraudsieve-small-models-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


def _events() -> pd.DataFrame:
    numbers = np.arange(N)
    names = {"account_id": ("a", 7), "counterparty_id": ("a", 3), "device_id": ("d", 5)}
    ids = {name: [f"{letter}{number % n}" for number in numbers] for name, (letter, n) in names.items()}
    times = pd.Timestamp("2024-04-01", tz="UTC") + pd.to_timedelta(numbers, unit="h")
    return pd.DataFrame({**ids, "occurred_at": times, "amount": numbers * 1.5, "kind": "message"})


def _train(features: Any, X: pd.DataFrame, y: Any, name: str, n_rounds: int = 2) -> Path:
    matrix = features.set_output(transform="pandas").fit_transform(X, y)
    classifier = FraudClassifier(n_rounds=n_rounds, n_jobs=1).fit(matrix, y)
    classifier.calibrate(matrix, y)
    classes = tuple(map(str, classifier.classes_))
    parts = classifier.ensemble_, classifier.calibration_
    write_model(Model(name, classes, "legitimate", features.matrix_, *parts), _root() / name)
    return _root() / name


@cache
def account_model() -> Path:
    """Train a model of accounts that uses events, labels of their counterparties, and the network."""
    events = _events()
    records = pd.DataFrame({"account_id": [f"a{number % 7}" for number in range(N)], "as_of": events["occurred_at"]})
    y = np.where(np.arange(N) % 3 == 0, "fraud", "legitimate").astype(object)
    labels = pd.DataFrame({"counterparty_id": ["a1"], "labelled_at": events["occurred_at"][:1], "is_fraud": [True]})
    features = AccountFeatures(
        events,
        labels=labels,
        account_labels=labels.rename(columns={"counterparty_id": "account_id"}),
        history=[NIGHTS, RECEIVED],
        network=Network("counterparty_id", ("device_id",)),
    )
    return _train(features, records, y, "accounts")


@cache
def event_model() -> Path:
    """Train a model of events that uses the labels of what an account received."""
    events = _events().assign(event_id=[str(number) for number in range(N)])
    y = np.where(np.arange(N) % 3 == 0, "fraud", "legitimate").astype(object)
    labels = events[:1].assign(labelled_at=events["occurred_at"], is_fraud=True)
    features = AccountFeatures(events, labels=labels, history=[NIGHTS, RECEIVED], network=False, subject="event")
    return _train(features, events.drop(columns="device_id"), y, "events")


@cache
def own_columns_model(subject: Literal["account", "event"]) -> Path:
    """Train a model of accounts or events without a history."""
    numbers, times = np.arange(N), _events()["occurred_at"]
    records = pd.DataFrame(
        {"account_id": numbers.astype(str), "as_of": times, "occurred_at": times, "age": numbers % 9}
    )
    y = np.where(numbers % 3 == 0, "fraud", "legitimate").astype(object)
    return _train(AccountFeatures(subject=subject), records, y, f"own columns of {subject}s")


@cache
def message_model() -> Path:
    """Train a model of messages that uses senders, and campaigns with labels."""
    events, numbers = _events(), np.arange(N)
    texts = [f"pay {number} now at shop{number}" if number % 3 == 0 else f"see you at {number}" for number in numbers]
    y = np.where(numbers % 3 == 0, "fraud", "legitimate").astype(object)
    X = pd.DataFrame({"text": texts, "account_id": events["account_id"], "sent_at": events["occurred_at"]})
    past = X.assign(label=y, labelled_at=X["sent_at"])
    return _train(MessageFeatures(n_folds=2, pinyin=False, events=events, history=NIGHTS, past=past), X, y, "messages")


N_PAIRS = 150
PAIRS = {"second": np.arange(2 * N_PAIRS) % 2 == 1, "minutes": np.arange(2 * N_PAIRS) // 2 * 120}
"""Pairs of records ten minutes apart, of which the second is fraud: scores depend on what came before."""


def _pairs() -> tuple[pd.DataFrame, Any]:
    second, numbers = PAIRS["second"], np.arange(2 * N_PAIRS)
    minutes = pd.to_timedelta(PAIRS["minutes"] + 10 * second, unit="min")
    times = pd.Timestamp("2024-04-01", tz="UTC") + minutes
    rows = {"event_id": numbers.astype(str), "account_id": [f"a{number // 2 % 9}" for number in numbers]}
    y = np.where(second, "fraud", "legitimate").astype(object)
    return pd.DataFrame({**rows, "occurred_at": times, "amount": 5.0, "kind": "message"}), y


@cache
def event_pair_model() -> Path:
    """Train a model of events: fraud comes within an hour after an event of the account."""
    events, y = _pairs()
    history = History(("1h",), measures=("count",))
    features = AccountFeatures(events, history=history, network=False, subject="event")
    return _train(features, events, y, "event pairs", n_rounds=20)


@cache
def message_pair_model() -> Path:
    """Train a model of messages: fraud is the copy of a message that came before."""
    events, y = _pairs()
    words = np.random.default_rng(0).choice([*"aeioubcdfglmnprstw"], (N_PAIRS, 8, 6))
    texts = [" ".join(map("".join, words[number // 2].tolist())) for number in range(len(events))]
    X = pd.DataFrame({"text": texts, "account_id": events["account_id"], "sent_at": events["occurred_at"]})
    return _train(MessageFeatures(n_folds=2, pinyin=False, past=X), X, y, "message pairs", n_rounds=20)


@cache
def account_scorer() -> Scorer:
    """Load the model of accounts."""
    return Scorer.load(account_model())


@cache
def event_scorer() -> Scorer:
    """Load the model of events."""
    return Scorer.load(event_model())


@cache
def message_scorer() -> Scorer:
    """Load the model of messages."""
    return Scorer.load(message_model())


def score_log(address: str | Path, scorer: Scorer | None = None) -> LiveState:
    """Open a store whose score log is all that a test uses."""
    return LiveState(scorer or message_scorer(), address, follow=False)
