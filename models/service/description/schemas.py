"""Response bodies, as the OpenAPI description shows them."""

from typing import Literal

from pydantic import BaseModel, Field

__all__ = ["ErrorBody", "EventsResult", "Health", "ModelInfo", "Readiness", "Score"]


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
    sentence: str = Field(description="What the record shows, in words; without its text or identifiers.")


class Technique(BaseModel):
    """A technique of the MITRE Fight Fraud Framework (F3)."""

    id: str
    name: str


class ExplainedClass(BaseModel):
    """The class that the reasons explain, its log-odds, and the techniques that it stands for."""

    class_: str = Field(alias="class")
    log_odds: float
    techniques: list[Technique]


class TextSpan(BaseModel):
    """A span of a message and its share of the text model's log-odds; the one without text holds the rest."""

    text: str | None
    start: int | None
    stop: int | None
    form: Literal["raw", "folded"]
    log_odds: float


class EvidencePlace(BaseModel):
    """Where the evidence of a score is: in which log, and in which record of it."""

    log: str
    record: int


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
    unlike_training: float | None = Field(
        description="Share of the training records that are less strange; above 0.999 the record is like none of them."
    )
    model: ModelIdentity
    explained: ExplainedClass | None = None
    reasons: list[Reason] = []
    text_spans: list[TextSpan] = []
    evidence: EvidencePlace | None = None


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
    store: Literal["memory", "sqlite", "postgresql"] | None = Field(
        description="Kind of store; null for a model without history."
    )
    offset: int | None = Field(description="Offset of the history in the process that answers.")


class OperatingPointInfo(BaseModel):
    """An operating point, with its figures on the calibration data."""

    name: str
    threshold: float
    false_positive_rate: float
    recall: float
    flagged: float = Field(description="Share of all records that are flagged.")
    precision: float | None
    alerts_a_day: float | None = Field(description="Flagged records per day.")
    legitimate_rows: int | None = Field(description="Legitimate calibration rows, on which the rates stand.")
    max_false_positive_rate: float | None = Field(description="The target, if it is a false-positive rate.")
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


class Readiness(Health):
    """Whether the service can score."""

    failing: list[str] = Field(description="Background tasks whose last run failed; they are tried again.")
    behind: bool = Field(
        description="Whether the store of the history cannot be read. Scores are then of the history as it was before."
    )


class ErrorBody(BaseModel):
    """An error."""

    error: str = Field(description="What was expected and what came.")
