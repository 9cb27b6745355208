"""Request and response bodies as OpenAPI describes them, with examples."""

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
    """The model that gave a score."""

    name: str
    digest: str = Field(description="SHA-256 of the model's manifest.")


class Reason(BaseModel):
    """What a group of features adds to the log-odds of the explained class."""

    family: str
    cue: str | None
    direction: Literal[-1, 0, 1] = Field(description="1 if it raises the log-odds, -1 if it lowers them.")
    log_odds: float


class ExplainedClass(BaseModel):
    """The class that the reasons explain, and its log-odds."""

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
    """The score of a record; with ``reasons=true`` also its explanation."""

    probability: float | None = Field(description="Probability of fraud; null if the model has no legitimate class.")
    label: str | None = Field(description="The most probable class.")
    probabilities: dict[str, float | None] = Field(description="Probability of each class.")
    decision: Literal["flag", "pass"] | None = Field(description="Decision at the first operating point.")
    false_positive_rate: float | None = Field(
        description="False-positive rate of the strictest operating point that the probability reaches."
    )
    status: Literal["ok", "no_history", "unscorable"]
    why: str | None = Field(description="Why the record is unscorable.")
    model: ModelIdentity
    explained: ExplainedClass | None = None
    reasons: list[Reason] = []
    text_spans: list[TextSpan] = []


class EventRejection(BaseModel):
    """An event that was rejected."""

    position: int = Field(description="Position in the list of the request, from 0.")
    reason: str


class EventsResult(BaseModel):
    """Events that were accepted, which are stored by now, and those that were rejected."""

    part: str = Field(description="Type of the records: events, labels, account_labels or messages.")
    accepted: int
    rejected: list[EventRejection]


class RecordFieldInfo(BaseModel):
    """A field of the records that the model scores."""

    name: str
    type: str
    required: bool = Field(description="Whether a record without it is unscorable.")


class HistoryInfo(BaseModel):
    """The history that the model uses."""

    parts: list[str] = Field(description="Types of records that POST /v1/events accepts.")
    event_fields: list[str] = Field(description="Fields of an event that the model uses.")


class OperatingPointInfo(BaseModel):
    """An operating point, with its figures on the calibration data."""

    name: str
    threshold: float
    false_positive_rate: float
    recall: float
    flagged: float = Field(description="Share of all records that are flagged.")
    precision: float | None
    alerts_a_day: float | None = Field(description="Flagged records per day.")
    decides: bool = Field(description="Whether decisions are made at this point.")


class ModelInfo(BaseModel):
    """The model in use, and the records that it expects."""

    name: str
    version: str | None = Field(description="Registered version; null for a model folder.")
    address: str | None = Field(description="The folder or address that the service was started with.")
    digest: str = Field(description="SHA-256 of the model's manifest.")
    subject: Literal["message", "account", "event"] = Field(description="What the model scores.")
    classes: list[str]
    legitimate: str | None = Field(description="The legitimate class, if there is one.")
    fields: list[RecordFieldInfo] = Field(description="Fields of a record that the model uses.")
    columns: list[str] = Field(description="Feature columns of the model.")
    history: HistoryInfo
    operating_points: list[OperatingPointInfo]


class Health(BaseModel):
    """The state of the service."""

    status: str


class ErrorBody(BaseModel):
    """An error."""

    error: str = Field(description="What was expected and what came.")


def score_body(model: Model, max_records: int) -> dict[str, Any]:
    """Return the ``openapi_extra`` of the route that scores: body, parameter and examples."""
    record = {
        "type": "object",
        "properties": {field["name"]: TYPES[field["type"]] for field in record_fields(model)},
        "description": "Fields that the model does not use are ignored; GET /v1/model lists those that it uses.",
    }
    sample = sample_record(model, SAMPLE_TIME)
    examples = {"single": {"value": sample}, "list": {"value": [sample, sample]}}
    reasons = {"name": "reasons", "in": "query", "schema": {"type": "boolean", "default": False}}
    reasons |= {"description": "Whether to explain the scores."}
    body = _body({"anyOf": [record, {"type": "array", "items": record, "maxItems": max_records}]}, examples)
    return {"parameters": [reasons]} | body


def events_body(max_records: int) -> dict[str, Any]:
    """Return the ``openapi_extra`` of the route that adds events: body and examples."""
    parts = [
        {
            "type": "object",
            "properties": {
                part: {
                    "type": "array",
                    "items": {"type": "object", "properties": _properties(part)},
                    "maxItems": max_records,
                }
            },
            "required": [part],
            "additionalProperties": False,
        }
        for part in PARTS
    ]
    return _body({"anyOf": parts}, {part: {"value": {part: [EXAMPLES[part]]}} for part in PARTS})


def _properties(part: str) -> dict[str, Any]:
    types = {str: TYPES["string"], int: {"type": "number"}, bool: {"type": "boolean"}}
    properties = {name: types[type(value)] for name, value in EXAMPLES[part].items()}
    return properties | {name: TYPES["time"] for name in properties if name.endswith("_at")}


def _body(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "examples": examples}}
    return {"requestBody": {"required": True, "content": content}}
