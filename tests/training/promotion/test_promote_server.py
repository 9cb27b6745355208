"""The workflow on a real MLflow server over HTTP: train twice, evaluate, compare, promote, roll back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from tests.mlflow_servers import mlflow_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("server")) as address:
        yield address


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    output: dict[str, Any] = json.loads(result.stdout)
    return output


def check_run(server: str, trained: dict[str, Any]) -> None:
    """Check that the run has parameters, metrics, charts, the report as JSON and HTML, digests and the model."""
    client = mlflow.MlflowClient(server)
    logged = client.get_run(trained["run_id"])
    assert logged.data.params["num_leaves"] == "7"
    assert logged.data.metrics["average_precision"] == pytest.approx(trained["report"]["average_precision"])
    assert len(logged.data.tags["data.messages.sha256"]) == 64
    assert logged.data.tags["model.digest"] == trained["digest"]
    assert logged.info.artifact_uri.startswith("mlflow-artifacts:")
    files = {file.path for file in client.list_artifacts(trained["run_id"])}
    assert {"report.json", "report.html", "recipe.json", "operating_points.json", "figures"} <= files
    charts = {file.path for file in client.list_artifacts(trained["run_id"], "figures")}
    assert {"figures/recall_by_alerts.svg", "figures/reliability.svg", "figures/precision_recall.svg"} <= charts
    report = json.loads(mlflow.artifacts.load_text(f"runs:/{trained['run_id']}/report.json"))
    assert report["average_precision"] == trained["report"]["average_precision"]
    assert trained["digest"] in mlflow.artifacts.load_text(f"runs:/{trained['run_id']}/report.html")


def test_train_evaluate_compare_promote_and_roll_back(
    server: str, rivals: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    rivals.later.to_parquet("later.parquet")
    rivals.earlier.to_parquet("earlier.parquet")
    rivals.earlier.iloc[::5].to_parquet("few.parquet")
    Path("recipe.toml").write_text(
        "n_jobs = 1\n[data]\nmin_label_rows = 5\n[evaluate]\nreplicates = 100\n[gates]\ncalibration_error = 0.12\n"
    )
    weak = run("train", "--messages", "few.parquet", "--recipe", "recipe.toml", "--output", "weak")
    strong = run("train", "--messages", "earlier.parquet", "--recipe", "recipe.toml", "--output", "strong")
    assert (weak["aliases"], strong["aliases"]) == (["challenger", "champion"], ["challenger"])
    check_run(server, strong)
    later = ("--messages", "later.parquet", "--recipe", "recipe.toml")
    by_address = run("evaluate", "--model", "models:/fraudsieve@challenger", *later)
    assert by_address["digest"] == strong["digest"]
    compared = run("compare", *later)
    assert (compared["champion"]["digest"], compared["challenger"]["digest"]) == (weak["digest"], strong["digest"])
    assert [gate["reason"] for gate in compared["gates"] if not gate["passed"]] == []
    assert run("evaluate", "--model", "models:/fraudsieve@champion", *later)["digest"] == weak["digest"]
    promoted = run("promote", *later)
    assert (promoted["decision"], promoted["before"], promoted["champion"]) == ("promoted", "1", "2")
    assert run("evaluate", "--model", "models:/fraudsieve@champion", *later)["digest"] == strong["digest"]
    back = run("rollback")
    assert (back["decision"], back["champion"]) == ("rolled back", "1")
    assert run("evaluate", "--model", "models:/fraudsieve@champion", *later)["digest"] == weak["digest"]
    client = mlflow.MlflowClient(server)
    assert client.get_model_version("fraudsieve", "2").tags["promotion.decision"] == "rolled back"
    assert len(client.list_artifacts(strong["run_id"], "promotion")) == 2
    assert client.get_run(strong["run_id"]).info.status == "FINISHED"
    # Nothing was stored outside the server.
    assert not list(tmp_path.glob("*.db"))
    assert not (tmp_path / "mlruns").exists()
