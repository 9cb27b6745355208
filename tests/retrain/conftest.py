"""Sixty days of payments with labels that arrive after two days, and a model that was trained on the first forty."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry
from tests.shared import mlflow_uri, shared_folder

N, PER_DAY = 2400, 40
START = pd.Timestamp("2026-01-01", tz="UTC")
SETTINGS: dict[str, Any] = {
    "name": "cards",
    "n_jobs": 1,
    "history.views": [],
    "history.network": False,
    "model.n_rounds": 20,
    "model.n_seeds": 1,
    "model.refit": False,
    "evaluate.replicates": 50,
    "track.enabled": False,
    "data.columns": {"occurred_at": "paid_at"},
}
Payments = tuple[pd.DataFrame, pd.DataFrame]


def day(number: int) -> str:
    """Return the time at which a day begins."""
    return str(START + pd.Timedelta(days=number))


def make_payments() -> Payments:
    """Return payments of which a quarter are fraud, and their labels."""
    rng = np.random.default_rng(0)
    is_fraud = rng.random(N) < 0.25
    paid = START + pd.to_timedelta(np.arange(N) / PER_DAY, unit="D")
    ids = [f"e{number}" for number in range(N)]
    accounts = [f"a{number}" for number in rng.integers(0, N // 2, N)]
    size = rng.normal(1.5 * is_fraud, 1.0)
    label, source = np.where(is_fraud, "fraud", "legitimate"), np.where(is_fraud, "chargeback", "review")
    labels = {"subject_id": ids, "label": label, "labelled_at": paid + pd.Timedelta(days=2), "source": source}
    payments = pd.DataFrame({"event_id": ids, "account_id": accounts, "paid_at": paid, "size": size})
    return payments, pd.DataFrame(labels)


@pytest.fixture(scope="session")
def payments() -> Payments:
    return make_payments()


@pytest.fixture(scope="session")
def base() -> Path:
    """A model folder that was never registered."""

    def fill(folder: Path) -> None:
        events, labels = make_payments()
        recipe = Recipe.read(overrides={**SETTINGS, "data.as_of": day(40)})
        train(recipe, output=folder / "model", events=events, labels=labels)

    return shared_folder("retrain", fill) / "model"


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty store, in the working folder."""
    monkeypatch.chdir(tmp_path)
    address = mlflow_uri(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    return address


@pytest.fixture
def registry(uri: str) -> Registry:
    return Registry(uri, "cards")


@pytest.fixture
def files() -> Callable[[], set[str]]:
    """Return a function that lists all files of the working folder."""
    return lambda: {str(path) for path in Path().rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def _reset_mlflow() -> Any:
    yield
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    mlflow.set_registry_uri(None)  # type: ignore[arg-type]
