"""The manifest of a model folder: any change of a file or of the manifest is rejected before a model is built."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve import _io
from fraudsieve.exceptions import ArtifactError
from fraudsieve.models import Scorer, read_model
from fraudsieve.models.artifact.folder import FEATURES_VERSION, FORMAT
from tests.models.artifact.model_folders import FILES, POINT, Copy, Manifest, assert_rejected, every_path
from tests.profiles import size


@pytest.mark.parametrize("name", FILES)
def test_every_changed_byte_is_detected(binary: Any, copy: Copy, name: str) -> None:
    folder = copy()
    shutil.copy(binary.folder / "manifest.json", folder)
    content = (folder / name).read_bytes()
    middle = np.random.default_rng(0).integers(1, len(content) - 1, 25).tolist()
    for at in [0, *middle, len(content) - 1]:
        changed = bytearray(content)
        changed[at] ^= 1 << (at % 8)
        (folder / name).write_bytes(changed)
        assert assert_rejected(
            folder, "expected digest|its content does not", digest=binary.model.digest
        ).origin.endswith(name)
        if name != "manifest.json":
            assert_rejected(folder, f"{name}: its content does not match the manifest")


@pytest.mark.parametrize("name", sorted(set(FILES) - {"manifest.json"}))
@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"\n", lambda content: b""])
def test_every_changed_length_is_detected(binary: Any, copy: Copy, name: str, change: Callable[[bytes], bytes]) -> None:
    folder = copy()
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    assert_rejected(folder, "its content does not match the manifest")


@pytest.mark.slow
def test_a_changed_manifest_is_rejected_or_another_model(binary: Any, copy: Copy) -> None:
    folder = copy()
    raw = (binary.folder / "manifest.json").read_bytes()
    rng = np.random.default_rng(0)
    loaded = 0
    for at in rng.choice(len(raw), 400, replace=False):
        changed = bytearray(raw)
        changed[at] ^= 1 << int(rng.integers(8))
        (folder / "manifest.json").write_bytes(changed)
        assert_rejected(folder, "expected digest", digest=binary.model.digest)
        try:
            model = read_model(folder)
        except ArtifactError:
            continue
        loaded += 1
        assert model.digest != binary.model.digest
    assert 0 < loaded < 400


VALUES: tuple[Any, ...] = (None, "x", -1, 1.5, 10**400, float("nan"), float("inf"), [], ["x"], [[1.0]], {"x": 1}, ...)


@pytest.mark.slow
def test_any_value_in_the_manifest_is_rejected_or_scores(binary: Any, copy: Copy) -> None:
    raw = (binary.folder / "manifest.json").read_text("utf-8")
    folder = copy()
    for place, path in enumerate(every_path(json.loads(raw))):
        for value in size(VALUES, usual=VALUES[place % 6 :: 6]):
            manifest = json.loads(raw)
            parent = manifest
            for key in path[:-1]:
                parent = parent[key]
            if value is ...:
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
            try:
                scorer = Scorer.load(folder)
            except ArtifactError:
                continue
            score = scorer.score({"text": "you have won, call now"})
            assert 0 <= (0 if score["probability"] is None else score["probability"]) <= 1
            json.dumps(score, allow_nan=False)


def test_a_pinned_digest_is_enforced(binary: Any, types: Any) -> None:
    assert read_model(binary.folder, digest=binary.model.digest).name == "binary"
    for digest in (types.model.digest, binary.model.digest.upper(), binary.model.digest[:8], ""):
        error = assert_rejected(binary.folder, f"expected digest {digest}, got {binary.model.digest}", digest=digest)
        assert error.fix == "Use the model that was pinned."


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_an_error(copy: Copy, name: str) -> None:
    folder = copy()
    (folder / name).unlink()
    assert_rejected(folder, rf"{name}: cannot be read \(FileNotFoundError\). Use the path of a complete model folder")
    (folder / name).mkdir()
    assert_rejected(folder, rf"{name}: cannot be read \(IsADirectoryError\)")


@pytest.mark.parametrize("name", sorted(set(FILES) - {"manifest.json"}))
def test_a_file_that_the_manifest_does_not_name_is_missing(copy: Copy, name: str) -> None:
    assert_rejected(copy(lambda manifest: manifest["files"].pop(name)), r"are not a valid model \(KeyError\)")


def test_a_missing_folder_is_an_error(binary: Any, tmp_path: Path) -> None:
    assert_rejected(tmp_path / "nothing", "cannot be read")
    assert_rejected(binary.folder / "manifest.json", r"cannot be read \(NotADirectoryError\)")


def test_further_files_are_not_read(binary: Any, copy: Copy) -> None:
    folder = copy()
    (folder / "model.pkl").write_bytes(b"\x80\x04.")
    assert read_model(folder).classes == binary.model.classes


@pytest.mark.parametrize(
    ("change", "text", "fix"),
    [
        ({"format": 0}, f"expected format {FORMAT}, got 0", "Train the model again. fraudsieve"),
        (
            {"format": 2, "libraries": {"fraudsieve": "0.0.9"}, "created_at": "2026-03-04T05:06:07+00:00"},
            f"expected format {FORMAT}, got 2",
            "Train the model again. fraudsieve 0.0.9 of 2026-03-04 reads it.",
        ),
        (
            {"format": 2, "libraries": ["win"], "created_at": {}},
            f"expected format {FORMAT}, got 2",
            "Train the model again. The fraudsieve that wrote it reads it.",
        ),
        ({"format": 9}, f"expected format {FORMAT}, got 9", "Upgrade fraudsieve."),
        ({"format": "1"}, f"expected format {FORMAT}, got '1'", "Train the model again."),
        (
            {"features": {"version": 1}},
            f"expected features of version {FEATURES_VERSION}, got 1",
            "Train the model again.",
        ),
        (
            {"features": {"version": 99}},
            f"expected features of version {FEATURES_VERSION}, got 99",
            "Upgrade fraudsieve.",
        ),
        ({"features": {}}, "is not a manifest", "Export the model again."),
        ({"files": []}, "is not a manifest", "Export the model again."),
        ({"training": [5]}, "TypeError|ValueError", "Export the model again."),
        ({"training": 1.5}, "TypeError", "Export the model again."),
        ({"files": {"booster.txt": 1}}, "is not a manifest", "Export the model again."),
        ({"classes": ["a", "b", "c"]}, "need 3 outputs, but the trees have another number", "Export the model again."),
        ({"classes": ["legitimate"]}, "fewer than two classes", "Export the model again."),
        ({"classes": ["legitimate", "fraud"]}, "not the wording of the classes|ValueError", "Export the model again."),
        ({"legitimate": "ham"}, "legitimate class is not one of the classes", "Export the model again."),
        ({"legitimate": None}, "legitimate class is not one of the classes", "Export the model again."),
        ({"start": {"wording": [1], "base": [0.0]}}, "not the wording of the classes", "Export the model again."),
        ({"start": {"wording": [-30], "base": [0.0]}}, "not the wording of the classes", "Export the model again."),
        ({"start": {"wording": [0], "base": [0.0, 0.0]}}, "other outputs", "Export the model again."),
        ({"operating_points": [{"threshold": 0.5}]}, "TypeError", "Export the model again."),
        (
            {"operating_points": [POINT | {"alerts_a_day": math.inf}]},
            "operating points: expected rates",
            "Export the model",
        ),
        (
            {"operating_points": [POINT | {"precision": math.nan}]},
            "operating points: expected rates",
            "Export the model",
        ),
        ({"operating_points": [POINT | {"recall": "1"}]}, "another type", "Export the model again."),
        ({"reasons": "path"}, "the method of the reasons is unknown", "Export the model again."),
    ],
)
def test_invalid_manifests_are_rejected(copy: Copy, change: Manifest, text: str, fix: str) -> None:
    error = assert_rejected(copy(lambda manifest: manifest.update(change)), text)
    assert error.fix.startswith(fix)


@pytest.mark.parametrize("raw", [b"", b"not json", b"[]", b"null", b"3", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_other_content_is_not_a_manifest(copy: Copy, raw: bytes) -> None:
    folder = copy()
    (folder / "manifest.json").write_bytes(raw)
    assert_rejected(folder, "is not a manifest of fraudsieve. Export the model again")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "sub/booster.txt", "..", "model.pkl"])
def test_unknown_files_are_not_opened(copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    content = b"outside"
    (tmp_path / "outside").write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    folder = copy(lambda manifest: manifest["files"].update({name: entry}))
    opened: list[str] = []
    original = _io._open_without_waiting

    def spy(path: str, flags: int) -> int:
        opened.append(os.path.basename(path))
        return original(path, flags)

    monkeypatch.setattr(_io, "_open_without_waiting", spy)
    error = assert_rejected(folder, "names 1 unknown files")
    assert opened == ["manifest.json"]
    assert name not in error.problem


@pytest.mark.slow
def test_a_link_out_of_the_folder_is_not_followed(binary: Any, copy: Copy, tmp_path: Path) -> None:
    for name in FILES:
        folder = copy()
        (folder / name).rename(tmp_path / f"outside-{name}")
        (folder / name).symlink_to(tmp_path / f"outside-{name}")
        assert assert_rejected(folder, "is a link out of the model folder").origin.endswith(name)
    folder = copy()
    (folder / "booster.txt").rename(folder / "data")
    (folder / "booster.txt").symlink_to("data")  # as in a mounted volume
    (tmp_path / "link").symlink_to(folder)
    assert read_model(tmp_path / "link").classes == binary.model.classes
    (folder / "data").unlink()
    (folder / "data").symlink_to("booster.txt")
    assert_rejected(folder, "cannot be read")


def test_a_pipe_is_rejected(copy: Copy) -> None:
    folder = copy()
    (folder / "booster.txt").unlink()
    os.mkfifo(folder / "booster.txt")
    assert_rejected(folder, "booster.txt: expected a regular file, got a pipe")


def test_a_file_beyond_the_limit_is_not_read(copy: Copy) -> None:
    for name, n_bytes in (("manifest.json", (16 << 20) + 1), ("wording.npz", (1 << 30) + 1)):
        folder = copy()
        os.truncate(folder / name, n_bytes)  # a sparse file
        assert_rejected(folder, f"expected at most {n_bytes - 1:,} bytes, got {n_bytes:,}")
