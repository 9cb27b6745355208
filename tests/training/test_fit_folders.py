"""The folders and files that a training run writes, replaces and leaves as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import ArtifactError, SchemaError
from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.fields import FIELD_TYPES
from fraudsieve.tables.formats.files import load
from fraudsieve.tables.formats.output import write_frame
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused

pytestmark = pytest.mark.slow

SETTINGS = {
    "track.enabled": False,
    "n_jobs": 1,
    "model.n_rounds": 2,
    "evaluate.attack": False,
    "evaluate.replicates": 0,
}


def accounts(n: int = 200, n_columns: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, n_columns)).round(3), columns=[f"v{i}" for i in range(n_columns)])
    label = np.where(frame["v0"] + rng.normal(size=n) > 0.7, "fraud", "legitimate").astype(object)
    return pd.concat([frame, pd.DataFrame({"account_id": [f"a{i}" for i in range(n)], "label": label})], axis=1)


def run(folder: Path, frame: pd.DataFrame | Path | None = None, *, refit: bool = False, **given: Any) -> Any:
    recipe = Recipe.read(overrides=SETTINGS | {"model.refit": refit})
    return train(recipe, accounts=accounts() if frame is None else frame, output=folder / "m", **given)


def failing_at(start: str) -> Callable[[str], None]:
    def report(step: str) -> None:
        if step.startswith(start):
            raise MemoryError(step)

    return report


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_refit_that_fails_leaves_the_older_models_in_place(tmp_path: Path) -> None:
    older = run(tmp_path, refit=True)
    with pytest.raises(MemoryError):
        run(tmp_path, refit=True, overwrite=True, progress=failing_at("refit: calibrating"))
    assert names(tmp_path) == ["m", "m.split-model"]
    assert read_model(tmp_path / "m").digest == older.model.digest
    assert read_model(tmp_path / "m.split-model").digest == older.split_model.digest
    newer = run(tmp_path, refit=True, overwrite=True)
    assert names(tmp_path) == ["m", "m.split-model"]
    assert read_model(tmp_path / "m").digest == newer.model.digest


def test_a_run_that_fails_before_the_model_is_written_keeps_the_older_one(tmp_path: Path) -> None:
    older = run(tmp_path)
    for step in ("evaluating", "writing"):
        with pytest.raises(MemoryError):
            run(tmp_path, overwrite=True, progress=failing_at(step))
    assert names(tmp_path) == ["m"]
    assert read_model(tmp_path / "m").digest == older.model.digest
    assert run(tmp_path, overwrite=True).model.digest == read_model(tmp_path / "m").digest


@pytest.mark.parametrize("refit", [False, True])
def test_a_model_that_cannot_score_is_not_kept(refit: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = run(tmp_path)
    text = FIELD_TYPES["number"]._replace(samples=("a", "a", "a"))
    monkeypatch.setattr("fraudsieve.models.scoring.samples.FIELD_TYPES", {**FIELD_TYPES, "number": text})
    for overwrite, folder in ((True, tmp_path), (False, tmp_path / "new")):
        with refused(ArtifactError):
            run(folder, refit=refit, overwrite=overwrite)
    assert names(tmp_path) == ["m", "new"]
    assert names(tmp_path / "new") == []
    assert read_model(tmp_path / "m").digest == older.model.digest


@pytest.mark.parametrize(("ending", "written"), [("csv", "csv"), ("tsv", "csv"), ("jsonl", "jsonl"), ("xlsx", "xlsx")])
def test_rejected_rows_are_in_the_format_of_their_table(ending: str, written: str, tmp_path: Path) -> None:
    bad = accounts()
    bad.loc[3, "account_id"] = None
    if ending == "tsv":
        bad.to_csv(tmp_path / "a.tsv", sep="\t", index=False)
    else:
        write_frame(bad, tmp_path / f"a.{ending}")
    (tmp_path / "m.rejected-accounts.parquet").touch()  # of an older run
    trained = run(tmp_path, tmp_path / f"a.{ending}")
    rejected = load(tmp_path / f"m.rejected-accounts.{written}").frame
    assert rejected[["row", "column"]].astype(str).to_numpy().tolist() == [["3", "account_id"]]
    assert not (tmp_path / "m.rejected-accounts.parquet").exists()
    assert any(f"m.rejected-accounts.{written} has the reasons" in note for note in trained.notes)
    with refused(FileExistsError):
        run(tmp_path, tmp_path / f"m.rejected-accounts.{written}", overwrite=True)


def test_nothing_of_an_overwritten_run_is_left(tmp_path: Path) -> None:
    bad = accounts()
    bad.loc[3, "account_id"] = None
    first = run(tmp_path, bad, refit=True)
    assert len(first.data.rejected) == 1
    assert names(tmp_path) == ["m", "m.rejected-accounts.parquet", "m.split-model"]
    second = run(tmp_path, overwrite=True)
    assert len(second.data.rejected) == 0
    assert names(tmp_path) == ["m"]


def no_step_but_reading(step: str) -> None:
    assert step == "reading"


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (accounts(40, 1001), "accounts: custom columns: expected at most 1,000 of numbers, got 1,001. Remove some"),
        (
            accounts().replace({"label": {"fraud": "q" * 257}}),
            "frame: label: expected labels of at most 256 characters, got one of 257. Shorten it",
        ),
        (
            accounts(2570).assign(label=[f"type {i % 257}" for i in range(2570)]),
            "frame: label: expected at most 256 different labels, got 257. Merge labels",
        ),
    ],
    ids=["columns", "label", "labels"],
)
def test_what_no_model_can_hold_is_an_error_before_the_training(
    frame: pd.DataFrame, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(SchemaError) as caught:
        run(tmp_path, frame, progress=no_step_but_reading)
    assert str(caught.value).startswith(problem)
    assert "qq" not in str(caught.value)
    assert names(tmp_path) == []


def test_a_model_of_as_many_columns_as_are_allowed_can_be_read(tmp_path: Path) -> None:
    assert len(run(tmp_path, accounts(60, 1000)).model.matrix.custom.numbers) == 1000
    assert len(read_model(tmp_path / "m").matrix.custom.numbers) == 1000
