"""A challenger that scores in the shadow of the model in use, and the sample of its scores in two bounded files."""

import json
import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from fraudsieve._io import PRIVATE, check_output_file
from fraudsieve.exceptions import ArtifactError
from fraudsieve.live.state import LiveState
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.score_fields import Score, model_decision
from fraudsieve.service.json_log import error_location, log_event
from fraudsieve.service.loaded_model import LoadedModel, RefusedVersion
from fraudsieve.service.metrics import Metrics


class SampleFile:
    """A file of JSON Lines. When it is full, it becomes ``<name>.1``, and a new one begins.

    An earlier ``<name>.1`` is replaced. Only its owner can read it.
    """

    def __init__(self, path: str | Path, max_bytes: int) -> None:
        self.path, self.max_bytes = Path(path), max_bytes
        check_output_file(self.path)
        self._append(b"")

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Append lines."""
        content = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines).encode()
        if content:
            self._append(content)

    def _append(self, content: bytes) -> None:
        # Opened for each call: whoever moves or deletes the file in between gets a new one.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
        try:
            os.write(descriptor, content)
            is_full = os.fstat(descriptor).st_size > self.max_bytes // 2
        finally:
            os.close(descriptor)
        if is_full:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))


MAX_RECORDS, MAX_BYTES = 4096, 8 << 20
"""Records that wait, and bytes of their bodies; further ones are dropped."""
BATCH: Final = 64
"""Records that are scored in one call. A longer call would hold the lock of the history for too long."""
REST: Final = 9.0
"""Pause after a batch, as a multiple of its duration, so that at most a tenth of the time is used."""
GATHER_SECONDS: Final = 0.25
"""Pause if nothing is waiting, so that records accumulate: each batch makes requests wait for the interpreter, and a
large batch takes hardly longer than a small one."""
AGREEING_SHARE: Final = 0.01
"""Share of the records with equal decisions that is kept in the sample; all others are kept."""
LOG_SECONDS: Final = 60.0
"""Seconds between two lines on failures."""
IDS: Final = ("message_id", "event_id", "account_id")


class _Job(NamedTuple):
    """Records of a request and their scores, and the bytes of its body."""

    records: list[dict[str, Any]]
    scores: list[Score]
    size: int


class Shadow:
    """A challenger that also scores each record, after the record is answered.

    It never touches an answer: what it raises is counted and logged, and what it cannot keep up with is dropped and
    counted. Its thread works at most a tenth of the time.
    """

    role: ClassVar = "shadow"

    def __init__(
        self,
        loaded: LoadedModel,
        metrics: Metrics,
        why_not: Callable[[Model], str | None],
        *,
        live: LiveState | None = None,
        file: SampleFile | None = None,
        ids: bool = False,
    ) -> None:
        self.loaded, self.metrics, self.why_not = loaded, metrics, why_not
        self.refused: RefusedVersion | None = None
        self.live, self.file, self.ids = live, file, ids
        self._queue: deque[_Job] = deque()
        self._records = self._bytes = 0
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._logged_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def submit(self, records: list[dict[str, Any]], scores: Sequence[Score], size: int) -> None:
        """Score records after their scores are answered, unless too many are waiting."""
        with self._changed:
            if self._records + len(records) > MAX_RECORDS or self._bytes + size > MAX_BYTES or self._closed.is_set():
                self.metrics.shadow_dropped.inc(len(records))
                return
            self._queue.append(_Job(records, list(scores), size))
            self._records, self._bytes = self._records + len(records), self._bytes + size
            self._changed.notify()

    def replace_model(self, loaded: LoadedModel) -> None:
        """Compare with another challenger from now on."""
        problem = self.why_not(loaded.scorer.model)
        if problem is not None:
            raise ArtifactError(f"model {loaded.scorer.model.name}", problem, "The challenger in use stays.")
        self.loaded = loaded

    def close(self) -> None:
        """Stop. Waiting records are dropped."""
        with self._changed:
            self._closed.set()
            self.metrics.shadow_dropped.inc(self._records)
            self._queue.clear()
            self._changed.notify()
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            records, scores = self._next_batch()
            if not records:
                return
            start = time.perf_counter()
            self._compare(records, scores)
            rest = REST * (time.perf_counter() - start)
            self._closed.wait(rest if self._queue else max(rest, GATHER_SECONDS))

    def _next_batch(self) -> tuple[list[dict[str, Any]], list[Score]]:
        """Wait for records; return some, and their scores. Empty if the shadow is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed.is_set())
            records: list[dict[str, Any]] = []
            scores: list[Score] = []
            while self._queue and len(records) < BATCH:
                job, left = self._queue.popleft(), BATCH - len(records)
                records += job.records[:left]
                scores += job.scores[:left]
                if len(job.records) > left:
                    self._queue.appendleft(job._replace(records=job.records[left:], scores=job.scores[left:]))
                else:
                    self._bytes -= job.size
            self._records -= len(records)
            return records, scores

    def _compare(self, records: list[dict[str, Any]], scores: list[Score]) -> None:
        challenger = self.loaded
        answers: Sequence[Score | None]
        try:
            answers = self._score(challenger.scorer, records)
        except Exception as error:  # one record must not fail the others
            self._log_failure(error)
            answers = [self._score_single(challenger.scorer, record) for record in records]
        lines = []
        for record, score, answer in zip(records, scores, answers, strict=True):
            if answer is not None:
                weight = self._count(score, answer)
                lines += [self._line(record, score, answer, weight)] if weight else []
        if self.file is None:
            return
        try:
            self.file.write(lines)
        except OSError as error:
            self.metrics.shadow_failed.labels("file").inc(len(lines))
            self._log_failure(error)

    def _score(self, scorer: Scorer, records: list[dict[str, Any]]) -> list[Score]:
        if self.live is None or not scorer.model.matrix.history_parts:
            return list(scorer.score(records))
        return list(self.live.score_at(records, scorer=scorer).scores)

    def _score_single(self, scorer: Scorer, record: dict[str, Any]) -> Score | None:
        try:
            return self._score(scorer, [record])[0]
        except Exception as error:
            self.metrics.shadow_failed.labels("score").inc()
            self._log_failure(error)
            return None

    def _count(self, score: Score, answer: Score) -> int:
        """Count a record; return its weight in the sample, 0 if it is not kept."""
        decision = model_decision(score)
        self.metrics.count_shadow(decision, answer["decision"], score["probability"], answer["probability"])
        if decision != answer["decision"]:
            return 1
        return round(1 / AGREEING_SHARE) if random.random() < AGREEING_SHARE else 0

    def _line(self, record: dict[str, Any], score: Score, answer: Score, weight: int) -> dict[str, Any]:
        line: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "weight": weight}
        for side, of in (("model", score), ("shadow", answer)):
            line[side] = {"digest": of["model"]["digest"], "decision": model_decision(of)}
            line[side] |= {name: of[name] for name in ("probability", "label", "status")}
        if self.ids:
            line |= {name: record[name] for name in IDS if isinstance(record.get(name), str | int)}
        return line

    def _log_failure(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            log_event("shadow failed", level=logging.ERROR, error=error_location(error))
