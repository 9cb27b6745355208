"""A file of chargebacks alone, from training to evaluation and a later training."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.report_page.evaluation import render_report
from tests.shared import mlflow_uri

VIEWS = ({"windows": ["7d"], "measures": ["count", "sum"]},)
SETTINGS = {"labels.legitimate_after": "10d", "history.views": VIEWS, "history.network": False, "model.n_rounds": 20}
SETTINGS |= {"evaluate.replicates": 20, "n_jobs": 1, "track.register_model": False}


@pytest.mark.slow
def test_chargebacks_alone_train_and_evaluate(
    payments: Callable[..., pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = payments(days=(0, 70), seed=5, per_day=60)
    frauds = table[table["label"] == "online_fraud"].rename(columns={"event_id": "subject_id"})
    labels = frauds[["subject_id", "label", "labelled_at"]].reset_index(drop=True)
    # Every fifth becomes known too late: by then it counted as legitimate for two days.
    labels.loc[::5, "labelled_at"] += pd.Timedelta(days=11)
    events = table.drop(columns=["label", "labelled_at"])
    early = events["occurred_at"] < events["occurred_at"].quantile(0.8)
    known = labels[labels["labelled_at"] <= events["occurred_at"][early].max()]
    recipe = Recipe.read(overrides=SETTINGS | {"track.uri": mlflow_uri(tmp_path)})
    trained = train(recipe, output="model", events=events[early].reset_index(drop=True), labels=known)
    assert trained.model.legitimate == "legitimate"
    assert trained.report.labels is not None
    assumed = trained.report.labels.assumed
    assert assumed is not None
    assert assumed.share_to_come == pytest.approx(0.2, abs=0.07)
    assert assumed.expected_frauds is not None
    assert trained.model.training["assumed"] > 3 * assumed.records  # which are those of the test slice
    assert any(note.startswith(f"{trained.model.training['assumed']:,} records") for note in trained.notes)
    assert trained.split.gap_days == pytest.approx(12, abs=0.01)
    assert trained.logged is not None
    run = MlflowClient(recipe.track.uri).get_run(trained.logged.run_id)
    assert run.data.params["legitimate_after"] == "10d"
    page = render_report(trained.report, language="zh")
    assert "天后仍无标签，视为正常" in page
    assert "以后到达" in page or "晚于此时到达" in page

    # The model remembers it.
    report = evaluate_tables("model", events=events, labels=labels, since=events["occurred_at"][~early].min()).report
    assert report.frauds is not None
    assert 0 < report.frauds < report.rows / 3
    assert report.labels is not None
    assert report.labels.assumed is not None
