"""Tests of ``unlike_training.npz`` in a model folder: equal after reading, and rejected when its numbers are wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models import read_model, write_model
from fraudsieve.models.artifact.folder import OF_DISTANCE
from fraudsieve.models.unlike_training.shares import UnlikeTraining
from tests.fitted_models import Fitted


def unlike_of(fitted: Fitted) -> UnlikeTraining:
    assert fitted.model.unlike is not None
    return fitted.model.unlike


def test_the_arrays_are_equal_after_reading(binary: Fitted, tmp_path: Path) -> None:
    written = unlike_of(binary)
    write_model(binary.model, tmp_path / "model")
    read = read_model(tmp_path / "model").unlike
    assert read is not None
    assert read.scale == written.scale
    for name in OF_DISTANCE:
        np.testing.assert_array_equal(getattr(read.distance, name), getattr(written.distance, name))
    for name in ("values", "shares", "usual"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert (tmp_path / "model" / "unlike_training.npz").stat().st_size < 40_000


def test_a_model_without_it_has_no_file(binary: Fitted, tmp_path: Path) -> None:
    write_model(replace(binary.model, unlike=None), tmp_path / "model")
    assert not (tmp_path / "model" / "unlike_training.npz").exists()
    assert read_model(tmp_path / "model").unlike is None


def broken(unlike: UnlikeTraining) -> dict[str, UnlikeTraining]:
    """Return arrays that no training makes, by what is wrong with them."""
    distance = unlike.distance
    of_distance = {
        "a column beyond the last": {"columns": distance.columns + 10_000},
        "a column before the first": {"columns": -1 - distance.columns},
        "columns of another type": {"columns": distance.columns.astype(np.int32)},
        "a mean that is not finite": {"center": distance.center * np.nan},
        "a scale of zero": {"scale": distance.scale * 0},
        "a huge precision": {"precision": distance.precision * 1e12},
        "a share of missing values above one": {"missing": distance.missing + 2},
        "means of another number": {"center": distance.center[:-1]},
    }
    damaged = {name: replace(unlike, distance=replace(distance, **parts)) for name, parts in of_distance.items()}
    return damaged | {
        "shares out of order": replace(unlike, shares=unlike.shares[::-1]),
        "values out of order": replace(unlike, values=unlike.values[::-1]),
        "no values": replace(unlike, values=unlike.values[:0], shares=unlike.shares[:0]),
        "a scale that is not finite": replace(unlike, scale=float("nan")),
        "an infinite median": replace(unlike, usual=np.full_like(unlike.usual, np.inf)),
        "medians of another number": replace(unlike, usual=unlike.usual[:-1]),
    }


@pytest.mark.slow
def test_wrong_numbers_are_rejected(binary: Fitted, tmp_path: Path) -> None:
    for problem, unlike in broken(unlike_of(binary)).items():
        write_model(replace(binary.model, unlike=unlike), tmp_path / problem)
        with pytest.raises(ArtifactError, match="unlike_training"):
            read_model(tmp_path / problem)


def test_a_changed_byte_is_rejected(binary: Fitted, tmp_path: Path) -> None:
    write_model(binary.model, tmp_path / "model")
    file = tmp_path / "model" / "unlike_training.npz"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match="SHA-256"):
        read_model(tmp_path / "model")


def test_a_file_that_the_manifest_does_not_declare_is_rejected(binary: Fitted, tmp_path: Path) -> None:
    write_model(binary.model, tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    manifest.write_text(
        manifest.read_text("utf-8").replace('"unlike_training": true', '"unlike_training": false'), "utf-8"
    )
    with pytest.raises(ArtifactError, match="disagree on unlike_training"):
        read_model(tmp_path / "model")
