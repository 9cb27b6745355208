"""The model folder: the same model is restored, written completely or not at all, and without pickle."""

import hashlib
import json
import os
import pickle
import re
import stat
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.features import MessageMatrix
from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.models import FraudClassifier, Model, Scorer, read_model, write_model
from fraudsieve.models.artifact.arrays import MANIFEST_BYTES
from fraudsieve.models.artifact.folder import FORMAT
from fraudsieve.models.artifact.model_address import MLFLOW_FOLDER
from fraudsieve.models.flavor import save_model
from tests.messages import refused
from tests.models.artifact.model_folders import FILES

pytestmark = pytest.mark.slow


def test_the_same_model_is_restored(fitted: Any) -> None:
    read = read_model(fitted.folder)
    for name in ("name", "classes", "legitimate", "calibration", "points", "training", "digest"):
        assert getattr(read, name) == getattr(fitted.model, name)
    assert read.matrix.columns == fitted.model.matrix.columns
    assert read.ensemble.wording == fitted.model.ensemble.wording
    assert read.digest == hashlib.sha256((fitted.folder / "manifest.json").read_bytes()).hexdigest()
    before, after = (Scorer(model).log_odds(fitted.texts) for model in (fitted.model, read))
    assert np.isfinite(before).all()
    np.testing.assert_array_equal(before, after)


def test_a_folder_written_from_a_folder_has_the_same_files(binary: Any, tmp_path: Path) -> None:
    again = write_model(read_model(binary.folder), tmp_path / "deep" / "er" / "again")
    names = sorted(path.name for path in binary.folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "deep" / "er" / "again").iterdir()) == list(FILES)
    for name in set(FILES) - {"manifest.json", "wording.npz"}:
        assert (binary.folder / name).read_bytes() == (tmp_path / "deep" / "er" / "again" / name).read_bytes()
    assert read_model(tmp_path / "deep" / "er" / "again", digest=again.digest).digest == again.digest


def test_a_model_without_wording_is_restored(binary: Any, tmp_path: Path) -> None:
    matrix = MessageMatrix(None, lists=CustomLists.of(brands=("paypal",)))
    rows = matrix.compute(binary.texts)
    classifier = FraudClassifier(n_rounds=5, n_jobs=1).fit(rows, binary.labels)
    model = Model("plain", ("fraud", "legitimate"), None, matrix, classifier.ensemble_, classifier.calibration_)
    write_model(model, tmp_path / "plain")
    assert not (tmp_path / "plain" / "wording.npz").exists()
    assert read_model(tmp_path / "plain").matrix == matrix
    np.testing.assert_array_equal(
        Scorer.load(tmp_path / "plain").log_odds(binary.texts)[:, 0], classifier.decision_function(rows)
    )


def test_there_is_no_pickle_in_the_folder(fitted: Any) -> None:
    for path in fitted.folder.iterdir():
        assert path.suffix in {".json", ".txt", ".npz"}
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                members = [archive.read(name) for name in archive.namelist()]
            with np.load(path, allow_pickle=False) as stored:
                assert {stored[name].dtype.kind for name in stored.files} <= {"i", "f", "u"}
        else:
            members = [path.read_bytes()]
            members[0].decode("ascii" if path.suffix == ".txt" else "utf-8")
        assert [member for member in members if re.match(rb"\x80[\x02-\x05]", member)] == []


def test_an_existing_folder_is_not_changed(binary: Any, tmp_path: Path) -> None:
    before = (binary.folder / "manifest.json").read_bytes()
    for folder in (binary.folder, tmp_path):
        with refused(FileExistsError):
            write_model(binary.model, folder)
    assert (binary.folder / "manifest.json").read_bytes() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "n" * 257}, "expected a name and classes of at most 256 characters, got more"),
        ({"classes": ("fraud", "legitimate" * 26)}, "expected a name and classes of at most 256 characters, got more"),
        ({"classes": tuple(f"c{place}" for place in range(257))}, "expected at most 256 classes, got 257"),
        ({"training": {"notes": "n" * MANIFEST_BYTES}}, "expected at most 16777216 bytes in manifest.json, got"),
    ],
    ids=["name", "class", "classes", "manifest"],
)
def test_a_model_that_could_not_be_read_is_not_written(
    binary: Any, changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "model"
    with pytest.raises(ArtifactError) as caught:
        write_model(replace(binary.model, **changes), folder)
    assert str(caught.value).startswith(f"{folder}: the model cannot be written: {problem}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("survived", [0, 1, 3])
def test_a_failed_write_leaves_nothing_behind(
    binary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        assert not (tmp_path / "model").exists()  # a partial folder is never visible
        if len(calls) > survived:
            raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="the disk is full"):
        write_model(binary.model, tmp_path / "model")
    assert len(calls) == survived + 1
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_nothing_behind(
    binary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(path: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        write_model(binary.model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_values_that_json_cannot_hold_are_rejected_first(binary: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_model(replace(binary.model, training={"rows": object()}), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_the_folder_and_its_copy_in_mlflow(binary: Any, tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        write_model(binary.model, tmp_path / "model")
        save_model(tmp_path / "logged", folder=tmp_path / "model")
    finally:
        os.umask(umask)
    for folder in (tmp_path / "model", tmp_path / "logged" / MLFLOW_FOLDER):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_manifest_describes_the_model(binary: Any) -> None:
    manifest = json.loads((binary.folder / "manifest.json").read_text("utf-8"))
    assert manifest["format"] == FORMAT
    assert [column["name"] for column in manifest["columns"]] == list(binary.model.matrix.columns)
    assert set(manifest["libraries"]) == {"fraudsieve", "numpy", "lightgbm", "numba"}
    assert set(manifest["files"]) == set(FILES) - {"manifest.json"}
    for name, entry in manifest["files"].items():
        content = (binary.folder / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert [point["threshold"] for point in manifest["operating_points"]] == [
        point.threshold for point in binary.model.points
    ]
    assert manifest["reasons"] == "shapley"


def test_the_error_can_be_pickled() -> None:
    error = ArtifactError("booster.txt", "is gone", "Copy it again.")
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.origin, copied.problem, copied.fix, str(copied)) == (
        error.origin,
        error.problem,
        error.fix,
        str(error),
    )
