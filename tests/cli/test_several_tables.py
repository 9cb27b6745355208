"""Several tables for one option, and tables that a model cannot use."""

from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.tables.schema import REPLACED

from .conftest import Run, error_of


def split(messages: pd.DataFrame, folder: Path) -> tuple[str, ...]:
    """Write messages as two tables: of ten rows, the first has an older text."""
    (folder / "week").mkdir()
    frame = messages.assign(message_id=[f"m{n}" for n in range(len(messages))])
    half = len(frame) // 2
    frame[: half + 10].assign(text=[*frame["text"][:half], *["an older text"] * 10]).to_parquet(folder / "old.parquet")
    frame[half : half + 20].to_csv(folder / "week" / "a.csv", index=False)
    frame[half + 20 :].to_csv(folder / "week" / "b.csv", index=False)
    return "--messages", "old.parquet", "--messages", "week/*.csv"


@pytest.mark.slow
def test_a_model_of_several_tables_scores_several_tables(messages: pd.DataFrame, run: Run, tmp_path: Path) -> None:
    tables = split(messages, tmp_path)
    code, trained, error = run("train", *tables, "--output", "m", "--no-track")
    assert (code, trained["rejected"]) == (0, 10), error
    assert pd.read_parquet("m.rejected-messages.parquet")["reason"].unique().tolist() == [REPLACED]
    code, scored, _ = run("predict", "--model", "m", *tables, "--output", "scores.parquet")
    assert (code, scored["scored"], scored["rejected"]) == (0, len(messages), 10)
    rejected = pd.read_parquet(scored["rejected_output"])
    assert set(rejected["table"]) == {"old.parquet"}
    assert rejected["message_id"].tolist() == [f"m{len(messages) // 2 + n}" for n in range(10)]
    code, evaluated, _ = run("evaluate", "--model", "m", *tables)
    assert (code, evaluated["report"]["rows"], evaluated["rejected"]) == (0, len(messages), 10)


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("--accounts", "--accounts: the model cannot use this table: it scores messages. Leave out --accounts."),
        ("--events", "--events: the model cannot use this table: it has no features of events."),
        ("--history", "--history: the model cannot use this table: it has no features of earlier messages."),
        ("--known-labels", "--known-labels: the model cannot use this table: it has no features of labels."),
    ],
)
def test_a_table_that_the_model_cannot_use_is_an_error(
    option: str, why: str, model: Path, messages: pd.DataFrame, run: Run, tmp_path: Path
) -> None:
    messages.to_parquet(tmp_path / "m.parquet")
    code, answer, _ = run("predict", "--model", model, "--messages", "m.parquet", option, "m.parquet")
    assert (code, answer["error"][: len(why)]) == (2, why)


def test_a_table_that_training_does_not_use_is_an_error(messages: pd.DataFrame, run: Run, tmp_path: Path) -> None:
    messages.to_parquet(tmp_path / "m.parquet")
    code, answer, _ = run("train", "--messages", "m.parquet", "--accounts", "m.parquet")
    assert (code, answer["error"][:88]) == (
        2,
        "recipe: data.accounts (--accounts): a model of messages does not use this table. Leave i",
    )


def test_a_command_names_the_records_that_its_model_scores(model: Path, run: Run, tmp_path: Path) -> None:
    assert (
        error_of(run, "predict", "--model", model)
        == "--messages: expected the messages that the model is to score, got none. Add --messages"
    )
    assert run("evaluate", "--model", model, "--events", tmp_path / "none.csv")[0] == 2
