"""The page of a draw in a real browser: keys, touch, files of answers, leaving, hostile texts, and 500 records."""

import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.review import collect_answers
from tests.chromium import NEEDS_CHROMIUM, Chromium
from tests.review.answering import Page
from tests.review.drawn import EVIL, drawn

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]


@pytest.fixture
def page(chromium: Chromium, tmp_path: Path) -> Iterator[Page]:
    opened = Page(chromium, tmp_path)
    yield opened
    if opened.asks():  # the next page could not be opened
        opened.saved()


def ids(file: Path) -> dict[str, str]:
    return dict(pd.read_csv(file, dtype=str)[["subject_id", "label"]].fillna("").to_numpy().tolist())


def test_what_was_clicked_is_what_collect_writes(page: Page) -> None:
    records = drawn(8)
    odd = ["007", "=1+1", 'a"b,c', "+49 171", "中文", "-x", "m6", "m7"]
    records["subject_id"] = odd
    page.open(records)
    page.name("ann 安")
    page.fill("#comment", '=HYPERLINK("x"), "quoted"\nsecond line, 中文')
    page.keys("q1")
    page.keys("24s3w1e2")
    page.fill("#other", "our own, label")
    page.chromium.press("o")
    page.chromium.press("Enter", number=13)
    assert page.text("#progress") == "7 of 8 answered, 1 skipped, 8 not downloaded."
    file = page.saved()
    assert file.name.startswith("answers-ann-安-2026-05-01")
    assert page.text("#progress").endswith("0 not downloaded.")
    saved = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert saved["label"].tolist() == [
        "fraud",
        "legitimate",
        "=spam",
        "",
        "phishing",
        "fraud",
        "legitimate",
        "our own, label",
    ]
    assert saved["comment"].tolist() == ['\'=HYPERLINK("x"), "quoted"\nsecond line, 中文', *[""] * 7]
    assert sorted(saved["subject_id"]) == sorted(odd)
    collected = collect_answers(file, page.folder / "labels.parquet")
    assert (collected.added, collected.skipped) == (7, 1)
    labels = pd.read_parquet(page.folder / "labels.parquet").set_index("subject_id")
    answered = saved[saved["label"] != ""].set_index("subject_id")
    assert labels["label"].to_dict() == answered["label"].to_dict()
    assert set(labels["source"]) == {"review:ann 安"}
    drawn_as = records.set_index("subject_id").loc[labels.index]
    assert labels["inclusion_probability"].tolist() == drawn_as["inclusion_probability"].tolist()
    assert labels["why_drawn"].tolist() == drawn_as["why_drawn"].tolist()
    assert labels["confidence"].dropna().tolist() == [1, 0.8, 0.6]
    assert labels["labelled_at"].is_monotonic_increasing
    assert collect_answers(file, page.folder / "labels.parquet").added == 0


def test_saved_answers_are_read_back_and_saved_the_same(page: Page) -> None:
    records = drawn(5)
    page.open(records)
    page.name()
    page.fill("#comment", '\'=a comment\n"b"')
    page.keys("1q2sm3")
    file = page.saved()
    page.open(records)
    page.read(file)
    assert page.text("#message") == "4 answers were read; 0 are older, or of records of another draw."
    assert page.text("#heading") == "Record 5 of 5"
    assert page.text("#progress") == "3 of 5 answered, 1 skipped, 0 not downloaded."
    again = page.saved()
    assert again.read_bytes() == file.read_bytes()
    assert pd.read_csv(file)["model_shown"].tolist() == [False, False, False, True]
    page.keys("1")
    later = page.saved()
    page.read(file)
    assert page.text("#message") == "4 answers were read; 0 are older, or of records of another draw."
    assert len(ids(later)) == 5
    page.open(drawn(2).assign(subject_id=["x", "y"]))
    page.read(file)
    assert page.text("#message").startswith("0 answers were read; 4 are older")
    (page.folder / "draw.csv").write_text("subject_id,text\nm0,x\n")
    page.read(page.folder / "draw.csv")
    assert page.text("#message").startswith("This file has no answers")


