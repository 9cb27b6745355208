"""What a run holds in MLflow: no addresses of tables and stores, and names of metrics that MLflow takes."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.run_content import _logged_metrics, _slice_metrics, _slice_table, run_content
from tests.shared import mlflow_uri
from tests.training.evaluation.report_parts.test_slices import mixture

ADDRESSES = {
    "data": {"accounts": "postgresql://me:S3cretD@db/crm#select S3cretQ from accounts"},
    "track": {"enabled": False, "uri": "postgresql://mlflow:S3cretT@db/mlflow"},
}


def accounts(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 2)).round(3), columns=["age", "balance"])
    label = np.where(frame["age"] + rng.normal(size=n) > 0.7, "fraud", "legitimate")
    return frame.assign(account_id=[f"a{i}" for i in range(n)], label=label)


def test_no_address_is_written_to_mlflow_or_to_the_manifest(tmp_path: Path) -> None:
    recipe = Recipe.model_validate(
        {**ADDRESSES, "n_jobs": 1, "model": {"n_rounds": 2}, "evaluate": {"replicates": 0}, "seed": 3, "language": "zh"}
    )
    result = train(recipe, accounts=accounts(), output=tmp_path / "m")
    content = run_content(recipe, tmp_path / "m", result.model, result.report, result.data, None, PageOrigin())
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text("utf-8"))
    assert content.documents["recipe.json"]["seed"] == manifest["training"]["recipe"]["seed"] == 3
    assert "<h1>评估报告：fraudsieve</h1>" in content.documents["report.html"]
    assert "language" not in manifest["training"]["recipe"]  # the model does not depend on it
    assert "brands" in content.documents["recipe.json"]["features"]
    assert "brands" not in manifest["training"]["recipe"]["features"]
    assert "S3cret" not in str(content)
    assert "S3cret" not in str(manifest)


def test_any_label_gives_a_metric_of_its_own(reports: dict[str, EvaluationReport], tmp_path: Path) -> None:
    labels = ["spam/", "a//b", "a?", "a!", "a_.2", "..", "x" * 256, "x" * 255, "电信诈骗", "plain"]
    types = {label: {"f1": place / 10} for place, label in enumerate(labels)}
    content: Any = reports["account"].to_dict() | {"by_type": types}
    metrics = {name: value for name, value in _logged_metrics(content, None).items() if name.startswith("f1.")}
    assert sorted(metrics.values()) == [place / 10 for place in range(len(labels))]
    assert metrics["f1.plain"] == 0.9
    assert metrics["f1.spam_"] == 0.0
    mlflow.set_tracking_uri(mlflow_uri(tmp_path))
    with mlflow.start_run() as run:
        mlflow.log_metrics(metrics)
    assert mlflow.get_run(run.info.run_id).data.metrics == pytest.approx(metrics)


def test_slices_are_metrics_and_a_table_of_the_run(tmp_path: Path) -> None:
    sliced = mixture()
    metrics, tables = _slice_metrics(sliced), _slice_table(sliced)
    assert metrics["slices.channel.mail.false_positive_rate"] == sliced.parts[-1].false_positive_rate
    assert {name.rpartition(".")[2] for name in metrics} == {"recall", "false_positive_rate", "observed_over_expected"}
    assert _slice_metrics(mixture("length")) == {}
    table = tables["slices.json"]
    assert table["value"].tolist() == [part.value for part in sliced.parts]
    assert table["false_positive_rate at precision_0.9"].tolist() == [1.0, 1.0, 1.0]
    assert _slice_table(None) == {}
    mlflow.set_tracking_uri(mlflow_uri(tmp_path))
    with mlflow.start_run() as run:
        mlflow.log_metrics(metrics)
        mlflow.log_table(table, "slices.json")
    logged = mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/slices.json")
    assert [row[:2] for row in logged["data"]] == [["channel", value] for value in table["value"]]


def test_a_run_looks_at_the_parts_of_a_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.training.fit.excess_notes", lambda slices: [f"slices: {len(slices.parts)}"])
    settings: dict[str, Any] = {"track": {"enabled": False}, "n_jobs": 1, "model": {"n_rounds": 2}}
    mixed = accounts().assign(source=np.tile(["bank", "shop"], 100), region=np.tile(["n", "s", "w", "e"], 50))
    recipe = Recipe.model_validate(settings | {"evaluate": {"replicates": 0, "by": ["region"]}})
    result = train(recipe, accounts=mixed, output=tmp_path / "m")
    assert "slices: 6" in result.notes
    assert result.report.slices is not None
    assert [part.by for part in result.report.slices.parts] == ["region"] * 4 + ["source"] * 2
    used = json.loads((tmp_path / "m" / "manifest.json").read_text("utf-8"))["training"]
    assert sum(used["mixture"]["source"].values()) == used["rows"]["train"]
    wrong = Recipe.model_validate(settings | {"evaluate": {"by": ["regoin"]}})
    with pytest.raises(SchemaError, match="expected a column 'regoin' to slice by"):
        train(wrong, accounts=mixed, output=tmp_path / "n")
