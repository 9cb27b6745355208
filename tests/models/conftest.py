"""Three small models, trained once: fraud or not, crime types beside a legitimate class, and crime types alone."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fraudsieve.features import MessageFeatures
from fraudsieve.models import FraudClassifier, Model, Scorer, write_model
from fraudsieve.models.thresholds import operating_points
from fraudsieve.training.simulate import simulate

CALIBRATION = slice(1, None, 3)  # every third row; the rest trains


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model, and what it was made from and with."""

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


def fit(name: str, texts: list[str], labels: npt.NDArray[np.object_], legitimate: str | None, folder: Path) -> Fitted:
    calibration = np.zeros(len(texts), bool)
    calibration[CALIBRATION] = True
    messages = np.array(texts, object)
    features = MessageFeatures(n_folds=2).set_output(transform="pandas")
    matrix = features.fit_transform(messages[~calibration], labels[~calibration])
    classifier = FraudClassifier(n_rounds=15, n_jobs=1).fit(matrix, labels[~calibration])
    classifier.calibrate(features.transform(messages[calibration]), labels[calibration])
    model = Model(
        name=name,
        classes=tuple(map(str, classifier.classes_)),
        legitimate=legitimate,
        matrix=features.matrix_,
        ensemble=classifier.ensemble_,
        calibration=classifier.calibration_,
        training={"rows": int((~calibration).sum())},
    )
    if legitimate is not None:
        fraud = Scorer(model).score_columns({"text": messages[calibration].tolist()})["probability"]
        model = replace(model, points=operating_points(fraud, labels[calibration] != legitimate))
    return Fitted(texts, labels, features, classifier, write_model(model, folder / name), folder / name)


@pytest.fixture(scope="session")
def binary(labelled: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    labels = labelled["label"].where(labelled["label"] == "legitimate", "fraud").to_numpy(object)
    return fit("binary", labelled["text"].tolist(), labels, "legitimate", tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def several(labelled: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    labels = labelled["label"].to_numpy(object)
    return fit("several", labelled["text"].tolist(), labels, "legitimate", tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def types(labelled: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    crimes = labelled[labelled["label"] != "legitimate"]
    return fit("types", crimes["text"].tolist(), crimes["label"].to_numpy(object), None, tmp_path_factory.mktemp("m"))


@pytest.fixture(scope="session", params=["binary", "several", "types"])
def fitted(request: pytest.FixtureRequest) -> Fitted:
    """Each of the three models in turn."""
    found: Fitted = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def scorer(binary: Fitted) -> Scorer:
    """The model that tells fraud from legitimate messages, as a service loads it."""
    return Scorer.load(binary.folder)


@pytest.fixture
def run_alone(tmp_path: Path) -> Callable[[str], str]:
    """Run a Python program in a process of its own and return what it printed."""

    def run(program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
