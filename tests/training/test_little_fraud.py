"""From two frauds on there is a model, which is evaluated as far as the frauds allow, and says what it cannot."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.predict import Scorer
from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from tests.shared import mlflow_uri

pytestmark = pytest.mark.slow

QUICK: dict[str, Any] = {"n_jobs": 1, "evaluate.replicates": 10, "features.pinyin": False}
PARTS = [f"{first}{second}" for first in ("mor", "tal", "ver", "sin", "dep") for second in ("on", "ta", "ir", "es")]


def tables(subject: str, frauds: int, n: int = 240, *, timed: bool = True) -> dict[str, Any]:
    """Return records of which the frauds, evenly spread over time, differ from the others."""
    rng = np.random.default_rng(0)
    is_fraud = np.isin(np.arange(n), np.linspace(2, n - 3, frauds).astype(int))
    label = np.where(is_fraud, "fraud", "legitimate").astype(object)
    ids, times = np.arange(n).astype(str), pd.date_range("2026-01-01", periods=n, freq="3h", tz="UTC")
    if subject == "message":
        letters = [chr(code) for code in range(ord("a"), ord("z"))]
        words = [
            [f"win{''.join(rng.choice(letters, 5))}" if one else part for part in rng.choice(PARTS, 8)]
            for one in is_fraud
        ]
        frame = pd.DataFrame({"message_id": ids, "text": [" ".join(one) for one in words], "label": label})
        return {"messages": frame.assign(sent_at=times) if timed else frame}
    columns = {f"x{number}": rng.normal(size=n) + 3 * is_fraud for number in range(3)}
    if subject == "account":
        frame = pd.DataFrame({"account_id": ids, **columns, "label": label})
        return {"accounts": frame.assign(as_of=times) if timed else frame}
    of_events = {"event_id": ids, "account_id": (np.arange(n) % 60).astype(str), "occurred_at": times, "kind": "pay"}
    return {"events": pd.DataFrame({**of_events, **columns, "label": label})}


@pytest.mark.parametrize("frauds", [2, 3, 9])
@pytest.mark.parametrize(
    ("subject", "timed"), [("message", False), ("account", True), ("account", False), ("event", True)]
)
def test_two_frauds_make_a_model(tmp_path: Path, subject: str, timed: bool, frauds: int) -> None:
    recipe = Recipe.read(overrides={**QUICK, "track.enabled": False, "data.subject": subject})
    records = tables(subject, frauds, timed=timed)
    trained = train(recipe, output=tmp_path / "m", **records)
    assert any(note.startswith(f"only {frauds} rows are fraud") for note in trained.notes)
    assert (trained.report.average_precision is None) == (trained.report.base_rate == 0)
    later = evaluate_tables(tmp_path / "m", **records).report
    assert later.average_precision is not None
    assert later.average_precision > 0.6  # the model learned: by chance it is below .04
    frame = next(iter(records.values()))
    scores = Scorer.load(tmp_path / "m").score_columns(
        {name: frame[name].tolist() for name in frame if name != "label"}
    )
    assert np.isfinite(scores["probability"]).all()


def test_a_run_without_fraud_to_test_on_is_logged_and_its_page_says_so(tmp_path: Path) -> None:
    recipe = Recipe.read(overrides={**QUICK, "track.uri": mlflow_uri(tmp_path), "language": "zh"})
    trained = train(recipe, output=tmp_path / "m", **tables("account", 2, timed=False))
    assert trained.logged is not None
    run = mlflow.MlflowClient(mlflow_uri(tmp_path)).get_run(trained.logged.run_id)
    assert "average_precision" not in run.data.metrics
    assert run.data.params["num_leaves"] == "4"
    facts = json.loads((tmp_path / "m" / "manifest.json").read_text("utf-8"))["training"]
    assert (facts["trees"]["n_rounds"], facts["trees"]["num_leaves"]) == (100, 4)
