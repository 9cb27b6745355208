"""The score log of a service: rows are made from answers, and stored before the answers are sent; and evidence."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any, TypeAlias
from uuid import uuid4

from fraudsieve._microseconds import DAY
from fraudsieve._typing import JsonObject
from fraudsieve.evidence.log import EvidenceSettings
from fraudsieve.exceptions import EvidenceError, RejectedRecordError, StateError
from fraudsieve.features.account_matrix import FeatureMatrix, account_matrix_of
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.records import record_time
from fraudsieve.live.recording import LoggedScore, encode_record, readable_id
from fraudsieve.live.state import LiveState
from fraudsieve.live.store.event_store import open_store
from fraudsieve.live.store.score_rows import Recorded, ScoreRow, drop_old_scores, newest_score
from fraudsieve.models.scoring.score_fields import Score, join_fields, to_keep
from fraudsieve.service.bodies import RejectedRequest, Reply
from fraudsieve.service.json_log import log_event
from fraudsieve.service.loaded_model import LoadedModel
from fraudsieve.service.settings import Settings

Earlier: TypeAlias = Mapping[int, LoggedScore]
"""Scores that the log has already, by the positions of the rows that were to be logged."""
REQUEST_ID = "x-request-id"
"""Header: the id of a request, which its answer repeats."""
NOT_LOGGED = "the score log cannot be written, and no score is answered without it; send the request again later"
MAX_ID = 128
"""Characters of an id of a request; a longer one is replaced."""
IDS = ("message_id", "event_id", "account_id")


NOT_RECORDED = "the evidence of the scores cannot be written; send the request again"


def evidence_rejection(error: EvidenceError) -> RejectedRequest:
    """Log why evidence cannot be written, and return the answer of its requests."""
    log_event("evidence cannot be written", level=logging.ERROR, why=error.problem)
    return RejectedRequest(503, NOT_RECORDED)


class EvidenceRecorder:
    """The evidence log of a process."""

    def __init__(self, settings: EvidenceSettings, loaded: LoadedModel) -> None:
        self.log = settings.open(deferred=True)
        self._logged_size = 0
        # One thread: replies that wait while it syncs share the next sync. Others do not wait.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="evidence")
        self.use(loaded)

    def use(self, loaded: LoadedModel) -> None:
        """Record the version of a model with its scores."""
        self.log.check(loaded.scorer.model)
        if loaded.version is not None:
            self.log.model_versions[loaded.scorer.model.digest] = loaded.version

    async def secure(self, reply: Reply) -> Reply | RejectedRequest:
        """Return a reply once its evidence is on disk, or a rejection. No score is returned without evidence."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self.log.sync)
        except EvidenceError as error:
            return evidence_rejection(error)
        return reply

    def log_checkpoint(self) -> None:
        """Log size and root if there are new records. The log of the service should be kept elsewhere."""
        checkpoint = self.log.checkpoint()
        if checkpoint.size > self._logged_size:
            log_event("evidence checkpoint", log=checkpoint.log, size=checkpoint.size, root=checkpoint.root)
            self._logged_size = checkpoint.size

    def close(self) -> None:
        """Log a last checkpoint, and close the log."""
        self._pool.shutdown()
        try:
            self.log_checkpoint()
        except EvidenceError as error:
            log_event("evidence cannot be written", level=logging.ERROR, why=error.problem)
        self.log.close()


def request_id_of(header: str | None) -> str:
    """Return the id of a request: that of the client if it is short and printable, else a new one."""
    is_usable = header is not None and 0 < len(header) <= MAX_ID and all("!" <= char <= "~" for char in header)
    return header if header is not None and is_usable else uuid4().hex