def test_undo_goes_back_and_a_change_has_a_later_time(page: Page) -> None:
    page.open(drawn(3))
    page.name()
    page.keys("12")
    assert page.texts()[:2] == ["2 of 3 answered, 0 skipped, 2 not downloaded.", "Record 3 of 3"]
    page.keys("uu")
    assert page.texts()[:3] == [
        "0 of 3 answered, 0 skipped, 0 not downloaded.",
        "Record 1 of 3",
        "The last answer is undone.",
    ]
    assert page.chromium.value("document.querySelector('#undo').disabled")
    assert not page.asks()
    page.keys("3")
    file = page.saved()
    first = pd.read_csv(file)
    page.chromium.press("ArrowLeft")
    page.fill("#comment", "two words")
    assert page.text("#progress") == "1 of 3 answered, 0 skipped, 1 not downloaded."
    page.keys("1")
    second = pd.read_csv(page.saved())
    assert (first["label"].tolist(), second["label"].tolist()) == (["phishing"], ["fraud"])
    assert second["answered_at"][0] > first["answered_at"][0]
    assert (first["model_shown"][0], second["model_shown"][0]) == (False, True)
    page.read(file)
    assert page.text("#message").startswith("0 answers were read; 1 are older")
    assert pd.read_csv(page.saved())["label"].tolist() == ["fraud"]


def test_probability_and_reasons_are_hidden_until_asked_for_or_answered(page: Page) -> None:
    page.open(drawn(4))
    page.name()
    visible = "document.querySelector('main').innerText"
    for _ in range(4):
        shown = page.chromium.value(visible)
        assert not any(word in shown for word in ("0.975", "0.025", "has a link", "audit", "alert", "same case", "c1"))
        page.chromium.press("ArrowRight")
    page.keys("m")
    shown = page.chromium.value(visible)
    assert "It has a link." in shown
    assert "Drawn as" not in shown.replace("drawn as", "Drawn as")
    page.keys("1")
    page.chromium.press("ArrowLeft")
    assert "drawn as" in page.chromium.value(visible).lower()
    assert pd.read_csv(page.saved())["model_shown"].tolist() == [True]


def test_neighbours_in_the_case_are_listed_and_open(page: Page) -> None:
    page.open(drawn(6))
    page.name()
    heading = page.text("#heading")
    while "text" in page.text("#text") and int(page.text("#text").split()[1]) % 2:
        page.chromium.press("ArrowRight")
    heading = page.text("#heading")
    page.keys("m")
    assert page.text("#case_count") == "2 other records of this draw are in the same case:"
    other = page.text("#neighbours li:last-child button")
    page.chromium.value("document.querySelector('#neighbours li:last-child button').click()")
    assert page.text("#heading") == other != heading
    page.keys("1")
    assert pd.read_csv(page.saved())["model_shown"].tolist() == [True]


def test_no_answer_without_a_name_and_no_word_for_a_missing_value(page: Page) -> None:
    page.open(drawn(2))
    for name in ("", "None"):
        page.name(name)
        page.chromium.value("document.querySelector('#heading').focus()")
        page.keys("1")
        assert page.text("#message") == "Enter your name first. It becomes part of each label."
        assert page.chromium.value("document.activeElement.id") == "reviewer"
    page.chromium.press("Escape", number=27)
    page.name()
    page.fill("#other", "null")
    page.chromium.value("document.querySelector('#other_answer').click()")
    assert page.texts()[0].startswith("0 of 2 answered")
    page.chromium.value("document.querySelector('#keys').click()")
    page.keys("1")
    assert page.texts()[0].startswith("0 of 2 answered")


def test_leaving_with_unsaved_answers_asks(page: Page) -> None:
    page.open(drawn(2))
    page.name()
    page.keys("1")
    page.chromium.value("setTimeout(() => location.reload(), 0)")
    until = time.monotonic() + 10
    while True:
        try:
            page.chromium.call("Page.handleJavaScriptDialog", accept=False)
            break
        except AssertionError:
            assert time.monotonic() < until
            time.sleep(0.05)
    (dialog,) = page.chromium.of("Page.javascriptDialogOpening")
    assert dialog["type"] == "beforeunload"
    assert page.texts()[0].startswith("1 of 2 answered")
    assert page.asks()
    page.saved()
    assert not page.asks()
    page.open(drawn(2))
    assert page.texts()[0].startswith("0 of 2 answered")


