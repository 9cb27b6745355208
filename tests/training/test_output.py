"""The folder that a training run writes, and what happens to an older model in it."""

from pathlib import Path

import pytest

from fraudsieve.training.output import check_model_output, replacing_models


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
    with replacing_models([folder, tmp_path / "split-model"]):
        assert (tmp_path / "model.previous" / "manifest.json").read_text() == "old"
        model(folder, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (folder / "manifest.json").read_text() == "new"


def test_older_models_are_put_back_if_writing_fails(tmp_path: Path) -> None:
    folder, second, third = model(tmp_path / "model", "old"), tmp_path / "second", model(tmp_path / "third", "old")

    def write() -> None:
        with replacing_models([folder, second, third]):
            model(folder, "new")
            model(second, "new")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "third"]
    assert {path.read_text() for path in tmp_path.glob("*/manifest.json")} == {"old"}
    assert third.is_dir()


def test_an_older_model_that_cannot_be_moved_stays(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "old")
    (tmp_path / "second.previous").write_text("a file in the way")
    second = model(tmp_path / "second", "old")
    with pytest.raises(NotADirectoryError), replacing_models([folder, second]):
        pytest.fail("the work has begun")
    assert {path.read_text() for path in tmp_path.glob("*/manifest.json")} == {"old"}
    assert (second / "manifest.json").exists()


def test_the_remains_of_an_interrupted_run_are_not_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    model(tmp_path / "model.previous", "old")
    problem = (
        r"model\.previous: expected nothing there, got the older model .* Delete it if .*otherwise rename it to model"
    )
    for _ in range(2):
        with pytest.raises(FileExistsError, match=problem):
            check_model_output(folder, overwrite=True)
        folder.mkdir(exist_ok=True)
        (folder / "manifest.json").touch()
    assert (tmp_path / "model.previous" / "manifest.json").read_text() == "old"
