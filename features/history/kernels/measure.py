"""What a measure of a history declares, beside the kernel that computes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Reads: TypeAlias = Literal["amount", "current amount", "counterparty", "clock", "label"]


@dataclass(frozen=True)
class Measure:
    """The declaration of a measure: one column per window, kind and identifier.

    Parameters
    ----------
    name, family : str
        Its column is called ``family__name_window``.
    meaning : str
        What it is, for the events in ``[as_of - window, as_of)``.
    without_events : str, default="NaN"
        Its value in a window without events.
    reads : tuple of str, default=()
        What it needs of events, besides their times: "amount", "counterparty" or "label". "clock" stands for hours and
        days in the time zone of the view, and "current amount" for that of the subject.
    derived_from : tuple of str, default=()
        The measures whose columns it is computed from.
    has_window, has_kinds, has_identifiers : bool
        Whether it has a column per window, per kind of `History.by_kind`, and per identifier.
    left_out : {"", "shortest", "longest"}, default=""
        The window for which it has no column.
    needs_times : bool, default=True
        Whether it cannot be computed on events without times.
    """

    name: str
    family: str
    meaning: str
    without_events: str = "NaN"
    reads: tuple[Reads, ...] = ()
    derived_from: tuple[str, ...] = ()
    has_window: bool = True
    has_kinds: bool = True
    has_identifiers: bool = False
    left_out: Literal["", "shortest", "longest"] = ""
    needs_times: bool = True


def names_of(measures: Sequence[Measure]) -> tuple[str, ...]:
    """Return the names of measures, in order.

    Examples
    --------
    >>> names_of([Measure("count", "volume", "number of events", "0")])
    ('count',)
    """
    return tuple(measure.name for measure in measures)