class AnswerLog:
    """Logs the scores of answers. Threads share it."""

    def __init__(self, settings: Settings, live: LiveState, loaded: LoadedModel) -> None:
        assert settings.state is not None  # `Settings` checks it
        self._settings, self._address, self._live = settings, settings.state, live
        self._versions = {loaded.scorer.model.digest: loaded.version}

    def use(self, loaded: LoadedModel) -> None:
        """Log the version of a model with its scores."""
        self._versions[loaded.scorer.model.digest] = loaded.version

    def rows(
        self,
        request: str,
        matrix: FeatureMatrix,
        items: Sequence[Any],
        scores: Sequence[Score],
        offset: int | None,
        recorded: Mapping[int, Recorded] | None = None,
    ) -> tuple[list[Score], list[ScoreRow]]:
        """Return the scores of a request with ids of their records, and the rows to log; unscorable ones have none.

        Records that the request adds to the history are `recorded` by their positions, in the order of the items.
        """
        now, key, answers, rows = time.time_ns() // 1000, matrix.subject.id, list[Score](), list[ScoreRow]()
        positions = range(len(items)) if recorded is None else recorded
        for position, item, score in zip(positions, items, scores, strict=True):
            record = item if isinstance(item, dict) else {}
            ids = {name: text for name in IDS if (text := readable_id(record.get(name))) is not None}
            answers.append(join_fields({key: record[key] if key in ids else None}, score))
            if score["status"] != "unscorable":
                of_history = None if recorded is None else recorded[position]
                logged = LoggedScore(
                    request=request,
                    position=position,
                    subject=matrix.subject,
                    ids=ids,
                    as_of=_cutoff(record, matrix),
                    version=self._versions.get(score["model"]["digest"]),
                    offset=offset,
                    body=None if of_history is None else of_history.digest,
                    score=to_keep(score),
                )
                kept = encode_record(record) if self._settings.score_log == "records" else None
                rows.append(ScoreRow(now, logged.encode(), kept, of_history))
        return answers, rows

    def drop_old(self) -> None:
        """Delete scores and records that are older than their retention."""
        settings, newest_event = self._settings, self._live.state.watermark
        with open_store(self._address) as store:
            with store.reading() as transaction:
                newest = newest_score(transaction)
            if newest is None:
                return
            # Time passes with the rows of the store, as it does for its events. A clock that is ahead deletes nothing,
            # not even if scores were logged by it: those who send events have clocks of their own.
            now = min(time.time_ns() // 1000, newest, newest if newest_event == NEVER else newest_event)
            drop_old_scores(store, now - settings.score_days * DAY, now - settings.record_days * DAY)

    def store(self, parts: Sequence[Sequence[ScoreRow]]) -> Sequence[Earlier | RejectedRequest]:
        """Store the rows of several answers, and return once they are durable.

        The result has for each answer why it cannot be sent, or the earlier answers of records that are in the log
        already, by position: these are not logged.
        """
        rows = [row for part in parts for row in part]
        try:
            earlier = self._live.log_scores(rows) if rows else {}
        except StateError as error:
            log_event("scores cannot be logged", level=logging.ERROR, why=error.problem)
            return [RejectedRequest(503, NOT_LOGGED) if part else {} for part in parts]
        if not earlier:  # the usual case
            return [{}] * len(parts)
        starts = accumulate((len(part) for part in parts), initial=0)
        return [
            {
                row: LoggedScore.decode(earlier[start + row], self._address)
                for row in range(len(part))
                if start + row in earlier
            }
            for part, start in zip(parts, starts, strict=False)
        ]


def _cutoff(record: JsonObject, matrix: FeatureMatrix) -> int | None:
    """Return the cutoff time of a record, as the model reads it; None without one."""
    for name in matrix.subject.times:
        try:
            cutoff = record_time(record.get(name), name, _zone(matrix))
        except RejectedRecordError:  # a model without history does not read it
            continue
        if cutoff is not None:
            return cutoff
    return None


def _zone(matrix: FeatureMatrix) -> str:
    if not matrix.subject.has_text:
        return account_matrix_of(matrix).time_zone
    if matrix.campaigns is not None:
        return matrix.campaigns.time_zone
    return matrix.event_views[0].time_zone if matrix.event_views else "UTC"
