"""The first screen: commands to copy, and what is shown where a figure is missing."""

import shlex
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
    line = next_command("state load", **options)
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
