"""Request handling without HTTP: from the bytes of a request body to the bytes of a response body."""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import JsonObject, Record
from fraudsieve.exceptions import ArtifactError, EvidenceError, RecordError, ServiceError, StateError
from fraudsieve.features.network.declaration import event_fields
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.live.promises import Promise, watch_promises
from fraudsieve.live.records import not_kept
from fraudsieve.live.state import LiveState
from fraudsieve.live.store.event_store import open_store
from fraudsieve.live.store.score_rows import ScoreRow
from fraudsieve.models.artifact.folder import Model, TrainingRecords
from fraudsieve.models.fields import check_body
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.models.scoring.score_fields import Score, join_fields
from fraudsieve.models.scoring.scores import score_features
from fraudsieve.models.scoring.traffic import traffic_advice
from fraudsieve.service.metrics import LatestTraffic
from fraudsieve.service.score_log import EvidenceRecorder, evidence_rejection

from .background import STALLED_SECONDS
from .bodies import (
    Explanation,
    RejectedRequest,
    Reply,
    ScoreRequest,
    Sources,
    as_list,
    check_number,
    decode_json,
    encode_json,
    json_type,
    no_explanation,
)
from .ingestion import EventIngestion
from .json_log import error_location, log_event
from .loaded_model import LoadedModel, RefusedVersion, record_fields, why_incompatible
from .metrics import Metrics
from .score_log import AnswerLog
from .settings import Settings

NO_STORE = "the model uses no history, so that its labels need a store: start the service with --state"
Offset: TypeAlias = int | None
"""Offset of the history that scores saw; None for a model without history."""


