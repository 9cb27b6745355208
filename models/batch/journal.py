"""Work in parts that a kill does not undo: finished parts and a journal of them, beside the output until it is there.

A part is written whole, then named in the journal with its SHA-256; the next run of the same work goes on after the
last part that the journal names. Work on another input or with another model begins anew.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from fraudsieve._io import replace_file, sync_descriptor
from fraudsieve.exceptions import BusyError

try:
    import fcntl
except ImportError:  # Windows: nothing keeps two runs apart there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Journal", "digest_of_file"]

NAME = "journal.jsonl"


class Journal:
    """The parts of some work that are finished.

    Parameters
    ----------
    folder : Path
        Where the parts stand; it is made when it is not there.
    key : mapping
        What the work depends on, in plain JSON types.

    Attributes
    ----------
    parts : list of dict
        What `add` was told, of every finished part.
    began_anew : bool
        Whether there was work with another key, which is gone.

    Raises
    ------
    BusyError
        When another process is at it.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        self.folder, self.parts, self.began_anew = folder, [], False
        folder.mkdir(parents=True, exist_ok=True)
        self._file = _locked(folder / NAME)
        try:
            self._resume(dict(key))
        except BaseException:
            self._file.close()
            raise

    parts: list[dict[str, Any]]

    def _resume(self, key: dict[str, Any]) -> None:
        lines = _lines(self._file)
        if lines[:1] == [key]:
            for part in lines[1:]:
                if not all(_is_whole(self.folder / name, digest) for name, digest in part.get("files", {}).items()):
                    break
                self.parts.append(part)
        else:
            self.began_anew = bool(lines)
        kept = {NAME, *(name for part in self.parts for name in part["files"])}
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink()
        self._file.seek(0)
        self._file.truncate()
        self._write(key, *self.parts)

    def add(self, files: Mapping[str, Path], facts: Mapping[str, Any]) -> None:
        """Take a finished part.

        Parameters
        ----------
        files : mapping of str to Path
            Its files as they are to be called in the folder, and where they stand now, inside it.
        facts : mapping
            What is to be known of it, in plain JSON types.
        """
        digests = {name: digest_of_file(path) for name, path in files.items()}
        for name, path in files.items():
            replace_file(path, self.folder / name)
        part = {**facts, "files": digests}
        self._write(part)
        self.parts.append(part)

    def _write(self, *lines: dict[str, Any]) -> None:
        for line in lines:
            self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        sync_descriptor(self._file.fileno())

    def close(self, *, remove: bool) -> None:
        """Let go of the work.

        Parameters
        ----------
        remove : bool
            Whether the parts are needed no longer.
        """
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._file.close()


def _locked(path: Path) -> IO[bytes]:
    file = path.open("a+b")
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go when the process ends, however it ends
        except OSError:
            file.close()
            raise BusyError(f"{path.parent}: another process is at the same work. Wait until it is done.") from None
    return file


def _lines(file: IO[bytes]) -> list[dict[str, Any]]:
    """Return the lines of a journal up to the first that is not whole."""
    file.seek(0)
    lines: list[dict[str, Any]] = []
    for line in file.read().split(b"\n")[:-1]:
        try:
            said = json.loads(line)
        except ValueError:
            break
        if not isinstance(said, dict):
            break
        lines.append(said)
    return lines


def _is_whole(path: Path, digest: str) -> bool:
    return path.is_file() and digest_of_file(path) == digest


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
