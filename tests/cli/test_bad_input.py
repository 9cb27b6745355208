"""Bad input, from the file to the exit code; tests/features tests the text of each table check."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer

from fraudsieve.cli.app import app
from tests.cli.conftest import SECRET, Run

pytestmark = pytest.mark.slow


def write(path: str, content: str | bytes) -> None:
    Path(path).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("m.csv", f"message_id,Text,label\n1,{SECRET},spam\n", "column 'text'"),
        ("m.csv", f"id,text,label\n1,{SECRET},spam\n", "column 'message_id'"),
        ("m.csv", f"message_id,text\n1,{SECRET}\n", "column 'label'"),
        ("m.parquet", f"message_id,text,label\n1,{SECRET},spam\n", "expected Parquet, got"),
        ("m.csv", b"PAR1" + b"\0" * 100, "expected CSV, got Parquet"),
        ("m.jsonl", '[{"message_id": 1}]', "one JSON array"),
        ("m.csv.gz", gzip.compress(b"message_id,text,label\n1,x,spam\n", mtime=0)[:-9], "cannot be read"),
        ("m.csv", f"message_id,text,label\n1,{SECRET},spam\n2,{SECRET},spam\n", "expected at least 2 classes"),
    ],
)
def test_a_file_that_cannot_be_used(run: Run, name: str, content: str | bytes, expected: str) -> None:
    write(name, content)
    code, answer, error = run("train", "--messages", name)
    assert code == 2
    assert name in answer["error"]
    assert expected in answer["error"]
    assert SECRET not in error
    assert not Path("fraudsieve-model").exists()


ODD_TEXTS = {
    "lone surrogate": '"\\ud800 win a prize now"',
    "NUL": '"win\\u0000 a prize now"',
    "right-to-left mark": '"\\u202ewin a prize now\\u200f"',
    "very long": json.dumps("win a prize now " * 5000),
}
BAD_ROWS = {
    "no text": ('{"message_id": "x", "text": null}', "text"),
    "blank text": ('{"message_id": "x", "text": " \\u200b "}', "text"),
    "text of 1 MB": (json.dumps({"message_id": "x", "text": "a" * 2**20}), "text"),
    "text of another type": ('{"message_id": "x", "text": ["a"]}', "text"),
    "no id": ('{"text": "hello"}', "message_id"),
    "duplicate id": ('{"message_id": "0", "text": "hello"}', "message_id"),
    "invalid time": ('{"message_id": "x", "text": "hello", "sent_at": "soon"}', "sent_at"),
    "invalid JSON": ('{"message_id": "x", "text"', ""),
}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_texts_are_scored(model: Path, run: Run, text: str) -> None:
    write("m.jsonl", '{"message_id": "0", "text": "hello"}\n{"message_id": "1", "text": ' + text + "}\n")
    code, answer, _ = run("predict", "--model", model, "--messages", "m.jsonl")
    assert (code, answer["scored"], answer["rejected"]) == (0, 2, 0)
    assert pd.read_parquet("scores.parquet")["probability"].between(0, 1).all()


@pytest.mark.parametrize(("row", "column"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_rows_are_rejected_with_a_reason(model: Path, run: Run, row: str, column: str) -> None:
    good = "\n".join(f'{{"message_id": "{i}", "text": "hello", "sent_at": "2026-01-01"}}' for i in range(3))
    write("m.jsonl", f"{good}\n{row}\n")
    code, answer, _ = run("predict", "--model", model, "--messages", "m.jsonl")
    assert (code, answer["scored"], answer["rejected"]) == (0, 3, 1)
    rejected = pd.read_parquet(answer["rejected_output"])
    assert rejected["row"].tolist() == [3]
    assert rejected["column"].fillna("").tolist() == [column]
    assert rejected["reason"].str.len().ge(5).all()


READING = [
    *("train", "features", "evaluate", "predict", "monitor", "promote", "recalibrate", "cases", "state load"),
    *("lead create", "lead resolve", "lead withdraw"),
]


@pytest.mark.parametrize("name", READING)
def test_every_command_that_reads_tables_limits_the_rejected_rows(name: str) -> None:
    command: Any = typer.main.get_command(app)
    for part in name.split():
        command = command.commands[part]
    assert "--max-rejected" in [option for parameter in command.params for option in parameter.opts]


def test_too_many_rejected_rows_end_with_the_reasons_and_without_a_result(model: Path, run: Run) -> None:
    frame = pd.DataFrame({"message_id": range(200), "text": "hello", "label": ["spam", "ham"] * 100})
    frame.assign(sent_at=["31/12/2026"] * 190 + ["2026-01-01"] * 10).to_csv("m.csv", index=False)
    said = "m.csv: 190 of 200 rows are rejected, more than a share of 0.2: sent_at: expected the year first,"
    for arguments in (
        ("train", "--messages", "m.csv"),
        ("predict", "--model", model, "--messages", "m.csv"),
        ("evaluate", "--model", model, "--messages", "m.csv"),
    ):
        code, answer, error = run(*arguments)
        assert code == 2
        assert answer["error"].startswith(said)
        assert "99/99/9999" not in answer["error"]
        assert "sent_at has values such as 99/99/9999" in error
    assert {path.name for path in Path().iterdir()} <= {"m.csv", "mlflow.db"}
    code, answer, _ = run("predict", "--model", model, "--messages", "m.csv", "--max-rejected", "0.95")
    assert (code, answer["scored"], answer["rejected"]) == (0, 10, 190)
