"""The record of a score: everything that is needed to compute it again, in plain values of canonical JSON."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, Final, TypeAlias

from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.artifact.folder import FEATURES_VERSION, LIBRARIES, Model
from fraudsieve.models.policy import Policy
from fraudsieve.models.scoring.observers import ScoredChunk
from fraudsieve.models.scoring.score_fields import COMPUTED, Score, model_decision

from .canonical import to_plain
from .kept_content import Content, input_fields

Plain: TypeAlias = dict[str, Any]

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


def describe_setting(model: Model, policy: Policy, model_version: str | None) -> Plain:
    """Return the fields that the records of a model share: model, configuration, operating points and software."""
    configuration: Plain = {
        "features_version": FEATURES_VERSION,
        "policy": asdict(policy),
        "calibration": asdict(model.calibration),
        "operating_points": [asdict(point) for point in model.points],
        "legitimate": model.legitimate,
        "ratio_support": None if model.ratio_support is None else asdict(model.ratio_support),
    }
    names = {"name": model.name, "digest": model.digest, "version": model_version}
    return {"model": names, "configuration": to_plain(configuration), "software": software()}


def describe_history(history: Any, content: Content) -> Plain:
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


def to_record(chunk: ScoredChunk, position: int, content: Content) -> Plain:
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


def _rule_decision(answer: Score) -> Plain:
    """Return the decision that was returned, and the rule that made it; its reason stays in the rules file."""
    rule = answer["rule"]
    return {"decision": answer["decision"], "rule": rule and {name: rule[name] for name in ("id", "action")}}


def computed_fields(score: Score) -> Plain:
    """Return the fields of a score that are computed again, with the decision of the model."""
    return {name: value for name, value in score.items() if name in COMPUTED} | {"decision": model_decision(score)}


def reason_numbers(score: Mapping[str, Any], content: Content, request: Mapping[str, Any]) -> Plain | None:
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
