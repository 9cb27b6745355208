"""The model folder: the same model comes back, and anything else is refused before it is built."""

import hashlib
import io
import json
import math
import os
import pickle
import re
import shutil
import stat
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.features import MessageMatrix
from fraudsieve.models import FraudClassifier, Model, Scorer, read_model, write_model
from fraudsieve.models.artifact.folder import FORMAT

FILES = ("booster.txt", "calibration.json", "characters.npz", "manifest.json", "pinyin.npz", "wording.npz")
POINT = {"name": "p", "threshold": 0.5, "false_positive_rate": 0.1, "recall": 0.5, "flagged": 0.2}
Manifest = dict[str, Any]
Copy = Callable[..., Path]


@pytest.fixture
def copy(binary: Any, tmp_path: Path) -> Copy:
    """Copy the folder, with files replaced; the manifest is made to vouch for them, as an attacker would."""

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


def refused(folder: Path, text: str, **pinned: str) -> ArtifactError:
    """Check that a folder is refused in words that say where, what and what to do."""
    with pytest.raises(ArtifactError, match=text) as caught:
        read_model(folder, **pinned)
    error = caught.value
    assert error.origin.startswith(str(folder))
    assert str(error) == f"{error.origin}: {error.problem}. {error.fix}"
    assert re.fullmatch(r"[A-Z].*\.", error.fix)
    assert isinstance(error, ValueError)
    return error


def arrays(folder: Path, **changes: Any) -> bytes:
    """The bytes of ``wording.npz`` with arrays changed; None takes one away."""
    with np.load(folder / "wording.npz", allow_pickle=False) as stored:
        content = {name: stored[name] for name in stored.files} | changes
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=True, **{name: value for name, value in content.items() if value is not None})
    return stream.getvalue()


def every_place(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in a JSON document; of a list the first two elements."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:2]) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from every_place(value, (*path, key))


def test_the_same_model_comes_back(fitted: Any) -> None:
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


def test_a_model_without_wording_comes_back(binary: Any, tmp_path: Path) -> None:
    matrix = MessageMatrix(None, brands=("paypal",))
    rows = matrix.compute(binary.texts)
    classifier = FraudClassifier(n_rounds=5, n_jobs=1).fit(rows, binary.labels)
    model = Model("plain", ("fraud", "legitimate"), None, matrix, classifier.ensemble_, classifier.calibration_)
    write_model(model, tmp_path / "plain")
    assert not (tmp_path / "plain" / "wording.npz").exists()
    assert read_model(tmp_path / "plain").matrix == matrix
    np.testing.assert_array_equal(
        Scorer.load(tmp_path / "plain").log_odds(binary.texts)[:, 0], classifier.decision_function(rows)
    )


@pytest.mark.parametrize("name", FILES)
def test_every_changed_byte_is_seen(binary: Any, copy: Copy, name: str) -> None:
    folder = copy()
    shutil.copy(binary.folder / "manifest.json", folder)
    content = (folder / name).read_bytes()
    middle = np.random.default_rng(0).integers(1, len(content) - 1, 25).tolist()
    for at in [0, *middle, len(content) - 1]:
        changed = bytearray(content)
        changed[at] ^= 1 << (at % 8)
        (folder / name).write_bytes(changed)
        assert refused(folder, "expected digest|its content is not", digest=binary.model.digest).origin.endswith(name)
        if name != "manifest.json":
            refused(folder, f"{name}: its content is not what the manifest says")


@pytest.mark.parametrize("name", sorted(set(FILES) - {"manifest.json"}))
@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"\n", lambda content: b""])
def test_every_changed_length_is_seen(binary: Any, copy: Copy, name: str, change: Callable[[bytes], bytes]) -> None:
    folder = copy()
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    refused(folder, "its content is not what the manifest says")


@pytest.mark.slow
def test_a_changed_manifest_is_refused_or_is_another_model(binary: Any, copy: Copy) -> None:
    folder = copy()
    raw = (binary.folder / "manifest.json").read_bytes()
    rng = np.random.default_rng(0)
    loaded = 0
    for at in rng.choice(len(raw), 400, replace=False):
        changed = bytearray(raw)
        changed[at] ^= 1 << int(rng.integers(8))
        (folder / "manifest.json").write_bytes(changed)
        refused(folder, "expected digest", digest=binary.model.digest)
        try:
            model = read_model(folder)
        except ArtifactError:
            continue
        loaded += 1
        assert model.digest != binary.model.digest
    assert 0 < loaded < 400


