"""Charts as inline SVG: axes, lines, bands, dots and bars, in the colours of the page that they stand in.

Nothing here is a style or a script: colours are classes that the page defines (see ``style.css.j2``), so that a strict
Content-Security-Policy holds and a chart is legible in light and in dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from markupsafe import Markup

from fraudsieve.training.evaluation.metrics import format_number

from .svg_scale import Scale, nice_ticks, shorten, text_width

__all__ = ["CHARACTER", "Chart", "Figure"]

WIDTH = 400.0
CHARACTER = 7.0
"""Width of a character at the size of the labels, in units of the chart."""
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Figure:
    """A chart with a caption.

    Parameters
    ----------
    title, description : str
        What the chart is and what it shows, as texts.
    svg : str
        An element ``svg``, inline: its colours are those of the page.
    """

    title: str
    description: str
    svg: str

    @property
    def markup(self) -> Markup:
        """The SVG, marked as safe for templates: `Chart` escapes every text in it."""
        return Markup(self.svg)


@dataclass
class Chart:
    """A chart that is drawn piece by piece.

    Parameters
    ----------
    x, y : tuple of (float, float)
        The values at the ends of the axes.
    height : float, default=280.0
        In units of which 400 are the width.
    left : float, default=54.0
        What is kept for the labels of the vertical axis.
    top : float, default=34.0
        What is kept for the legend.

    Examples
    --------
    >>> chart = Chart((0, 1), (0, 1))
    >>> chart.line([(0, 0), (1, 1)], "c1")
    >>> chart.render("A line", "It rises.")[:30]
    '<svg viewBox="0 0 400 280" rol'
    """

    x: tuple[float, float]
    y: tuple[float, float]
    height: float = 280.0
    left: float = 54.0
    top: float = 34.0
    parts: list[str] = field(default_factory=list)
    legend_end: float = 8.0

    @property
    def across(self) -> Scale:
        """From values to places, horizontally."""
        return Scale(*self.x, self.left, WIDTH - 14)

    @property
    def up(self) -> Scale:
        """From values to places, vertically."""
        return Scale(*self.y, self.height - 46, self.top)

    def axes(self, x_label: str, y_label: str) -> None:
        """Draw both axes with round values and faint lines.

        Parameters
        ----------
        x_label, y_label : str
            What they show.
        """
        for value in nice_ticks(*self.x):
            self._tick_below(value, format_number(value))
        self._axes_frame(x_label, y_label)

    def names_below(self, names: Sequence[str], x_label: str, y_label: str) -> None:
        """Draw both axes with names at 0, 1, 2 and so on; of many, only some are written.

        Parameters
        ----------
        names : sequence of str
            The names.
        x_label, y_label : str
            What the axes show.
        """
        every = -(-len(names) // 6)
        for i in range(0, len(names), every):
            self._tick_below(i, names[i])
        self._axes_frame(x_label, y_label)

    def rows(self, names: Sequence[str], x_label: str) -> None:
        """Draw names on the left at 0, -1, -2 and so on, and round values below.

        Parameters
        ----------
        names : sequence of str
            The names, from the top.
        x_label : str
            What the values are.
        """
        bottom = self.height - 46
        for value in nice_ticks(*self.x):
            place = self.across.place(value)
            self._add(f'<path class="grid" d="M{place} {self.top}V{bottom}"/>')
            self.text(place, bottom + 16, format_number(value), "middle")
        for i, name in enumerate(names):
            self.text(self.left - 8, self.up.place(-i) + 4, shorten(name), "end", title=name)
        self.text((self.left + WIDTH) / 2, self.height - 8, x_label, "middle", "label")

    def line(self, points: Points, css: str, *, dashed: bool = False) -> None:
        """Draw a line through points.

        Parameters
        ----------
        points : sequence of (float, float)
            Values.
        css : str
            Class of the colour.
        dashed : bool, default=False
            Whether it is dashed.
        """
        path = "M" + "L".join(f"{self.across.place(x)} {self.up.place(y)}" for x, y in points)
        self._add(f'<path class="line {css}{" dashed" if dashed else ""}" d="{path}"/>')

    def band(self, low: Points, high: Points, css: str) -> None:
        """Fill what is between two lines.

        Parameters
        ----------
        low, high : sequence of (float, float)
            Values, from left to right.
        css : str
            Class of the colour.
        """
        edge = [*low, *reversed(high)]
        path = "M" + "L".join(f"{self.across.place(x)} {self.up.place(y)}" for x, y in edge) + "Z"
        self._add(f'<path class="band {css}" d="{path}"/>')

    def bar(self, y: float, value: float, css: str, *, thick: float = 14.0, title: str = "") -> None:
        """Draw a bar from the left.

        Parameters
        ----------
        y : float
            The row.
        value : float
            Where it ends.
        css : str
            Class of the colour.
        thick : float, default=14.0
            In units of the chart.
        title : str, default=""
            What a pointer on it shows.
        """
        wide = round(self.across.place(value) - self.left, 1)
        place = round(self.up.place(y) - thick / 2, 1)
        told = f"<title>{escape(title)}</title>" if title else ""
        self._add(f'<rect class="fill {css}" x="{self.left}" y="{place}" width="{wide}" height="{thick}">{told}</rect>')

    def span(self, x: tuple[float, float], y: tuple[float, float], css: str) -> None:
        """Draw an interval, from one point to another.

        Parameters
        ----------
        x, y : tuple of (float, float)
            Values at both ends.
        css : str
            Class of the colour.
        """
        self.line([(x[0], y[0]), (x[1], y[1])], f"span {css}")

    def dot(self, x: float, y: float, css: str, *, shape: str = "circle", title: str = "") -> None:
        """Draw a mark.

        Parameters
        ----------
        x, y : float
            Values.
        css : str
            Class of the colour.
        shape : {"circle", "square", "diamond"}, default="circle"
            Its shape, so that colour is not all that tells.
        title : str, default=""
            What a pointer on it shows.
        """
        self._mark(self.across.place(x), self.up.place(y), css, shape, title)

    def legend(self, name: str, css: str, *, shape: str = "line") -> None:
        """Name a colour, at the top, after those that were named before.

        Parameters
        ----------
        name : str
            What it shows.
        css : str
            Class of the colour.
        shape : {"line", "dashed", "circle", "square", "diamond"}, default="line"
            How it is drawn.
        """
        at, middle = self.legend_end, 12.0
        if shape in ("line", "dashed"):
            dashed = " dashed" if shape == "dashed" else ""
            self._add(f'<path class="line {css}{dashed}" d="M{at} {middle}h18"/>')
        else:
            self._mark(at + 9, middle, css, shape, "")
        self.text(at + 24, middle + 4, name)
        self.legend_end = at + 24 + CHARACTER * text_width(name) + 16

    def text(self, x: float, y: float, text: str, anchor: str = "start", css: str = "tick", *, title: str = "") -> None:
        """Write something at a place of the chart.

        Parameters
        ----------
        x, y : float
            The place, not a value.
        text : str
            The text.
        anchor : {"start", "middle", "end"}, default="start"
            Which part of it is there.
        css : str, default="tick"
            Class.
        title : str, default=""
            What a pointer on it shows, where that is more than the text.
        """
        told = f"<title>{escape(title)}</title>" if title and title != text else ""
        where = f'class="{css}" x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"'
        self._add(f"<text {where}>{escape(text)}{told}</text>")

    def render(self, title: str, description: str) -> str:
        """Return the chart.

        Parameters
        ----------
        title, description : str
            What it is and what it shows, for those who cannot see it.

        Returns
        -------
        str
            An element ``svg``.
        """
        label = escape(f"{title}. {description}")
        size = f'viewBox="0 0 {WIDTH:g} {self.height:g}"'
        return f'<svg {size} role="img" aria-label="{label}">{"".join(self.parts)}</svg>'

    def to_figure(self, title: str, description: str) -> Figure:
        """Return the chart with a caption, which is also its text for screen readers."""
        return Figure(title, description, self.render(title, description))

    def _tick_below(self, value: float, text: str) -> None:
        place = self.across.place(value)
        self.text(place, self.height - 28, text, "middle")

    def _axes_frame(self, x_label: str, y_label: str) -> None:
        for value in nice_ticks(*self.y):
            place = self.up.place(value)
            self._add(f'<path class="grid" d="M{self.left} {place}H{WIDTH - 14:g}"/>')
            self.text(self.left - 6, place + 4, format_number(value), "end")
        self.text((self.left + WIDTH) / 2, self.height - 8, x_label, "middle", "label")
        turn = f'transform="rotate(-90)" x="{-round((self.top + self.height - 46) / 2, 1)}" y="12"'
        self._add(f'<text class="label" {turn} text-anchor="middle">{escape(y_label)}</text>')

    def _mark(self, x: float, y: float, css: str, shape: str, title: str) -> None:
        told = f"<title>{escape(title)}</title>" if title else ""
        drawn = {
            "circle": f'<circle class="fill {css}" cx="{x}" cy="{y}" r="4">{told}</circle>',
            "square": f'<path class="fill {css}" d="M{x - 3.6:.1f} {y - 3.6:.1f}h7.2v7.2h-7.2z">{told}</path>',
            "diamond": f'<path class="fill {css}" d="M{x} {y - 5.2:.1f}l5.2 5.2l-5.2 5.2l-5.2 -5.2z">{told}</path>',
        }
        self._add(drawn[shape])

    def _add(self, part: str) -> None:
        self.parts.append(part)
