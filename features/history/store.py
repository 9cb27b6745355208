"""A live state on disk: arrays without pickle, checked by digest and replaced atomically.

A folder holds ``state.json`` and one ``part-<n>-<digest>.npz`` for each feature view, for the network if there is one,
and for the ids of delivered records. The manifest lists these files with their SHA-256 and is replaced last,
atomically: a reader finds either the old state or the new one.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from fraudsieve._io import write_file
from fraudsieve._typing import Array
from fraudsieve.exceptions import StateError

__all__ = ["FORMAT", "read_state", "write_state"]

Arrays = dict[str, Array]

FORMAT = 3
"""The version of the layout. It increases when an older reader would misread a newer folder."""
MANIFEST = "state.json"
PRIVATE = 0o600
"""The permissions of a file: only the owner may read data about accounts."""


def write_state(folder: str | Path, facts: dict[str, Any], parts: list[Arrays]) -> None:
    """Write a state atomically, replacing the state in the folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, arrays in enumerate(parts):
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        digest = hashlib.sha256(stream.getvalue()).hexdigest()
        name = f"part-{number}-{digest[:16]}.npz"
        write_file(folder / name, stream.getvalue(), mode=PRIVATE)
        files[name] = digest
    manifest = {"format": FORMAT, **facts, "files": files}
    manifest["sha256"] = _digest(manifest)
    content = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
    write_file(folder / MANIFEST, content, mode=PRIVATE)
    for path in folder.glob("part-*.npz"):
        if path.name not in files:
            path.unlink(missing_ok=True)


def _digest(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def read_state(folder: str | Path) -> tuple[dict[str, Any], list[Arrays]]:
    """Check and read a state that `write_state` wrote.

    Raises
    ------
    StateError
        If a file is missing or changed, or has another format version.
    """
    manifest = _read_manifest(Path(folder, MANIFEST))
    parts = []
    for name, digest in manifest.pop("files").items():
        path = Path(folder, str(name))
        content = _read(path)
        if path.parent != Path(folder) or hashlib.sha256(content).hexdigest() != digest:
            raise StateError(str(path), "the SHA-256 differs from that in state.json", "Save the state again.")
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                parts.append({key: arrays[key] for key in arrays.files})
        except Exception as error:  # NumPy and zipfile raise many types for damaged bytes
            problem = f"the arrays cannot be read ({type(error).__name__})"
            raise StateError(str(path), problem, "Save the state again.") from None
    return manifest, parts


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({type(error).__name__})"
        raise StateError(str(path), problem, "Pass a folder that HistoryState.save wrote.") from None


def _read_manifest(path: Path) -> dict[str, Any]:
    content = _read(path)
    try:
        manifest = json.loads(content)
        version, digest = manifest["format"], manifest.pop("sha256")
        if not isinstance(manifest["files"], dict):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StateError(str(path), "is not the manifest of a state", "Save the state again.") from None
    if version != FORMAT:
        problem = f"expected format {FORMAT}, got {version!r}"
        raise StateError(str(path), problem, "Build the state from the events again.")
    if digest != _digest(manifest):
        raise StateError(str(path), "the SHA-256 differs from the saved one", "Save the state again.")
    return dict(manifest)
