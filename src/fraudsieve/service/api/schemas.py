"""Response bodies, as the OpenAPI description shows them."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

RecordId: TypeAlias = str | int | float | None


class ModelIdentity(BaseModel):
    """The model that gave a score."""

    name: str
    digest: str = Field(description="SHA-256 of the model's manifest.")


class Reason(BaseModel):
    """The contribution of a group of features to the log-odds of the explained class."""

    family: str
    cue: str | None
    direction: Literal[-1, 0, 1] = Field(description="1 if it raises the log-odds, -1 if it lowers them.")
    log_odds: float
    sentence: str = Field(description="The reason in words, without text or identifiers of the record.")


class Technique(BaseModel):
    """A technique of the MITRE Fight Fraud Framework (F3)."""

    id: str
    name: str


class ExplainedClass(BaseModel):
    """The class that the reasons explain, and its techniques."""

    class_: str = Field(alias="class")
    against: str = Field(
        description="The class that it is compared with: legitimate, if that is not the explained one."
    )
    log_odds: float = Field(description="Log-odds of the class against the other; the reasons add up to them.")
    techniques: list[Technique]


class TextSpan(BaseModel):
    """A span of a message and its share of the text model's log-odds. The span without text is the sum of the rest."""

    text: str | None
    start: int | None
    stop: int | None
    form: Literal["raw", "folded"]
    log_odds: float


class AppliedRule(BaseModel):
    """The rule that decided a record."""

    id: str
    action: Literal["flag", "pass"]
    reason: str


class EvidencePlace(BaseModel):
    """The place of the evidence of a score: the log, and the record in it."""

    log: str
    record: int


class Score(BaseModel):
    """The score of a record; with ``reasons=true`` also its explanation.

    If the service logs scores, it has the id of the record: the field of the model's type of record.
    """

    model_config = ConfigDict(protected_namespaces=())  # pydantic before 2.10 reserves names such as model_decision

    message_id: RecordId = Field(default=None, description="Id of a message, as it came.")
    account_id: RecordId = Field(default=None, description="Id of an account, as it came.")
    event_id: RecordId = Field(default=None, description="Id of an event, as it came.")
    probability: float | None = Field(description="Probability of fraud; null if the model has no legitimate class.")
    label: str | None = Field(description="The most probable class.")
    probabilities: dict[str, float | None] = Field(description="Probability of each class.")
    decision: Literal["flag", "pass"] | None = Field(
        description="Decision at the first operating point, or that of a rule."
    )
    false_positive_rate: float | None = Field(
        description="False positive rate of the strictest operating point that the probability reaches."
    )
    status: Literal["ok", "no_history", "unscorable"]
    why: str | None = Field(description="Why the record is unscorable.")
    unlike_training: float | None = Field(
        description="Share of the training records that are less unfamiliar than this record. Above 0.999 is unusual."
    )
    model: ModelIdentity
    rule: AppliedRule | None = Field(default=None, description="The rule that decided; only if the service has rules.")
    model_decision: Literal["flag", "pass"] | None = Field(
        default=None, description="Decision of the model; only if the service has rules."
    )
    explained: ExplainedClass | None = None
    reasons: list[Reason] = []
    text_spans: list[TextSpan] = []
    evidence: EvidencePlace | None = None


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


class OperatingPointInfo(BaseModel):
    """An operating point, with its metrics on the calibration slice."""

    name: str
    threshold: float
    false_positive_rate: float | None = Field(description="Null if the point was chosen without labels.")
    recall: float | None = Field(description="Null if the point was chosen without labels.")
    flagged: float = Field(description="Share of all records that are flagged.")
    precision: float | None
    alerts_a_day: float | None = Field(description="Flagged records per day.")
    max_false_positive_rate: float | None = Field(
        description="The promised rate, over legitimate campaigns or accounts; null if the target is not such a rate."
    )
    confidence: float | None = Field(description="Probability with which the promised rate is kept.")
    legitimate_groups: int | None = Field(description="Number of campaigns or accounts on which the promise is based.")
    decides: bool = Field(description="Whether decisions are made at this point.")


class RulesInfo(BaseModel):
    """The rules that override the model."""

    rules: list[str] = Field(description="Ids of the rules, in the order of the file.")
    expired: list[str] = Field(description="Ids of expired rules.")
    digest: str | None = Field(description="SHA-256 of the rules file and its lists.")


class ShadowInfo(BaseModel):
    """The challenger that also scores each record. Clients never get its scores."""

    name: str
    version: str | None = Field(description="Registered version; null for a model folder.")
    address: str | None = Field(description="The folder or address that the service was started with.")
    digest: str = Field(description="SHA-256 of the model's manifest.")


class AbsentPointInfo(BaseModel):
    """A false positive rate that could not be promised."""

    name: str
    max_false_positive_rate: float
    confidence: float
    legitimate_groups: int = Field(description="Number of legitimate campaigns or accounts in the calibration slice.")
    needed_groups: int = Field(description="Number that is needed.")


class TrainingInfo(BaseModel):
    """The records that a model was trained on."""

    rows: int | None = Field(description="Number of records; null if the model does not know it.")
    since: str | None = Field(description="Time of the first record; null without times.")
    until: str | None = Field(description="Time of the last record; null without times.")
    mixture: dict[str, dict[str, int]] = Field(
        description="Number of records by each value of the columns `channel` and `source`, if the table had them."
    )


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
    shadow: ShadowInfo | None = Field(description="The challenger that also scores each record; null without one.")
    operating_points: list[OperatingPointInfo]
    absent_points: list[AbsentPointInfo] = Field(description="Operating points for which there were too few labels.")


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
    refused_version: str | None = Field(description="The version that the alias points to, if it was refused.")
    needs_restart: bool = Field(description="Whether that version uses another history than the service holds.")


class ErrorBody(BaseModel):
    """An error."""

    error: str = Field(description="What was expected, and what was received.")
