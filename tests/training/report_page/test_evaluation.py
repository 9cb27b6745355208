"""The page: self-contained, escaped, accessible, honest about its split; and the report as JSON."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.pages.rendering import content_security_policy
from fraudsieve.tables import InputTable
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.report_page.evaluation import check_report_path, render_report, write_report
from tests.messages import refused

Reports = dict[str, EvaluationReport]
NAMES = ("message", "account", "type-only")
VOID = {"meta", "link", "br", "img", "input", "wbr"}


class Page(HTMLParser):
    """The elements of a page; their nesting must be right."""

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
def test_nothing_is_loaded_run_or_sent(reports: Reports, name: str) -> None:
    html = render_report(reports[name])
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


def test_the_policy_allows_the_style_and_nothing_else(reports: Reports) -> None:
    html, policy = render_report(reports["message"]), content_security_policy()
    policies = [a["content"] for tag, a in Page(html).elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [policy]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert html.index("Content-Security-Policy") < html.index("<style>")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_can_be_read_without_seeing_it(reports: Reports, name: str) -> None:
    page = Page(render_report(reports[name]))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.count("table") == tags.count("caption") > 0
    assert tags.count("figure") == tags.count("figcaption") > 0
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
    assert dict(page.elements)["html"]["lang"] == "en"


def test_headline_and_intervals(reports: Reports) -> None:
    report = reports["message"]
    html = render_report(report, title="A <model>", facts={"digest": "ab<c"})
    for name in ("average_precision", "recall_at_1pct_fpr", "recall_at_capacity", "precision_at_capacity", "ece"):
        interval = report.intervals[name]
        assert interval is not None
        assert f'<div class="value">{getattr(report, name):.3f}</div>' in html
        assert f"95 %: {interval[0]:.3f} to {interval[1]:.3f}" in html
    assert "<h1>A &lt;model&gt;</h1>" in html
    assert "<dd>ab&lt;c</dd>" in html
    assert report.capacity is not None
    flagged = f"{100 * report.capacity.alerts / report.rows:.3g} % of the records"
    assert f"found with 4 alerts per day ({flagged}), as given" in html


def test_the_page_says_what_the_review_capacity_is_and_why(reports: Reports) -> None:
    report = reports["account"]  # without times
    assert report.capacity is not None
    text = f"{report.frauds} alerts ({100 * (report.base_rate or 0):.3g} % of the records), as many as there are frauds"
    html = render_report(report, title="Accounts")
    assert f"of all fraud, found with {text}" in html
    assert f"at the capacity of {report.frauds} alerts in all, as many as there are frauds." in html
    assert report.to_dict()["capacity"]["why"] == "as many as there are frauds"


def test_both_files_are_written(reports: Reports, tmp_path: Path) -> None:
    report = replace(reports["message"], roc_auc=float("nan"))
    page, content = write_report(tmp_path / "r.html", report, title="t")
    assert page.read_text("utf-8") == render_report(report, title="t")
    assert content == tmp_path / "r.json"
    read = json.loads(content.read_text("utf-8"), parse_constant=pytest.fail)
    assert read["roc_auc"] is None
    assert read["average_precision"] == report.average_precision


def test_paths_that_cannot_hold_a_report_are_rejected(tmp_path: Path) -> None:
    check_report_path(tmp_path / "r.HTML")
    with refused(RecipeError):
        check_report_path(tmp_path / "r.json")
    with pytest.raises(RecipeError, match="does not exist"):
        check_report_path(tmp_path / "none" / "r.html")
    tables = (tmp_path / "other.json", None, InputTable(tmp_path / "r.json"))
    with refused(FileExistsError, "r.json"):
        check_report_path(tmp_path / "r.html", *tables)
    check_report_path(tmp_path / "s.html", *tables)
    (tmp_path / "r.json").mkdir()
    with refused(IsADirectoryError, "r.json"):
        check_report_path(tmp_path / "r.html")
