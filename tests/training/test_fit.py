"""Training from tables to a model folder and a run in MLflow: whole, repeatable, and the same wherever it scores."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.exceptions import SchemaError
from fraudsieve.models.flavor import model_folder
from fraudsieve.models.predict import Scorer
from fraudsieve.training.fit import Trained, evaluate_model, train
from fraudsieve.training.recipe import Recipe, RecipeError
from fraudsieve.training.simulate import World


def recipe(folder: Path, **overrides: object) -> Recipe:
    return Recipe.read(overrides={"track.uri": f"sqlite:///{folder}/mlflow.db", "n_jobs": 1, **overrides})


@pytest.fixture(scope="module")
def trained(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("train")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return train(recipe(folder), output=folder / "model", messages=small_world.messages, labels=small_world.labels)


def test_the_model_beats_chance_on_later_messages(trained: Trained) -> None:
    assert trained.split.kind == "time"
    assert trained.sheet["average_precision"] > 2 * trained.sheet["base_rate"]
    assert trained.model.legitimate == "legitimate"
    assert trained.model.points[0].false_positive_rate <= 0.01


def test_the_sheet_is_whole(trained: Trained) -> None:
    sheet = trained.sheet
    assert sheet["bootstrap"]["over"] == "campaign"
    low, high = sheet["intervals"]["average_precision"]
    assert low < sheet["average_precision"] < high
    assert sum(month["rows"] for month in sheet["by_month"]) == sheet["rows"]
    assert sheet["attack"]["rows"] == sheet["frauds"]
    assert sum(sheet["importance"].values()) == pytest.approx(1.0)
    assert sheet["capacity"]["alerts_a_day"] > 0


def test_every_row_is_somewhere(trained: Trained, small_world: World) -> None:
    split, data = trained.split, trained.data
    used = sum(len(rows) for rows in (split.train, split.calibration, split.test)) + sum(split.dropped.values())
    assert used + data.n_unlabelled + len(data.rejected) == len(small_world.messages)


def test_the_run_holds_parameters_metrics_documents_digests_and_the_model(trained: Trained) -> None:
    mlflow.set_tracking_uri(trained.logged.uri)
    run = mlflow.get_run(trained.logged.run_id)
    assert run.data.params["num_leaves"] == "7"
    assert run.data.metrics["average_precision"] == pytest.approx(trained.sheet["average_precision"])
    assert run.data.tags["data.messages.sha256"] == trained.data.digests["messages"]
    assert run.data.tags["model.digest"] == trained.model.digest
    logged = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/sheet.json")
    assert logged == json.loads(json.dumps(trained.sheet, allow_nan=False))
    page = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/report.html")
    assert f'<div class="value">{trained.sheet["average_precision"]:.3f}</div>' in page
    assert trained.model.digest in page
    assert trained.logged.aliases == ("challenger", "champion")


def test_the_registered_model_scores_as_the_folder_does(trained: Trained, small_world: World) -> None:
    mlflow.set_tracking_uri(trained.logged.uri)
    texts = small_world.messages["text"].head(50).tolist()
    expected = Scorer.load(trained.folder).score_columns({"text": texts})
    by_address = Scorer.load(model_folder("models:/fraudsieve@champion"), digest=trained.model.digest)
    assert (by_address.score_columns({"text": texts})["probability"] == expected["probability"]).all()
    frame = mlflow.pyfunc.load_model("models:/fraudsieve@challenger").predict(pd.DataFrame({"text": texts}))
    assert (frame["probability"].to_numpy() == expected["probability"]).all()


def test_a_second_model_is_challenger_and_the_champion_stays(trained: Trained, small_world: World) -> None:
    folder = trained.folder.parent
    again = train(recipe(folder), output=folder / "again", messages=small_world.messages, labels=small_world.labels)
    assert again.logged.aliases == ("challenger",)
    client = mlflow.MlflowClient(trained.logged.uri)
    assert str(client.get_model_version_by_alias("fraudsieve", "champion").version) == "1"
    # The same data, recipe and seed: byte for byte the same trees, wording and scores.
    for name in ("booster.txt", "wording.npz", "calibration.json"):
        assert (again.folder / name).read_bytes() == (trained.folder / name).read_bytes()
    texts = {"text": small_world.messages["text"].tolist()}
    one, two = (Scorer.load(run.folder).score_columns(texts)["probability"] for run in (trained, again))
    assert one.tobytes() == two.tobytes()


def test_another_number_of_workers_gives_the_same_model(trained: Trained, small_world: World, tmp_path: Path) -> None:
    parallel = recipe(tmp_path, n_jobs=2, **{"track.register_model": False})
    again = train(parallel, output=tmp_path / "m", messages=small_world.messages, labels=small_world.labels)
    # The text of the booster names the number of threads among its parameters; the trees come before.
    trees = [(run.folder / "booster.txt").read_text().split("\nparameters:")[0] for run in (trained, again)]
    assert trees[0] == trees[1]
    assert again.logged.aliases == ()


def test_types_alone_when_no_label_is_legitimate(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    crimes = labelled_messages[labelled_messages["label"] != "legitimate"].drop(columns=["sent_at", "labelled_at"])
    done = train(recipe(tmp_path, **{"track.register_model": False}), output=tmp_path / "m", messages=crimes)
    assert done.split.kind == "campaign"
    assert done.model.legitimate is None
    assert any("no label is 'legitimate'" in note for note in done.notes)
    assert "average_precision" not in done.sheet
    assert np.isnan(Scorer(done.model).score_columns({"text": ["hello"]})["probability"]).all()


def test_another_word_for_legitimate(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    is_clean = labelled_messages["label"] == "legitimate"
    renamed = labelled_messages.assign(label=np.where(is_clean, "ham", "spam"))
    settings = {"data.legitimate": "ham", "split.kind": "random", "track.register_model": False}
    done = train(recipe(tmp_path, **settings), output=tmp_path / "m", messages=renamed)
    assert done.model.classes == ("ham", "spam")
    assert done.sheet["split"]["flatters"]
    assert done.sheet["average_precision"] > 0.8
    assert evaluate_model(Scorer(done.model), renamed)["roc_auc"] > 0.9


def test_a_single_class_is_refused(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="1 classes have enough rows, at least 2 are needed"):
        train(recipe(tmp_path), output=tmp_path / "m", messages=labelled_messages.assign(label="spam"))
    assert not (tmp_path / "m").exists()


def test_an_existing_folder_is_refused_before_any_work(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="exists already"):
        train(recipe(tmp_path), output=tmp_path, messages=labelled_messages)


def test_no_messages_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="names no messages"):
        train(recipe(tmp_path), output=tmp_path / "m")
