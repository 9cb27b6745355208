"""`EvidenceLog`: a file to which the evidence of scores is appended, durably and in one order.

Each record holds the digest of the one before it, and is a leaf of a Merkle tree over the whole log. A changed,
dropped, repeated or moved record shows in the file itself, and a cut end in a checkpoint that was kept elsewhere.
"""

import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias, get_args

from fraudsieve._io import PRIVATE, lock_file, sync_data, sync_folder
from fraudsieve.exceptions import BusyError, EvidenceError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.policy import Policy
from fraudsieve.models.scoring.observers import ScoredChunk

from .batch import EvidenceBatch
from .canonical import NumberWriter, encode_canonical, to_plain
from .checkpoints import Checkpoint
from .content import Content
from .lines import NO_RECORD, leaf_of_line, line_of, read_line
from .merkle import Frontier
from .records import FORMAT, clock, describe_setting, software

__all__ = ["EvidenceLog", "Which"]

Which: TypeAlias = Literal["flagged", "all"]
LOG_ID_BYTES: Final = 16


class EvidenceLog:
    """A log of evidence. Threads share it; a process has its own.

    The file is created, or continued: an incomplete last line, which a killed process left and no caller was told of,
    is cut off. Only its owner can read it. Every opening is a record too.

    Parameters
    ----------
    path : str or Path
        The file; its folder must exist.
    which : {"flagged", "all"}, default="flagged"
        The scores that are recorded. A model without operating points flags nothing, and is refused.
    content : Content, default=None
        What is kept of texts and identifiers; None for `Content()`, digests alone.
    deferred : bool, default=False
        Whether records are on the disk only after `sync`, and not as soon as they are appended.

    Attributes
    ----------
    path : Path
    id : str
        A random name of the log.
    model_versions : dict of str to str
        Registered versions by the digests of models, for the records.

    Raises
    ------
    BusyError
        If another process writes to the file.
    EvidenceError
        If the file cannot be written, or is not an undamaged evidence log.

    Examples
    --------
    ::

        with EvidenceLog("evidence.jsonl", content=Content("pseudonymised", read_key("key"))) as log:
            scorer.score(record, evidence=log)
            print(log.checkpoint())
    """

    def __init__(
        self,
        path: str | Path,
        *,
        which: Which = "flagged",
        content: Content | None = None,
        deferred: bool = False,
    ) -> None:
        if which not in get_args(Which):
            raise ValueError(f"which: expected flagged or all, got {which!r}.")
        self.path, self.which, self.content = Path(path), which, content or Content()
        self.deferred = deferred
        self.model_versions: dict[str, str] = {}
        self._settings: dict[tuple[str, Policy, str | None], tuple[dict[str, bytes], NumberWriter]] = {}
        self._appending, self._syncing = threading.Lock(), threading.Lock()
        self._frontier, self._last = Frontier(), NO_RECORD
        self.id = secrets.token_hex(LOG_ID_BYTES)
        self._is_broken = False
        self._file = self._open()
        try:
            self._end = self._synced = self._continue()
            kept = {"content": self.content.kind, "key": self.content.key_id, "records": which}
            opened = {"kind": "opened", "format": FORMAT, "time": clock(), "software": software(), **kept}
            self.append([encode_canonical(to_plain(opened))])
        except BaseException:
            os.close(self._file)
            raise
        sync_folder(self.path.resolve().parent)

    @property
    def size(self) -> int:
        """Number of records."""
        return self._frontier.size

    def add(self, chunk: ScoredChunk) -> None:
        """Record what `which` selects of scores, which get ``evidence``; `Scorer.score` calls it.

        Raises
        ------
        EvidenceError
            If it cannot be written.
        """
        batch = self.batch()
        batch.add(chunk)
        batch.commit()

    def batch(self) -> EvidenceBatch:
        """Return a batch, which collects evidence while a lock is held and is committed afterwards."""
        return EvidenceBatch(self)

    def check(self, model: Model) -> None:
        """Raise EvidenceError if the log would stay empty: the model flags nothing, and nothing else is recorded."""
        if self.which == "flagged" and not model.points:
            problem = "the model has no operating point, so that no score is flagged"
            raise EvidenceError(str(self.path), problem, "Record all scores, or train the model with operating points.")

    def setting(self, model: Model, policy: Policy) -> tuple[dict[str, bytes], NumberWriter]:
        """Return what the records of a model have in common, encoded, and a writer of its feature rows."""
        key = (model.digest, policy, self.model_versions.get(model.digest))
        if key not in self._settings:
            described = describe_setting(model, policy, key[2])
            encoded = {name: encode_canonical(value) for name, value in described.items()}
            self._settings[key] = encoded, NumberWriter(model.matrix.columns)
        return self._settings[key]

    def append(self, bodies: list[bytes]) -> int:
        """Append records, and return once they are on the disk, or, if that is deferred, in the file.

        Parameters
        ----------
        bodies : list of bytes
            Canonical JSON.

        Returns
        -------
        int
            Index of the first of them.

        Raises
        ------
        EvidenceError
            If they cannot be written. The log accepts nothing more until it is opened again.
        """
        with self._appending:
            first = self._write(bodies)
        if not self.deferred:
            self.sync()
        return first

    def sync(self) -> None:
        """Return once all that was appended is on the disk. Threads that wait at the same time share one sync.

        Raises
        ------
        EvidenceError
            As for `append`.
        """
        end = self._end
        with self._syncing:
            if self._synced >= end:  # the sync of another thread had it too
                return
            self._check_sound()
            end = self._end
            try:
                sync_data(self._file)
            except OSError as error:
                raise self._broken(error) from error
            self._synced = end

    def _write(self, bodies: list[bytes]) -> int:
        """Write lines at the end of the file, all or none."""
        self._check_sound()
        first, previous, lines, leaves = self.size, self._last, [], []
        for index, body in enumerate(bodies, first):
            line, previous = line_of(body, self.id, index, previous)
            lines.append(line)
            leaves.append(previous)
        content = b"".join(lines)
        try:
            _write_all(self._file, content, self._end)
        except OSError as error:
            with suppress(OSError):  # else the next opening cuts off what is incomplete
                os.ftruncate(self._file, self._end)
            raise self._broken(error) from error
        self._end, self._last = self._end + len(content), previous
        for leaf in leaves:
            self._frontier.append(leaf)
        return first

    def _check_sound(self) -> None:
        if self._is_broken:
            raise EvidenceError(str(self.path), "is closed, or a write to it failed before", "Open it again.")

    def _broken(self, error: OSError) -> EvidenceError:
        """Accept nothing more: after a failure nobody knows what is on the disk."""
        self._is_broken = True
        fix = "Free space or check the disk, and open it again."
        return EvidenceError(str(self.path), f"cannot be written ({error.strerror})", fix)

    def checkpoint(self) -> Checkpoint:
        """Return size and root of the log as of now. Keep it elsewhere: it shows whether the end is cut later.

        Raises
        ------
        EvidenceError
            If it cannot be synced: what a checkpoint covers is on the disk.
        """
        with self._appending:
            checkpoint = Checkpoint(self.id, self.size, self._frontier.root.hex(), clock())
        self.sync()
        return checkpoint

    def close(self) -> None:
        """Close the file."""
        with self._appending, self._syncing:
            if self._file >= 0:
                os.close(self._file)
            self._file, self._is_broken = -1, True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _open(self) -> int:
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), PRIVATE)
        except OSError as error:
            problem = f"cannot be opened ({error.strerror})"
            raise EvidenceError(str(self.path), problem, "Name a file in a folder that exists.") from None
        if not lock_file(file):
            os.close(file)
            raise BusyError(f"{self.path}: another process writes evidence to it. Give each process its own file.")
        return file

    def _continue(self) -> int:
        """Read the lines that are there, cut off an incomplete one, and return the end of the others."""
        end, line = 0, b""
        with os.fdopen(os.dup(self._file), "rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                leaf = leaf_of_line(line)
                if leaf is None or not line.endswith(b'"%b"}}\n' % self._last.hex().encode()):
                    problem = f"record {self.size} was changed, or is not the one after record {self.size - 1}"
                    raise EvidenceError(str(self.path), problem, "Keep the file as it is, and start another one.")
                self._frontier.append(leaf)
                self._last, end = leaf, end + len(line)
                last = line
        os.ftruncate(self._file, end)
        if end:
            self.id = read_line(last, str(self.path)).log
        return end


def _write_all(file: int, content: bytes, start: int) -> None:
    view = memoryview(content)
    os.lseek(file, start, os.SEEK_SET)
    while view:
        view = view[os.write(file, view) :]