@pytest.mark.parametrize(("width", "scheme", "language"), [*product([400, 1280], ["light", "dark"], ["en", "zh"])])
def test_nothing_is_cut_or_requested(page: Page, width: int, scheme: str, language: str) -> None:
    page.open(drawn(6), width=width, scheme=scheme, language=language, name=f"-{width}-{scheme}-{language}")
    chromium = page.chromium
    page.name()
    for state, keys in (("before", "m"), ("shown", "1"), ("answered", "")):
        chromium.keep_picture(f"review-{language}-{width}-{scheme}-{state}.png")
        assert chromium.value("document.documentElement.scrollWidth") <= width
        too_wide = "e => e.getBoundingClientRect().right > innerWidth + 0.5"
        assert chromium.value(f"[...document.querySelectorAll('main *')].filter({too_wide}).map(e => e.id)") == []
        if width == 400:
            small = "e => e.offsetParent && (e.offsetHeight < 44 || e.offsetWidth < 44)"
            touched = "button, input[type=text], textarea, fieldset label, .check"
            assert chromium.value(f"[...document.querySelectorAll({touched!r})].filter({small}).map(e => e.id)") == []
        unnamed = "e => !e.labels?.length && !e.ariaLabel && !e.textContent.trim()"
        assert (
            chromium.value(f"[...document.querySelectorAll('button, input, textarea')].filter({unnamed}).length") == 0
        )
        page.keys(keys)
        if keys == "1":
            chromium.press("ArrowLeft")
    paper = chromium.value("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(17, 21, 27)")
    requested = [event["request"]["url"] for event in chromium.of("Network.requestWillBeSent")]
    assert [Path(url).suffix for url in requested if not url.startswith("data:")] == [".html"]
    assert chromium.of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []


def test_it_is_answered_by_touch(page: Page) -> None:
    page.open(drawn(3), width=400)
    page.name()
    for selector in ("#labels button:nth-child(2)", "#skip"):
        middle = "({x, y, width, height}) => [x + width / 2, y + height / 2]"
        where = f"({middle})(document.querySelector({selector!r}).getBoundingClientRect())"
        x, y = page.chromium.value(where)
        page.chromium.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        page.chromium.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        page.chromium.wait_for("document.querySelector('#message').textContent !== ''")
    page.chromium.wait_for("document.querySelector('#progress').textContent.startsWith('1 of 3 answered, 1 skipped')")


def test_what_is_in_a_record_cannot_run(page: Page) -> None:
    records = drawn(3).rename(columns={"channel": EVIL}).assign(text=EVIL, reason_1_sentence=EVIL, case_id=EVIL)
    records[EVIL] = EVIL
    page.open(records.assign(subject_id=[EVIL, "b", "c"], account_id=EVIL))
    page.keys("m")
    assert page.text("#text") == EVIL
    value = page.chromium.value
    assert value("[...document.scripts].map(s => s.type + s.id)") == ["application/jsondata", ""]
    assert value("document.querySelectorAll('img, iframe, a, main [href], [onclick], [onerror]').length") == 0
    page.name()
    page.keys("111")
    assert set(ids(page.saved())) == {EVIL, "b", "c"}
    assert page.chromium.of("Runtime.exceptionThrown", "Page.javascriptDialogOpening") == []


def test_500_records(page: Page) -> None:
    records = drawn(500).assign(text="a long text of a message " * 80)
    started = time.monotonic()
    page.open(records)
    assert time.monotonic() - started < 10
    page.name()
    press = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '2', code: 'Digit2', bubbles: true}))"
    page.chromium.value(f"began = performance.now(); for (let k = 0; k < 500; k++) {press}")
    assert page.chromium.value("performance.now() - began") < 10_000
    assert page.text("#progress") == "500 of 500 answered, 0 skipped, 500 not downloaded."
    collected = collect_answers(page.saved(), page.folder / "labels.parquet")
    assert (collected.added, set(collected.labels["label"])) == (500, {"legitimate"})


def test_400_records_answered_with_keys_and_mouse_have_the_labels_that_were_chosen(page: Page) -> None:
    records, rng = drawn(400), np.random.default_rng(0)
    page.open(records)
    page.name()
    labels = page.chromium.value("JSON.parse(document.getElementById('data').textContent).labels.map((x) => x.value)")
    middle = "({x, y, width, height}) => [x + width / 2, y + height / 2]"
    chosen: dict[str, str] = {}
    for answered in range(1, 401):
        shown, place = page.text("#text").split()[1], int(rng.integers(1, 4))
        chosen[f"m{shown}"] = labels[place - 1]
        if rng.random() < 0.5:
            page.keys(str(place))
        else:
            button = f"document.querySelector('#labels button:nth-child({place})')"
            x, y = page.chromium.value(f"({middle})({button}.getBoundingClientRect())")
            at = {"x": x, "y": y, "button": "left", "clickCount": 1}
            page.chromium.call("Input.dispatchMouseEvent", type="mousePressed", **at)
            page.chromium.call("Input.dispatchMouseEvent", type="mouseReleased", **at)
        page.chromium.wait_for(f"document.querySelector('#progress').textContent.startsWith('{answered} of 400')")
    assert ids(page.saved()) == chosen
