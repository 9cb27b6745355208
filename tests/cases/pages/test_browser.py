"""The page of cases in a real browser: nothing cut, nothing overlapping, and the keyboard reaches every case."""

import json
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
    requested = [event["request"]["url"] for event in chromium.of("Network.requestWillBeSent")]
    assert [url for url in requested if not url.startswith("data:")] == [pages[name].as_uri()]
    assert chromium.of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []
    assert chromium.value("document.documentElement.scrollWidth") <= width
    too_wide = (
        "[...document.querySelectorAll('main > section > *, details[open] *')].filter(e => !e.closest('.table') && "
        "!e.closest('svg') && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName)"
    )
    assert chromium.value(too_wide) == []
    cut_captions = (
        "[...document.querySelectorAll('details[open] caption span')].filter(s => s.getBoundingClientRect().right > "
        "s.closest('.table').getBoundingClientRect().right + 0.5).length"
    )
    assert chromium.value(cut_captions) == 0
    paper = chromium.value("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(17, 21, 27)")


@pytest.mark.parametrize("name", ["few", "few-zh"])
def test_wide_screens_need_no_scrolling(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    chromium.open(pages[name], 1280, "light")
    chromium.value(OPEN)
    scrolled = (
        "[...document.querySelectorAll('.table')].filter(t => t.scrollWidth > t.clientWidth + 1)"
        ".map(t => t.getAttribute('aria-label'))"
    )
    assert chromium.value(scrolled) == []


@pytest.mark.parametrize("name", ["few", "few-zh", "many"])
def test_texts_of_a_picture_do_not_leave_it_or_overlap(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    chromium.open(pages[name], 1280, "light")
    chromium.value(OPEN)
    boxes = chromium.value(
        "JSON.stringify([...document.querySelectorAll('details[open] figure svg')].map(s => "
        "({svg: s.getBoundingClientRect(), texts: [...s.querySelectorAll('text')].map(t => "
        "[t.childNodes[0].textContent, t.getBoundingClientRect()])})))"
    )
    charts = json.loads(boxes)
    assert len(charts) == {"few": 6, "few-zh": 6, "many": 8}[name]
    for chart in charts:
        for i, (text, box) in enumerate(chart["texts"]):
            assert chart["svg"]["left"] - 1 <= box["left"], text
            assert box["right"] <= chart["svg"]["right"] + 1, text
            assert box["bottom"] <= chart["svg"]["bottom"] + 1, text
            for other, other_box in chart["texts"][i + 1 :]:
                across = min(box["right"], other_box["right"]) - max(box["left"], other_box["left"])
                down = min(box["bottom"], other_box["bottom"]) - max(box["top"], other_box["top"])
                assert min(across, down) < 4, (text, other)


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
