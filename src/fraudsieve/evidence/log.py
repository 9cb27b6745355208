"""`EvidenceLog`: a file to which the evidence of scores is appended, durably and in one order.

Each record contains the digest of the record before it, and is a leaf of a Merkle tree over the whole log. The file
itself reveals a changed, dropped, repeated or moved record. A checkpoint that is kept elsewhere reveals a missing end.

Settings of the evidence that a command records: the log, which scores, and what it keeps of their input.

The record of a score: everything that is needed to compute it again, in plain values of canonical JSON.
"""

import os
import platform
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias, get_args

from fraudsieve._io import PRIVATE, lock_file, sync_data, sync_folder
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import BusyError, EvidenceError
from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.artifact.folder import FEATURES_VERSION, LIBRARIES, Model
from fraudsieve.models.fields import Policy
from fraudsieve.models.scoring.observers import ScoredChunk
from fraudsieve.models.scoring.score_fields import COMPUTED, Score, model_decision

from .canonical import NumberWriter, encode_canonical, join_object, to_plain
from .checkpoints import NO_RECORD, Checkpoint, Frontier, leaf_of_line, line_of, may_begin_line, read_line
from .kept_content import Content, ContentKind, input_fields, read_key

FORMAT: Final = 1
"""The version of the records. It increases when an older reader would misread a newer record."""


def is_flagged(score: Score) -> bool:
    """Return whether a score is flagged, by the model or by a rule."""
    return "flag" in (score["decision"], model_decision(score))


def clock() -> str:
    """Return the time of this machine's clock, UTC, in microseconds."""
    return f"{datetime.now(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


@cache
def software() -> dict[str, str]:
    """Return the versions of fraudsieve, its libraries and Python, and the type of the machine."""
    versions = {name: version(name) for name in LIBRARIES}
    return versions | {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}


def describe_setting(model: Model, policy: Policy, model_version: str | None) -> JsonObject:
    """Return the fields that the records of a model share: model, configuration, operating points and software."""
    configuration: JsonObject = {
        "features_version": FEATURES_VERSION,
        "policy": asdict(policy),
        "calibration": asdict(model.calibration),
        "operating_points": [asdict(point) for point in model.points],
        "legitimate": model.legitimate,
        "ratio_support": None if model.ratio_support is None else asdict(model.ratio_support),
    }
    names = {"name": model.name, "digest": model.digest, "version": model_version}
    return {"model": names, "configuration": to_plain(configuration), "software": software()}


def describe_history(history: Any, content: Content) -> JsonObject:
    """Describe a history that was passed to a scorer: none, a live state in memory, or events."""
    if history is None:
        return {"source": "none"}
    if isinstance(history, HistoryState):
        times = {"newest_us": to_plain(int(history.watermark)), "lateness": history.lateness}
        return {"source": "memory", "events": history.n_events, **times}
    parts = history if isinstance(history, Mapping) else {"events": history}
    records = {f"{part} {n}": record for part, listed in parts.items() for n, record in enumerate(listed)}
    merged = {f"{place} {name}": value for place, record in records.items() for name, value in record.items()}
    digest = Content(key=content.key).describe_input(merged, dict.fromkeys(merged, "other"))
    return {"source": "given", "records": len(records), **digest}


def to_record(chunk: ScoredChunk, position: int, content: Content) -> JsonObject:
    """Return the record of one score, without its features and the fields that all records share.

    The result has the types of canonical JSON.
    """
    answer, record, scores = chunk.answers[position], chunk.records[position], chunk.scores
    features, subject = scores.features, scores.model.subject
    return {
        "kind": "score",
        "format": FORMAT,
        "time": clock(),
        "subject": {"type": subject, "id": content.subject_id(record, subject)},
        "input": content.describe_input(record, input_fields(scores.model.matrix)),
        "has_history": None if features.has_history is None else bool(features.has_history[position]),
        "log_odds": to_plain(scores.log_odds[position].tolist()),
        "score": to_plain(computed_fields(answer)),
        "rules": _rule_decision(answer) if "rule" in answer else None,
        "reasons": to_plain(reason_numbers(answer, content, chunk.reasons)),
    }


def _rule_decision(answer: Score) -> JsonObject:
    """Return the decision that was returned, and the rule that made it; its reason stays in the rules file."""
    rule = answer["rule"]
    return {"decision": answer["decision"], "rule": rule and {name: rule[name] for name in ("id", "action")}}


