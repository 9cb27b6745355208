"""Malformed files of a model folder that match its manifest: they are rejected, and nothing is unpickled."""

import io
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.models import read_model
from tests.models.artifact.model_folders import Copy, arrays, assert_rejected


def test_columns_in_another_order_are_rejected(copy: Copy) -> None:
    text = r"names \d+ columns that are not those of the features"
    assert_rejected(copy(lambda manifest: manifest["columns"].reverse()), text)
    assert_rejected(copy(lambda manifest: manifest["columns"].insert(0, manifest["columns"].pop(1))), text)
    assert_rejected(copy(lambda manifest: manifest["columns"].pop()), r"names \d+ columns")


def test_the_booster_of_another_model_is_rejected(copy: Copy, several: Any) -> None:
    assert_rejected(copy(files={"booster.txt": (several.folder / "booster.txt").read_bytes()}), r"names \d+ columns")


def test_the_wording_of_another_model_is_rejected(copy: Copy, several: Any) -> None:
    assert_rejected(copy(files={"wording.npz": (several.folder / "wording.npz").read_bytes()}), "do not fit each other")


@pytest.mark.parametrize("content", [b"", b"garbage", b"tree\n", b"\x00" * 100, b"\xff" * 100, b"tree\nversion=v4\n"])
def test_an_invalid_booster_is_rejected(copy: Copy, content: bytes) -> None:
    assert assert_rejected(copy(files={"booster.txt": content}), r"booster\.txt: it ").origin.endswith("booster.txt")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"3",
        b"nonsense",
        b'{"low": 1, "high": 1, "shift": 0, "more": 1}',
        b'{"low": "1", "high": 1, "shift": 0}',
        b'{"low": NaN, "high": 1, "shift": 0}',
        b'{"low": 1, "high": Infinity, "shift": 0}',
    ],
)
def test_an_invalid_calibration_is_rejected(copy: Copy, content: bytes) -> None:
    if content == b"{}":  # the calibration that changes nothing
        assert read_model(copy(files={"calibration.json": content})).calibration.low == 1
    else:
        assert_rejected(
            copy(files={"calibration.json": content}),
            "the files are not a valid model|expected slopes|expected three numbers",
        )


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content[:100],
        lambda content: b"",
        lambda content: b"PK\x03\x04",
        lambda content: b"\x93NUMPY" + content,
        lambda content: content.replace(b"weights", b"wieghts"),
        lambda content: pickle.dumps({"buckets": []}),
        lambda content: content[:2000] + bytes(200) + content[2200:],
    ],
)
def test_damaged_wording_is_rejected(binary: Any, copy: Copy, damage: Callable[[bytes], bytes]) -> None:
    content = damage((binary.folder / "wording.npz").read_bytes())
    assert_rejected(copy(files={"wording.npz": content}), "the files are not a valid model|expected the arrays")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("weights", lambda stored: stored[:-1]),
        ("weights", lambda stored: stored[:, :1]),
        ("weights", lambda stored: stored.astype(np.float64)),
        ("weights", lambda stored: stored[:, 0]),
        ("buckets", lambda stored: stored[::-1]),
        ("buckets", lambda stored: stored - stored[0] - 1),
        ("buckets", lambda stored: stored + np.int32((1 << 22) - stored[-1])),
        ("buckets", lambda stored: stored.astype(np.int64)),
        ("buckets", lambda stored: np.append(stored[:-1], stored[-2])),
        ("buckets", lambda stored: stored[None]),
        ("intercept", lambda stored: np.append(stored, 0.0)),
        ("intercept", lambda stored: stored.astype("U")),
        ("scale", lambda stored: np.float64("nan")),
        ("scale", lambda stored: np.zeros(2)),
        ("scale", lambda stored: None),
        ("trust", lambda stored: np.float64("inf")),
        ("trust", lambda stored: np.float64(-1)),
        ("trust", lambda stored: None),
        ("legitimate", lambda stored: np.int64(1)),
        ("legitimate", lambda stored: np.int64(-2)),
        ("legitimate", lambda stored: np.float64(0)),
        ("legitimate", lambda stored: np.zeros(2, np.int64)),
        ("legitimate", lambda stored: None),
    ],
)
def test_wording_arrays_that_the_kernel_cannot_read_are_rejected(
    binary: Any, copy: Copy, name: str, change: Callable[[Any], Any]
) -> None:
    with np.load(binary.folder / "wording.npz", allow_pickle=False) as stored:
        content = arrays(binary.folder, **{name: change(stored[name])})
    assert_rejected(
        copy(files={"wording.npz": content}),
        "are not a valid model|do not fit each other|n-grams to 22|at most 8 bytes|expected the arrays|out of bounds"
        "|no output",
    )


