"""What one part of the benchmark has measured."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.runner import Bar

__all__ = ["Measured"]


class Measured(NamedTuple):
    """Number of inputs, probes or kills; figures by dotted name; and the targets."""

    rows: int
    figures: Mapping[str, float]
    bars: Sequence[Bar]
