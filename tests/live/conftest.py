"""Models with a history, trained once per run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fraudsieve.features import AccountFeatures, MessageFeatures, Network
from fraudsieve.models import FraudClassifier, Model, Scorer, write_model
from fraudsieve.training.simulation.world import World, simulate
from tests.live.postgres import PostgresServer, binaries, running_server
from tests.live.samples import NIGHTS, RECEIVED
from tests.shared import shared_folder


@pytest.fixture(scope="session")
def world() -> World:
    return simulate(days=20, n_accounts=100, messages_per_day=30)


def train(features: Any, X: Any, y: npt.NDArray[Any], folder: Path) -> None:
    matrix = features.set_output(transform="pandas").fit_transform(X, y)
    classifier = FraudClassifier(n_rounds=5, n_jobs=1).fit(matrix, y)
    classifier.calibrate(matrix, y)
    classes = tuple(map(str, classifier.classes_))
    parts = classifier.ensemble_, classifier.calibration_
    write_model(Model(folder.name, classes, "legitimate", features.matrix_, *parts), folder / "model")


@pytest.fixture(scope="session")
def messages_folder(world: World) -> Path:
    """A model of messages that uses senders, and campaigns with labels."""
    labels = world.labels.drop_duplicates("subject_id").set_index("subject_id")
    messages = world.messages.join(labels[["label", "labelled_at"]], on="message_id").dropna(subset=["label"])
    y = messages["label"].where(messages["label"] == "legitimate", "fraud").to_numpy(object)
    features = MessageFeatures(n_folds=2, pinyin=False, events=world.events, history=NIGHTS, past=messages)
    X = messages[["text", "account_id", "sent_at"]]
    return shared_folder("live_messages", lambda folder: train(features, X, y, folder)) / "model"


@pytest.fixture(scope="session")
def message_scorer(messages_folder: Path) -> Scorer:
    return Scorer.load(messages_folder)


@pytest.fixture(scope="session")
def account_scorer(world: World) -> Scorer:
    """A model of accounts that uses events, labels of their counterparties, and the network."""
    records = world.accounts[["account_id"]].assign(as_of=world.events["occurred_at"].max())
    fraud = np.arange(len(records)) % 3 == 0
    labels = pd.DataFrame(
        {"counterparty_id": records["account_id"], "labelled_at": records["as_of"], "is_fraud": fraud}
    )
    features = AccountFeatures(
        world.events,
        labels=labels,
        account_labels=labels.rename(columns={"counterparty_id": "account_id"}),
        history=[NIGHTS, RECEIVED],
        network=Network("counterparty_id", ("device_id",)),
    )
    y = np.where(fraud, "fraud", "legitimate").astype(object)
    return Scorer.load(shared_folder("live_accounts", lambda folder: train(features, records, y, folder)) / "model")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new store, of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "live.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_address()
