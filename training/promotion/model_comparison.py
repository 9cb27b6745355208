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
    """A model of a comparison.

    Parameters
    ----------
    name : str
    digest : str or None
    trained_until : str or None
        The last time that it was trained on, ISO 8601; None if unknown.
    recipe : str, default=None
        Digest of the settings that decided on its fit, as from `recipe_digest`; None if it does not keep them.
    stand_in_for : str, default=None
        Digest of the model that it stands for; None for a model that is compared itself.
    """

    name: str
    digest: str | None
    trained_until: str | None
    recipe: str | None = None
    stand_in_for: str | None = None

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return the facts of a model."""
        until, stand_in_for = trained_until(model), model.training.get(STAND_IN_FOR)
        times = None if until is None else until.isoformat()
        return cls(model.name, model.digest or None, times, recipe_digest(model), stand_in_for)


@dataclass(frozen=True)
class AttackedPair:
    """Both models under obfuscations of characters.

    Parameters
    ----------
    strength : str
        Strength of the obfuscations.
    kept : Sides of float or None
        Share of the recall that each model keeps; None if it finds no fraud without obfuscation.
    kept_alike : Sides of float or None
        The same when legitimate messages are obfuscated alike.
    flagged : Sides of float
        Share of the obfuscated legitimate messages that it flags.
    """

    strength: str
    kept: Sides[float | None]
    kept_alike: Sides[float | None]
    flagged: Sides[float]


@dataclass(frozen=True, kw_only=True)
class ModelComparison(PairedMetrics):
    """Two models on the same later records. It has no text and no identifier.

    Parameters
    ----------
    rows, frauds, base_rate, figures, capacity, weights, plain
        See `PairedMetrics`.
    champion : ModelFacts or None
        The model in use; None if the challenger is compared with a constant score.
    challenger : ModelFacts
        The model that may replace it.
    subject : str
        What a record is: message, account or event.
    bootstrap : BootstrapSummary or None
        The draws behind the intervals.
    left_out : mapping of str to int
        Numbers of records by reason.
    attack : AttackedPair or None
        None without an attack.
    latency : Sides of Latency
        The time of one record.
    label_selection : LabelSelection, default=None
        Whether labels depend on what the champion flags, or the challenger without a champion. None if unknown.
    refresh : bool, default=False
        Whether the challenger has the recipe of the champion, and later data.
    overturned : Overturned, default=None
        Frauds known to the champion that are legitimate now, by source; None if unknown.
    warnings : tuple of str, default=()
    """

    champion: ModelFacts | None
    challenger: ModelFacts
    subject: str
    bootstrap: BootstrapSummary | None
    left_out: Mapping[str, int]
    attack: AttackedPair | None
    latency: Sides[Latency]
    label_selection: LabelSelection | None = None
    refresh: bool = False
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