@pytest.mark.slow
def test_whatever_stands_in_the_manifest_it_is_refused_or_scores(binary: Any, copy: Copy) -> None:
    raw = (binary.folder / "manifest.json").read_text("utf-8")
    folder = copy()
    for path in every_place(json.loads(raw)):
        for value in (None, "x", -1, 1.5, 10**400, float("nan"), float("inf"), [], ["x"], [[1.0]], {"x": 1}, ...):
            manifest = json.loads(raw)
            place = manifest
            for key in path[:-1]:
                place = place[key]
            if value is ...:
                del place[path[-1]]
            else:
                place[path[-1]] = value
            (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
            try:
                scorer = Scorer.load(folder)
            except ArtifactError:
                continue
            score = scorer.score({"text": "you have won, call now"})
            assert 0 <= (0 if score["probability"] is None else score["probability"]) <= 1
            json.dumps(score, allow_nan=False)


def test_a_pinned_digest_is_held_to(binary: Any, types: Any) -> None:
    assert read_model(binary.folder, digest=binary.model.digest).name == "binary"
    for digest in (types.model.digest, binary.model.digest.upper(), binary.model.digest[:8], ""):
        error = refused(binary.folder, f"expected digest {digest}, got {binary.model.digest}", digest=digest)
        assert error.fix == "Use the model that was pinned."


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_an_error(copy: Copy, name: str) -> None:
    folder = copy()
    (folder / name).unlink()
    refused(folder, rf"{name}: cannot be read \(FileNotFoundError\). Point to a whole model folder")
    (folder / name).mkdir()
    refused(folder, rf"{name}: cannot be read \(IsADirectoryError\)")


@pytest.mark.parametrize("name", sorted(set(FILES) - {"manifest.json"}))
def test_a_file_that_the_manifest_does_not_name_is_missing(copy: Copy, name: str) -> None:
    refused(copy(lambda manifest: manifest["files"].pop(name)), r"do not make a model \(KeyError\)")


def test_no_folder_is_an_error(binary: Any, tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "cannot be read")
    refused(binary.folder / "manifest.json", r"cannot be read \(NotADirectoryError\)")


def test_further_files_are_not_read(binary: Any, copy: Copy) -> None:
    folder = copy()
    (folder / "model.pkl").write_bytes(b"\x80\x04.")
    assert read_model(folder).classes == binary.model.classes


@pytest.mark.parametrize(
    ("change", "text", "fix"),
    [
        ({"format": 0}, f"expected format {FORMAT}, got 0", "Train the model again."),
        ({"format": 2}, f"expected format {FORMAT}, got 2", "Upgrade fraudsieve."),
        ({"format": "1"}, f"expected format {FORMAT}, got '1'", "Train the model again."),
        ({"features": {"version": 1}}, "expected features of version 2, got 1", "Train the model again."),
        ({"features": {"version": 3}}, "expected features of version 2, got 3", "Upgrade fraudsieve."),
        ({"features": {}}, "is not a manifest", "Export the model again."),
        ({"files": []}, "is not a manifest", "Export the model again."),
        ({"files": {"booster.txt": 1}}, "is not a manifest", "Export the model again."),
        ({"classes": ["a", "b", "c"]}, "need 3 outputs, and the trees have another number", "Export the model again."),
        ({"classes": ["legitimate"]}, "fewer than two classes", "Export the model again."),
        ({"classes": ["legitimate", "fraud"]}, "not the wording of the classes|ValueError", "Export the model again."),
        ({"legitimate": "ham"}, "legitimate class is none of the classes", "Export the model again."),
        ({"legitimate": None}, "legitimate class is none of the classes", "Export the model again."),
        ({"start": {"wording": [1], "base": [0.0]}}, "not the wording of the classes", "Export the model again."),
        ({"start": {"wording": [-30], "base": [0.0]}}, "not the wording of the classes", "Export the model again."),
        ({"start": {"wording": [0], "base": [0.0, 0.0]}}, "other outputs", "Export the model again."),
        ({"operating_points": [{"threshold": 0.5}]}, "TypeError", "Export the model again."),
        ({"operating_points": [POINT | {"alerts_a_day": math.inf}]}, "threshold.* is no number", "Export the model"),
        ({"operating_points": [POINT | {"precision": math.nan}]}, "threshold.* is no number", "Export the model"),
        ({"operating_points": [POINT | {"recall": None}]}, "TypeError", "Export the model again."),
        ({"reasons": "path"}, "the reasons are of another kind", "Export the model again."),
    ],
)
def test_what_a_manifest_may_not_say(copy: Copy, change: Manifest, text: str, fix: str) -> None:
    error = refused(copy(lambda manifest: manifest.update(change)), text)
    assert error.fix.startswith(fix)


@pytest.mark.parametrize("raw", [b"", b"not json", b"[]", b"null", b"3", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_a_manifest_that_is_none(copy: Copy, raw: bytes) -> None:
    folder = copy()
    (folder / "manifest.json").write_bytes(raw)
    refused(folder, "is not a manifest of fraudsieve. Export the model again")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "sub/booster.txt", "..", "model.pkl"])
def test_files_that_no_model_has_are_not_opened(
    copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    content = b"outside"
    (tmp_path / "outside").write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    folder = copy(lambda manifest: manifest["files"].update({name: entry}))
    opened: list[str] = []
    read_bytes = Path.read_bytes

    def spy(path: Path) -> bytes:
        opened.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", spy)
    error = refused(folder, "names 1 files that no model has")
    assert opened == ["manifest.json"]
    assert name not in error.problem


def test_a_link_out_of_the_folder_is_not_followed(binary: Any, copy: Copy, tmp_path: Path) -> None:
    for name in FILES:
        folder = copy()
        (folder / name).rename(tmp_path / f"outside-{name}")
        (folder / name).symlink_to(tmp_path / f"outside-{name}")
        assert refused(folder, "is a link out of the model folder").origin.endswith(name)
    folder = copy()
    (folder / "booster.txt").rename(folder / "data")
    (folder / "booster.txt").symlink_to("data")  # as a mounted volume has it
    (tmp_path / "link").symlink_to(folder)
    assert read_model(tmp_path / "link").classes == binary.model.classes
    (folder / "data").unlink()
    (folder / "data").symlink_to("booster.txt")
    refused(folder, "cannot be read")


def test_a_pipe_is_not_waited_for(copy: Copy) -> None:
    folder = copy()
    (folder / "booster.txt").unlink()
    os.mkfifo(folder / "booster.txt")
    refused(folder, "booster.txt: it is no regular file")


def test_a_file_larger_than_any_is_not_read(copy: Copy) -> None:
    for name, size in (("manifest.json", (64 << 20) + 1), ("wording.npz", (2 << 30) + 1)):
        folder = copy()
        os.truncate(folder / name, size)  # takes no room on the disk
        refused(folder, f"it has {size} bytes, and can have {size - 1} at most")


def test_columns_in_another_order_are_refused(copy: Copy) -> None:
    text = r"names \d+ columns that are not the ones that the features give"
    refused(copy(lambda manifest: manifest["columns"].reverse()), text)
    refused(copy(lambda manifest: manifest["columns"].insert(0, manifest["columns"].pop(1))), text)
    refused(copy(lambda manifest: manifest["columns"].pop()), r"names \d+ columns")


def test_the_booster_of_another_model_is_refused(copy: Copy, several: Any) -> None:
    refused(copy(files={"booster.txt": (several.folder / "booster.txt").read_bytes()}), r"names \d+ columns")


def test_the_wording_of_another_model_is_refused(copy: Copy, several: Any) -> None:
    refused(copy(files={"wording.npz": (several.folder / "wording.npz").read_bytes()}), "do not fit each other")


@pytest.mark.parametrize("content", [b"", b"garbage", b"tree\n", b"\x00" * 100, b"\xff" * 100, b"tree\nversion=v4\n"])
def test_a_booster_that_is_none(copy: Copy, content: bytes) -> None:
    assert refused(copy(files={"booster.txt": content}), r"booster\.txt: it ").origin.endswith("booster.txt")


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
def test_a_calibration_that_is_none(copy: Copy, content: bytes) -> None:
    if content == b"{}":  # the calibration that changes nothing
        assert read_model(copy(files={"calibration.json": content})).calibration.low == 1
    else:
        refused(copy(files={"calibration.json": content}), "the files do not make a model|is no number")


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
def test_damaged_wording_is_refused(binary: Any, copy: Copy, damage: Callable[[bytes], bytes]) -> None:
    content = damage((binary.folder / "wording.npz").read_bytes())
    refused(copy(files={"wording.npz": content}), "the files do not make a model|5 arrays were expected")


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
    ],
)
def test_wording_arrays_that_the_kernel_could_not_read_are_refused(
    binary: Any, copy: Copy, name: str, change: Callable[[Any], Any]
) -> None:
    with np.load(binary.folder / "wording.npz", allow_pickle=False) as stored:
        content = arrays(binary.folder, **{name: change(stored[name])})
    refused(
        copy(files={"wording.npz": content}),
        "do not make a model|do not fit each other|n-grams by 22|can have 8|were expected",
    )


