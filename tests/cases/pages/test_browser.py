"""The page of cases in a real browser: nothing cut, nothing overlapping, and the keyboard reaches every case."""

from itertools import product
from pathlib import Path

import pytest

from fraudsieve.cases.pages.page import render_cases_page
from tests.chromium import NEEDS_CHROMIUM, Chromium

from .worlds import many_cases, three_cases

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]

OPEN = "[...document.querySelectorAll('details')].slice(0, 4).forEach(d => d.open = true)"
LARGEST = 10_000_000


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    paths = {}
    for name, cases in (("few", three_cases()), ("many", many_cases())):
        paths[name] = folder / f"{name}.html"
        paths[name].write_text(render_cases_page(cases), "utf-8")
    paths["few-zh"] = folder / "few-zh.html"
    paths["few-zh"].write_text(render_cases_page(three_cases(), language="zh"), "utf-8")
    return paths


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [*product(["few", "few-zh", "many"], [1280, 400], ["light", "dark"])]
)
def test_a_page(chromium: Chromium, pages: dict[str, Path], name: str, width: int, scheme: str) -> None:
    chromium.open(pages[name], width, scheme)
    chromium.value(OPEN)
    chromium.keep_picture(f"cases-{name}-{width}-{scheme}.png")
    chromium.check_page(pages[name], width, scheme, "main > section > *, details[open] *")
    cut_captions = (
        "[...document.querySelectorAll('details[open] caption span')].filter(s => s.getBoundingClientRect().right > "
        "s.closest('.table').getBoundingClientRect().right + 0.5).length"
    )
    assert chromium.value(cut_captions) == 0


@pytest.mark.parametrize("name", ["few", "few-zh"])
def test_wide_screens_need_no_scrolling(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    chromium.open(pages[name], 1280, "light")
    chromium.value(OPEN)
    chromium.check_scrolling()


@pytest.mark.parametrize("name", ["few", "few-zh", "many"])
def test_texts_of_a_picture_do_not_leave_it_or_overlap(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    chromium.open(pages[name], 1280, "light")
    chromium.value(OPEN)
    assert chromium.check_texts("details[open] figure svg", 4) == {"few": 6, "few-zh": 6, "many": 8}[name]


def test_the_keyboard_reaches_and_opens_every_case(chromium: Chromium, pages: dict[str, Path]) -> None:
    chromium.open(pages["few"], 1280, "light")
    links: list[str] = []
    summaries: list[str] = []
    for _ in range(60):
        chromium.press("Tab", number=9)
        element = "document.activeElement.tagName + ' ' + document.activeElement.textContent.trim().slice(0, 2)"
        tag, name = chromium.value(element).split()
        links += [name] if tag == "A" else []
        if tag == "SUMMARY":
            summaries.append(name)
            chromium.press("Enter", number=13)
            chromium.wait_for("document.activeElement.parentElement.open")
        if len(summaries) == 3:
            break
    assert links == summaries == ["1.", "2.", "3."]


def test_a_link_opens_its_case_without_scripts(chromium: Chromium, pages: dict[str, Path]) -> None:
    chromium.open(pages["many"], 1280, "light")
    assert pages["many"].stat().st_size < LARGEST
    assert chromium.value("document.querySelectorAll('script').length") == 0
    assert chromium.value("document.querySelectorAll('summary').length") == 500
    assert chromium.value("document.querySelectorAll('details[open]').length") == 0
    chromium.value("document.querySelectorAll('tbody a')[250].click()")
    chromium.wait_for("document.querySelectorAll('details[open]').length")
    opened = chromium.value("document.querySelector('details[open] summary').textContent")
    assert opened.startswith("251.")
    top = chromium.value("document.querySelector('details[open] summary').getBoundingClientRect().top")
    assert 0 <= top < 900
