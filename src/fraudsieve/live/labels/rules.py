"""Labels of a live state: read as in training, and which of the labels of a subject counts.

The rules are those of `fraudsieve.features.label_trust` for tables. Needs no pandas.
"""

from typing import Any, NamedTuple

import numpy as np

from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.history.records import required_time
from fraudsieve.models.artifact.folder import Model
from fraudsieve.tables.values.label_words import class_of_label
from fraudsieve.tables.values.reading import read_category, read_id, read_number
from fraudsieve.tables.values.shares import SHARES

LABEL = "label"
"""The part of the log entry of a label as it was sent; what a state counts of it are other entries."""


class Verdict(NamedTuple):
    """What a label says, by the rules of a model. Verdicts are compared in the order of their fields."""

    time: int
    weight: float
    is_fraud: bool
    name: str


class LabelRules:
    """How a model reads labels: as classes, with a weight for each source."""

    def __init__(self, model: Model) -> None:
        self.subject = model.subject
        self._classes, self._legitimate = model.classes, model.legitimate
        self._read_as = model.training.get("label_classes") or {}
        data = (model.training.get("recipe") or {}).get("data") or {}
        self._trust, self._default = data.get("trust") or {}, data.get("default_trust")

    def verdict(self, entry: Record) -> Verdict | None:
        """Return the verdict of a label from its log entry; None for a label that does not count."""
        time, fields = entry[LABEL]
        name, weight = self.class_of(fields["label"]), self._weight(fields.get("source"))
        return None if name is None or not weight else Verdict(time, weight, name != self._legitimate, name)

    def class_of(self, label: str) -> str | None:
        """Return the class of a label; None for a word that means that there is no label."""
        return class_of_label(label, self._read_as, self._classes, self._legitimate)

    def _weight(self, source: str | None) -> float:
        if not self._trust and self._default is None:
            return 1.0
        weight = self._trust.get(source, self._default) if source is not None else self._default
        if weight is None:
            raise RejectedRecordError("source: expected one with a weight in the model's data.trust, got another")
        return float(weight)


def label_to_entry(record: Record, rules: LabelRules, zone: str = "UTC") -> dict[str, Any]:
    """Return the log entry of a label, in plain JSON; a time without a zone is in that of the model."""
    time = required_time(record.get("labelled_at"), "labelled_at", zone)
    subject = read_id(record.get("subject_id"), "subject_id")
    label = read_category(record.get("label"), "label")
    if subject is None or label is None:
        field, expected = ("subject_id", f"the id of the {rules.subject}") if subject is None else ("label", "a label")
        raise RejectedRecordError(f"{field}: expected {expected}, the field is missing")
    if rules.class_of(label) is None:
        raise RejectedRecordError("label: expected a class, got a word for a missing label")
    fields: dict[str, Any] = {"of": rules.subject, "subject_id": subject, "label": label}
    source = read_category(record.get("source"), "source")
    fields |= {} if source is None else {"source": source}
    entry = {LABEL: [time, fields | _shares(record)]}
    rules.verdict(entry)
    return entry


def _shares(record: Record) -> dict[str, float]:
    numbers = {name: read_number(record.get(name), name) for name in SHARES}
    for name, share in SHARES.items():
        if share.excludes(np.array(numbers[name])):
            raise RejectedRecordError(f"{name}: {share.reason}")
    return {name: number for name, number in numbers.items() if number == number}
