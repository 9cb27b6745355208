"""What a measure of a history declares, beside the kernel that computes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Reads: TypeAlias = Literal["amount", "current amount", "counterparty", "clock", "label"]


@dataclass(frozen=True)
class Measure:
    """The declaration of a measure: one column per window, kind and identifier."""

    # Its column is called `family__name_window`.
    name: str
    family: str
    # What it is, for the events in `[as_of - window, as_of)`.
    meaning: str
    without_events: str = "NaN"
    # What it needs of events, besides their times: "amount", "counterparty" or "label". "clock" stands for hours and
    # days in the time zone of the view, and "current amount" for that of the subject.
    reads: tuple[Reads, ...] = ()
    # The measures whose columns it is computed from.
    derived_from: tuple[str, ...] = ()
    # Whether it has a column per window, per kind of `History.by_kind`, and per identifier.
    has_window: bool = True
    has_kinds: bool = True
    has_identifiers: bool = False
    # The window for which it has no column.
    left_out: Literal["", "shortest", "longest"] = ""
    # Whether it cannot be computed on events without times.
    needs_times: bool = True


def names_of(measures: Sequence[Measure]) -> tuple[str, ...]:
    """Return the names of measures, in order."""
    return tuple(measure.name for measure in measures)
