"""The folder that a training run writes, and what happens to an older model in it."""

from pathlib import Path

import pytest

from fraudsieve.training.output import check_model_output, remove_aside, set_aside


def model(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(content)
    return folder


def test_an_older_model_stays_unless_it_is_to_be_overwritten(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "old")
    with pytest.raises(FileExistsError, match=r"expected a new folder, got an existing one.*--overwrite"):
        check_model_output(folder, overwrite=False)
    check_model_output(folder, overwrite=True)
    assert (folder / "manifest.json").read_text() == "old"


def test_a_folder_that_is_no_model_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    with pytest.raises(FileExistsError, match="expected a model folder to overwrite, got something else"):
        check_model_output(tmp_path / "notes", overwrite=True)


def test_the_older_model_is_deleted_once_the_new_one_is_complete(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "old")
    set_aside([folder, tmp_path / "split-model"])
    assert (tmp_path / "model.previous" / "manifest.json").read_text() == "old"
    model(folder, "new")
    remove_aside([folder, tmp_path / "split-model"])
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_remains_of_an_interrupted_run_are_not_deleted(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "half")
    model(tmp_path / "model.previous", "old")
    with pytest.raises(FileExistsError, match=r"model\.previous: expected a new folder, got an existing one"):
        check_model_output(folder, overwrite=True)