def computed_fields(score: Score) -> JsonObject:
    """Return the fields of a score that are computed again, with the decision of the model."""
    return {name: value for name, value in score.items() if name in COMPUTED} | {"decision": model_decision(score)}


def reason_numbers(score: Mapping[str, Any], content: Content, request: Mapping[str, Any]) -> JsonObject | None:
    """Return the reasons of a score as numbers, without their sentences; None if none were requested.

    The texts of text spans are content. If content is not kept, a span has only its position and its number.
    """
    if "reasons" not in score:
        return None
    spans = score.get("text_spans", ())
    named = ("start", "stop", "form", "log_odds") + (("text",) if content.kind == "kept" else ())
    explained = score["explained"]
    return {
        "request": {name: request.get(name) for name in ("n", "of")},
        "explained": explained and {name: explained[name] for name in ("class", "against", "log_odds")},
        "reasons": [{name: reason[name] for name in ("family", "cue", "log_odds")} for reason in score["reasons"]],
        "text_spans": [{name: span[name] for name in named} for span in spans],
    }


Which: TypeAlias = Literal["flagged", "all"]
LOG_ID_BYTES: Final = 16


class EvidenceLog:
    """A log of evidence. Threads can share it, but each process needs its own.

    The file is created, or continued. An incomplete last line, which a killed process left and no caller relies on, is
    removed. Only the owner of the file can read it. Each time the log is opened, a record is added.

    Parameters
    ----------
    path : str or Path
        The file; its folder must exist.
    which : {"flagged", "all"}, default="flagged"
        The scores to record; a score is flagged if the model or a rule flags it. With ``flagged``, a model without
        operating points is rejected, because it flags nothing.
    content : Content, default=None
        What is kept of texts and identifiers; None for `Content()`, which keeps only digests.
    deferred : bool, default=False
        Whether records are on disk only after `sync`, instead of as soon as they are appended.

    Attributes
    ----------
    path : Path
    id : str
        A random name of the log.
    model_versions : dict of str to str
        Registered versions, by the digest of the model, for the records.

    Raises
    ------
    BusyError
        If another process is writing to the file.
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

    def add(self, chunk: ScoredChunk) -> list[Score]:
        """Record the scores that `which` selects, and return the answers with ``evidence``. `Scorer.score` calls it.

        Raises
        ------
        EvidenceError
            If it cannot be written.
        """
        batch = self.batch()
        return batch.commit(batch.add(chunk))

    def batch(self) -> "EvidenceBatch":
        """Return a batch, which collects evidence while a lock is held, to be committed afterwards."""
        return EvidenceBatch(self)

    def check(self, model: Model) -> None:
        """Raise EvidenceError if the log would stay empty: the model flags nothing, and nothing else is recorded."""
        if self.which == "flagged" and not model.points:
            problem = "the model has no operating point, so that no score is flagged"
            raise EvidenceError(str(self.path), problem, "Record all scores, or train the model with operating points.")

    def setting(self, model: Model, policy: Policy) -> tuple[dict[str, bytes], NumberWriter]:
        """Return the encoded fields that the records of a model have in common, and a writer of its feature rows."""
        key = (model.digest, policy, self.model_versions.get(model.digest))
        if key not in self._settings:
            described = describe_setting(model, policy, key[2])
            encoded = {name: encode_canonical(value) for name, value in described.items()}
            self._settings[key] = encoded, NumberWriter(model.matrix.columns)
        return self._settings[key]

    def append(self, bodies: list[bytes]) -> int:
        """Append records; return once they are on disk or, if `deferred`, in the file.

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
        """Return once all appended records are on disk. Threads that wait at the same time share one sync.

        Raises
        ------
        EvidenceError
            As for `append`.
        """
        end = self._end
        with self._syncing:
            if self._synced >= end:  # the sync of another thread covered it too
                return
            self._check_valid()
            end = self._end
            try:
                sync_data(self._file)
            except OSError as error:
                raise self._broken(error) from error
            self._synced = end

    def _write(self, bodies: list[bytes]) -> int:
        """Write lines at the end of the file, all or none."""
        self._check_valid()
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

    def _check_valid(self) -> None:
        if self._is_broken:
            raise EvidenceError(str(self.path), "is closed, or a write to it failed before", "Open it again.")

    def _broken(self, error: OSError) -> EvidenceError:
        """Accept no further records: after a failure, it is unknown which records are on disk."""
        self._is_broken = True
        fix = "Free space or check the disk, and open it again."
        return EvidenceError(str(self.path), f"cannot be written ({error.strerror})", fix)

    def checkpoint(self) -> Checkpoint:
        """Return the current size and root of the log. Keep it elsewhere: it reveals whether the end is removed later.

        Raises
        ------
        EvidenceError
            If the log cannot be synced. The records that a checkpoint covers are always on disk.
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
                    if not end and not may_begin_line(line):  # another file, such as a key, that must not be cut off
                        problem = "is not a log of evidence"
                        raise EvidenceError(str(self.path), problem, "Keep the file as it is, and name another one.")
                    break
                leaf = leaf_of_line(line)
                if leaf is None or not line.endswith(b'"%b"}}\n' % self._last.hex().encode()):
                    problem = f"record {self.size} was changed, or does not follow record {self.size - 1}"
                    raise EvidenceError(str(self.path), problem, "Keep the file as it is, and start another one.")
                self._frontier.append(leaf)
                self._last, end = leaf, end + len(line)
                last = line
        os.ftruncate(self._file, end)
        if end:
            self.id = read_line(last, str(self.path)).log
        return end


class EvidenceBatch:
    """Evidence of scores that are not yet in a log."""

    def __init__(self, log: EvidenceLog) -> None:
        self._log = log
        self._chunks: list[tuple[ScoredChunk, list[int], Any]] = []
        self._places: list[int] = []
        self._n_answers = 0

    def add(self, chunk: ScoredChunk) -> list[Score]:
        """Collect the evidence of the scores that the log selects, and return the answers. Nothing is written."""
        self._log.check(chunk.scores.model)
        everything = self._log.which == "all"
        chosen = [n for n, answer in enumerate(chunk.answers) if everything or is_flagged(answer)]
        if chosen:  # a live state changes as soon as its lock is released: it is described here
            self._chunks.append((chunk, chosen, describe_history(chunk.history, self._log.content)))
        self._places += [self._n_answers + n for n in chosen]
        self._n_answers += len(chunk.answers)
        return chunk.answers

    def commit(self, answers: Sequence[Score], history: JsonObject | None = None) -> list[Score]:
        """Append the collected evidence to the log, and return the answers; recorded ones have ``evidence``.

        The answers of recorded scores are copies.
        """
        answers = list(answers)
        if self._places:
            first = self._log.append(self._bodies(history))
            for index, place in enumerate(self._places, first):
                answers[place] = {**answers[place], "evidence": {"log": self._log.id, "record": index}}
        self._chunks, self._places, self._n_answers = [], [], 0
        return answers

    def _bodies(self, history: JsonObject | None) -> list[bytes]:
        bodies: list[bytes] = []
        for chunk, chosen, described in self._chunks:
            setting, writer = self._log.setting(chunk.scores.model, chunk.scores.policy)
            source = encode_canonical(described if history is None else history)
            for n in chosen:
                record = to_record(chunk, n, self._log.content)
                parts = {name: encode_canonical(value) for name, value in record.items()}
                features = writer.write(chunk.scores.features.X[n])
                bodies.append(join_object({**setting, **parts, "features": features, "history": source}))
        return bodies


def _write_all(file: int, content: bytes, start: int) -> None:
    view = memoryview(content)
    os.lseek(file, start, os.SEEK_SET)
    while view:
        view = view[os.write(file, view) :]


@dataclass(frozen=True)
class EvidenceSettings:
    """The log of evidence, and what it contains."""

    path: Path
    which: Which = "flagged"
    content: ContentKind = "omitted"
    # File with the key of pseudonyms and digests; None for no key.
    key_file: Path | None = None

    def of_worker(self, number: int) -> "EvidenceSettings":
        """Return the settings of one of several processes, each of which has its own log."""
        return replace(self, path=self.path.with_suffix(f".{number}{self.path.suffix}"))

    def open(self, *, deferred: bool = False) -> EvidenceLog:
        """Open the log; `deferred` is as for `EvidenceLog`."""
        key = None if self.key_file is None else read_key(self.key_file)
        return EvidenceLog(self.path, which=self.which, content=Content(self.content, key), deferred=deferred)
