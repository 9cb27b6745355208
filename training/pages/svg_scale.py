"""Measures of a chart: scales, round ticks, and the width of a text."""

import math
import unicodedata
from dataclasses import dataclass

LABEL_WIDTH = 21
"""Names of rows are cut to this many characters; a Chinese character counts twice."""


@dataclass(frozen=True)
class Scale:
    """Maps values to positions on the chart."""

    # Values at the ends; they must differ.
    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return the position of a value, limited to the ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 1)


def nice_ticks(low: float, high: float, max_ticks: int = 6) -> list[float]:
    """Return round values from low to high."""
    power = 10.0 ** math.floor(math.log10((high - low) / max_ticks))
    steps = (power * times for times in (1, 2, 5, 10, 20))
    step = next(step for step in steps if (high - low) / step <= max_ticks - 1)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def shorten(name: str, width: int = LABEL_WIDTH) -> str:
    """Cut a name to a width."""
    if text_width(name) <= width:
        return name
    kept = ""
    for character in name:
        if text_width(kept + character) > width - 1:
            break
        kept += character
    return kept + "…"


def text_width(text: str) -> int:
    """Return the width of a text in narrow characters."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
