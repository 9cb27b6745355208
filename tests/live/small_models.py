"""Small models with a history, trained in a second and outside of pytest too, for fuzzers and their processes."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve.features import AccountFeatures, MessageFeatures, Network
from fraudsieve.models import FraudClassifier, Model, Scorer, write_model

from .samples import NIGHTS, RECEIVED

__all__ = ["account_model", "account_scorer", "message_model", "message_scorer"]

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


def _train(features: Any, X: pd.DataFrame, y: Any, name: str) -> Path:
    matrix = features.set_output(transform="pandas").fit_transform(X, y)
    classifier = FraudClassifier(n_rounds=2, n_jobs=1).fit(matrix, y)
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
def message_model() -> Path:
    """Train a model of messages that uses senders, and campaigns with labels."""
    events, numbers = _events(), np.arange(N)
    texts = [f"pay {number} now at shop{number}" if number % 3 == 0 else f"see you at {number}" for number in numbers]
    y = np.where(numbers % 3 == 0, "fraud", "legitimate").astype(object)
    X = pd.DataFrame({"text": texts, "account_id": events["account_id"], "sent_at": events["occurred_at"]})
    past = X.assign(label=y, labelled_at=X["sent_at"])
    return _train(MessageFeatures(n_folds=2, pinyin=False, events=events, history=NIGHTS, past=past), X, y, "messages")


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
