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
from fraudsieve.models.artifact.folder import read_model, training_line
from fraudsieve.models.thresholds import operating_points
from fraudsieve.models.verification import verify


def test_the_checks_are_listed(fitted: Any) -> None:
    verified = verify(fitted.folder, digest=fitted.model.digest)
    assert (verified.name, verified.subject, verified.digest) == (fitted.model.name, "message", fitted.model.digest)
    assert verified.pinned
    assert verified.notes == ()
    checks = dict(verified.checks)
    assert checks["booster"].startswith(f"{fitted.model.ensemble.booster.num_trees()} trees")
    assert checks["columns"].startswith(f"{len(fitted.model.matrix.columns)}, ")
    assert checks["files"].startswith("6, ")


def test_what_a_model_was_trained_on_is_in_one_line(binary: Any) -> None:
    facts = {"rows": {"train": 1200}, "window": ["2026-05-01T10:00:00+00:00", "2026-05-02T10:00:00+00:00"]}
    model = replace(binary.model, training=facts | {"mixture": {"channel": {"sms": 1100, "app\x1b[2J": 100}}})
    line = training_line(model)
    assert line.strip("'") == (
        r"1,200 messages, from 2026-05-01 10:00 to 2026-05-02 10:00 UTC, by channel: sms 1,100, app\x1b[2J 100"
    )
    for other in ({}, {"rows": 5, "window": "2026", "mixture": [1]}):
        unknown = "an unknown number of messages, of unknown times"
        assert training_line(replace(binary.model, training=other)) == unknown


def test_without_a_pinned_digest_there_is_a_note(binary: Any) -> None:
    verified = verify(binary.folder)
    assert not verified.pinned
    assert verified.notes[0].startswith("the digest is not pinned")


def test_estimated_points_are_written_and_counted(binary: Any, tmp_path: Path) -> None:
    probability = np.linspace(0, 1, 300)
    points = operating_points(probability, probability > 0.9)
    write_model(replace(read_model(binary.folder), points=points), tmp_path / "m")
    written = json.loads((tmp_path / "m" / "manifest.json").read_text("utf-8"))["operating_points"]
    assert [point["estimated_false_positive_rate"] for point in written] == [0.01, 0.001, None, None]
    assert [point["legitimate_groups"] for point in written] == [270, 270, 270, None]
    assert read_model(tmp_path / "m").points == points
    assert dict(verify(tmp_path / "m").checks)["thresholds"].startswith("4 operating points (2 estimated) from 0 to 1")


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
