"""Request handling without HTTP: from the bytes of a request body to the bytes of a response body."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from fraudsieve.exceptions import ArtifactError, StateError
from fraudsieve.features.history.records import RejectedRecord
from fraudsieve.models.live.state import LiveState
from fraudsieve.models.scoring.scores import Score, to_records

from .bodies import Explanation, RejectedRequest, Reply, ScoreRequest, as_list, decode_json, encode_json, json_type
from .json_log import error_location, log_event
from .loaded_model import PARTS, LoadedModel, record_fields, warm_up, why_incompatible
from .metrics import Metrics
from .settings import Settings

__all__ = ["RequestHandler"]

Update = Callable[[Sequence[Mapping[str, Any]]], Sequence[RejectedRecord]]
"""Adds records to the live history and returns the rejected ones."""


class RequestHandler:
    """Handler of requests, with the model in use and the live history. Threads share it.

    Parameters
    ----------
    loaded : LoadedModel
        The model.
    settings : Settings
        Limits, and the folder of the history.
    metrics : Metrics
        Counts scores and events.

    Raises
    ------
    StateError
        As for `LiveState`.
    """

    def __init__(self, loaded: LoadedModel, settings: Settings, metrics: Metrics) -> None:
        self.loaded, self.settings, self.metrics = loaded, settings, metrics
        self.is_warm = False
        self.live: LiveState | None = None
        if loaded.scorer.model.matrix.history_parts:
            self.live = LiveState(loaded.scorer, settings.state, lateness=settings.lateness)
        metrics.set_model(loaded)
        if self.cut_bytes:
            metrics.cut_bytes.set(self.cut_bytes)
            log_event("an incomplete write was cut from the event log", level=logging.WARNING, bytes=self.cut_bytes)

    @property
    def cut_bytes(self) -> int:
        """Bytes of an incomplete write that were cut from the event log when it was opened."""
        return 0 if self.live is None or self.live.cut is None else self.live.cut.nbytes

    def warm_up(self) -> None:
        """Score sample records; afterwards the handler is ready."""
        decode_json(b"[]", 1)  # compiles what is not the scorer's
        warm_up(self.loaded.scorer)
        self.is_warm = True

    def score(self, requests: Sequence[ScoreRequest]) -> list[Reply | RejectedRequest]:
        """Score the records of several requests in one call.

        Parameters
        ----------
        requests : sequence of ScoreRequest
            Their bodies are JSON: a record or a list of records. An item that is not an object is unscorable.

        Returns
        -------
        list of Reply or RejectedRequest
            For each request its score or list of scores, as from `Scorer.score`, or why its body was rejected.
        """
        bodies = [self._decode_records(request.body) for request in requests]
        records: dict[Explanation, list[Any]] = {}
        for request, body in zip(requests, bodies, strict=True):
            items = records.setdefault(request.explanation, [])
            items += () if isinstance(body, RejectedRequest) else as_list(body)
        scores = {kind: iter(self._score_items(items, kind)) for kind, items in records.items() if items}
        return [
            body if isinstance(body, RejectedRequest) else self._reply(body, scores.get(request.explanation, iter(())))
            for request, body in zip(requests, bodies, strict=True)
        ]

    def _decode_records(self, body: bytes) -> Any:
        """Return the decoded body, or why it is rejected."""
        try:
            content = decode_json(body, self.settings.max_records)
            if not isinstance(content, dict | list):
                problem = f"body: expected an object or a list of objects, got {type(content).__name__}"
                raise RejectedRequest(422, problem)
            self._check_number(as_list(content))
        except RejectedRequest as error:
            return error
        return content

    def _reply(self, body: Any, scores_of_batch: Iterator[Score]) -> Reply:
        scores = [next(scores_of_batch) for _ in as_list(body)]
        self.metrics.count_scores(scores)
        unscorable = sum(score["status"] == "unscorable" for score in scores)
        content = scores if isinstance(body, list) else scores[0]
        return Reply(encode_json(content), {"records": len(scores), "unscorable": unscorable})

    def _score_items(self, items: list[Any], kind: Explanation) -> list[Score]:
        records = [item for item in items if isinstance(item, dict)]
        others = [f"expected an object, got {json_type(item)}" for item in items if not isinstance(item, dict)]
        scores, unscorable = iter(self._score_records(records, kind)), iter(self._unscorable(others, kind))
        return [next(scores if isinstance(item, dict) else unscorable) for item in items]

    def _score_records(self, records: list[dict[str, Any]], kind: Explanation) -> list[Score]:
        try:
            return self._call_scorer(records, kind)
        except Exception as error:  # one record must not fail the others
            log_event("batch failed, scoring its records one by one", level=logging.ERROR, error=error_location(error))
            return [self._score_single(record, kind) for record in records]

    def _score_single(self, record: dict[str, Any], kind: Explanation) -> Score:
        try:
            return self._call_scorer([record], kind)[0]
        except Exception as error:
            return self._unscorable([f"the record cannot be scored ({type(error).__name__})"], kind)[0]

    def _unscorable(self, why: list[str], kind: Explanation) -> list[Score]:
        """Return the scores of records that the scorer cannot process, each with its reason."""
        model = self.loaded.scorer.model
        odds = np.full((len(why), len(model.ensemble.base)), np.nan)
        scores = to_records(model, odds, np.array(why, object))
        if kind is None:
            return scores
        empty: Score = {"explained": None, "reasons": []} | ({"text_spans": []} if model.subject == "message" else {})
        return [score | empty for score in scores]

    def _call_scorer(self, records: list[Any], kind: Explanation) -> list[Score]:
        explain: dict[str, Any] = {} if kind is None else {"reasons": True, "language": kind}
        if self.live is not None:
            return list(self.live.score(records, **explain))
        return self.loaded.scorer.score(records, **explain)

    def ingest(self, body: bytes) -> Reply:
        """Add the events of a body to the live history; return once they are stored.

        Parameters
        ----------
        body : bytes
            JSON: an object with one of `PARTS`, a list of objects.

        Returns
        -------
        Reply
            ``accepted`` is a number; ``rejected`` lists position and reason of each rejected event.

        Raises
        ------
        RejectedRequest
            If the body is malformed, the model does not use such records, or they could not be stored.
        """
        part, records = self._check_events(decode_json(body, self.settings.max_records))
        objects = [position for position, record in enumerate(records) if isinstance(record, Mapping)]
        rejected = {position: f"expected an object, got {json_type(record)}"
                    for position, record in enumerate(records) if not isinstance(record, Mapping)}  # fmt: skip
        try:
            rejected |= self._add_to_history(part, records, objects)
        except StateError as error:
            log_event("history cannot be written", level=logging.ERROR, error=error_location(error))
            raise RejectedRequest(503, "the history cannot be written: nothing was stored, send it again") from None
        accepted = len(records) - len(rejected)
        self.metrics.count_events(part, accepted, len(rejected))
        rejections = [{"position": position, "reason": rejected[position]} for position in sorted(rejected)]
        content = {"part": part, "accepted": accepted, "rejected": rejections}
        return Reply(encode_json(content), {"accepted": accepted, "rejected": len(rejected)})

    def _check_events(self, content: Any) -> tuple[str, list[Any]]:
        """Return the type of the records in a body and the records; raise RejectedRequest."""
        names = ", ".join(PARTS)
        if not isinstance(content, dict) or len(content) != 1 or not isinstance(next(iter(content.values())), list):
            raise RejectedRequest(422, f"body: expected an object with a list as one of {names}, got something else")
        part, records = next(iter(content.items()))
        if part not in PARTS:
            raise RejectedRequest(422, f"body: expected one of {names}, got another name")
        if part not in self.loaded.scorer.model.matrix.history_parts:
            raise _unused(part)
        self._check_number(records)
        return part, records

    def _add_to_history(self, part: str, records: list[Any], positions: list[int]) -> dict[int, str]:
        """Add the records at some positions to the history; return the reasons of rejected ones, by position."""
        update = self._update_function(part)
        try:
            rejected = update([records[position] for position in positions])
        except StateError:
            raise
        except Exception as error:  # nothing of the call was stored
            log_event("batch failed, adding its events one by one", level=logging.ERROR, error=error_location(error))
            single = {position: _add_single(update, records[position]) for position in positions}
            return {position: reason for position, reason in single.items() if reason is not None}
        return {positions[index]: reason for index, reason in rejected}

    def _update_function(self, part: str) -> Update:
        live = self.live
        if live is None:
            raise _unused(part)
        functions: dict[str, Update] = {
            "events": live.update,
            "labels": lambda records: live.update(labels=records),
            "account_labels": lambda records: live.update(account_labels=records),
            "messages": live.observe,
        }
        return functions[part]

    def _check_number(self, records: list[Any]) -> None:
        max_records = self.settings.max_records
        if len(records) > max_records:
            raise RejectedRequest(413, f"body: expected at most {max_records} records, got {len(records)}")

    def describe_model(self) -> dict[str, Any]:
        """Describe the model in use and the records that it expects, as in `ModelInfo`."""
        loaded = self.loaded
        model = loaded.scorer.model
        fields = {name for view in self.live.state.histories for name in view.fields} if self.live else set()
        return {
            "name": model.name,
            "version": loaded.version,
            "address": self.settings.address,
            "digest": model.digest,
            "subject": model.subject,
            "classes": list(model.classes),
            "legitimate": model.legitimate,
            "fields": record_fields(model),
            "columns": list(model.matrix.columns),
            "history": {
                "parts": list(model.matrix.history_parts),
                "event_fields": sorted(fields),
                "cut_bytes": self.cut_bytes,
            },
            "operating_points": [asdict(point) | {"decides": index == 0} for index, point in enumerate(model.points)],
        }

    def replace_model(self, loaded: LoadedModel) -> None:
        """Warm up another model and use it from now on; requests in progress finish with the old one.

        Parameters
        ----------
        loaded : LoadedModel
            The new model.

        Raises
        ------
        ArtifactError
            If it cannot replace the model in use, or does not score a sample record.
        """
        problem = why_incompatible(self.loaded.scorer.model, loaded.scorer.model)
        if problem is not None:
            raise ArtifactError(f"model {loaded.scorer.model.name}", problem, "The model in use stays.")
        warm_up(loaded.scorer)
        if self.live is not None:
            self.live.scorer = loaded.scorer
        self.loaded = loaded
        self.metrics.set_model(loaded)

    def measure_history(self) -> None:
        """Show the size of the live history in the metrics; waits for its lock."""
        if self.live is not None:
            self.metrics.set_history_size(self.live.size)

    def checkpoint(self) -> None:
        """Replace a large event log by a snapshot."""
        if self.live is not None and self.live.size.log_bytes > self.settings.checkpoint_bytes:
            self.live.checkpoint()
            log_event("snapshot written")

    def close(self) -> None:
        """Close the live history."""
        if self.live is not None:
            self.live.close()


def _unused(part: str) -> RejectedRequest:
    return RejectedRequest(409, f"{part}: the model does not use them")


def _add_single(update: Update, record: Mapping[str, Any]) -> str | None:
    """Add one record to the history; return the reason if it is rejected."""
    try:
        rejected = update([record])
    except Exception as error:
        return f"the record cannot be added ({type(error).__name__})"
    return rejected[0].reason if rejected else None
