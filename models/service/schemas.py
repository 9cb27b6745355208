"""What the service says, as OpenAPI describes it, with examples."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from fraudsieve.models.artifact.folder import Model

from .loaded_model import PARTS, record_fields, sample_record

__all__ = ["ErrorBody", "EventsResult", "Health", "ModelInfo", "Score", "events_body", "score_body"]

SAMPLE_TIME = datetime(2026, 5, 1, 10, tzinfo=UTC)
EXAMPLES: dict[str, dict[str, Any]] = {
    "events": {"event_id": "e1", "account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z", "kind": "transfer",
               "amount": 90, "counterparty_id": "bob"},
    "labels": {"event_id": "e1", "account_id": "ann", "labelled_at": "2026-05-02T10:00:00Z", "is_fraud": True},
    "account_labels": {"account_id": "bob", "labelled_at": "2026-05-02T10:00:00Z", "is_fraud": True},
    "messages": {"message_id": "m1", "text": "Your parcel is held", "sent_at": "2026-05-01T10:00:00Z"},
}  # fmt: skip
TYPES = {"string": {"type": ["string", "integer"]}, "time": {"type": "string", "format": "date-time"}}
TYPES |= {"number or null": {"type": ["number", "null"]}, "string or null": {"type": ["string", "integer", "null"]}}


class ModelIdentity(BaseModel):
    """Which model gave a score."""

    name: str
    digest: str


class Reason(BaseModel):
    """A part of a score, in log-odds."""

    family: str
    cue: str | None
    direction: Literal[-1, 0, 1]
    log_odds: float


class ExplainedClass(BaseModel):
    """The class that the reasons are of."""

    class_: str = Field(alias="class")
    log_odds: float


class TextSpan(BaseModel):
    """A span of a message and its share of the text model's log-odds; the one without text holds the rest."""

    text: str | None
    start: int | None
    stop: int | None
    form: Literal["raw", "folded"]
    log_odds: float


class Score(BaseModel):
    """What is said of a record. With ``reasons=true`` also why."""

    probability: float | None
    label: str | None
    probabilities: dict[str, float | None]
    decision: Literal["flag", "pass"] | None
    false_positive_rate: float | None
    status: Literal["ok", "no_history", "unscorable"]
    why: str | None
    model: ModelIdentity
    explained: ExplainedClass | None = None
    reasons: list[Reason] = []
    text_spans: list[TextSpan] = []


class EventRejection(BaseModel):
    """An event that was not taken."""

    position: int
    reason: str


class EventsResult(BaseModel):
    """What was taken into the history: it is kept by the time that this is said."""

    part: str
    accepted: int
    rejected: list[EventRejection]


class RecordField(BaseModel):
    """A field of a record."""

    name: str
    type: str
    required: bool


class HistoryInfo(BaseModel):
    """What of a history the model looks at."""

    parts: list[str]
    event_fields: list[str]


class OperatingPointInfo(BaseModel):
    """An operating point."""

    name: str
    threshold: float
    false_positive_rate: float
    recall: float
    flagged: float
    precision: float | None
    alerts_a_day: float | None
    decides: bool


class ModelInfo(BaseModel):
    """The model in use, and what it expects."""

    name: str
    version: str | None
    address: str | None
    digest: str
    subject: Literal["message", "account", "event"]
    classes: list[str]
    legitimate: str | None
    fields: list[RecordField]
    columns: list[str]
    history: HistoryInfo
    operating_points: list[OperatingPointInfo]


class Health(BaseModel):
    """Whether the service lives, or is ready."""

    status: str


class ErrorBody(BaseModel):
    """What was expected, and what came."""

    error: str


def score_body(model: Model, most: int) -> dict[str, Any]:
    """Describe the body of a request for scores.

    Parameters
    ----------
    model : Model
        The model.
    most : int
        Records of a request.

    Returns
    -------
    dict
        For ``openapi_extra``.
    """
    record = {
        "type": "object",
        "properties": {field["name"]: TYPES[field["type"]] for field in record_fields(model)},
        "description": "Fields that the model does not use are ignored; GET /v1/model names those that it uses.",
    }
    sample = sample_record(model, SAMPLE_TIME)
    examples = {"one": {"value": sample}, "many": {"value": [sample, sample]}}
    reasons = {"name": "reasons", "in": "query", "schema": {"type": "boolean", "default": False}}
    reasons |= {"description": "Whether to return reasons."}
    body = _body({"anyOf": [record, {"type": "array", "items": record, "maxItems": most}]}, examples)
    return {"parameters": [reasons]} | body


def events_body(most: int) -> dict[str, Any]:
    """Describe the body of a request that tells of events.

    Parameters
    ----------
    most : int
        Events of a request.

    Returns
    -------
    dict
        For ``openapi_extra``.
    """
    parts = [
        {
            "type": "object",
            "properties": {
                part: {"type": "array", "items": {"type": "object", "properties": _typed(part)}, "maxItems": most}
            },
            "required": [part],
            "additionalProperties": False,
        }
        for part in PARTS
    ]
    return _body({"anyOf": parts}, {part: {"value": {part: [EXAMPLES[part]]}} for part in PARTS})


def _typed(part: str) -> dict[str, Any]:
    kinds = {str: TYPES["string"], int: {"type": "number"}, bool: {"type": "boolean"}}
    typed = {name: kinds[type(value)] for name, value in EXAMPLES[part].items()}
    return typed | {name: TYPES["time"] for name in typed if name.endswith("_at")}


def _body(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "examples": examples}}
    return {"requestBody": {"required": True, "content": content}}
