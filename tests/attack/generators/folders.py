"""Model folders with a changed manifest, calibration or array, with digests that match, as by a forger."""

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fraudsieve.models import Scorer, verify
from fraudsieve.models.scoring.samples import warm_records
from tests.attack.changes import change_bytes, change_json, odd_value
from tests.attack.outcomes import Attempt, Outcome, judge
from tests.attack.small_models import write_account_model, write_message_model

NUMBERS = (np.nan, np.inf, -np.inf, 1e308, -1e308, 1e30, -1.0, 0.0, 2**31, -(2**31))
TYPES = (">f4", ">f8", ">i4", "f2", "f8", "i8", "u1", "U3", "c16", "?")


def prepare(folder: Path) -> Attempt:
    """Train two models, and return a function that forges one of them."""
    write_message_model(folder / "messages")
    write_account_model(folder / "accounts")
    return partial(_attempt, folder)


def _attempt(folder: Path, rng: np.random.Generator) -> Outcome:
    source = folder / ("messages" if rng.random() < 0.7 else "accounts")
    shutil.rmtree(folder / "forged", ignore_errors=True)
    shutil.copytree(source, folder / "forged")
    CHANGES[int(rng.integers(len(CHANGES)))](folder / "forged", rng)
    return judge(lambda: _scores_agree(folder / "forged"))


def _change_manifest(folder: Path, rng: np.random.Generator) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for _ in range(int(rng.integers(1, 3))):
        # The manifest is long, and most of it lists columns: choose a part first.
        part = manifest[list(manifest)[int(rng.integers(len(manifest)))]]
        change_json(part if isinstance(part, dict | list) and part and rng.random() < 0.7 else manifest, rng)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _change_calibration(folder: Path, rng: np.random.Generator) -> None:
    calibration = json.loads((folder / "calibration.json").read_text("utf-8"))
    calibration[list(calibration)[int(rng.integers(len(calibration)))]] = odd_value(rng)
    _forge(folder, "calibration.json", json.dumps(calibration).encode())


def _change_array(folder: Path, rng: np.random.Generator) -> None:
    files = sorted(folder.glob("*.npz"))
    if not files:
        return _change_manifest(folder, rng)
    file = files[int(rng.integers(len(files)))]
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    name = list(arrays)[int(rng.integers(len(arrays)))]
    arrays[name] = _changed(arrays[name], rng)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return _forge(folder, file.name, stream.getvalue())


def _changed(values: Any, rng: np.random.Generator) -> Any:
    way = int(rng.integers(6))
    if way == 0:
        return values[: int(rng.integers(len(values) + 1))] if values.ndim else np.zeros(2)
    if way == 1:
        with np.errstate(all="ignore"):
            return values.astype(TYPES[int(rng.integers(len(TYPES)))])
    if way == 2:
        return values.reshape(1, *values.shape)
    if way == 3:
        return np.asfortranarray(values[::-1] if values.ndim else values)
    changed = np.array(values)
    number = NUMBERS[int(rng.integers(len(NUMBERS)))]
    if changed.size:
        with np.errstate(all="ignore"):
            changed.reshape(-1)[int(rng.integers(changed.size))] = np.array(number).astype(changed.dtype)
    return changed


def _change_file(folder: Path, rng: np.random.Generator) -> None:
    files = sorted(path.name for path in folder.iterdir())
    name = files[int(rng.integers(len(files)))]
    content = change_bytes((folder / name).read_bytes(), rng)
    if name == "manifest.json" or rng.random() < 0.2:
        (folder / name).write_bytes(content)
    else:
        _forge(folder, name, content)


def _forge(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and write its digest into the manifest."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


CHANGES: tuple[Callable[[Path, np.random.Generator], None], ...] = (
    _change_manifest,
    _change_manifest,
    _change_manifest,
    _change_calibration,
    _change_array,
    _change_array,
    _change_file,
)


def _scores_agree(folder: Path) -> bool:
    """Load a folder; return whether one record, many and columns score equally, and every number is finite."""
    scorer = Scorer.load(folder)
    assert verify(folder).digest == scorer.model.digest
    records, history = warm_records(scorer.model.matrix)
    events = history if any(history.values()) else None
    many = scorer.score(records, history=events, reasons=True)
    one = [scorer.score(record, history=events, reasons=True) for record in records]
    columns = scorer.score_columns({name: [record[name] for record in records] for name in records[0]}, history=events)
    json.dumps(many, allow_nan=False)
    in_columns = [None if np.isnan(number) else number for number in columns["probability"].tolist()]
    probabilities = [score["probability"] for score in many]
    in_range = all(0 <= number <= 1 for number in probabilities if number is not None)
    return one == many and probabilities == in_columns and in_range
