"""Fixtures of the tests of the model folder."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.models.artifact.model_folders import Copy, Manifest


@pytest.fixture
def copy(binary: Any, tmp_path: Path) -> Copy:
    """Copy the folder, with files replaced; the manifest is adapted to them, as by an attacker."""

    def make(
        change: Callable[[Manifest], object] | None = None, files: dict[str, bytes] | None = None, of: Any = binary
    ) -> Path:
        folder = tmp_path / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(of.folder, folder)
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        for name, content in (files or {}).items():
            (folder / name).write_bytes(content)
            manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        if change is not None:
            change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        return folder

    return make
