"""Small models, trained once: fraud or not, crime types with a legitimate class, crime types alone, and accounts.

And a service in a process of its own.
"""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fraudsieve.features import AccountFeatures, History, MessageFeatures, Network
from fraudsieve.models import FraudClassifier, Model, Scorer, read_model, write_model
from fraudsieve.models.thresholds import operating_points
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.split_model import fit_unlike
from tests.services import Service, start_service
from tests.shared import shared_folder

CALIBRATION = slice(1, None, 3)  # every third row; the rest trains


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model, and the data and estimators that it was made with."""

    texts: list[str]
    labels: npt.NDArray[np.object_]
    features: MessageFeatures
    classifier: FraudClassifier
    model: Model
    folder: Path


@pytest.fixture(scope="session")
def labelled() -> pd.DataFrame:
    """Messages with the last label of each."""
    world = simulate(days=30, n_accounts=150)
    labels = world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
    return world.messages.merge(labels, left_on="message_id", right_on="subject_id")


def fit(name: str, texts: list[str], labels: npt.NDArray[np.object_], legitimate: str | None) -> Fitted:
    """Train a model, or read the one that another worker of this run has trained."""
    folder = shared_folder(name, lambda folder: train(folder, name, texts, labels, legitimate))
    features, classifier = pickle.loads((folder / "fitted").read_bytes())
    return Fitted(texts, labels, features, classifier, read_model(folder / name), folder / name)


def train(folder: Path, name: str, texts: list[str], labels: npt.NDArray[np.object_], legitimate: str | None) -> None:
    calibration = np.zeros(len(texts), bool)
    calibration[CALIBRATION] = True
    messages = np.array(texts, object)
    features = MessageFeatures(n_folds=2).set_output(transform="pandas")
    matrix = features.fit_transform(messages[~calibration], labels[~calibration])
    classifier = FraudClassifier(n_rounds=15, n_jobs=1).fit(matrix, labels[~calibration])
    calibration_rows = features.transform(messages[calibration])
    classifier.calibrate(calibration_rows, labels[calibration])
    model = Model(
        name=name,
        classes=tuple(map(str, classifier.classes_)),
        legitimate=legitimate,
        matrix=features.matrix_,
        ensemble=classifier.ensemble_,
        calibration=classifier.calibration_,
        training={"rows": int((~calibration).sum())},
        unlike=fit_unlike(features.matrix_, classifier.ensemble_, matrix, calibration_rows),
    )
    if legitimate is not None:
        fraud = Scorer(model).score_columns({"text": messages[calibration].tolist()})["probability"]
        model = replace(model, points=operating_points(fraud, labels[calibration] != legitimate))
    write_model(model, folder / name)
    (folder / "fitted").write_bytes(pickle.dumps((features, classifier)))


@pytest.fixture(scope="session")
def binary(labelled: pd.DataFrame) -> Fitted:
    labels = labelled["label"].where(labelled["label"] == "legitimate", "fraud").to_numpy(object)
    return fit("binary", labelled["text"].tolist(), labels, "legitimate")


@pytest.fixture(scope="session")
def several(labelled: pd.DataFrame) -> Fitted:
    labels = labelled["label"].to_numpy(object)
    return fit("several", labelled["text"].tolist(), labels, "legitimate")


@pytest.fixture(scope="session")
def types(labelled: pd.DataFrame) -> Fitted:
    crimes = labelled[labelled["label"] != "legitimate"]
    return fit("types", crimes["text"].tolist(), crimes["label"].to_numpy(object), None)


@pytest.fixture(scope="session", params=["binary", "several", "types"])
def fitted(request: pytest.FixtureRequest) -> Fitted:
    """Each of the three models in turn."""
    found: Fitted = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def scorer(binary: Fitted) -> Scorer:
    """The binary model, loaded as in a service."""
    return Scorer.load(binary.folder)


@pytest.fixture
def run_alone(tmp_path: Path) -> Callable[[str], str]:
    """Run a Python program in a new process and return its output."""

    def run(program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=600
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def accounts_folder() -> Path:
    """A model of accounts that uses their events and the network with its labels."""
    return shared_folder("accounts", train_on_accounts) / "accounts"


def train_on_accounts(folder: Path) -> None:
    world = simulate(days=20, n_accounts=100, messages_per_day=30)
    accounts = world.accounts[["account_id"]].assign(as_of=world.events["occurred_at"].max())
    fraud = np.arange(len(accounts)) % 3 == 0
    labels = pd.DataFrame({"account_id": accounts["account_id"], "labelled_at": accounts["as_of"], "is_fraud": fraud})
    history = [History(("1h", "1d"), kinds=("message",), identifiers=("device_id",))]
    network = Network("counterparty_id", ("device_id",))
    features = AccountFeatures(world.events, account_labels=labels, history=history, network=network)
    y = np.where(fraud, "fraud", "legitimate").astype(object)
    matrix = features.set_output(transform="pandas").fit_transform(accounts, y)
    classifier = FraudClassifier(n_rounds=5, n_jobs=1).fit(matrix, y)
    classifier.calibrate(matrix, y)
    parts = classifier.ensemble_, classifier.calibration_
    write_model(Model("accounts", ("fraud", "legitimate"), "legitimate", features.matrix_, *parts), folder / "accounts")


Serve = Callable[..., Service]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start ``fraudsieve serve`` on a free port and wait until it is ready; all are stopped at the end."""
    started: list[Service] = []

    def start(
        model: str | Path, *options: str, ready: bool = True, before: Sequence[str] = (), **environment: str
    ) -> Service:
        log = tmp_path_factory.mktemp("service") / "log"
        started.append(start_service(model, log, *options, before=before, **environment))
        started[-1].wait_until_listening()
        if ready:  # a worker that is still loading its model answers 503
            several = "--workers" in options and options[options.index("--workers") + 1] != "1"
            started[-1].wait_for(*(("all workers are ready", 300) if several else ("ready",)))
        return started[-1]

    yield start
    for service in started:
        service.kill()
