"""The results of a comparison of two models on the same records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.data.after_training import trained_until
from fraudsieve.training.evaluation.label_selection import LabelSelection
from fraudsieve.training.evaluation.report import BootstrapSummary
from fraudsieve.training.json_types import to_json_types

from .latency import Latency
from .overturned import Overturned
from .paired_comparison import PairedMetrics
from .refresh import STAND_IN_FOR, recipe_digest

Value = TypeVar("Value")


@dataclass(frozen=True)
class Sides(Generic[Value]):
    """A value of each model; None for the champion if there is none."""

    champion: Value | None
    challenger: Value

    @classmethod
    def of(cls, values: Sequence[Value]) -> Self:
        """Return the values of one or two models, the challenger last."""
        return cls(None if len(values) == 1 else values[0], values[-1])

    def map(self, function: "Callable[[Value], Any]") -> "Sides[Any]":
        """Return what a function gives for each value."""
        return Sides(None if self.champion is None else function(self.champion), function(self.challenger))


@dataclass(frozen=True)
class ModelFacts:
    """A model of a comparison."""

    name: str
    digest: str | None
    # The last time that it was trained on, ISO 8601; None if unknown.
    trained_until: str | None
    # Digest of the settings that decided on its fit, as from `recipe_digest`; None if it does not keep them.
    recipe: str | None = None
    # Digest of the model that it stands for; None for a model that is compared itself.
    stand_in_for: str | None = None

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return the facts of a model."""
        until, stand_in_for = trained_until(model), model.training.get(STAND_IN_FOR)
        times = None if until is None else until.isoformat()
        return cls(model.name, model.digest or None, times, recipe_digest(model), stand_in_for)


@dataclass(frozen=True)
class AttackedPair:
    """Both models under obfuscations of characters."""

    strength: str
    # Share of the recall that each model keeps; None if it finds no fraud without obfuscation.
    kept: Sides[float | None]
    # The same when legitimate messages are obfuscated alike.
    kept_alike: Sides[float | None]
    # Share of the obfuscated legitimate messages that it flags.
    flagged: Sides[float]


@dataclass(frozen=True, kw_only=True)
class ModelComparison(PairedMetrics):
    """Two models on the same later records. It has no text and no identifier."""

    # The model in use; None if the challenger is compared with a constant score.
    champion: ModelFacts | None
    challenger: ModelFacts
    # What a record is: message, account or event.
    subject: str
    bootstrap: BootstrapSummary | None
    # Numbers of records by reason.
    left_out: Mapping[str, int]
    attack: AttackedPair | None
    latency: Sides[Latency]
    # Whether labels depend on what the champion flags, or the challenger without a champion. None if unknown.
    label_selection: LabelSelection | None = None
    # Whether the challenger has the recipe of the champion, and later data.
    refresh: bool = False
    # Whether they are the evaluated models of two runs, because labels of a refresh come too late for stand-ins.
    evaluated: bool = False
    # Frauds known to the champion that are legitimate now, by source; None if unknown.
    overturned: Overturned | None = None
    warnings: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What both models find at the review capacity, and their average precision, in words."""
        found, precision = self.figures["recall_at_capacity"], self.figures["average_precision"]
        frauds = self.frauds if self.weights is None else self.weights.frauds
        sentences = []
        if self.capacity is not None and found.challenger is not None:
            reviews = f"of {round(frauds):,} frauds are found with {round(self.capacity.alerts):,} reviews"
            old = "" if found.champion is None else f", and {round(found.champion * frauds):,} by the champion"
            sentences.append(f"{round(found.challenger * frauds):,} {reviews}{old}.")
        if precision.challenger is not None:
            before = "" if precision.champion is None else f", that of the champion {precision.champion:.3f}"
            sentences.append(f"The average precision of the challenger is {precision.challenger:.3f}{before}.")
        return (*sentences, *([] if self.weights is None else [self.weights.sentence]))

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types, under the names of its fields."""
        content: dict[str, Any] = to_json_types(self)
        return content
