"""A model folder looked over: what was checked is said, and what is refused is refused before it is built."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.artifact.inspection import verify


def test_what_was_checked_is_said(fitted: Any) -> None:
    found = verify(fitted.folder, digest=fitted.model.digest)
    assert (found.name, found.subject, found.digest) == (fitted.model.name, "message", fitted.model.digest)
    assert found.pinned
    assert found.notes == ()
    checks = dict(found.checks)
    assert checks["booster"].startswith(f"{fitted.model.ensemble.booster.num_trees()} trees")
    assert checks["columns"].startswith(f"{len(fitted.model.matrix.columns)}, ")
    assert checks["files"].startswith("5, ")


def test_without_a_pin_it_says_what_that_leaves_open(binary: Any) -> None:
    found = verify(binary.folder)
    assert not found.pinned
    assert found.notes[0].startswith("the digest is not pinned")


def test_other_versions_of_libraries_are_told(binary: Any, tmp_path: Path) -> None:
    shutil.copytree(binary.folder, tmp_path / "m")
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text("utf-8"))
    for libraries, said in (({"numpy": "0.1"}, "numpy 0.1 (here"), ("x", "numpy None (here")):
        manifest["libraries"] = libraries
        (tmp_path / "m" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        assert said in verify(tmp_path / "m").notes[-1]


def test_another_digest_is_refused(binary: Any) -> None:
    with pytest.raises(ArtifactError, match="expected digest 00, got"):
        verify(binary.folder, digest="00")
