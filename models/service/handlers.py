"""What a service does with requests: a body comes in as bytes, the answer goes out as bytes. No HTTP here."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from fraudsieve.exceptions import ArtifactError, StateError
from fraudsieve.features.history.records import RejectedRecord
from fraudsieve.models.live.state import LiveState
from fraudsieve.models.scoring.scores import Score, to_records

from .bodies import RejectedRequest, Reply, ScoreRequest, as_list, decode_json, encode_json, json_type
from .json_log import error_location, log_event
from .loaded_model import PARTS, LoadedModel, parts_of, record_fields, warm_up, why_incompatible
from .metrics import Metrics
from .settings import Settings

__all__ = ["RequestHandler"]

Tell = Callable[[Sequence[Mapping[str, Any]]], Sequence[RejectedRecord]]


class RequestHandler:
    """The model in use, the live history, and what is done with them. Threads share it.

    Parameters
    ----------
    served : LoadedModel
        The model.
    settings : Settings
        Limits, and the folder of the history.
    metrics : Metrics
        Where it is counted.

    Raises
    ------
    StateError
        As for `LiveState`.
    """

    def __init__(self, served: LoadedModel, settings: Settings, metrics: Metrics) -> None:
        self.served, self.settings, self.metrics = served, settings, metrics
        self.is_warm = False
        self.live: LiveState | None = None
        if parts_of(served.scorer.model):
            self.live = LiveState(served.scorer, settings.state, lateness=settings.lateness)
        metrics.show_model(served)

    def warm_up(self) -> None:
        """Score samples; afterwards the handler is ready."""
        warm_up(self.served.scorer)
        self.is_warm = True

    def score(self, asked: Sequence[ScoreRequest]) -> list[Reply | RejectedRequest]:
        """Score the record or the records of each of several bodies, all in one go.

        Parameters
        ----------
        asked : sequence of ScoreRequest
            The bodies: JSON, an object or a list of objects. What is no object in a list is unscorable.

        Returns
        -------
        list of Reply or RejectedRequest
            For each a score, or a list of them, as from `Scorer.score`; or why the body is not one that can be read.
        """
        read = [self._records_of(one.body) for one in asked]
        records: dict[bool, list[Any]] = {True: [], False: []}
        for one, found in zip(asked, read, strict=True):
            records[one.reasons] += () if isinstance(found, RejectedRequest) else as_list(found)
        scores = {reasons: iter(self._scores(some, reasons)) for reasons, some in records.items() if some}
        return [
            found if isinstance(found, RejectedRequest) else self._told(found, scores.get(one.reasons, iter(())))
            for one, found in zip(asked, read, strict=True)
        ]

    def _records_of(self, body: bytes) -> Any:
        """Read a body; return what it holds, or why it holds no records."""
        try:
            read = decode_json(body)
            if not isinstance(read, dict | list):
                raise RejectedRequest(422, f"body: expected an object or a list of objects, got {type(read).__name__}")
            self._check_number(as_list(read))
        except RejectedRequest as error:
            return error
        return read

    def _told(self, read: Any, of_all: Iterator[Score]) -> Reply:
        scores = [next(of_all) for _ in as_list(read)]
        self.metrics.count_scores(scores)
        unscorable = sum(score["status"] == "unscorable" for score in scores)
        content = scores if isinstance(read, list) else scores[0]
        return Reply(encode_json(content), {"records": len(scores), "unscorable": unscorable})

    def _scores(self, records: list[Any], reasons: bool) -> list[Score]:
        good = [record for record in records if isinstance(record, dict)]
        scores = iter(self._scores_of(good, reasons))
        return [
            next(scores)
            if isinstance(record, dict)
            else self._unscorable(f"expected an object, got {json_type(record)}", reasons)
            for record in records
        ]

    def _scores_of(self, records: list[dict[str, Any]], reasons: bool) -> list[Score]:
        try:
            return self._ask(records, reasons)
        except Exception as error:  # one record must not cost the others their scores
            log_event(
                "a batch failed, its records are scored one by one", level=logging.ERROR, error=error_location(error)
            )
            return [self._score_alone(record, reasons) for record in records]

    def _score_alone(self, record: dict[str, Any], reasons: bool) -> Score:
        try:
            return self._ask([record], reasons)[0]
        except Exception as error:
            return self._unscorable(f"the record cannot be scored ({type(error).__name__})", reasons)

    def _unscorable(self, why: str, reasons: bool) -> Score:
        """Return what is said of a record that the scorer never saw."""
        model = self.served.scorer.model
        odds = np.full((1, len(model.ensemble.base)), np.nan)
        score = to_records(model, odds, np.array([why], object))[0]
        if not reasons:
            return score
        return score | {"explained": None, "reasons": []} | ({"text_spans": []} if model.subject == "message" else {})

    def _ask(self, records: list[Any], reasons: bool) -> list[Score]:
        if self.live is not None:
            return list(self.live.score(records, reasons=reasons))
        return self.served.scorer.score(records, reasons=reasons)

    def take(self, body: bytes) -> Reply:
        """Take the events of a body into the live history; return once they are kept.

        Parameters
        ----------
        body : bytes
            JSON: an object with one of `PARTS`, a list of objects.

        Returns
        -------
        Reply
            ``accepted``, how many, and ``rejected``, with the position and the reason of each.

        Raises
        ------
        RejectedRequest
            When the body is not one that can be read, the model does not look at such a history, or nothing of it could
            be kept.
        """
        part, records = self._part_of(decode_json(body))
        good = [place for place, record in enumerate(records) if isinstance(record, Mapping)]
        rejected = {place: f"expected an object, got {json_type(record)}"
                    for place, record in enumerate(records) if not isinstance(record, Mapping)}  # fmt: skip
        try:
            rejected |= self._tell(part, records, good)
        except StateError as error:
            log_event("the history cannot be kept", level=logging.ERROR, error=error_location(error))
            raise RejectedRequest(503, "the history cannot be written: nothing was taken, send it again") from None
        accepted = len(records) - len(rejected)
        self.metrics.count_events(part, accepted, len(rejected))
        told = [{"position": place, "reason": rejected[place]} for place in sorted(rejected)]
        content = {"part": part, "accepted": accepted, "rejected": told}
        return Reply(encode_json(content), {"accepted": accepted, "rejected": len(rejected)})

    def _part_of(self, asked: Any) -> tuple[str, list[Any]]:
        names = ", ".join(PARTS)
        if not isinstance(asked, dict) or len(asked) != 1 or not isinstance(next(iter(asked.values())), list):
            raise RejectedRequest(422, f"body: expected an object with a list as one of {names}, got something else")
        part, records = next(iter(asked.items()))
        if part not in PARTS:
            raise RejectedRequest(422, f"body: expected one of {names}, got another name")
        if part not in parts_of(self.served.scorer.model):
            raise RejectedRequest(409, f"{part}: the model does not look at them")
        self._check_number(records)
        return part, records

    def _tell(self, part: str, records: list[Any], places: list[int]) -> dict[int, str]:
        """Tell the live history of some records; return what it refused, by place."""
        tell = self._teller(part)
        try:
            refused = tell([records[place] for place in places])
        except StateError:
            raise
        except Exception as error:  # nothing of the call was taken
            log_event(
                "a batch failed, its events are taken one by one", level=logging.ERROR, error=error_location(error)
            )
            alone = {place: _tell_alone(tell, records[place]) for place in places}
            return {place: reason for place, reason in alone.items() if reason is not None}
        return {places[position]: reason for position, reason in refused}

    def _teller(self, part: str) -> Tell:
        live = self.live
        if live is None:
            raise RejectedRequest(409, f"{part}: the model does not look at them")
        tellers: dict[str, Tell] = {
            "events": live.update,
            "labels": lambda records: live.update(labels=records),
            "account_labels": lambda records: live.update(account_labels=records),
            "messages": live.observe,
        }
        return tellers[part]

    def _check_number(self, records: list[Any]) -> None:
        most = self.settings.max_records
        if len(records) > most:
            raise RejectedRequest(413, f"body: expected at most {most} records, got {len(records)}")

    def describe(self) -> dict[str, Any]:
        """Say what model is in use, and what it expects.

        Returns
        -------
        dict
        """
        served = self.served
        model = served.scorer.model
        history = parts_of(model)
        fields = {name for view in self.live.state.histories for name in view.fields} if self.live else set()
        return {
            "name": model.name,
            "version": served.version,
            "address": self.settings.address,
            "digest": model.digest,
            "subject": model.subject,
            "classes": list(model.classes),
            "legitimate": model.legitimate,
            "fields": record_fields(model),
            "columns": list(model.matrix.columns),
            "history": {"parts": list(history), "event_fields": sorted(fields)},
            "operating_points": [asdict(point) | {"decides": not place} for place, point in enumerate(model.points)],
        }

    def replace(self, served: LoadedModel) -> None:
        """Warm another model up, and use it from now on. What is being scored is finished with the one before.

        Parameters
        ----------
        served : LoadedModel
            The other model.

        Raises
        ------
        ArtifactError
            When it cannot take the place of the one in use, or scores nothing.
        """
        problem = why_incompatible(self.served.scorer.model, served.scorer.model)
        if problem is not None:
            raise ArtifactError(f"model {served.scorer.model.name}", problem, "The model in use stays.")
        warm_up(served.scorer)
        if self.live is not None:
            self.live.scorer = served.scorer
        self.served = served
        self.metrics.show_model(served)

    def page(self) -> bytes:
        """Return the metrics.

        Returns
        -------
        bytes
        """
        if self.live is not None:
            self.metrics.show_size(self.live.size)
        return self.metrics.page()

    def checkpoint(self) -> None:
        """Put a snapshot in the place of a log that has grown large."""
        if self.live is not None and self.live.size.log_bytes > self.settings.checkpoint_bytes:
            self.live.checkpoint()
            log_event("snapshot written")

    def close(self) -> None:
        """Close the live history."""
        if self.live is not None:
            self.live.close()


def _tell_alone(tell: Tell, record: Mapping[str, Any]) -> str | None:
    try:
        refused = tell([record])
    except Exception as error:
        return f"the record cannot be taken ({type(error).__name__})"
    return refused[0].reason if refused else None
