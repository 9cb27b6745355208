"""Pages in Chinese: no English is left, the figures are the same, and the JSON does not change."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve._translation import Language, in_language
from fraudsieve.features import MessageFeatures
from fraudsieve.models.predict import Scorer
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.pages.words import feature_words
from fraudsieve.training.data.column_notes import RefitSummary
from fraudsieve.training.evaluation.report import EvaluationReport, SplitSummary, TemporalMetrics
from fraudsieve.training.evaluation.report_parts.weighting import RuleMetrics
from fraudsieve.training.leaks import groups_on_both_sides, labels_known_late
from fraudsieve.training.monitoring.page import render_monitor_report
from fraudsieve.training.monitoring.report import MonitorReport
from fraudsieve.training.report_page.charts import draw_figure_files
from fraudsieve.training.report_page.evaluation import model_facts, render_report, write_report
from fraudsieve.training.splits.split import Split
from tests.page_words import english_words

Reports = dict[str, EvaluationReport]
CHANNELS = {"sms", "chat", "email", "app", "web", "pos", "phone"}
SOURCES = {"review", "user", "report", "automatic"}
ABSENT_POINT = {"false", "positive", "rate"}
REFIT = RefitSummary(
    rows=900,
    window=("2026-01-01", "2026-03-01"),
    left_out={"no_time": 3, "not_mature": 4},
    calibration_rows=700,
    split_model="ab12",
    split_rows=800,
    split_window=(),
)


def numbers(html: str) -> list[str]:
    """Return the figures of a page that no sentence contains: those of its cards and of its tables."""
    cells = re.findall(r'<div class="value">([^<]*)<|<td>([^<]*)<', html)
    return re.findall(r"\d[\d.,]*", " ".join(card or cell for card, cell in cells))


def everything(report: EvaluationReport) -> EvaluationReport:
    """Return a report that also has the parts which the others lack."""
    split = SplitSummary(
        kind="time", keeps_apart=("time", "fraud accounts"), flatters=False, rows={}, dropped={"in_gap": 2}, gap_days=1
    )
    counts = {"records": 9, "frauds": 8, "changed": 1, "changed_frauds": 0}
    rule = RuleMetrics(id="1", action="flag", reason="已知号码", until=None, expired=True, **counts)
    temporal = TemporalMetrics(average_precision=0.5, rows=100, split=split)
    return replace(report, refit=REFIT, rules=(rule,), temporal=temporal)


@pytest.mark.parametrize("name", ["message", "account"])
def test_a_chinese_page_of_an_evaluation_has_no_english_words(reports: Reports, name: str) -> None:
    report = replace(everything(reports[name]), warnings=())
    chinese, english = (render_report(report, language=language) for language in ("zh", "en"))
    assert english_words(chinese) <= CHANNELS | SOURCES | ABSENT_POINT
    assert '<html lang="zh-CN">' in chinese
    assert numbers(chinese) == numbers(english)


def test_a_chinese_page_of_few_parts_has_no_english_words(reports: Reports) -> None:
    html = render_report(reports["type-only"], facts={}, language="zh")
    assert english_words(html) <= {"of", "crime", "with", "very", "long", "name", "type", "na", "nam"}


def test_the_page_begins_with_what_reviewers_ask(reports: Reports) -> None:
    html = render_report(reports["account"], language="zh")
    title = re.findall(r'<p class="large">([^<]*)</p>', html)
    assert len(title) == 1
    assert re.fullmatch(r"审核 [\d,]+ 条，找到 [\d,]+ 条欺诈中的 [\d,]+ 条。", title[0])


def test_types_that_the_library_knows_have_chinese_names_and_others_stay(reports: Reports) -> None:
    by_type = reports["message"].by_type
    report = replace(reports["message"], by_type={"our own type": by_type["spam"], **by_type})
    html = render_report(report, language="zh")
    assert "<wbr>" not in html.partition("<body>")[2].partition("<h2>标签</h2>")[0]
    for name in ("垃圾信息", "个人信息买卖", "电信诈骗", "our own type"):
        assert f'<th scope="row">{name}</th>' in html
    assert "personal_data_trade" not in html


def test_warnings_and_reasons_that_were_made_before_are_translated(reports: Reports) -> None:
    split = Split("random", np.array([0]), np.array([1]), np.array([2, 3]), ())
    days = pd.Series(pd.date_range("2026-01-01", periods=4))
    warnings = [
        *groups_on_both_sides({"account": np.array(["ann", "bob", "ann", "eve"])}, split),
        *labels_known_late(days, days + pd.Timedelta(days=9), split),
    ]
    report = replace(reports["account"], warnings=tuple(warnings))
    html = render_report(report, language="zh")
    assert "账户：2 行测试数据中，有 1 行与训练数据相同。请按时间或按账户切分，以便分开。" in html
    assert english_words(html) <= {"labelled", "at"}
    assert "share one with training" in render_report(report)


def test_the_json_is_the_same_in_both_languages(reports: Reports, tmp_path: Path) -> None:
    languages: tuple[Language, ...] = ("en", "zh")
    files = [write_report(tmp_path / f"{name}.html", reports["message"], language=name) for name in languages]
    assert len({page.read_text("utf-8") for page, _ in files}) == 2
    assert len({content.read_bytes() for _, content in files}) == 1
    assert "found" in json.loads(files[0][1].read_text("utf-8"))["warnings"][0]


def test_figures_for_mlflow_are_in_the_language(reports: Reports) -> None:
    for image in draw_figure_files(reports["message"], language="zh").values():
        assert "font-family:var(--font)" in image
        assert '"Microsoft YaHei"' in image
        assert {*re.findall(r"[A-Za-z]{3,}", "".join(re.findall(r"<text[^>]*>([^<]*)", image)))} <= {"ROC"}


def test_a_chinese_page_of_monitoring_has_no_english_words(monitored: MonitorReport, payment_scorer: Scorer) -> None:
    facts = model_facts(payment_scorer.model, language="zh")
    chinese = render_monitor_report(monitored, facts=facts, origin=PageOrigin(), language="zh")
    assert english_words(chinese) <= CHANNELS | {
        "account",
        "id",
        "kind",
        "amount",
        "channel",
    }  # the columns of the payments
    assert len(monitored.exceeded) > 5
    assert f"有 {len(monitored.exceeded)} 项超出限值。" in chinese
    assert numbers(chinese) == numbers(render_monitor_report(monitored))


def test_every_column_of_messages_has_a_name() -> None:
    columns = MessageFeatures().fit(["Pay the fee", "明天见"], ["spam", "legitimate"]).get_feature_names_out()
    with in_language("zh"):
        words = {name: feature_words(name) for name in columns}
    known = {"QQ", "IP", "WhatsApp", "Telegram"}
    assert {name: text for name, text in words.items() if {*re.findall("[A-Za-z]+", text)} - known} == {}
    assert len({*words.values()}) == len(words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("value__mean_7d", "金额：7 天内均值"),
        ("volume__received_count_1h_transfer", "频次：1 小时内收到的次数（transfer）"),
        ("counterparties__campaign_distinct_recipient_id_30d", "对手方：30 天内同批次的不同个数（接收者）"),
        ("network__sharing_rate_device_id", "关系网络：共用者的欺诈率（设备）"),
        ("rhythm__since_last", "时间规律：距上一次的时间"),
        ("profile__city_tier", "属性：city tier"),
        ("campaign__labelled_spam", "群发批次：已标记的近似消息数（垃圾信息）"),
        ("pinyin__drug_trade", "拼音模型：毒品交易"),
        ("wording__ham", "文本模型：ham"),
        ("value__balance_after_std_30d", "金额：30 天内标准差（balance after）"),
        ("unlike_training", "陌生程度"),
    ],
)
def test_a_feature(name: str, words: str) -> None:
    with in_language("zh"):
        assert feature_words(name) == words
