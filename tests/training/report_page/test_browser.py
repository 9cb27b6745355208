"""Reports in a real browser, light and dark: no requests, no errors, no cut content.

Screenshots are written to the folder in
``FRAUDSIEVE_SCREENSHOTS``, if it is set.
"""

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fraudsieve._translation import check_language
from fraudsieve.training.evaluation.fraud_rows import ConfusionMatrix
from fraudsieve.training.evaluation.metrics import METRIC_NAMES, RATE_NAMES
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.monitoring.page import render_monitor_report
from fraudsieve.training.monitoring.report import MonitorReport
from fraudsieve.training.report_page.evaluation import render_report
from tests.chromium import NEEDS_CHROMIUM, Chromium

NAMES = ("message", "account", "type-only", "confused", "monitor", "message-zh", "monitor-zh")
PAPER_WIDTH = 688
"""Pixels across A4 paper, without margins of 14 mm."""
Reports = dict[str, EvaluationReport]

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]


@pytest.fixture(scope="module")
def pages(reports: Reports, monitored: MonitorReport, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    facts = {"model": "fraudsieve", "digest": "0" * 64}
    classes = tuple(f"{name}_of_personal_data" for name in ("theft", "trade", "sale", "loss", "leak", "abuse", "swap"))
    confusion = ConfusionMatrix((*classes, "spam", "scam"), ((12_345,) * 9,) * 9)
    confused = {"confused": replace(reports["account"], confusion=confusion)}
    for name, report in (reports | confused).items():
        (folder / f"{name}.html").write_text(render_report(report, title=f"The {name} model", facts=facts), "utf-8")
    chinese = render_report(reports["message"], facts=facts, language="zh")
    (folder / "message-zh.html").write_text(chinese, "utf-8")
    for name, language in (("monitor", "en"), ("monitor-zh", "zh")):
        page = render_monitor_report(
            monitored, title="Monitor: a model", facts=facts, language=check_language(language)
        )
        (folder / f"{name}.html").write_text(page, "utf-8")
    return {name: folder / f"{name}.html" for name in NAMES}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", NAMES)
def test_a_page(chromium: Chromium, pages: dict[str, Path], name: str, width: int, scheme: str) -> None:
    chromium.open(pages[name], width, scheme)
    chromium.keep_picture(f"report-{name}-{width}-{scheme}.png")
    chromium.check_page(pages[name], width, scheme)


@pytest.mark.parametrize("name", NAMES)
def test_a_printed_page_is_light_and_cuts_nothing(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    chromium.open(pages[name], PAPER_WIDTH, "dark", media="print")
    chromium.keep_picture(f"report-{name}-print.png")
    assert chromium.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert chromium.value("getComputedStyle(document.body).color") == "rgb(28, 36, 48)"
    cut = (
        "[...document.querySelectorAll('main *')].filter(e => !e.closest('svg') && "
        "e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.textContent.slice(0, 60))"
    )
    assert chromium.value(cut) == []


@pytest.mark.parametrize("name", NAMES)
def test_wide_screens_need_no_scrolling_and_have_no_half_empty_row(
    chromium: Chromium, pages: dict[str, Path], name: str
) -> None:
    chromium.open(pages[name], 1280, "light")
    chromium.check_scrolling()
    boxes = chromium.value(
        "JSON.stringify([...document.querySelectorAll('.figures')].map(f => "
        "[...f.querySelectorAll('figure')].map(e => e.getBoundingClientRect())))"
    )
    for cards in json.loads(boxes):
        if len(cards) == 1:
            continue  # as wide as the page
        ends = [
            max((card["bottom"] for card in cards if card["left"] < middle < card["right"]), default=0.0)
            for middle in (300, 980)
        ]
        assert abs(ends[0] - ends[1]) < min(card["height"] for card in cards), "one column lacks a card"


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_the_code_is_on_a_page(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    chromium.open(pages[name], 1280, "light")
    text = chromium.value("document.querySelector('main').innerText + document.querySelector('main').innerHTML")
    assert re.findall(r"\b[a-z]+__\w+", text) == []
    keys = "|".join(sorted(k for k in (*METRIC_NAMES, *RATE_NAMES) if "_" in k))
    assert re.findall(rf"\b(?:{keys})\b", text) == []


@pytest.mark.parametrize("name", ["message", "account", "message-zh"])
def test_what_a_manager_asks_is_on_the_first_screen(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    for width in (1280, 400):
        chromium.open(pages[name], width, "light")
        assert chromium.value("document.querySelector('.headline').getBoundingClientRect().bottom") < 900


@pytest.mark.parametrize("name", NAMES)
def test_texts_of_a_chart_do_not_leave_it_or_overlap(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    chromium.open(pages[name], 1280, "light")
    chromium.check_texts("figure svg", 2.5)


def test_what_is_written_into_a_page_cannot_run(chromium: Chromium, reports: Reports, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    by_type = reports["message"].by_type
    warnings = ({"found": evil, "do": evil},)
    report = replace(reports["message"], by_type={evil: by_type["spam"], **by_type}, warnings=warnings)
    (tmp_path / "evil.html").write_text(render_report(report, title=evil, facts={evil: evil}), "utf-8")
    chromium.open(tmp_path / "evil.html", 1280, "light")
    assert chromium.value("document.querySelectorAll('script, img, iframe').length") == 0
    assert chromium.value("document.querySelector('h1').textContent") == evil
    # The policy also stops elements that are inserted later.
    chromium.value("document.body.insertAdjacentHTML('beforeend', '<img src=\"https://example.org/x.png\">')")
    time.sleep(0.3)
    chromium.value("1")
    sent = [event["request"]["url"] for event in chromium.of("Network.requestWillBeSent")]
    stopped = {event["requestId"]: event for event in chromium.of("Network.loadingFailed")}
    assert all(url.startswith(("file:", "data:")) for url in sent) or stopped
    assert any("Content Security Policy" in entry["entry"]["text"] for entry in chromium.of("Log.entryAdded"))
