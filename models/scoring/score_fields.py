"""What a score contains, once: each field with its type, its meaning, and whether it is always there.

From `Score` are made: the columns of scores in files, on Spark and in MLflow's signature, the rows of the score log,
evidence, the answers in the OpenAPI document, and the reference of fields.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, NotRequired, TypeAlias, TypedDict, cast, get_args, get_type_hints

Decision: TypeAlias = Literal["flag", "pass"]
RecordId: TypeAlias = str | int | float | None


class ModelIdentity(TypedDict):
    """The model that gave a score."""

    name: str
    digest: Annotated[str, "SHA-256 of the model's manifest."]


class AppliedRule(TypedDict):
    """The rule that decided a record."""

    id: str
    action: Decision
    reason: str


class Technique(TypedDict):
    """A technique of the MITRE Fight Fraud Framework (F3)."""

    id: str
    name: str


ExplainedClass = TypedDict(
    "ExplainedClass",
    {
        "class": str,
        "against": Annotated[str, "The class that it is compared with: legitimate, if that is not the explained one."],
        "log_odds": Annotated[float, "Log-odds of the class against the other; the reasons add up to them."],
        "techniques": list[Technique],
    },
)
ExplainedClass.__doc__ = "The class that the reasons explain, and its techniques."


class Reason(TypedDict):
    """The contribution of a group of features to the log-odds of the explained class."""

    family: str
    cue: str | None
    direction: Annotated[Literal[-1, 0, 1], "1 if it raises the log-odds, -1 if it lowers them."]
    log_odds: float
    sentence: Annotated[str, "The reason in words, without text or identifiers of the record."]


class TextSpan(TypedDict):
    """A span of a message and its share of the text model's log-odds. The span without text is the sum of the rest."""

    text: str | None
    start: int | None
    stop: int | None
    form: Literal["raw", "folded"]
    log_odds: float


class EvidencePlace(TypedDict):
    """The place of the evidence of a score: the log, and the record in it."""

    log: str
    record: int


class ComputedScore(TypedDict):
    """The fields that follow from a feature row, a model and a policy; they are compared when it is scored again."""

    probability: Annotated[float | None, "Probability of fraud; null if the model has no legitimate class."]
    label: Annotated[str | None, "The most probable class."]
    decision: Annotated[Decision | None, "Decision at the first operating point, or that of a rule."]
    false_positive_rate: Annotated[
        float | None, "False positive rate of the strictest operating point that the probability reaches."
    ]
    status: Annotated[
        Literal["ok", "no_history", "unscorable"], "It is no_history if the account has no earlier event."
    ]
    why: Annotated[str | None, "Why the record is unscorable."]
    unlike_training: Annotated[
        float | None, "Share of the training records that are less unfamiliar than this record. Above 0.999 is unusual."
    ]
    probabilities: Annotated[dict[str, float | None], "Probability of each class."]


class KeptScore(ComputedScore):
    """The fields that the score log keeps of an answer."""

    model: ModelIdentity
    threshold_of: NotRequired[
        Annotated[
            str | None, "Value of the column of thresholds whose threshold decides; null if the first point does."
        ]
    ]
    rule: NotRequired[Annotated[AppliedRule | None, "The rule that decided; only if the service has rules."]]
    model_decision: NotRequired[Annotated[Decision | None, "Decision of the model; only if the service has rules."]]


class Score(KeptScore):
    """The score of a record; with ``reasons=true`` also its explanation.

    If the service logs scores, it has the id of the record: the field of the model's type of record.
    """

    message_id: NotRequired[Annotated[RecordId, "Id of a message, as it came."]]
    account_id: NotRequired[Annotated[RecordId, "Id of an account, as it came."]]
    event_id: NotRequired[Annotated[RecordId, "Id of an event, as it came."]]
    missing: NotRequired[
        Annotated[list[str], "Fields that the history needs and the record does not have, not even as null."]
    ]
    explained: NotRequired[ExplainedClass | None]
    reasons: NotRequired[list[Reason]]
    text_spans: NotRequired[list[TextSpan]]
    evidence: NotRequired[EvidencePlace | None]


COMPUTED: Final = tuple(ComputedScore.__annotations__)
LOGGED: Final = tuple(KeptScore.__annotations__)
"""The names of fields."""
CLASS: Final = "probability__"
"""Of the columns of classes."""
PREFIXES: Final = (CLASS, "reason_")
"""Of columns of scores that `score_columns` does not name without classes."""
RULE: Final = {"rule": "id", "rule_reason": "reason"}
"""The columns of the rule, and its fields that they hold."""
OF_RULES: Final = (*RULE, "model_decision")


def join_fields(*parts: Mapping[str, Any]) -> Score:
    """Return a score from parts of it, such as those of its id and its reasons."""
    return cast(Score, {name: value for part in parts for name, value in part.items()})


def model_decision(score: KeptScore) -> Decision | None:
    """Return the decision of the model, before rules."""
    return score.get("model_decision", score["decision"])


def to_keep(score: Mapping[str, Any]) -> KeptScore:
    """Return the fields of a score that the score log keeps."""
    return cast(KeptScore, {name: score[name] for name in LOGGED if name in score})


def score_columns(classes: Iterable[str], *, by_source: bool = False, rules: bool = False) -> dict[str, type]:
    """Return the columns of scores in a table, each with the type of its values: `float` or `str`."""
    columns: dict[str, type] = {}
    for name, hint in get_type_hints(KeptScore).items():
        if name == "probabilities":
            columns |= {f"{CLASS}{of_class}": float for of_class in classes}
        elif name == "rule":
            columns |= dict.fromkeys(RULE, str)
        elif name != "model":
            columns[name] = float if float in get_args(hint) else str
    left_out = {*(() if by_source else ("threshold_of",)), *(() if rules else OF_RULES)}
    return {name: kind for name, kind in columns.items() if name not in left_out}


NAMES: Final = frozenset(score_columns((), by_source=True, rules=True)) | {"explained", "reasons"}
"""The columns of scores, besides those that begin with `PREFIXES`."""


def to_row(score: Mapping[str, Any]) -> dict[str, Any]:
    """Return a score as a row of a table."""
    row: dict[str, Any] = {**to_keep(score)}
    del row["model"]
    row |= {f"{CLASS}{name}": share for name, share in row.pop("probabilities").items()}
    if "rule" in row:
        row |= {name: score["rule"] and score["rule"][part] for name, part in RULE.items()}
    return row
