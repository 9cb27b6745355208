"""The first screen: commands to copy, and what is shown where a figure is missing."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.cli.tables import next_command


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"messages": ["a b.csv", "c.csv"]}, "--messages 'a b.csv' --messages c.csv"),
        ({"text_column": "内容", "name": None, "day_first": False}, "--text-column 内容"),
        ({"day_first": True, "column": ["label=a b"]}, "--day-first --column 'label=a b'"),
        ({"events": "postgresql://ann:secret@db/crm#select 1"}, "--events 'postgresql://***@db/crm#...'"),
        ({"max_rejected": 0.0}, "--max-rejected 0.0"),
    ],
)
def test_a_command_can_be_copied_into_a_shell(options: dict[str, Any], text: str) -> None:
    line = next_command("state load", options)
    assert shlex.split(line) == shlex.split(f"fraudsieve state load {text}")


@pytest.mark.slow
def test_records_without_fraud_have_a_first_screen(
    model: Any, messages: pd.DataFrame, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    messages[messages["label"] == "legitimate"].to_parquet("m.parquet")
    result = CliRunner().invoke(app, ["evaluate", "--model", str(model), "--messages", "m.parquet"])
    assert result.exit_code == 0, result.output
    assert "  found  " in result.stdout


def lines_of(*command: Any) -> tuple[str, str]:
    result = CliRunner().invoke(app, [*map(str, command)])
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


@pytest.mark.slow
def test_evaluate_and_predict_print_chinese(
    model: Any, messages: pd.DataFrame, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    messages.assign(message_id="").drop(columns="message_id").to_parquet("nothing.parquet")
    evaluate = "evaluate", "--model", model, "--messages", "nothing.parquet"
    shown, noted = lines_of(*evaluate, "--language", "zh")
    assert shown.startswith(f"fraudsieve 在 {len(messages):,} 条消息上的评估\n  结果            审核 ")
    assert "  与训练数据重合  未知：这些记录或训练数据没有时间\n" in shown
    assert "提示：没有 message_id 列：消息按行从 0 开始编号\n" in noted
    for word in ("found", "left out", "next  ", "more  ", "note: "):
        assert word not in shown + noted
    assert json.loads(lines_of(*evaluate, "--language", "zh", "--json")[0]) == json.loads(
        lines_of(*evaluate, "--json")[0]
    )
    assert "\n 未使用 无\n" in re.sub(" +", " ", lines_of(*evaluate, "--language", "zh", "--verbose")[0])
    predict = "predict", "--model", model, "--messages", "nothing.parquet", "--output", "model.csv"
    shown, noted = lines_of(*predict, "--language", "zh")
    assert shown == f"已用 fraudsieve 打分\n  分数      model.csv\n  已打分    {len(messages):,}\n  无法使用  0\n"
    assert "提示：没有 message_id 列" in noted


@pytest.mark.slow
def test_train_prints_chinese_and_keeps_english_in_json(
    messages: pd.DataFrame, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    days = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(range(len(messages)), unit="h")
    messages.assign(sent_at=days, text=messages["text"].where(messages.index != 5, " "), channel="sms").to_csv("m.csv")
    pd.DataFrame({"subject_id": ["nobody"], "label": ["spam"]}).to_csv("l.csv")
    Path("r.toml").write_text('language = "zh"\n', "utf-8")
    options = "--no-track", "--no-refit", "--recipe", "r.toml", "--labels", "l.csv", "--output", "test"
    shown, noted = lines_of("train", "--messages", "m.csv", *options)
    assert shown.startswith("已用 ")
    assert "条消息，按时间切分" in shown
    shown = re.sub(" +", " ", shown)
    assert "\n 模型文件夹 test\n" in shown  # and not the word for a test
    assert "\n 更多 --verbose 显示全部指标；evaluate --report report.html 生成页面" in shown
    for note in (
        "有 1 个标签没有对应的消息",
        "有 1 条消息无法使用，原因见 test.rejected-messages.csv",
        "条不在任何切片中；",
    ):
        assert note in noted
    facts = json.loads(lines_of("train", "--messages", "m.csv", *options, "--overwrite", "--json")[0])
    assert "1 labels have no matching message" in facts["notes"]
    assert "1 messages were rejected; test.rejected-messages.csv has the reasons" in facts["notes"]
