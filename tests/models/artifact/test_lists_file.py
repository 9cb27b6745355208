"""The file of custom lists: restored, and refused if it is changed, missing or not one of lists."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models import read_model
from tests.models.own_model import write_own_model

SHA_PROBLEM = r"lists\.json: its content does not match the manifest"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "model"
    write_own_model(path)
    return path


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def forge(folder: Path, content: bytes) -> None:
    """Replace the lists, with a manifest that has their digest."""
    (folder / "lists.json").write_bytes(content)
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"]["lists.json"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


@pytest.mark.slow
def test_lists_are_restored_with_the_model(folder: Path) -> None:
    matrix = read_model(folder).matrix
    assert matrix.lists is not None
    assert matrix.lists.words == {"gambling": ("baccarat", "百家乐"), "chips": ("🎰", "筹码")}
    assert matrix.lists.brands == {"icbc": ("icbc.com.cn",), "paybird": ()}


def test_a_folder_with_a_changed_word_is_refused(copy: Path) -> None:
    lists = copy / "lists.json"
    lists.write_text(lists.read_text("utf-8").replace("baccarat", "roulette"), "utf-8")
    with pytest.raises(ArtifactError, match=SHA_PROBLEM):
        read_model(copy)


def test_a_folder_without_its_lists_is_refused(copy: Path) -> None:
    (copy / "lists.json").unlink()
    with pytest.raises(ArtifactError, match=r"lists\.json: cannot be read"):
        read_model(copy)


def test_another_manifest_is_another_digest(copy: Path) -> None:
    digest = read_model(copy).digest
    forge(copy, (copy / "lists.json").read_bytes().replace("百家乐".encode(), "百家".encode()))
    assert read_model(copy).digest != digest
    with pytest.raises(ArtifactError, match="expected digest"):
        read_model(copy, digest=digest)


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{", b'{"words": {"gambling": ["a"]}}', b'{"words": 5}', b'{"secrets": []}', b'{"hotlines": "95588"}'],
)
def test_content_that_is_not_of_lists_is_refused(copy: Path, content: bytes) -> None:
    forge(copy, content)
    with pytest.raises(ArtifactError, match=r"lists\.json: does not hold lists"):
        read_model(copy)


def test_lists_that_the_manifest_does_not_declare_are_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_bytes())
    manifest["features"]["lists"] = False
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ArtifactError, match="columns that are not those of the features"):
        read_model(copy)
