"""A refitted run: the metrics are of the evaluated model, and the written model has seen all mature rows."""

import json
import re
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.training.data.builders import builder_of_model, matrix_of
from fraudsieve.training.data.groups import groups_of, trained_until
from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
from fraudsieve.training.fit import train
from fraudsieve.training.held_out import HeldOutScores, needs_folds, with_all_classes
from fraudsieve.training.promotion.decision import compare_judged, promote
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import plan_refit
from fraudsieve.training.simulation.world import World
from fraudsieve.training.tracking.store import use_store
from tests.messages import refused
from tests.shared import mlflow_uri

pytestmark = pytest.mark.slow

QUICK = {"features.pinyin": False, "evaluate.attack": False, "evaluate.replicates": 0, "n_jobs": 1}
FILES = ("booster.txt", "wording.npz", "calibration.json")


def run(folder: Path, name: str, *, refit: bool, **tables: Any) -> Any:
    recipe = Recipe.read(overrides={"track.uri": mlflow_uri(folder), "model.refit": refit, **QUICK})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return train(recipe, output=folder / name, **tables)


@pytest.fixture(scope="module")
def runs(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Return a run without and a run with a refit."""
    folder = tmp_path_factory.mktemp("refit")
    tables: Any = {"messages": small_world.messages, "labels": small_world.labels}
    return run(folder, "plain", refit=False, **tables), run(folder, "model", refit=True, **tables)


def test_the_report_and_the_model_of_the_split_are_those_without_a_refit(runs: tuple[Any, Any]) -> None:
    plain, refitted = runs
    report = refitted.report.to_dict()
    assert report.pop("refit") is not None
    expected = plain.report.to_dict()
    assert expected.pop("refit") is None
    selections = [figures.pop("label_selection") for figures in (report, expected)]
    assert selections[0]["labelled"] > selections[1]["labelled"]  # the first run is the champion of the second one
    assert report == expected
    beside = refitted.folder.parent / "model.split-model"
    assert read_model(beside).digest == refitted.split_model.digest
    for name in FILES:
        assert (beside / name).read_bytes() == (plain.folder / name).read_bytes()
    assert read_model(beside).points == plain.model.points
    assert plain.split_model is None
    assert not (plain.folder.parent / "plain.split-model").exists()


def test_the_refitted_model_expects_the_shares_of_rows_that_calibrate_it(runs: tuple[Any, Any]) -> None:
    _, refitted = runs
    unlike, flagged = read_model(refitted.folder).expected_shares
    assert (unlike.name, flagged.name) == ("unlike_training", "flagged")
    assert unlike.share == pytest.approx(0.01, abs=0.003)
    assert flagged.share == pytest.approx(refitted.model.points[0].flagged, abs=0.001)
    assert refitted.model.expected_shares != refitted.split_model.expected_shares


def test_what_is_written_is_the_refitted_model(runs: tuple[Any, Any]) -> None:
    plain, refitted = runs
    written = read_model(refitted.folder)
    assert written.digest == refitted.model.digest != refitted.split_model.digest
    for name in FILES:
        assert (refitted.folder / name).read_bytes() != (plain.folder / name).read_bytes()
    rounds = written.ensemble.booster.current_iteration()
    assert rounds == refitted.split_model.ensemble.booster.current_iteration()
    # It has learned from the test slice of the split.
    tested = refitted.data.rows.iloc[refitted.split.test]
    seen = {"text": tested["text"].tolist()}
    is_fraud = (tested["label"] != "legitimate").to_numpy()
    before, after = (Scorer(model).score_columns(seen)["probability"] for model in (plain.model, written))
    assert after[is_fraud].mean() > before[is_fraud].mean()


def test_the_manifest_says_all_of_it(runs: tuple[Any, Any]) -> None:
    plain, refitted = runs
    training = json.loads((refitted.folder / "manifest.json").read_text("utf-8"))["training"]
    before = refitted.split_model.training
    assert training["refit"] is True
    assert training["metrics_of"] == "split_model"
    parts = ("rows", "window", "calibration_window")
    assert training["split_model"] == {"digest": refitted.split_model.digest, **{name: before[name] for name in parts}}
    assert training["rows"]["train"] > sum(before["rows"].values())
    assert training["window"][1] > before["calibration_window"][1]
    assert training["rows"]["calibration"] > before["rows"]["calibration"]
    assert training["recipe"]["model"]["refit"] is True
    assert (training["split"], training["gap_days"]) == ("time", refitted.split.gap_days)
    assert "refit" not in plain.model.training


def test_calibration_and_points_are_those_of_rows_that_the_evaluated_model_has_not_learned_from(
    runs: tuple[Any, Any],
) -> None:
    _, refitted = runs
    data, model, evaluated = refitted.data, refitted.model, refitted.split_model
    groups, _ = groups_of(data)
    truth, later = data.rows["label"].to_numpy(object), plan_refit(data, refitted.split).split.calibration
    assert not needs_folds(data, groups, later, Recipe())
    matrix = matrix_of(builder_of_model(evaluated, data), data.rows.iloc[later]).to_numpy()
    odds = with_all_classes(evaluated.ensemble.log_odds(matrix), evaluated.classes, model.classes)
    scores = HeldOutScores(later, odds, np.isin(truth[later], evaluated.classes))
    assert model.calibration == scores.calibrate(truth, model.classes)
    fraud = fraud_probability(model.calibration.apply(odds), model.classes, "legitimate")
    legitimate = truth[later] == "legitimate"
    for point in model.points:
        flagged = fraud >= point.threshold
        assert flagged[legitimate].mean() == point.false_positive_rate
        assert flagged[~legitimate].mean() == point.recall
    found = {point.legitimate_groups for point in model.points} - {None}
    assert found == {len(set(groups[later][legitimate].tolist()))}
    assert model.points[0].estimated_false_positive_rate == 0.01


def test_no_command_scores_rows_of_the_refit_without_saying_so(runs: tuple[Any, Any], small_world: World) -> None:
    plain, refitted = runs
    until, before_refit = trained_until(refitted.model), trained_until(plain.model)
    assert until is not None
    assert before_refit is not None
    assert until > before_refit
    tables: Any = {"messages": small_world.messages, "labels": small_world.labels}
    since = refitted.data.rows["as_of"].iloc[refitted.split.test].min().to_pydatetime()
    recipe = Recipe.read(overrides={"evaluate.replicates": 0})
    evaluation = evaluate_tables(refitted.folder, **tables, recipe=recipe, since=since)
    seen = int((evaluation.data.rows["as_of"] <= until).sum())
    assert evaluation.report.not_later_than_training == seen > 0
    assert any(
        "are not later than training and calibration: metrics on them are optimistic" in note
        for note in evaluation.notes
    )
    of_split = evaluate_tables(plain.folder, **tables, recipe=recipe, since=since)
    assert of_split.report.not_later_than_training == 0
    before: Any = {
        "messages": small_world.messages[small_world.messages["sent_at"] <= until],
        "labels": small_world.labels,
    }
    with pytest.raises(SchemaError, match=re.escape(f"later than {until.isoformat()}")):
        compare_judged(Scorer(plain.model), Scorer(refitted.model), before, recipe, lambda step: None)


def test_the_run_in_mlflow_has_the_refitted_model_and_says_whose_the_metrics_are(runs: tuple[Any, Any]) -> None:
    plain, refitted = runs
    use_store(refitted.logged.uri)
    logged = mlflow.get_run(refitted.logged.run_id)
    assert logged.data.tags["refit"] == "true"
    assert logged.data.tags["metrics_of"] == "split_model"
    assert logged.data.tags["split_model.digest"] == refitted.split_model.digest
    assert logged.data.tags["model.digest"] == refitted.model.digest
    assert logged.data.metrics["average_precision"] == pytest.approx(plain.report.average_precision)
    assert Scorer.load(model_folder(refitted.logged.model_uri)).model.digest == refitted.model.digest
    assert "refit" not in mlflow.get_run(plain.logged.run_id).data.tags
    page = mlflow.artifacts.load_text(f"{logged.info.artifact_uri}/report.html")
    assert "The metrics are of the evaluated model, trained on " in page
    assert "rows, each scored by a model that had not learned from it" in page
    assert refitted.split_model.digest in page


def test_the_gates_look_at_the_model_of_the_split(runs: tuple[Any, Any], small_world: World) -> None:
    plain, refitted = runs
    overrides = {"track.uri": refitted.logged.uri, "evaluate.replicates": 20, "evaluate.attack": False}
    recipe = Recipe.read(overrides=overrides)
    tables: Any = {"messages": small_world.messages, "labels": small_world.labels}
    for dry_run in (True, False):
        result = promote(recipe, **tables, dry_run=dry_run).comparison
        assert result is not None
        assert result.champion is not None
        assert result.champion.digest == plain.model.digest
        assert result.challenger.digest == refitted.split_model.digest
        assert result.rows >= len(refitted.split.test)
        # The same trees on the same later records.
        assert result.figures["average_precision"].difference == 0
        assert any("its evaluated model, with the same settings, is compared" in warning for warning in result.warnings)


def test_without_times_all_rows_are_trained_on(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    label = labelled_messages["label"]
    untimed = labelled_messages.drop(columns=["sent_at", "labelled_at"])
    untimed = untimed.assign(label=label.where(label == "legitimate", "fraud"))
    result = run(tmp_path, "model", refit=True, messages=untimed)
    training = result.model.training
    before = result.split_model.training["rows"]
    assert training["rows"] == {"train": len(untimed), "calibration": len(untimed) - before["train"]}
    assert training["left_out"] == {}
    assert trained_until(result.model) is None
    assert result.report.refit.window == ()
    # The same table is rejected where later records cannot be told from those of the refit.
    with pytest.raises(SchemaError, match="trained on this table"):
        compare_judged(
            Scorer(result.split_model), Scorer(result.model), {"messages": untimed}, Recipe(), lambda step: None
        )


def test_a_refit_of_events(payments: Any, tmp_path: Path) -> None:
    result = run(tmp_path, "model", refit=True, events=payments(days=(0, 60), seed=1))
    training = result.model.training
    assert trained_until(result.model) == pd.Timestamp(training["window"][1])
    later = payments(days=(60, 70), seed=2)
    everything = pd.concat([payments(days=(0, 60), seed=1), later], ignore_index=True)
    evaluation = evaluate_tables(tmp_path / "model", events=everything, since=later["occurred_at"].min())
    assert evaluation.report.not_later_than_training == 0
    assert 0.5 < (evaluation.report.observed_over_expected or 0) < 2
    assert (evaluation.report.average_precision or 0) > 2 * (evaluation.report.base_rate or 1)
    rate = evaluation.report.operating_points[0].here.false_positive_rate
    assert rate is not None
    assert rate < 0.03


def test_both_folders_must_be_new(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "model.split-model").mkdir()
    recipe = Recipe.read(overrides={"model.refit": True})
    with refused(FileExistsError, "model.split"):
        train(recipe, output=tmp_path / "model", messages=labelled_messages)
    assert [*tmp_path.iterdir()] == [tmp_path / "model.split-model"]
