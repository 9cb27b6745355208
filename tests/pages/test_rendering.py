"""Templates are in the package, escape every text, and have a style sheet that is readable in light and dark."""

import re
import xml.etree.ElementTree as ET
from importlib.resources import files
from typing import Any

import pytest
from jinja2 import UndefinedError

from fraudsieve.pages.rendering import (
    Card,
    Notice,
    PageTable,
    content_security_policy,
    render_page,
    style_sheet,
    template_environment,
)

EVIL = "\"'><script>alert(1)</script>&"
TEXT_ON = [
    ("ink", "paper"),
    ("ink", "card"),
    ("muted", "paper"),
    ("muted", "card"),
    ("bad", "bad-paper"),
    ("warn", "warn-paper"),
]
LINES_ON = [("c1", "card"), ("c2", "card"), ("c3", "card"), ("muted", "card")]


def part(name: str, *values: Any) -> str:
    macros = template_environment().get_template("parts.html.j2").module
    return str(getattr(macros, name)(*values)).strip()


def colours() -> list[dict[str, str]]:
    """Return the colours of light pages, then those of dark pages."""
    blocks = re.findall(r":root\{(.*?)\}", style_sheet(), re.DOTALL)
    return [dict(re.findall(r"--([\w-]+):(#\w{6});", block)) for block in blocks]


def brightness(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


def test_templates_are_files_of_the_package() -> None:
    names = {path.name for path in (files("fraudsieve.pages") / "templates").iterdir()}
    assert names == {f"{name}.html.j2" for name in ("base", "cases", "evaluation", "monitor", "parts", "review")} | {
        "style.css.j2"
    }
    assert set(template_environment().list_templates()) == names


def test_tables_have_captions_scopes_and_escaped_cells() -> None:
    html = part("table", PageTable(EVIL, [EVIL, "b"], [[EVIL, EVIL], ["two", "3"]]))
    root = ET.fromstring(html)
    assert (root.attrib["class"], root.attrib["aria-label"], root.attrib["tabindex"]) == ("table", EVIL, "0")
    assert root.findtext(".//caption/span") == EVIL
    assert [cell.attrib["scope"] for cell in root.iter("th")] == ["col", "col", "row", "row"]
    assert [cell.text for cell in root.iter("td")] == [EVIL, "3"]
    assert root.find(".//script") is None
    assert 'class="table wide"' in part("table", PageTable("t", list("abcd"), [list("abcd")]))


def test_notices_cards_and_facts_are_escaped() -> None:
    box = ET.fromstring(part("notices", [Notice(EVIL, [EVIL], "bad")]))
    assert (box.attrib["class"], box.findtext("strong"), box.findtext("ul/li")) == ("notice bad", EVIL, EVIL)
    assert part("notices", [Notice("Mind <this>")]) == '<div class="notice"><strong>Mind &lt;this&gt;</strong></div>'
    facts = ET.fromstring(part("facts", {EVIL: EVIL}))
    assert (facts.findtext("dt"), facts.findtext("dd")) == (EVIL, EVIL)
    cards = ET.fromstring(part("cards", [Card(EVIL, EVIL, EVIL, EVIL, (0.2, 0.5, 1.0))]))
    assert [element.text for element in cards.iter() if element.tag in ("h3", "div")] == [EVIL] * 4
    band, mark = cards.iter("rect")
    assert (band.attrib["x"], band.attrib["width"], mark.attrib["x"]) == ("20.0", "80.0", "50.0")


def test_names_may_be_broken_after_an_underscore() -> None:
    table = str(part("table", PageTable("caption", ["a_<b", "c"], [["d_e", "f_g"]], by_label=True)))
    assert '<th scope="col">a_<wbr>&lt;b</th>' in table
    assert '<th scope="row">d_<wbr>e</th><td>f_g</td>' in table
    assert '<div class="table labels"' in table


@pytest.mark.parametrize(("n", "three"), [(3, True), (4, False), (5, True), (7, False), (8, False), (9, True)])
def test_the_last_row_of_cards_is_as_full_as_can_be(n: int, three: bool) -> None:
    assert ('class="cards three"' in part("cards", [Card("name", "1", "about")] * n)) == three


def test_empty_parts_are_not_shown() -> None:
    assert part("table", PageTable("caption", ["a"], [])) == ""
    assert part("table", None) == part("facts", {}) == part("cards", []) == part("figures", []) == ""


def test_a_page_escapes_its_title_and_has_one_policy() -> None:
    page = render_page("base.html.j2", title=EVIL, subtitle=EVIL)
    assert "<script" not in page
    assert page.count("Content-Security-Policy") == 1
    assert "unsafe" not in content_security_policy()


def test_a_value_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'subtitle' is undefined"):
        render_page("base.html.j2", title="t")


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_contrast(place: int) -> None:
    scheme = colours()[place]
    ratios = {(text, behind): contrast(scheme[text], scheme[behind]) for text, behind in TEXT_ON}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}
    assert all(contrast(scheme[a], scheme[b]) >= 3 for a, b in LINES_ON)


def test_both_schemes_define_exactly_the_used_colours() -> None:
    light, dark = colours()
    assert light.keys() == dark.keys()
    assert set(re.findall(r"var\(--([\w-]+)\)", style_sheet())) == {*light, "font"}
    assert "prefers-color-scheme" in style_sheet()
    assert "prefers-color-scheme" not in style_sheet(dark=False)


def test_the_style_loads_nothing() -> None:
    assert "url(" not in style_sheet()
    assert "@import" not in style_sheet()
    assert "<" not in style_sheet()
