"""Pages from templates: one environment, one style sheet, one Content-Security-Policy.

Templates escape every text. Marked as safe are the style sheet and the script of a page, here, and the SVG of a
`Figure`.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from typing import Any, Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from fraudsieve._translation import Language, current_language, in_language, tr

from .svg import Figure
from .words import format_number

LANG: Final = {"en": "en", "zh": "zh-CN"}
"""The languages as HTML names them."""
CAPTION_HEIGHT = 60.0
"""Height of a caption and of the space around a figure, in units of a chart."""
SAME_HEIGHT = 40.0
"""Columns whose ends differ by less than this look equal."""
MAX_FIGURES = 12
"""With more figures, those after them are in turn in either column."""
STANDALONE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="600" style="background:var(--card);font-family:var(--font)" '
)


@dataclass(frozen=True)
class Notice:
    """A highlighted box: a sentence, and further lines as a list."""

    title: str
    lines: Sequence[str] = ()
    kind: Literal["", "warn", "bad"] = ""


@dataclass(frozen=True)
class PageTable:
    """A table whose first cell in each row is the name of the row. Without rows nothing is shown.

    With `by_label`, columns are named by labels, which are shown as they are in the data.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    by_label: bool = False


@dataclass(frozen=True)
class Card:
    """One metric in large type. `gauge` holds low, value and high of a share, drawn on a line from 0 to 1."""

    name: str
    value: str
    about: str
    interval: str | None = None
    gauge: tuple[float, float, float] | None = None


@cache
def template_environment() -> Environment:
    """Return the environment of the templates: every value is escaped, an unknown name is an error."""
    environment = Environment(
        loader=PackageLoader("fraudsieve.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["side_by_side"] = _side_by_side
    environment.filters["breakable"] = lambda name: escape(name).replace("_", Markup("_<wbr>"))
    environment.globals["tr"] = tr
    return environment


def style_sheet(*, dark: bool = True) -> Markup:
    """Return the style sheet, with or without the colours for dark pages."""
    return _style_sheet(dark, current_language())


@cache
def _style_sheet(dark: bool, language: Language) -> Markup:
    with in_language(language):
        return Markup(template_environment().get_template("style.css.j2").render(dark=dark, language=language))


def standalone_svg(figure: Figure) -> str:
    """Return the image of a figure as a file of its own, with the colours of a light page."""
    style = style_sheet(dark=False)
    return re.sub(r"^<svg ([^>]*)>", lambda match: f"{STANDALONE}{match[1]}><style>{style}</style>", figure.svg) + "\n"


def content_security_policy(*, rules: str = "", script: str = "") -> str:
    """Return the policy of a page: nothing is loaded or sent, and only its own style sheet and script apply."""
    scripts = f"script-src {_digest(script)}; " if script else ""
    styles = f"style-src {_digest(style_sheet() + Markup(rules))}"
    return f"default-src 'none'; {scripts}{styles}; img-src data:; base-uri 'none'; form-action 'none'"


def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def render_page(template: str, *, rules: str = "", script: str = "", **values: Any) -> str:
    """Render a page that extends ``base.html.j2``, in the language of the block around it.

    `rules` are added to the style sheet. `rules` and `script` are files of the library, and are not escaped.
    """
    policy = content_security_policy(rules=rules, script=script)
    shared = {"policy": policy, "style": style_sheet() + Markup(rules), "script": Markup(script)}
    shared |= {"language": LANG[current_language()]}
    return template_environment().get_template(template).render(shared | values)


def format_metric(value: float | None) -> str:
    """Return a metric with three decimals, or a large number with separators."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else format_number(round(value, 1))


def format_rate(rate: float | None) -> str:
    """Return a small share in percent."""
    return "–" if rate is None else f"{100 * rate:.2f} %"


def format_interval(interval: Sequence[float] | None) -> str:
    """Return an interval in words."""
    return "–" if not interval else format_range(format_metric(interval[0]), format_metric(interval[1]))


def format_range(low: str, high: str) -> str:
    """Return both ends of a range."""
    return tr("{low} to {high}", low=low, high=high)


def listed(names: Iterable[str]) -> str:
    """Return names, separated by commas."""
    return tr(", ").join(names)


def label_words(label: str) -> str:
    """Return the name of a class: in Chinese for the types that the library knows; other labels stay as they are."""
    return tr(label, sense="type")


def capitalised(text: str) -> str:
    """Return a text whose first letter is a capital."""
    return f"{text[:1].upper()}{text[1:]}"


def _side_by_side(figures: Sequence[Figure]) -> list[list[Figure]]:
    """Return the figures of each column, in their order.

    Of all ways that end at about the same height, it is the one that changes sides most often, so that the first
    figures are on top.
    """
    if len(figures) < 2:
        return [list(figures)] if figures else []
    heights = [_height(figure) + CAPTION_HEIGHT for figure in figures[:MAX_FIGURES]]
    sides = min(
        ((0, *rest) for rest in product((1, 0), repeat=len(heights) - 1)),
        key=lambda sides: (
            abs(sum(h if side else -h for h, side in zip(heights, sides, strict=True))) // SAME_HEIGHT,
            sum(side == other for side, other in pairwise(sides)),
        ),
    )
    sides += tuple(i % 2 for i in range(len(heights), len(figures)))
    return [[figure for figure, side in zip(figures, sides, strict=True) if side == column] for column in (0, 1)]


def _height(figure: Figure) -> float:
    match = re.search(r'viewBox="0 0 \S+ ([\d.]+)"', figure.svg)
    return 0.0 if match is None else float(match[1])