@pytest.mark.slow
def test_an_archive_bomb_is_not_unpacked(binary: Any, copy: Copy) -> None:
    content = arrays(binary.folder)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in whole.namelist():
            bomb.writestr(name, bytes(200 << 20) if name == "weights.npy" else whole.read(name))
    assert len(stream.getvalue()) < 4 << 20
    folder = copy(files={"wording.npz": stream.getvalue()})
    tracemalloc.start()
    try:
        assert_rejected(folder, "wording.npz: expected at most [0-9]+ bytes, an array unpacks to 209715200")
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    finally:
        tracemalloc.stop()


def test_a_booster_that_would_end_the_process_is_rejected(binary: Any, copy: Copy) -> None:
    text = (binary.folder / "booster.txt").read_text("utf-8")
    at = text.index("split_feature=", text.index("Tree=3\n")) + len("split_feature=")
    content = text[:at] + "9" + text[at:]  # a column that does not exist, or another size of the tree
    error = assert_rejected(copy(files={"booster.txt": content.encode()}), r"booster.txt: ")
    assert error.fix == "Export the model again."


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5, "0.5", None, True])
def test_a_usual_share_that_is_no_share_is_rejected(copy: Copy, share: Any) -> None:
    folder = copy(lambda manifest: manifest["features"]["wording"].update(usual_share=share))
    assert_rejected(folder, "the usual share of the wording model is not above 0 and at most 1")


def test_wording_of_other_bits_is_rejected(copy: Copy) -> None:
    assert_rejected(copy(lambda manifest: manifest["features"]["wording"].update(bits=21)), "n-grams to 22 bits")


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_never_loaded(binary: Any, copy: Copy, tmp_path: Path) -> None:
    fuse = tmp_path / "exploded"
    with np.load(io.BytesIO(content := arrays(binary.folder, intercept=np.array([Bomb(fuse)], object)))) as stored:
        assert set(stored.files) == {"buckets", "weights", "intercept", "scale", "trust", "legitimate"}
    assert_rejected(copy(files={"wording.npz": content}), "an array does not match its header")
    assert_rejected(copy(files={"wording.npz": pickle.dumps(Bomb(fuse))}), "the files are not a valid model")
    assert not fuse.exists()
    np.load(io.BytesIO(content), allow_pickle=True)["intercept"]
    assert fuse.exists()  # the bomb was live


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: stored[:-1],
        lambda stored: stored.astype(np.int64),
        lambda stored: stored[None],
        lambda stored: np.zeros(0, np.uint32),
    ],
)
def test_character_counts_that_the_kernel_cannot_read_are_rejected(
    binary: Any, copy: Copy, change: Callable[[Any], Any]
) -> None:
    with np.load(binary.folder / "characters.npz", allow_pickle=False) as stored:
        parts = dict(stored) | {"pairs-1": change(stored["pairs-1"])}
    stream = io.BytesIO()
    np.savez_compressed(stream, **parts)
    assert_rejected(copy(files={"characters.npz": stream.getvalue()}), "counts of characters do not fit each other")


@pytest.mark.skipif(version("lightgbm") < "4.7", reason="LightGBM does not read parameters before version 4.7")
def test_a_booster_with_a_parameter_that_lightgbm_cannot_read_is_rejected(binary: Any, copy: Copy) -> None:
    text = (binary.folder / "booster.txt").read_text("utf-8")
    changed = text.replace("[drop_rate: 0.1]", "[drop_rate: =.1]")
    assert changed != text
    error = assert_rejected(copy(files={"booster.txt": changed.encode()}), r"booster\.txt: LightGBM cannot read it")
    assert "=.1" not in str(error)