class RequestHandler:
    """Handler of requests, with the model in use and the live history. Threads share it."""

    def __init__(self, loaded: LoadedModel, settings: Settings, metrics: Metrics) -> None:
        self.loaded, self.settings, self.metrics = loaded, settings, metrics
        self.traffic = LatestTraffic(loaded.scorer.model)
        self.is_warm = False
        self.live: LiveState | None = None
        self.store: LiveState | None = None
        self.ingestion: EventIngestion | None = None
        self.refused: RefusedVersion | None = None
        self.promises: tuple[Promise, ...] = ()
        self._replacing = threading.Lock()
        self.evidence = None if settings.evidence is None else EvidenceRecorder(settings.evidence, loaded)
        has_history = bool(loaded.scorer.model.matrix.history_parts)
        if has_history:
            _check_shared(settings)
        if has_history or settings.state is not None:
            self.store = LiveState(
                loaded.scorer,
                settings.state,
                follow=has_history,
                lateness=settings.lateness,
                label_days=settings.label_days,
            )
            self.live = self.store if has_history else None
            if settings.state is not None:
                _log_not_kept(loaded.scorer.model, settings)
            self.ingestion = EventIngestion(self.store, settings, metrics)
        self.score_log: AnswerLog | None = None
        if settings.score_log != "off":
            assert self.store is not None  # `Settings` checks it
            self.score_log = AnswerLog(settings, self.store, loaded)
        metrics.set_model(loaded)

    @property
    def is_behind(self) -> bool:
        """Whether the store of the history cannot be read, so that scores use the history in memory."""
        return self.live is not None and self.live.error is not None

    @property
    def history_age(self) -> float | None:
        """Seconds since the store of the history was last checked; None without a store."""
        return None if self.live is None else self.live.follower_age

    @property
    def is_stalled(self) -> bool:
        """Whether the store of the history has not been checked for over a minute, because it hangs."""
        return self.history_age is not None and self.history_age > STALLED_SECONDS

    def warm_up(self) -> None:
        """Score sample records; afterwards the handler is ready."""
        decode_json(b"[]", 1)  # compiles what is not the scorer's
        self.loaded.scorer.warm_up()  # loading does so too, but the model may come from memory
        self.is_warm = True

    def score(self, requests: Sequence[ScoreRequest]) -> list[Reply | RejectedRequest]:
        """Score the records of several requests in one call.

        Returns for each request its score or list of scores, as from `Scorer.score`, or why its body was rejected, once
        the rows of the score log are durable. Scores of equal records by the same model at the same offset are equal,
        whichever process computes them.
        """
        bodies = [self.decode_records(request.body) for request in requests]
        items = [[] if isinstance(body, RejectedRequest) else as_list(body) for body in bodies]
        try:
            scored = self.score_items(requests, items)
        except EvidenceError as error:
            return [evidence_rejection(error)] * len(requests)
        answers: list[tuple[Reply | RejectedRequest, Sequence[ScoreRow]]] = [
            (body, ()) if isinstance(body, RejectedRequest) else self._answer(request, body, scores, offset)
            for request, body, (scores, offset) in zip(requests, bodies, scored, strict=True)
        ]
        outcomes = [outcome for outcome, _ in answers]
        if self.score_log is None:
            return outcomes
        stored = zip(outcomes, self.score_log.store([rows for _, rows in answers]), strict=True)
        return [known if isinstance(known, RejectedRequest) else outcome for outcome, known in stored]

    def score_items(
        self, requests: Sequence[ScoreRequest], items: Sequence[Sequence[Any]]
    ) -> list[tuple[list[Score], Offset]]:
        """Score the items of several requests in one call for each kind of explanation; return also the offsets.

        If scores are logged, their evidence is on disk then, or EvidenceError is raised.
        """
        records: dict[Explanation, list[Any]] = {}
        for request, some in zip(requests, items, strict=True):
            records.setdefault(request.explanation, []).extend(some)
        scored = {kind: self._score_items(of_kind, kind) for kind, of_kind in records.items() if of_kind}
        found = (score for of_kind, _ in scored.values() for score in of_kind)
        if self.evidence is not None and self.score_log is not None and _has_evidence(found):
            self.evidence.log.sync()
        scores = {kind: iter(of_kind) for kind, (of_kind, _) in scored.items()}
        offsets = {kind: offset for kind, (_, offset) in scored.items()}
        now = None if self.live is None else self.live.offset  # that of a request without records
        return [
            ([next(scores[request.explanation]) for _ in some], offsets.get(request.explanation, now))
            for request, some in zip(requests, items, strict=True)
        ]

    def decode_records(self, body: bytes) -> Any:
        """Return the decoded body, or why it is rejected."""
        try:
            content = decode_json(body, self.settings.max_records)
            if not isinstance(content, dict | list):
                problem = f"body: expected an object or a list of objects, got {type(content).__name__}"
                raise RejectedRequest(422, problem)
            check_number(as_list(content), self.settings.max_records)
            scorer = self.loaded.scorer
            content = scorer.read_given(content)
            check_body(as_list(content), scorer.policy, self.loaded.fields, scorer.rules)
        except RecordError as error:
            return RejectedRequest(422, str(error))
        except RejectedRequest as error:
            return error
        return content

    def _answer(
        self, request: ScoreRequest, body: Any, scores: list[Score], offset: Offset
    ) -> tuple[Reply, Sequence[ScoreRow]]:
        self.observe(scores)
        rows: Sequence[ScoreRow] = ()
        if self.score_log is not None:
            matrix = self.loaded.scorer.model.matrix
            scores, rows = self.score_log.rows(request.id, matrix, as_list(body), scores, offset)
        unscorable = sum(score["status"] == "unscorable" for score in scores)
        content = scores if isinstance(body, list) else scores[0]
        counts = {"records": len(scores), "unscorable": unscorable}
        waits = self.score_log is None and _has_evidence(scores)
        return Reply(encode_json(content), counts, offset, request.id, waits), rows

    def observe(self, scores: Sequence[Score]) -> None:
        """Count the scores of a request, and log whether the latest ones are of other traffic when that changes."""
        self.metrics.count_scores(scores)
        traffic = self.traffic
        before = {share.name for share in traffic.unusual}
        if not traffic.add(scores) or traffic is not self.traffic:  # the model may have been exchanged meanwhile
            return
        self.metrics.set_traffic(traffic)
        if {share.name for share in traffic.unusual} != before:
            why = ". ".join(share.text for share in traffic.unusual) or "the shares are as expected again"
            level, fix = (logging.WARNING, traffic_advice(traffic.model)) if traffic.unusual else (logging.INFO, None)
            log_event("unusual shares of records changed", level=level, why=why, fix=fix)

    def _score_items(self, items: list[Any], kind: Explanation) -> tuple[list[Score], Offset]:
        records = [item for item in items if isinstance(item, dict)]
        others = [f"expected an object, got {json_type(item)}" for item in items if not isinstance(item, dict)]
        scored, offset = self._score_records(records, kind)
        scores, unscorable = iter(scored), iter(self._unscorable(others, kind))
        return [next(scores if isinstance(item, dict) else unscorable) for item in items], offset

    def _score_records(self, records: Sequence[Record], kind: Explanation) -> tuple[list[Score], Offset]:
        try:
            return self._call_scorer(records, kind)
        except EvidenceError:
            raise
        except Exception as error:  # one record must not fail the others
            log_event("batch failed, scoring its records one by one", level=logging.ERROR, error=error_location(error))
            offset = None if self.live is None else self.live.offset  # events may arrive in between: all saw this one
            return [self._score_single(record, kind) for record in records], offset

    def _score_single(self, record: Record, kind: Explanation) -> Score:
        try:
            return self._call_scorer([record], kind)[0][0]
        except EvidenceError:
            raise
        except Exception as error:
            return self._unscorable([f"the record cannot be scored ({type(error).__name__})"], kind)[0]

    def _unscorable(self, why: list[str], kind: Explanation) -> list[Score]:
        """Return the scores of records that the scorer cannot process, each with its reason."""
        if not why:  # the usual case
            return []
        scorer = self.loaded.scorer
        model, unknown = scorer.model, np.full((len(why), len(scorer.model.matrix.columns)), np.nan)
        scored = score_features(model, scorer.policy, FeatureRows(unknown, np.array(why, object)))
        scores = scored.to_records(scorer.rules, np.full(len(why), -1))
        if kind is None:
            return scores
        return [join_fields(score, no_explanation(model.subject)) for score in scores]

    def _call_scorer(self, records: Sequence[Record], kind: Explanation) -> tuple[list[Score], Offset]:
        reasons, language = kind is not None, kind or "en"
        evidence = None if self.evidence is None else self.evidence.log
        if self.live is None:
            scores = self.loaded.scorer.score(records, reasons=reasons, language=language, evidence=evidence)
            return scores, None
        scored = self.live.score_at(records, reasons=reasons, language=language, evidence=evidence)
        return list(scored.scores), scored.offset

    def ingest(self, body: bytes, *, are_labels: bool = False, sources: Sources = None) -> Reply:
        """Add the events or labels of a body to the live history, as `EventIngestion.add` does."""
        if self.ingestion is None:
            raise RejectedRequest(409, NO_STORE if are_labels else "the model uses no history")
        return self.ingestion.add(body, are_labels=are_labels, sources=sources)

    def describe_model(self) -> JsonObject:
        """Describe the model in use and the records that it expects, as in `ModelInfo`."""
        loaded, rules = self.loaded, self.loaded.scorer.rules
        model = loaded.scorer.model
        fields = event_fields(model.matrix.event_views, model.matrix.network)
        return {
            "name": model.name,
            "version": loaded.version,
            "address": self.settings.address,
            "digest": model.digest,
            "subject": model.subject,
            "classes": list(model.classes),
            "legitimate": model.legitimate,
            "training": TrainingRecords.of(model.training)._asdict(),
            "fields": record_fields(model),
            "columns": list(model.matrix.columns),
            "history": {
                "parts": list(model.matrix.history_parts),
                "event_fields": [field.name for field in fields],
                "store": self.live.store if self.live else None,
                "offset": self.live.offset if self.live else None,
            },
            "rules": None
            if rules is None
            else {"rules": [rule.id for rule in rules.rules], "expired": [*rules.expired()], "digest": rules.digest},
            "operating_points": [asdict(point) | {"decides": index == 0} for index, point in enumerate(model.points)],
        }

    def replace_model(self, loaded: LoadedModel) -> None:
        """Use another model from now on; requests in progress finish with the old one."""
        problem = why_incompatible(self.loaded.scorer.model, loaded.scorer.model)
        if problem is not None:
            raise ArtifactError(f"model {loaded.scorer.model.name}", problem, "The model in use stays.")
        if self.evidence is not None:
            self.evidence.use(loaded)
        if self.score_log is not None:
            self.score_log.use(loaded)
        with self._replacing:
            loaded.scorer.rules = self.loaded.scorer.rules
            if self.store is not None:
                self.store.scorer = loaded.scorer
            self.loaded, self.traffic, self.promises = loaded, LatestTraffic(loaded.scorer.model), ()
        self.metrics.set_model(loaded)
        self.metrics.set_traffic(self.traffic)

    def watch_promises(self) -> None:
        """Bet on the days whose labels are complete, and show whether the promises of the model in use hold."""
        assert self.settings.state is not None
        model, before = self.loaded.scorer.model, {promise.name: promise.since for promise in self.promises}
        with open_store(self.settings.state) as store:
            promises = watch_promises(store, model)
        if model is not self.loaded.scorer.model:  # exchanged meanwhile
            return
        self.promises = promises
        self.metrics.set_promises(self.promises)
        for promise in self.promises:
            if promise.since is not None and before.get(promise.name) is None:
                log_event(
                    "promise broken",
                    level=logging.WARNING,
                    digest=model.digest,
                    promise=promise.title,
                    since=promise.since,
                    e=round(promise.e, 1),
                )

    def replace_rules(self, rules: RuleSet) -> None:
        """Use other rules from now on."""
        with self._replacing:
            self.loaded.scorer.rules = rules

    def measure_history(self) -> None:
        """Update the metrics of the live history: its size and offset. This may wait for the store."""
        if self.live is not None:
            self.metrics.set_history(self.live.size, self.live.offset, is_behind=self.is_behind)

    def checkpoint(self, max_rows: int | None = None) -> None:
        """Write a snapshot, and delete old rows, if a restart would have to read many rows, or more than `max_rows`."""
        limit = self.settings.checkpoint_rows if max_rows is None else max_rows
        if self.store is not None and self.store.size.rows_since_snapshot > limit:
            self.store.checkpoint()
            log_event("snapshot written")

    def close(self) -> None:
        """Close the logs, and close the live history, which writes a snapshot of all rows."""
        if self.evidence is not None:
            self.evidence.close()
        if self.store is None:
            return
        try:
            self.store.catch_up()  # so that workers that close one after the other leave one snapshot
        except StateError as error:
            log_event("history cannot be followed", level=logging.ERROR, why=error.problem)
        self.store.close()


def _has_evidence(scores: Iterable[Score]) -> bool:
    """Return whether evidence of a score was recorded."""
    return any("evidence" in score for score in scores)


def _log_not_kept(model: Model, settings: Settings) -> None:
    """Log what the store will not have when the model is trained again."""
    for part in not_kept(model, has_records=settings.score_log == "records"):
        fix = "give it to retrain" if model.subject.is_account else "start the service with --score-log records"
        log_event("the store does not keep all that training needs", why=f"it does not keep {part}", fix=fix)


def _check_shared(settings: Settings) -> None:
    """Raise ServiceError if each worker would hold only the events that it received."""
    if settings.workers > 1 and settings.state is None:
        problem = f"the model uses a history, which {settings.workers} processes share only through a store"
        raise ServiceError("--workers", problem, "Give --state, for example --state live.db, or run one worker.")
