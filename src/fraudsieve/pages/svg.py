"""Charts as inline SVG: axes, lines, bands, dots and bars, in the colours of the page around them.

There are no styles or scripts here. Colours are classes that the page defines (see ``style.css.j2``), so that a strict
Content-Security-Policy holds and a chart is legible in light and in dark.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from markupsafe import Markup

from fraudsieve._translation import tr

from .words import format_number

WIDTH = 400.0
CHARACTER = 7.0
"""Width of a character at the size of the labels, in units of the chart."""
LABEL_WIDTH = 21
"""Names of rows are cut to this many characters; a Chinese character counts twice."""
Points = Sequence[tuple[float, float]]


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


@dataclass(frozen=True)
class Figure:
    """A chart with a caption.

    Parameters
    ----------
    title, description : str
        The title of the chart, and what it shows.
    svg : str
        An inline ``svg`` element in the colours of the page.
    """

    title: str
    description: str
    svg: str

    @property
    def sentence(self) -> str:
        """The title as a sentence."""
        return self.title if self.title.endswith(("?", "？")) else tr("{text}.", text=self.title)

    @property
    def markup(self) -> Markup:
        """The SVG, marked as safe for templates: `Chart` escapes every text in it."""
        return Markup(self.svg)


@dataclass
class Chart:
    """A chart, drawn one element at a time. Texts are escaped; `css` is the class of a colour."""

    # Values at the ends of the axes.
    x: tuple[float, float]
    y: tuple[float, float]
    # In units of the chart, whose width is 400.
    height: float = 280.0
    # Space for the labels of the vertical axis.
    left: float = 54.0
    top: float = 34.0
    # Whether values of the vertical axis are logarithms to the base of 10, whose powers are written.
    log_up: bool = False
    parts: list[str] = field(default_factory=list)
    legend_end: float = 8.0
    legend_middle: float = 12.0

    @property
    def across(self) -> Scale:
        """The horizontal scale."""
        return Scale(*self.x, self.left, WIDTH - 14)

    @property
    def up(self) -> Scale:
        """The vertical scale."""
        return Scale(*self.y, self.height - 46, self.top)

    def axes(self, x_label: str, y_label: str) -> None:
        """Draw both axes with round values and faint lines."""
        for value in nice_ticks(*self.x):
            self._tick_below(value, format_number(value))
        self._axes_frame(x_label, y_label)

    def names_below(self, names: Sequence[str], x_label: str, y_label: str) -> None:
        """Draw both axes with names at 0, 1, 2 and so on; at most six of many names are written."""
        every = -(-len(names) // 6)
        for i in range(0, len(names), every):
            self._tick_below(i, names[i])
        self._axes_frame(x_label, y_label)

    def rows(self, names: Sequence[str], x_label: str) -> None:
        """Draw names on the left at 0, -1, -2 and so on, and round values below."""
        bottom = self.height - 46
        for value in nice_ticks(*self.x):
            place = self.across.place(value)
            self._add(f'<path class="grid" d="M{place} {self.top}V{bottom}"/>')
            self._centred(place, bottom + 16, format_number(value))
        for i, name in enumerate(names):
            self.text(self.left - 8, self.up.place(-i) + 4, shorten(name), "end", title=name)
        self.text((self.left + WIDTH) / 2, self.height - 8, x_label, "middle", "label")

    def line(self, points: Points, css: str, *, dashed: bool = False, name: str = "") -> None:
        """Draw a line through points."""
        path = "M" + "L".join(f"{self.across.place(x)} {self.up.place(y)}" for x, y in points)
        self._add(f'<path class="line {css}{" dashed" if dashed else ""}" d="{path}"/>')
        if name:
            self.legend(name, css, shape="dashed" if dashed else "line")

    def band(self, low: Points, high: Points, css: str) -> None:
        """Fill the area between two lines, each from left to right."""
        edge = [*low, *reversed(high)]
        path = "M" + "L".join(f"{self.across.place(x)} {self.up.place(y)}" for x, y in edge) + "Z"
        self._add(f'<path class="band {css}" d="{path}"/>')

    def bar(self, y: float, value: float, css: str, *, thick: float = 14.0, title: str = "") -> None:
        """Draw a bar from the left to a value; the title is its tooltip."""
        wide = round(self.across.place(value) - self.left, 1)
        place = round(self.up.place(y) - thick / 2, 1)
        tooltip = f"<title>{escape(title)}</title>" if title else ""
        self._add(
            f'<rect class="fill {css}" x="{self.left}" y="{place}" width="{wide}" height="{thick}">{tooltip}</rect>'
        )

    def span(self, x: tuple[float, float], y: tuple[float, float], css: str) -> None:
        """Draw an interval, from one point to another."""
        self.line([(x[0], y[0]), (x[1], y[1])], f"span {css}")

    def dot(self, x: float, y: float, css: str, *, shape: str = "circle", title: str = "") -> None:
        """Draw a mark: a circle, square or diamond, so that colour is not the only difference."""
        self.mark(self.across.place(x), self.up.place(y), css, shape, title)

    def legend(self, name: str, css: str, *, shape: str = "line") -> None:
        """Add an entry to the legend: a line, dashed line, circle, square or diamond."""
        at, middle = self.legend_end, self.legend_middle
        if shape in ("line", "dashed"):
            dashed = " dashed" if shape == "dashed" else ""
            self._add(f'<path class="line {css}{dashed}" d="M{at} {middle}h18"/>')
        else:
            self.mark(at + 9, middle, css, shape)
        self.text(at + 24, middle + 4, name)
        self.legend_end = at + 24 + CHARACTER * text_width(name) + 16

    def mark(self, x: float, y: float, css: str, shape: str = "circle", title: str = "") -> None:
        """Draw a mark at a position of the chart: a circle, square or diamond, with a title as its tooltip."""
        tooltip = f"<title>{escape(title)}</title>" if title else ""
        drawn = {
            "circle": f'<circle class="fill {css}" cx="{x}" cy="{y}" r="4">{tooltip}</circle>',
            "square": f'<path class="fill {css}" d="M{x - 3.6:.1f} {y - 3.6:.1f}h7.2v7.2h-7.2z">{tooltip}</path>',
            "diamond": f'<path class="fill {css}" d="M{x} {y - 5.2:.1f}l5.2 5.2l-5.2 5.2l-5.2 -5.2z">{tooltip}</path>',
        }
        self._add(drawn[shape])

    def segment(self, start: tuple[float, float], end: tuple[float, float], css: str) -> None:
        """Draw a straight line between two positions of the chart."""
        self._add(f'<path class="line {css}" d="M{start[0]:.4g} {start[1]:.4g}L{end[0]:.4g} {end[1]:.4g}"/>')

    def guide(self, x: float) -> None:
        """Draw a faint vertical line at a position of the chart."""
        self._add(f'<path class="grid" d="M{x} {self.top}V{self.height - 46}"/>')

    def next_legend_line(self) -> None:
        """Continue the legend on a new line."""
        self.legend_end, self.legend_middle = 8.0, self.legend_middle + 18

    def text(self, x: float, y: float, text: str, anchor: str = "start", css: str = "tick", *, title: str = "") -> None:
        """Write a text at a position of the chart, with `title` as its tooltip if they differ."""
        tooltip = f"<title>{escape(title)}</title>" if title and title != text else ""
        where = f'class="{css}" x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"'
        self._add(f"<text {where}>{escape(text)}{tooltip}</text>")

    def render(self, title: str, description: str) -> str:
        """Return the chart as an element ``svg``; title and description are its text for screen readers."""
        label = escape(tr("{title}. {description}", title=title, description=description))
        size = f'viewBox="0 0 {WIDTH:g} {self.height:g}"'
        return f'<svg {size} role="img" aria-label="{label}">{"".join(self.parts)}</svg>'

    def to_figure(self, title: str, description: str) -> Figure:
        """Return the chart with a caption, which is also its text for screen readers."""
        return Figure(title, description, self.render(title, description))

    def _tick_below(self, value: float, text: str) -> None:
        self._centred(self.across.place(value), self.height - 28, text)

    def _centred(self, x: float, y: float, text: str) -> None:
        """Write a text around a position, and within the chart."""
        half = CHARACTER * text_width(text) / 2
        self.text(min(max(x, half), WIDTH - half), y, text, "middle")

    def _axes_frame(self, x_label: str, y_label: str) -> None:
        ticks = range(math.ceil(self.y[0]), math.floor(self.y[1]) + 1) if self.log_up else nice_ticks(*self.y)
        for value in ticks:
            place = self.up.place(value)
            self._add(f'<path class="grid" d="M{self.left} {place}H{WIDTH - 14:g}"/>')
            self.text(self.left - 6, place + 4, format_number(10**value if self.log_up else value), "end")
        self.text((self.left + WIDTH) / 2, self.height - 8, x_label, "middle", "label")
        turn = f'transform="rotate(-90)" x="{-round((self.top + self.height - 46) / 2, 1)}" y="12"'
        self._add(f'<text class="label" {turn} text-anchor="middle">{escape(y_label)}</text>')

    def _add(self, part: str) -> None:
        self.parts.append(part)


def make_row_chart(names: Sequence[str], label: str, step: float, *, top: float = 34, end: float = 1.0) -> Chart:
    """Return a chart with one row per name, at 0, -1, -2 and so on.

    `step` is the height of a row in units of the chart, `top` the space for the legend, and `end` the value at the
    right end.
    """
    left = 24 + CHARACTER * max(text_width(shorten(name)) for name in names)
    chart = Chart((0, end), (0.6 - len(names), 0.6), height=top + step * len(names) + 52, left=left, top=top)
    chart.rows(names, label)
    return chart
