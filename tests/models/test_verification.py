"""Verification of a model folder: the checks are listed, and what does not score soundly is rejected."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models import write_model
from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.thresholds import operating_points
from fraudsieve.models.verification import verify


def test_the_checks_are_listed(fitted: Any) -> None:
    verified = verify(fitted.folder, digest=fitted.model.digest)
    assert (verified.name, verified.subject, verified.digest) == (fitted.model.name, "message", fitted.model.digest)
    assert verified.pinned
    too_few_rows = ["false_positive_rate_0.001"] if fitted.model.legitimate else []
    assert [note.partition(":")[0] for note in verified.notes] == too_few_rows
    checks = dict(verified.checks)
    assert checks["booster"].startswith(f"{fitted.model.ensemble.booster.num_trees()} trees")
    assert checks["columns"].startswith(f"{len(fitted.model.matrix.columns)}, ")
    assert checks["files"].startswith("6, ")


def test_without_a_pinned_digest_there_is_a_note(binary: Any) -> None:
    verified = verify(binary.folder)
    assert not verified.pinned
    assert verified.notes[0].startswith("the digest is not pinned")


def test_operating_points_on_too_few_legitimate_rows_are_noted(binary: Any, tmp_path: Path) -> None:
    probability = np.linspace(0, 1, 300)
    points = operating_points(probability, probability > 0.9)
    write_model(replace(read_model(binary.folder), points=points), tmp_path / "m")
    written = json.loads((tmp_path / "m" / "manifest.json").read_text("utf-8"))["operating_points"]
    assert [(point["legitimate_rows"], point["max_false_positive_rate"]) for point in written] == [
        (270, 0.01), (270, 0.001), (270, 0.05),
    ]  # fmt: skip
    notes = verify(tmp_path / "m").notes
    assert [note.partition(",")[0] for note in notes[1:]] == [
        "false_positive_rate_0.001: less than one of the 270 legitimate rows of the calibration slice"
    ]
    assert "Label at least 1,000" in notes[1]


def test_other_versions_of_libraries_are_noted(binary: Any, tmp_path: Path) -> None:
    shutil.copytree(binary.folder, tmp_path / "m")
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text("utf-8"))
    for libraries, note in (({"numpy": "0.1"}, "numpy 0.1 (here"), ("x", "numpy None (here")):
        manifest["libraries"] = libraries
        (tmp_path / "m" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        assert note in verify(tmp_path / "m").notes[-1]


def test_another_digest_is_rejected(binary: Any) -> None:
    with pytest.raises(ArtifactError, match="expected digest 00, got"):
        verify(binary.folder, digest="00")
