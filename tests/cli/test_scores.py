"""``fraudsieve scores export``: the table of predict, and records that the other commands read."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from tests.cli.conftest import Run, error_of
from tests.service.handling import handler_of, reply_of

pytestmark = pytest.mark.slow


def serve(model: Path, records: list[dict[str, Any]]) -> None:
    """Score records as a service does that logs them in the working folder."""
    handler = handler_of(model, state=Path("live.db"), score_log="records", max_records=len(records))
    reply_of(handler, records, name="r1")
    handler.close()


def test_what_was_answered_is_the_table_that_predict_writes(model: Path, messages: pd.DataFrame, run: Run) -> None:
    sent = messages.assign(sent_at="2026-05-01T10:00:00Z", account_id=[f"a{i % 5}" for i in range(len(messages))])
    sent = sent.drop(columns="label")
    serve(model, sent.to_dict("records"))  # type: ignore[arg-type]
    sent.to_parquet("m.parquet")
    code, answer, _ = run("scores", "export", "live.db", "--output", "s.parquet", "--records", "r.parquet")
    assert (code, answer["scores"], answer["records"]) == (0, len(messages), len(messages))
    run("predict", "--model", model, "--messages", "m.parquet", "--output", "p.parquet")
    exported, predicted = pyarrow.parquet.read_table("s.parquet"), pyarrow.parquet.read_table("p.parquet")
    assert exported.select(predicted.column_names).equals(predicted)
    added = ["as_of", "request_id", "position", "model", "model_digest", "model_version", "offset", "answered_at"]
    assert exported.column_names == [*predicted.column_names, *added]
    for extension in ("csv", "xlsx", "jsonl"):
        assert run("scores", "export", "live.db", "--output", f"s.{extension}")[0] == 0
    assert pd.read_csv("s.csv")["probability"].tolist() == predicted["probability"].to_pylist()


def test_the_other_commands_read_it(model: Path, messages: pd.DataFrame, run: Run) -> None:
    serve(model, messages.drop(columns="label").to_dict("records"))  # type: ignore[arg-type]
    run("scores", "export", "live.db", "--output", "s.parquet", "--records", "r.parquet")
    labels = messages.rename(columns={"message_id": "subject_id"})[["subject_id", "label"]]
    labels.to_csv("labels.csv", index=False)
    code, answer, error = run("cases", "--scores", "s.parquet", "--messages", "r.parquet", "--output", "cases")
    assert (code, answer.get("members", 0) > 0) == (0, True), error
    code, answer, error = run("evaluate", "--model", model, "--messages", "r.parquet", "--labels", "labels.csv")
    assert (code, answer["report"]["rows"]) == (0, len(messages)), error
    half = np.arange(len(messages)) % 2 == 0
    messages[half].to_parquet("before.parquet")
    call = ("monitor", "--model", model, "--reference", "before.parquet", "--messages", "r.parquet")
    code, answer, error = run(*call, "--labels", "labels.csv")
    assert (code, answer["report"]["rows"]["current"]) == (0, len(messages)), error
    assert answer["report"]["calibration"]["rows"] == len(messages)


def test_wrong_calls(run: Run) -> None:
    Path("live.db").touch()
    assert "expected one of message, account, event, got another" in error_of(
        run, "scores", "export", "live.db", "--subject", "text", "--since", "2026-05-01"
    )
