"""Training from tables to a model folder and a run in MLflow: complete, reproducible, and with equal scores."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.batch.score import score_frame
from fraudsieve.models.likelihood_ratios import log10_likelihood_ratio, log10_ratio_bounds
from fraudsieve.models.predict import Scorer
from fraudsieve.training.evaluation.evaluation_run import evaluate_model
from fraudsieve.training.evaluation.label_delays import GapUsed
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import split_model_folder
from fraudsieve.training.simulation.world import World, simulate
from tests.messages import refused
from tests.shared import mlflow_uri

pytestmark = pytest.mark.slow

QUICK = {"track.register_model": False, "features.pinyin": False, "evaluate.attack": False, "evaluate.replicates": 20}


def recipe(folder: Path, **overrides: object) -> Recipe:
    return Recipe.read(overrides={"track.uri": mlflow_uri(folder), "n_jobs": 1, **overrides})


@pytest.fixture(scope="module")
def trained(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("train")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return train(recipe(folder), output=folder / "model", messages=small_world.messages, labels=small_world.labels)


def test_the_model_beats_chance_on_later_messages(trained: Any) -> None:
    assert trained.split.kind == "time"
    assert trained.report.average_precision > 2 * trained.report.base_rate
    assert trained.model.legitimate == "legitimate"
    # Its legitimate messages are of a few templates: too few campaigns for a promise of 1 %.
    assert trained.model.points[0].estimated_false_positive_rate == 0.01
    assert [item.point for item in trained.report.operating_points] == list(trained.split_model.points)
    assert any("the deciding point is not promised: 1 % estimated" in note for note in trained.notes)


def test_the_model_keeps_what_its_calibration_supports_of_likelihood_ratios(trained: Any) -> None:
    evaluated = trained.split_model
    support, rows = evaluated.ratio_support, trained.data.rows.iloc[trained.split.calibration]
    is_fraud = (rows["label"] != "legitimate").to_numpy()
    assert (support.frauds, support.legitimate) == (is_fraud.sum(), (~is_fraud).sum())
    assert 0 < support.fraud_groups <= support.frauds
    assert 0 < support.legitimate_groups < support.legitimate  # its legitimate messages are of a few templates
    assert support.fraud_share == pytest.approx(is_fraud.mean())
    probability = score_frame(Scorer(evaluated), rows)["probability"].to_numpy()
    ratios = log10_likelihood_ratio(probability, support.fraud_share)
    assert (support.log10_low, support.log10_high) == pytest.approx(log10_ratio_bounds(ratios, is_fraud))
    assert support.log10_low < 0 < support.log10_high < 4
    assert read_model(split_model_folder(trained.folder)).ratio_support == support


def test_the_model_keeps_the_shares_that_it_expects(trained: Any) -> None:
    unlike, flagged = trained.model.expected_shares
    assert (unlike.name, flagged.name) == ("unlike_training", "flagged")
    assert unlike.share == pytest.approx(0.01, abs=0.003)
    assert flagged.share == pytest.approx(trained.model.points[0].flagged, abs=0.001)
    assert flagged.spread > 2 / len(trained.split.calibration)  # frauds come in campaigns
    assert read_model(trained.folder).expected_shares == trained.model.expected_shares


def test_the_report_is_complete(trained: Any) -> None:
    report: Any = trained.report
    assert report.bootstrap.over == "campaign"
    low, high = report.intervals["average_precision"]
    assert low < report.average_precision < high
    assert sum(month.rows for month in report.by_month) == report.rows
    assert report.attack.rows == report.frauds
    assert sum(report.importance.values()) == pytest.approx(1.0)
    assert report.capacity.alerts_a_day > 0


def test_the_report_has_the_rates_of_operating_points_on_the_test(trained: Any) -> None:
    points, tested = trained.report.operating_points, trained.data.rows.iloc[trained.split.test]
    assert [item.point for item in points] == list(trained.split_model.points)
    flagged = Scorer(trained.split_model).score_columns({"text": tested["text"].tolist()})["decision"] == "flag"
    is_fraud = (tested["label"] != "legitimate").to_numpy()
    here, capacity = points[0].here, trained.report.capacity
    assert here.recall == pytest.approx(flagged[is_fraud].mean())
    assert here.false_positive_rate == pytest.approx(flagged[~is_fraud].mean())
    assert here.alerts_a_day == pytest.approx(flagged.sum() / capacity.days / capacity.share)
    assert points[0].calibration.recall == trained.split_model.points[0].recall


def test_the_report_has_the_metrics_of_labels(trained: Any, small_world: World) -> None:
    labels, sent = trained.report.labels, small_world.messages["sent_at"]
    start = trained.data.rows["as_of"].iloc[trained.split.test].min()
    assert labels.records_in_period == (sent >= start).sum()
    assert labels.gap == GapUsed(trained.split.gap_days, "95 % of the labels have arrived by then")
    assert labels.gap.days == labels.delays[2].days == trained.model.training["gap_days"] > 0
    again = small_world.labels.loc[small_world.labels["subject_id"].isin(small_world.messages["message_id"])]
    assert labels.reversals.count == again["subject_id"].duplicated().sum()
    assert {item.source for item in labels.by_source} == set(small_world.labels["source"])


def test_messages_without_a_label_are_part_of_the_capacity(trained: Any, small_world: World) -> None:
    capacity, tested = trained.report.capacity, trained.data.rows["as_of"].iloc[trained.split.test]
    share = len(tested) / small_world.messages["sent_at"].between(tested.min(), tested.max()).sum()
    assert share < 0.95
    assert capacity.share == pytest.approx(share)
    assert capacity.alerts_a_day == pytest.approx(capacity.alerts / capacity.days / share)


def test_the_run_holds_parameters_metrics_documents_digests_and_the_model(trained: Any) -> None:
    mlflow.set_tracking_uri(trained.logged.uri)
    run = mlflow.get_run(trained.logged.run_id)
    assert run.data.params["num_leaves"] == "7"
    assert run.data.metrics["average_precision"] == pytest.approx(trained.report.average_precision)
    assert run.data.tags["data.messages.sha256"] == trained.data.digests["messages"]
    assert run.data.tags["model.digest"] == trained.model.digest
    logged = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/report.json")
    assert logged == json.loads(json.dumps(trained.report.to_dict(), allow_nan=False))
    page = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/report.html")
    assert f'<div class="value">{trained.report.average_precision:.3f}</div>' in page
    assert trained.model.digest in page
    assert trained.logged.aliases == ("challenger", "champion")


def test_the_registered_model_scores_as_the_folder_does(trained: Any, small_world: World) -> None:
    mlflow.set_tracking_uri(trained.logged.uri)
    texts = small_world.messages["text"].head(50).tolist()
    expected = Scorer.load(trained.folder).score_columns({"text": texts})
    by_address = Scorer.load("models:/fraudsieve@champion", digest=trained.model.digest)
    assert (by_address.score_columns({"text": texts})["probability"] == expected["probability"]).all()
    frame = mlflow.pyfunc.load_model("models:/fraudsieve@challenger").predict(pd.DataFrame({"text": texts}))
    assert (frame["probability"].to_numpy() == expected["probability"]).all()


def test_the_run_says_what_it_is_about(trained: Any) -> None:
    client = mlflow.MlflowClient(trained.logged.uri, trained.logged.uri)
    run = client.get_run(trained.logged.run_id)
    assert run.info.status == "FINISHED"
    metric = f"{trained.report.average_precision:.3f}"
    assert run.info.run_name == f"{trained.report.rows:,} messages, average precision {metric}"
    assert f"average precision: **{metric}**" in run.data.tags["mlflow.note.content"]
    version = client.get_model_version_by_alias("fraudsieve", "champion")
    assert version.description == run.data.tags["mlflow.note.content"]
    assert run.inputs is not None
    assert {item.dataset.name for item in run.inputs.dataset_inputs} == {"messages", "labels"}
    losses = client.get_metric_history(trained.logged.run_id, "boosting.log_loss_of_training")
    assert [loss.step for loss in losses] == list(range(10, 90, 10))
    assert repr(trained).startswith(f"Trained({trained.folder}: average precision {metric} on ")
    table = trained._repr_html_()
    assert "Trained model" in table
    assert trained.model.digest in table
    assert f"average precision {metric} on " in table


def test_a_clean_world_is_trained_on_without_a_warning(trained: Any) -> None:
    assert trained.report.warnings == ()
    assert trained.model.training["warnings"] == []
    assert trained.report.temporal is None
    assert trained.report.split.gap_days == trained.split.gap_days > 0


def test_a_second_model_is_challenger_and_the_champion_stays(trained: Any, small_world: World) -> None:
    folder = trained.folder.parent
    again: Any = train(
        recipe(folder), output=folder / "again", messages=small_world.messages, labels=small_world.labels
    )
    assert again.logged.aliases == ("challenger",)
    client = mlflow.MlflowClient(trained.logged.uri)
    assert str(client.get_model_version_by_alias("fraudsieve", "champion").version) == "1"
    # The same data, recipe and seed: the same trees, text model and scores, byte by byte.
    for name in ("booster.txt", "wording.npz", "calibration.json"):
        assert (again.folder / name).read_bytes() == (trained.folder / name).read_bytes()
    texts = {"text": small_world.messages["text"].tolist()}
    first, second = (Scorer.load(run.folder).score_columns(texts)["probability"] for run in (trained, again))
    assert first.tobytes() == second.tobytes()


def test_another_number_of_workers_gives_the_same_model(trained: Any, small_world: World, tmp_path: Path) -> None:
    parallel = recipe(tmp_path, n_jobs=2, **{"track.register_model": False, "evaluate.attack": False})
    again: Any = train(parallel, output=tmp_path / "m", messages=small_world.messages, labels=small_world.labels)
    # The text of the booster names the number of threads among its parameters; the trees come before them.
    trees = [(run.folder / "booster.txt").read_text().split("\nparameters:")[0] for run in (trained, again)]
    assert trees[0] == trees[1]
    assert again.logged.aliases == ()


def test_only_types_are_trained_if_they_are_asked_for(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    crimes = labelled_messages[labelled_messages["label"] != "legitimate"].drop(columns=["sent_at", "labelled_at"])
    types = recipe(tmp_path, **{"track.register_model": False, "data.legitimate": "none"})
    result: Any = train(types, output=tmp_path / "m", messages=crimes)
    assert result.split.kind == "campaign"
    assert result.model.legitimate is None
    assert any("no record of the training slice is legitimate" in note for note in result.notes)
    assert result.report.average_precision is None
    assert np.isnan(Scorer(result.model).score_columns({"text": ["hello"]})["probability"]).all()


def test_another_name_of_the_legitimate_class(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    is_clean = labelled_messages["label"] == "legitimate"
    renamed = labelled_messages.assign(label=np.where(is_clean, "ham", "spam"))
    settings = {"data.legitimate": "ham", "split.kind": "random", **QUICK}
    result: Any = train(recipe(tmp_path, **settings), output=tmp_path / "m", messages=renamed)
    assert result.model.classes == ("ham", "spam")
    assert result.report.split.flatters
    assert result.report.average_precision > 0.8
    assert (evaluate_model(Scorer(result.model), renamed).roc_auc or 0) > 0.9


def at_random(messages: pd.DataFrame, folder: Path, **overrides: object) -> Any:
    settings = {"split.kind": "random", **QUICK, **overrides}
    return train(recipe(folder, **settings), output=folder / "m", messages=messages)


def test_a_random_split_has_temporal_metrics(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    result: Any = at_random(labelled_messages, tmp_path)
    temporal = result.report.temporal
    timed: Any = train(
        recipe(tmp_path, **QUICK),
        output=tmp_path / "timed",
        messages=labelled_messages,
    )
    for name in ("average_precision", "roc_auc", "base_rate", "macro_f1", "rows"):
        assert getattr(temporal, name) == getattr(timed.report, name)
    assert temporal.split == timed.report.split
    assert temporal.average_precision < result.report.average_precision
    assert any(f"and {temporal.average_precision:.3f} when split by time" in note for note in result.notes)
    metrics = mlflow.get_run(result.logged.run_id).data.metrics
    assert metrics["temporal.average_precision"] == pytest.approx(temporal.average_precision)
    kinds = [warning["kind"] for warning in result.report.warnings]
    assert kinds == ["label_known_late", "group_on_both_sides"]
    assert all(any(warning["found"] in note for note in result.notes) for warning in result.report.warnings)


def test_temporal_metrics_are_optional_and_need_times(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    assert at_random(labelled_messages, tmp_path, **{"split.also_temporal": False}).report.temporal is None
    (tmp_path / "untimed").mkdir()
    untimed = labelled_messages.drop(columns=["sent_at", "labelled_at"])
    assert at_random(untimed, tmp_path / "untimed").report.temporal is None


def test_the_report_has_the_reason_why_there_are_no_temporal_metrics(
    labelled_messages: pd.DataFrame, tmp_path: Path
) -> None:
    result: Any = at_random(labelled_messages, tmp_path, **{"split.gap_days": 1000})
    assert result.report.temporal.average_precision is None
    assert "leaves no " in result.report.temporal.skipped
    assert any("a split by time is not possible" in note for note in result.notes)


def test_a_column_made_from_the_label_is_named_in_report_and_notes(tmp_path: Path) -> None:
    world = simulate(days=60, n_accounts=900)
    labels = world.labels.assign(label=world.labels["label"].where(world.labels["label"] == "legitimate", "fraud"))
    latest = labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    closed = world.accounts["account_id"].map(latest) == "fraud"
    settings = {"track.register_model": False, "model.n_rounds": 5}
    result: Any = train(
        recipe(tmp_path, **settings),
        output=tmp_path / "m",
        accounts=world.accounts.assign(closed=np.where(closed, "yes", "no")),
        labels=labels,
    )
    assert [warning["column"] for warning in result.report.warnings] == ["profile__closed"]
    assert any(note.startswith("profile__closed: ") for note in result.notes)


def test_labels_are_weighted_by_the_trust_in_their_sources(small_world: World, tmp_path: Path) -> None:
    def trees(name: str, **overrides: object) -> bytes:
        settings = recipe(tmp_path, **{**QUICK, "model.n_rounds": 5, **overrides})
        result = train(settings, output=tmp_path / name, messages=small_world.messages, labels=small_world.labels)
        return (result.folder / "booster.txt").read_bytes()

    plain, alike = trees("plain"), trees("alike", **{"data.default_trust": 1.0})
    assert plain == alike
    trust = {"review": 1.0, "user_report": 0.5, "automatic": 0.1}
    assert trees("weighed", **{"data.trust": trust}) != plain
    with pytest.raises(SchemaError, match=r"has sources without a weight in \d+ of"):
        trees("unknown", **{"data.trust": {"review": 1.0}})


def test_a_single_class_is_an_error(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    with refused(SchemaError):
        train(recipe(tmp_path), output=tmp_path / "m", messages=labelled_messages.assign(label="spam"))
    assert not (tmp_path / "m").exists()


def test_a_folder_that_cannot_be_created_is_an_error_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with refused(PermissionError):
        train(recipe(tmp_path), output=tmp_path / "file" / "m", messages=tmp_path / "none.csv")
