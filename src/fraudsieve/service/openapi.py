"""The OpenAPI document of the service, generated once from the response models and the fields of the model."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import models_json_schema

import fraudsieve
from fraudsieve._typing import JsonObject
from fraudsieve.models.artifact.folder import Model, TrainingRecords
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.scoring.score_fields import Score
from fraudsieve.models.sentences.entities import LANGUAGES
from fraudsieve.service.loaded_model import PARTS, record_fields, sample_record
from fraudsieve.service.recording import MAX_RECORDED, why_not_recorded
from fraudsieve.service.settings import Settings


def model_of(kind: Any) -> type[BaseModel]:
    """Return the model of a class with typed fields. A field that is not always there has a default."""
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        of, is_optional = (get_args(hint)[0], True) if get_origin(hint) is NotRequired else (hint, False)
        of, *meaning = get_args(of) if get_origin(of) is Annotated else (of,)
        default: Any = ... if not is_optional else [] if get_origin(of) is list else None
        fields[name] = _with_models(of), Field(default=default, description=meaning[0] if meaning else None)
    # pydantic before 2.10 reserves names such as model_decision
    return create_model(kind.__name__, __doc__=kind.__doc__, __config__=ConfigDict(protected_namespaces=()), **fields)


def _with_models(hint: Any) -> Any:
    if is_typeddict(hint):
        return model_of(hint)
    kind = get_args(hint)[0] if get_args(hint) else None
    if not is_typeddict(kind):
        return hint
    return list[model_of(kind)] if get_origin(hint) is list else model_of(kind) | None  # type: ignore[misc]


SCORE = model_of(Score)


class EventRejection(BaseModel):
    """An event that was rejected."""

    position: int = Field(description="Position in the list of the request, from 0.")
    reason: str


class EventsResult(BaseModel):
    """The number of events that were accepted and stored, and the rejected events."""

    part: str = Field(description="Type of the records: events or messages; labels in an answer of /v1/labels.")
    accepted: int
    rejected: list[EventRejection]


class LabelsResult(EventsResult):
    """The number of labels that were accepted and stored, the rejected labels, and those without a record so far."""

    unknown: list[int] | None = Field(
        description="Positions of labels whose message, account or event is not known so far. They are kept, and count "
        "once it arrives. Null if the model has no history of the records that it scores: then none is known."
    )


class RecordFieldInfo(BaseModel):
    """A field of the records that the model scores."""

    name: str
    type: str
    required: bool = Field(description="Whether a record without it is unscorable.")


class HistoryInfo(BaseModel):
    """The history that the model uses."""

    parts: list[str] = Field(description="Types of records that POST /v1/events accepts.")
    event_fields: list[str] = Field(description="Fields of an event that the model uses.")
    store: Literal["memory", "sqlite", "postgresql"] | None = Field(
        description="Kind of store; null for a model without history."
    )
    offset: int | None = Field(description="Offset of the history in the process that answers.")


class OperatingPointInfo(model_of(OperatingPoint)):  # type: ignore[misc] # made of the dataclass
    """An operating point, with its metrics on the calibration slice."""

    decides: bool = Field(description="Whether decisions are made at this point.")


class RulesInfo(BaseModel):
    """The rules that override the model."""

    rules: list[str] = Field(description="Ids of the rules, in the order of the file.")
    expired: list[str] = Field(description="Ids of expired rules.")
    digest: str | None = Field(description="SHA-256 of the rules file and its lists.")


class TrainingInfo(model_of(TrainingRecords)):  # type: ignore[misc] # made of the named tuple
    """The records that a model was trained on."""


class ModelInfo(BaseModel):
    """The model in use, and the records that it expects."""

    name: str
    version: str | None = Field(description="Registered version; null for a model folder.")
    address: str | None = Field(description="The folder or address that the service was started with.")
    digest: str = Field(description="SHA-256 of the model's manifest.")
    subject: Literal["message", "account", "event"] = Field(description="The type of record that the model scores.")
    classes: list[str]
    legitimate: str | None = Field(description="The legitimate class, if there is one.")
    training: TrainingInfo
    fields: list[RecordFieldInfo] = Field(description="Fields of a record that the model uses.")
    columns: list[str] = Field(description="Feature columns of the model.")
    history: HistoryInfo
    rules: RulesInfo | None = Field(description="The rules that override the model; null without a rules file.")
    operating_points: list[OperatingPointInfo]


class Health(BaseModel):
    """The state of the service."""

    status: str


class Readiness(Health):
    """Whether the service can score."""

    failing: list[str] = Field(description="Background tasks whose last run failed; they are tried again.")
    stalled: list[str] = Field(
        description="Background tasks whose round has run for over a minute, and for over three of their intervals; "
        "`history` follows the store. What they read may hang; scores use what was read before."
    )
    ages: dict[str, float] = Field(
        description="Seconds since each periodic background task completed its last round, with or without success; "
        "before the first round, since the start. `history` follows the store."
    )
    behind: bool = Field(
        description="Whether the store of the history cannot be read. Scores then use the history in memory."
    )
    unwritable: bool = Field(
        description="Whether the store cannot be written, for example because the disk is full: events and labels are "
        "answered 503. With a score log, so are scores, and the service is not ready."
    )
    unusual_shares: list[Literal["unlike_training", "flagged"]] = Field(
        description="Shares of the latest records that lie outside the interval that the model expects. The model may "
        "be used on other traffic: `fraudsieve recalibrate` sets thresholds for it. `/metrics` has the shares."
    )
    promises: dict[str, str] = Field(
        description="Whether the false positive rate and the recall that the model promised hold, by the labels of "
        "records that were drawn for review: `holds (e = 0.4)`, or `broken since 2026-05-03 (e = 57)`. The status "
        "stays 200."
    )
    refused_version: str | None = Field(description="The version that the alias points to, if it was refused.")
    needs_restart: bool = Field(description="Whether that version uses another history than the service holds.")


class ErrorBody(BaseModel):
    """An error."""

    error: str = Field(description="What was expected, and what was received.")


SAMPLE_TIME = datetime(2026, 5, 1, 10, tzinfo=UTC)
EXAMPLES: dict[str, JsonObject] = {
    "events": {"event_id": "e1", "account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z", "kind": "transfer",
               "amount": 90, "counterparty_id": "bob"},
    "labels": {"subject_id": "e1", "label": "fraud", "labelled_at": "2026-05-02T10:00:00Z", "source": "chargeback",
               "confidence": 0.9, "inclusion_probability": 1.0},
    "messages": {"message_id": "m1", "text": "Your parcel is held", "sent_at": "2026-05-01T10:00:00Z"},
}  # fmt: skip
TYPES = {"string": {"type": ["string", "integer"]}, "time": {"type": ["string", "number"], "format": "date-time"}}
TYPES |= {"number or null": {"type": ["number", "null"]}, "string or null": {"type": ["string", "integer", "null"]}}
ERRORS = {
    400: "The body is not JSON, or is nested too deeply",
    401: "The token is missing or wrong",
    403: "The request may come from a web page: without a token, the service answers only programs on this machine",
    408: "The body did not arrive in time",
    409: "The model does not use records of this type, the service cannot record them, or a record was sent with other "
    "content before",
    413: "The body is too large, or has too many records",
    415: "The media type or the encoding of the body is not supported",
    422: "The body or a parameter is not as expected, or no record has the field that is scored",
    503: "The service is busy or not ready, the store, the evidence or the score log cannot be written, or the "
    "history has not reached Fraudsieve-After: try again after the seconds in Retry-After",
}
OFFSET_HEADER = {
    "Fraudsieve-Offset": {
        "description": "Offset of the history behind the answer. Equal records get equal scores from the same "
        "model at the same offset, whichever process answers.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
AFTER_PARAMETER = {
    "name": "Fraudsieve-After",
    "in": "header",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1, "default": 0},
    "description": "Offset of an earlier answer. The request waits until the history of its process has it, and is "
    "answered 503 if that takes too long.",
}
RECORD_PARAMETER = {
    "name": "record",
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Whether to add the records to the live history too, all of them or none. Each needs an id and a "
    "time, and is scored as of its time. A record that is sent again gets its first answer, without reasons. "
    f"At most {MAX_RECORDED} records.",
}
REQUEST_ID_PARAMETER = {
    "name": "X-Request-ID",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "description": "Id of the request in the score log. Without it, or if it is longer or not printable, the service "
    "makes one. The answer has it.",
}
REQUEST_ID_HEADER = {
    "X-Request-ID": {
        "description": "Id of the request in the score log; only if the service logs scores.",
        "schema": {"type": "string"},
    }
}
EVENTS = {
    "summary": "Add events or messages to the live history",
    "description": "Each request contains one type of record. Accepted records are stored before the answer is sent. "
    "Rejected records are listed with position and reason. An event that is sent again with the same `event_id`, or a "
    "message with the same `message_id`, counts once. If the store fails midway, the 503 answer says which records to "
    "send again.",
}
LABELS = {
    "summary": "Add labels of the records that the model scores",
    "description": "A label names a message, an account or an event by its id, and has a class of the model, or true "
    "or false. Only `subject_id`, `label` and `labelled_at` are required. Labels may come in any order, and before "
    "their record. Accepted labels are stored before the answer is sent, and a repeated one counts once.",
}
BODY_ERRORS = (400, 408, 413, 415, 422, 503)
ACCESS_ERRORS = (401, 403)
MODELS: tuple[type[BaseModel], ...] = (ErrorBody, EventsResult, Health, LabelsResult, ModelInfo, Readiness, SCORE)


def describe_service(model: Model, settings: Settings) -> JsonObject:
    """Return the OpenAPI document of the service of a model.

    The result has plain JSON types, OpenAPI 3.1.
    """
    schemas = models_json_schema(
        [(schema, "serialization") for schema in MODELS], ref_template="#/components/schemas/{model}"
    )[1]["$defs"]
    document: JsonObject = {
        "openapi": "3.1.0",
        "info": {
            "title": "fraudsieve",
            "version": fraudsieve.__version__,
            "description": "Scores messages, accounts and events, and keeps the event history that the model uses.",
        },
        "paths": _paths(model, settings),
        "components": {"schemas": schemas},
    }
    if settings.token is not None:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _paths(model: Model, settings: Settings) -> JsonObject:
    return {
        "/v1/score": {"post": _score_operation(model, settings)},
        "/v1/events": {"post": EVENTS | _ingestion(PARTS, EventsResult, settings.max_records)},
        "/v1/labels": {"post": LABELS | _ingestion(("labels",), LabelsResult, settings.max_records)},
        "/v1/model": _get("Describe the model in use", _responses(ModelInfo, *ACCESS_ERRORS)),
        "/healthz": _get("Check that the service is running", _responses(Health), public=True),
        "/readyz": _get("Check that the service is ready to score", _responses(Readiness, 503), public=True),
        "/metrics": _get("Show Prometheus metrics", _text_responses("text/plain")),
        "/openapi.json": _get("Show this description as OpenAPI", _text_responses("application/json")),
    }


def _get(summary: str, responses: JsonObject, *, public: bool = False) -> JsonObject:
    return {"get": {"summary": summary, **({"security": []} if public else {}), "responses": responses}}


def _score_operation(model: Model, settings: Settings) -> JsonObject:
    record = {
        "type": "object",
        "properties": {field["name"]: TYPES[field["type"]] for field in record_fields(model)},
        "description": "Fields that the model does not use are ignored; GET /v1/model lists those that it uses.",
    }
    sample = sample_record(model, SAMPLE_TIME)
    examples = {"single": {"value": sample}, "list": {"value": [sample, sample]}}
    reasons = {"name": "reasons", "in": "query", "schema": {"type": "boolean", "default": False}}
    parameters, headers = ([AFTER_PARAMETER], OFFSET_HEADER) if model.matrix.history_parts else ([], {})
    if settings.score_log != "off":
        parameters, headers = [*parameters, REQUEST_ID_PARAMETER], headers | REQUEST_ID_HEADER
    if why_not_recorded(model, settings) is None:
        parameters = [RECORD_PARAMETER, *parameters]
    language = {"name": "language", "in": "query", "schema": {"type": "string", "enum": [*LANGUAGES], "default": "en"}}
    score = _reference(SCORE)
    answer = {"anyOf": [score, {"type": "array", "items": score}]}
    return {
        "summary": "Score one record or a list of records",
        "description": "A record that cannot be scored is `unscorable`, with a reason; the others are still scored. "
        "A body in which no record has the field that is scored is answered 422, unless the policy of the model "
        "allows it.",
        "parameters": [
            reasons | {"description": "Whether to explain the scores."},
            language | {"description": "The language of the sentences of the reasons."},
            *parameters,
        ],
        "requestBody": _body({"anyOf": [record, _list_of(record, settings.max_records)]}, examples),
        "responses": {"200": _response("The scores", answer) | ({"headers": headers} if headers else {})}
        | _error_responses(*ACCESS_ERRORS, 409, *BODY_ERRORS),
    }


def _ingestion(parts: Sequence[str], result: type[BaseModel], max_records: int) -> JsonObject:
    bodies = [
        {
            "type": "object",
            "properties": {part: _list_of({"type": "object", "properties": _properties(part)}, max_records)},
            "required": [part],
            "additionalProperties": False,
        }
        for part in parts
    ]
    responses = _responses(result, *ACCESS_ERRORS, 409, *BODY_ERRORS)
    responses["200"]["headers"] = OFFSET_HEADER
    body = _body({"anyOf": bodies}, {part: {"value": {part: [EXAMPLES[part]]}} for part in parts})
    return {"requestBody": body, "responses": responses}


def _list_of(record: JsonObject, max_records: int) -> JsonObject:
    return {"type": "array", "items": record, "maxItems": max_records}


def _properties(part: str) -> JsonObject:
    types = {str: TYPES["string"], int: {"type": "number"}, float: {"type": "number"}}
    properties = {name: types[type(value)] for name, value in EXAMPLES[part].items()}
    properties |= {"label": {"type": ["string", "integer", "boolean"]}} if "label" in properties else {}
    return properties | {name: TYPES["time"] for name in properties if name.endswith("_at")}


def _body(schema: JsonObject, examples: JsonObject) -> JsonObject:
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _reference(schema: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema.__name__}"}


def _response(description: str, schema: JsonObject) -> JsonObject:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _responses(schema: type[BaseModel], *errors: int) -> JsonObject:
    return {"200": _response((schema.__doc__ or "").strip(), _reference(schema))} | _error_responses(*errors)


def _text_responses(media_type: str) -> JsonObject:
    return {"200": {"description": "The text", "content": {media_type: {}}}} | _error_responses(*ACCESS_ERRORS)


def _error_responses(*statuses: int) -> JsonObject:
    return {str(status): _response(ERRORS[status], _reference(ErrorBody)) for status in sorted(statuses)}
