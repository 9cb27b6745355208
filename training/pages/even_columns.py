"""Figures in two columns that end at the same height, so that no card of a page is half empty."""

import re
from collections.abc import Sequence
from itertools import pairwise, product

from .svg import Figure

__all__ = ["side_by_side"]

CAPTION = 60.0
"""Height of a caption and of the space around a figure, in units of a chart."""
STEP = 40.0
"""Columns whose ends differ by less than this look equal."""
MAX_FIGURES = 12
"""With more figures, those after them are in turn in either column."""


def side_by_side(figures: Sequence[Figure]) -> list[list[Figure]]:
    """Return the figures of each column, in their order.

    Of all ways that end at about the same height, it is the one that changes sides most often, so that the first
    figures are on top.

    Examples
    --------
    >>> small, tall = (Figure("", "", f'<svg viewBox="0 0 400 {height}"/>') for height in (200, 460))
    >>> [len(column) for column in side_by_side([small, small, tall])]
    [2, 1]
    """
    if len(figures) < 2:
        return [list(figures)] if figures else []
    heights = [_height(figure) + CAPTION for figure in figures[:MAX_FIGURES]]
    sides = min(
        ((0, *rest) for rest in product((1, 0), repeat=len(heights) - 1)),
        key=lambda sides: (
            abs(sum(h if side else -h for h, side in zip(heights, sides, strict=True))) // STEP,
            sum(side == other for side, other in pairwise(sides)),
        ),
    )
    sides += tuple(i % 2 for i in range(len(heights), len(figures)))
    return [[figure for figure, side in zip(figures, sides, strict=True) if side == column] for column in (0, 1)]


def _height(figure: Figure) -> float:
    match = re.search(r'viewBox="0 0 \S+ ([\d.]+)"', figure.svg)
    return 0.0 if match is None else float(match[1])