@pytest.mark.slow
def test_an_archive_that_unpacks_to_any_size_is_not_unpacked(binary: Any, copy: Copy) -> None:
    content = arrays(binary.folder)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in whole.namelist():
            bomb.writestr(name, bytes(200 << 20) if name == "weights.npy" else whole.read(name))
    assert len(stream.getvalue()) < 4 << 20
    folder = copy(files={"wording.npz": stream.getvalue()})
    tracemalloc.start()
    try:
        refused(folder, "wording.npz: an array unpacks to 209715200 bytes, and can have [0-9]+ at most")
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    finally:
        tracemalloc.stop()


def test_a_booster_that_would_end_the_process_is_refused(binary: Any, copy: Copy) -> None:
    text = (binary.folder / "booster.txt").read_text("utf-8")
    at = text.index("split_feature=", text.index("Tree=3\n")) + len("split_feature=")
    content = text[:at] + "9" + text[at:]  # a column that is not there, or another size of the tree
    error = refused(copy(files={"booster.txt": content.encode()}), r"booster.txt: ")
    assert error.fix == "Export the model again."


def test_wording_of_other_bits_is_refused(copy: Copy) -> None:
    refused(copy(lambda manifest: manifest["features"]["wording"].update(bits=21)), "n-grams by 22 bits")


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_never_loaded(binary: Any, copy: Copy, tmp_path: Path) -> None:
    fuse = tmp_path / "exploded"
    with np.load(io.BytesIO(content := arrays(binary.folder, intercept=np.array([Bomb(fuse)], object)))) as stored:
        assert set(stored.files) == {"buckets", "weights", "intercept", "scale", "trust"}
    refused(copy(files={"wording.npz": content}), "an array is not what its header says")
    refused(copy(files={"wording.npz": pickle.dumps(Bomb(fuse))}), "the files do not make a model")
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
def test_counts_of_characters_that_the_kernel_could_not_read_are_refused(
    binary: Any, copy: Copy, change: Callable[[Any], Any]
) -> None:
    with np.load(binary.folder / "characters.npz", allow_pickle=False) as stored:
        parts = dict(stored) | {"pairs-1": change(stored["pairs-1"])}
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **parts)
    refused(copy(files={"characters.npz": stream.getvalue()}), "counts of characters do not fit each other")


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


def test_an_existing_folder_is_left_alone(binary: Any, tmp_path: Path) -> None:
    before = (binary.folder / "manifest.json").read_bytes()
    for folder in (binary.folder, tmp_path):
        with pytest.raises(FileExistsError, match=r"must be new, this one exists. Name another or remove it\."):
            write_model(binary.model, folder)
    assert (binary.folder / "manifest.json").read_bytes() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("survived", [0, 1, 3])
def test_a_failed_write_leaves_nothing_behind(
    binary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        assert not (tmp_path / "model").exists()  # nobody sees half a folder
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


def test_what_json_cannot_hold_is_refused_before_anything_is_written(binary: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_model(replace(binary.model, training={"rows": object()}), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_others_can_read_the_folder(binary: Any, tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        write_model(binary.model, tmp_path / "model")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "model").iterdir()} == {0o644}


def test_the_manifest_says_what_the_model_is(binary: Any) -> None:
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


def test_the_error_survives_a_worker() -> None:
    error = ArtifactError("booster.txt", "is gone", "Copy it again.")
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.origin, copied.problem, copied.fix, str(copied)) == (
        error.origin,
        error.problem,
        error.fix,
        str(error),
    )
