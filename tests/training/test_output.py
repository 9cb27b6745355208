"""The folder that a training run writes, and what happens to an older model in it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from fraudsieve.retrain import retrain
from fraudsieve.training import train
from fraudsieve.training.output import check_model_output, claiming, replacing_models
from tests.messages import refused

HOLD = """
import sys
from fraudsieve.training.output import claiming
with claiming(sys.argv[1]):
    print("claimed", flush=True)
    sys.stdin.read()
"""


def model(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(content)
    return folder


def test_an_older_model_stays_unless_it_is_to_be_overwritten(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "old")
    with refused(FileExistsError, "--overwrite"):
        check_model_output(folder, overwrite=False)
    check_model_output(folder, overwrite=True)
    assert (folder / "manifest.json").read_text() == "old"


def test_a_folder_that_is_no_model_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    with refused(FileExistsError):
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


@contextmanager
def another_run(folder: Path) -> Iterator[subprocess.Popen[str]]:
    call = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "claimed\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_a_second_run_into_a_folder_fails_before_any_work_and_names_the_first(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", "old")
    runs: list[Callable[[], object]] = [
        lambda: train(output=folder, overwrite=True, messages="no such file.csv"),
        lambda: retrain("no such model", events="no such file.csv", output=folder, overwrite=True),
    ]
    with another_run(folder) as first:
        for run in runs:
            problem = rf"{folder}: expected no other run that writes it, got process {first.pid} on .*, since 20.* UTC"
            with pytest.raises(FileExistsError, match=problem):
                run()
        with claiming(tmp_path / "another"):
            pass
    # The first was killed: its file is left, and blocks nobody.
    assert (tmp_path / ".model.lock").exists()
    for run in runs:
        with pytest.raises(Exception, match="no such") as failed:
            run()
        assert not isinstance(failed.value, FileExistsError)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_runs_of_one_process_exclude_each_other_and_a_training_is_part_of_its_retraining(tmp_path: Path) -> None:
    def claim(_: int) -> bool:
        try:
            with claiming(tmp_path / "model"), claiming(tmp_path / "folder" / ".." / "model"):
                inside.append(1)
                assert len(inside) == 1
                inside.clear()
        except FileExistsError:
            return False
        return True

    inside: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(claim, range(200)))
        assert any(claimed)
        with claiming(tmp_path / "model"):
            assert not any(pool.map(claim, range(4)))
    assert list(tmp_path.iterdir()) == []
