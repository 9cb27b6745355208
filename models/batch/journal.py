"""A resumable job: finished parts and a journal of them, kept next to the output until it is complete.

A part is written completely, then listed in the journal with its SHA-256. Every line of the journal has the digest of
all lines up to it, so an edited line counts as the end. The next run of the same job continues after the last listed
part. A job with another input or model starts from the beginning.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from fraudsieve._io import lock_file, replace_file, sync_descriptor
from fraudsieve.exceptions import BusyError

NAME = "journal.jsonl"
CHAIN = "sha256_to_here"


class Journal:
    """The finished parts of a job."""

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        self.folder, self.parts, self.restarted = folder, [], False
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # rejected rows hold text
        self._file = _open_locked(folder / NAME)
        try:
            self._resume(dict(key))
        except BaseException:
            self._file.close()
            raise

    # The entry of every finished part, from `add`.
    parts: list[dict[str, Any]]
    _digest: str

    def _resume(self, key: dict[str, Any]) -> None:
        lines = _read_lines(self._file)
        if lines[:1] == [key]:
            for part in lines[1:]:
                if not all(_is_complete(self.folder / name, digest) for name, digest in part["files"].items()):
                    break
                self.parts.append(part)
        else:
            self.restarted = bool(lines)
        kept = {NAME, *(name for part in self.parts for name in part["files"])}
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in kept:
                path.unlink()
        self._file.seek(0)
        self._file.truncate()
        self._digest = ""
        self._write(key, *self.parts)

    def add(self, files: Mapping[str, Path], facts: Mapping[str, Any]) -> None:
        """Add a finished part."""
        digests = {name: digest_of_file(path) for name, path in files.items()}
        for name, path in files.items():
            replace_file(path, self.folder / name)
        part = {**facts, "files": digests}
        self._write(part)
        self.parts.append(part)

    def _write(self, *lines: dict[str, Any]) -> None:
        for line in lines:
            self._digest = _chained(line, self._digest)
            self._file.write(json.dumps(line | {CHAIN: self._digest}).encode() + b"\n")
        self._file.flush()
        sync_descriptor(self._file.fileno())

    def close(self, *, remove: bool) -> None:
        """Release the job."""
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._file.close()


def _open_locked(path: Path) -> IO[bytes]:
    file = path.open("a+b")
    if not lock_file(file.fileno()):
        file.close()
        raise BusyError(f"{path.parent}: another process is writing the same output. Wait until it has finished.")
    return file


def _read_lines(file: IO[bytes]) -> list[dict[str, Any]]:
    """Return the lines of a journal up to the first that is incomplete or was changed, without their digests."""
    file.seek(0)
    lines: list[dict[str, Any]] = []
    digest = ""
    for line in file.read().split(b"\n")[:-1]:
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(content, dict):
            break
        written = content.pop(CHAIN, None)
        digest = _chained(content, digest)
        if written != digest:
            break
        lines.append(content)
    return lines


def _chained(line: Mapping[str, Any], previous: str) -> str:
    """Return the digest of a line and of all lines before it, whose digest is given."""
    return hashlib.sha256(previous.encode() + json.dumps(line).encode()).hexdigest()


def _is_complete(path: Path, digest: str) -> bool:
    return path.is_file() and digest_of_file(path) == digest


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
