"""The page: self-contained, escaped, accessible, honest about its split; and the sheet as JSON."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.training.pages.evaluation import (
    CONTENT_SECURITY_POLICY,
    check_report_path,
    report,
    write_report,
)

Sheets = dict[str, dict[str, Any]]
NAMES = ("message", "account", "type-only")
VOID = {"meta", "link", "br", "img", "input"}


class Page(HTMLParser):
    """What is in a page; the nesting must be right."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_loaded_run_or_sent(sheets: Sheets, name: str) -> None:
    html = report(sheets[name])
    page = Page(html)
    assert not {tag for tag, _ in page.elements} & {
        "script",
        "img",
        "iframe",
        "object",
        "form",
        "base",
        "audio",
        "video",
    }
    for tag, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("style", "src", "srcset")], tag
        assert attributes.get("href", "data:,") == "data:,"
    assert "http:" not in html
    assert "https:" not in html


def test_the_policy_allows_the_style_and_nothing_else(sheets: Sheets) -> None:
    html = report(sheets["message"])
    policies = [a["content"] for tag, a in Page(html).elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [CONTENT_SECURITY_POLICY]
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none';")
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    (style,) = re.findall("<style>(.*?)</style>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
    assert html.index("Content-Security-Policy") < html.index("<style>")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_can_be_read_without_seeing_it(sheets: Sheets, name: str) -> None:
    page = Page(report(sheets[name]))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.count("table") == tags.count("caption") > 0
    assert tags.count("figure") == tags.count("figcaption") > 0
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
    assert dict(page.elements)["html"]["lang"] == "en"


def test_headline_and_intervals(sheets: Sheets) -> None:
    sheet = sheets["message"]
    html = report(sheet, title="A <model>", facts={"digest": "ab<c"})
    for name in ("average_precision", "recall_at_1pct_fpr", "recall_at_capacity", "precision_at_capacity", "ece"):
        low, high = sheet["intervals"][name]
        assert f'<div class="value">{sheet[name]:.3f}</div>' in html
        assert f"95 %: {low:.3f} to {high:.3f}" in html
    assert "<h1>A &lt;model&gt;</h1>" in html
    assert "<dd>ab&lt;c</dd>" in html
    assert "as given" in html


def test_both_files_are_written(sheets: Sheets, tmp_path: Path) -> None:
    sheet = sheets["message"] | {"odd": float("nan")}
    page, beside = write_report(tmp_path / "r.html", sheet, title="t")
    assert page.read_text("utf-8") == report(sheet, title="t")
    assert beside == tmp_path / "r.json"
    read = json.loads(beside.read_text("utf-8"), parse_constant=pytest.fail)
    assert read["odd"] is None
    assert read["average_precision"] == sheet["average_precision"]


def test_a_place_where_no_report_can_be(tmp_path: Path) -> None:
    check_report_path(tmp_path / "r.HTML")
    with pytest.raises(RecipeError, match=r"expected a name that ends in \.html, got one in '\.json'"):
        check_report_path(tmp_path / "r.json")
    with pytest.raises(RecipeError, match="there is no folder"):
        check_report_path(tmp_path / "none" / "r.html")
