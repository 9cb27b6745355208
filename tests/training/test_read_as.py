"""The encoding and decimal signs of the training's tables: the model remembers them for the files that it scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.batch.score import score_file
from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from tests.shared import shared_folder

from .known_world import SETTINGS, draw

pytestmark = pytest.mark.slow


def records(n: int = 1_200) -> pd.DataFrame:
    """Return payments of which the large ones are fraud more often, with amounts as Germans and Turks write them."""
    frame = draw(np.random.default_rng(3), n, 0).records
    amounts = np.exp(6 + frame.pop("x0")).round(2)
    written = [f"{amount:,.2f}".translate(str.maketrans(",.", ".,")) for amount in amounts]
    return frame.assign(amount=written, shop=np.where(frame.index % 3 == 0, "Şişli", "Yıldız"))


def write(frame: pd.DataFrame, file: Path, encoding: str = "cp1254") -> Path:
    frame.to_csv(file, sep=";", index=False, encoding=encoding)
    return file


@pytest.fixture(scope="module")
def folder() -> Path:
    def fit(folder: Path) -> None:
        file = write(records(), folder / "events.csv")
        train(Recipe.read(overrides=SETTINGS), output=folder / "model", events=file)

    return shared_folder("read_as", fit)


def test_a_model_remembers_what_its_tables_decided(folder: Path, tmp_path: Path) -> None:
    model = read_model(folder / "model")
    assert model.training["read_as"] == {"encoding": "cp1254", "events.amount": ","}
    file = write(records().replace({"Şişli": "A", "Yıldız": "B"}).assign(amount="7"), tmp_path / "plain.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert "read_as" not in train(Recipe.read(overrides=SETTINGS), output="m", events=file).model.training


def test_a_file_in_doubt_is_scored_as_the_training_was_read(folder: Path, tmp_path: Path) -> None:
    few = records().drop(columns=["label", "labelled_at"]).head(2).assign(amount=["1.234", "17"], shop="Şişli")
    clear = few.assign(amount=["1234", "17"])
    scores = {}
    for name, frame, encoding in (("doubt", few, "cp1254"), ("clear", clear, "utf-8")):
        result = score_file(
            folder / "model", write(frame, tmp_path / f"{name}.csv", encoding), tmp_path / f"{name}.parquet"
        )
        scores[name] = pd.read_parquet(result.output).drop(columns="scored_at", errors="ignore"), result.notes
    pd.testing.assert_frame_equal(scores["doubt"][0], scores["clear"][0])
    assert "amount is read as 1.234,50, with a decimal comma" in scores["doubt"][1]
    assert any("read as cp1254;" in note for note in scores["doubt"][1])
    assert "training data was read as cp1254, not as utf-8" in scores["clear"][1]


def test_a_file_that_is_clearly_otherwise_is_read_so_and_a_note_says_it(folder: Path, tmp_path: Path) -> None:
    later = records().assign(amount=lambda frame: frame["amount"].str.translate(str.maketrans(",.", ".,")))
    file = write(later.assign(shop="Père Noël — l’été"), tmp_path / "later.csv", "cp1252")
    notes = evaluate_tables(folder / "model", events=file).data.notes
    assert "amount is read as 1,234.50, with a decimal point, unlike in the training data" in notes
    assert "training data was read as cp1254, not as cp1252" in notes
