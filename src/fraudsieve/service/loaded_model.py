"""The model of the service: a sample record, and the check whether another model can replace it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.fields import FIELD_TYPES, ModelFields, model_fields

PARTS = ("events", "messages")
"""Types of records that `/v1/events` takes."""
SAMPLE = "Your parcel is held: pay the fee at http://parcel.example or call 13800000000. 您的账户异常，请点击链接。"


@dataclass(frozen=True)
class LoadedModel:
    """A model in use."""

    # The scorer; it uses one thread per call.
    scorer: Scorer
    version: str | None = None

    @cached_property
    def fields(self) -> ModelFields:
        """The fields of the records that the model scores."""
        return model_fields(self.scorer.model.matrix)


class RefusedVersion(NamedTuple):
    """The version that an alias points to, if it cannot replace the model in use, and whether a restart can use it."""

    version: str
    needs_restart: bool


def record_fields(model: Model) -> list[dict[str, Any]]:
    """Return name, type and ``required`` of each field; a record without a required field is unscorable."""
    return [
        {"name": field.name, "type": FIELD_TYPES[field.kind].name, "required": field.required}
        for field in model.matrix.fields
        if field.instead_of is None
    ]


def sample_record(model: Model, time: datetime) -> dict[str, Any]:
    """Make a record that a model can score."""
    values = {"string": "sample", "time": time.isoformat()}
    record = {field["name"]: values.get(field["type"]) for field in record_fields(model)}
    return record | ({"text": SAMPLE} if "text" in record else {})


def why_incompatible(old: Model, new: Model) -> str | None:
    """Return why a new model cannot replace the old one in a running service; None if it can."""
    if old.subject != new.subject:
        return f"it scores {new.subject}s, and the service scores {old.subject}s"
    if (old.legitimate is None) != (new.legitimate is None):
        return "only one of the two models gives a probability of fraud"
    if old.matrix.history_declaration != new.matrix.history_declaration:
        return "it uses another history than the service holds; restart the service with it"
    return None
