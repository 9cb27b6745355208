"""Tables from the score log: which rows and columns they have, and what is an error."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve.exceptions import RejectedRecordError, SchemaError, StateError
from fraudsieve.live.score_tables import ExportedScores, export_scores
from fraudsieve.live.store import open_store
from fraudsieve.live.store.score_rows import ScoreRow
from tests.live.samples import logged_score
from tests.live.small_models import score_log
from tests.messages import refused

SECOND = 1_000_000


def row(time: int, record: dict[str, Any] | None = None, *, subject: str = "message", **ids: str) -> ScoreRow:
    place = {"request": f"r{time}", "position": time, "as_of": 5 * SECOND, "version": "3", "offset": time}
    classes, model = {"ham": 1 - time / 100, "spam": time / 100}, {"name": "spam", "digest": "5f"}
    figures = {"probability": time / 100, "label": "spam", "decision": "flag", "false_positive_rate": 0.01}
    score = logged_score(subject, ids, place, **figures, probabilities=classes, model=model)
    return ScoreRow(time * SECOND, score.encode(), None if record is None else json.dumps(record).encode())


def export(folder: Path, *rows: ScoreRow, output: str = "scores.parquet", **options: Any) -> ExportedScores:
    if rows:
        log = score_log(folder / "live.db")
        log.log_scores(rows)
        log.close()
    with open_store(folder / "live.db") as store:
        return export_scores(store, folder / output, **options)


def test_of_several_scores_of_a_record_the_latest_is_written(tmp_path: Path) -> None:
    rows = [row(3, message_id="b"), row(1, message_id="a"), row(2), row(4, message_id="a"), row(5)]
    assert export(tmp_path, *rows) == ExportedScores(4, 1, 2)
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores["request_id"].tolist() == ["r2", "r3", "r4", "r5"]
    assert scores["message_id"].tolist()[1:3] == ["b", "a"]
    assert scores["answered_at"].tolist() == [pd.Timestamp(second, unit="s", tz="UTC") for second in (2, 3, 4, 5)]
    assert export(tmp_path, repeated=True) == ExportedScores(5, 0, 2)
    assert len(pd.read_parquet(tmp_path / "scores.parquet")) == 5


def test_a_span_of_time_is_written(tmp_path: Path) -> None:
    span = {"since": "1970-01-01T00:00:02Z", "until": "1970-01-01T00:00:04Z"}
    export(tmp_path, *[row(time, message_id=str(time)) for time in range(6)], **span, output="scores.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert scores["probability"].tolist() == [0.02, 0.03]
    assert (tmp_path / "scores.csv").stat().st_mode & 0o777 == 0o600
    with pytest.raises(RejectedRecordError, match="since: expected a time such as"):
        export(tmp_path, since="yesterday")


def test_records_are_written_with_the_fields_that_they_have(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"message_id": 1, "text": "a\ud800", "flag": True, "n": 1, "x": 0.5, "large": 2**70, "sent_at": "2024-05-01"},
        {"message_id": "2", "text": "b", "flag": None, "n": 2, "x": 3, "large": 1, "of": {"a": [1]}},
    ]
    rows = [row(number, record, message_id=str(number)) for number, record in enumerate(records, 1)]
    found = export(tmp_path, *rows, row(9, message_id="9"), records=tmp_path / "records.parquet")
    assert (found.scores, found.records) == (3, 2)
    written = pd.read_parquet(tmp_path / "records.parquet")
    assert written.drop(columns="flag").astype(object).where(written.notna(), None).to_dict("records") == [
        {
            "message_id": "1",
            "text": "a\ufffd",
            "n": 1,
            "x": 0.5,
            "large": str(2**70),
            "sent_at": "2024-05-01",
            "of": None,
        },
        {"message_id": "2", "text": "b", "n": 2, "x": 3.0, "large": "1", "sent_at": None, "of": '{"a": [1]}'},
    ]
    assert written["flag"].tolist() == [True, None]


def test_clients_cannot_make_a_table_of_any_width(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.live.score_tables.MAX_FIELDS", 3)
    record = {f"field{number}": number for number in range(5)}
    found = export(tmp_path, row(1, record), records=tmp_path / "records.jsonl")
    assert found.left_out_fields == 2
    assert json.loads((tmp_path / "records.jsonl").read_text()) == {f"field{number}": number for number in range(3)}


def test_further_fields_do_not_crowd_out_those_of_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.live.score_tables.MAX_FIELDS", 3)
    record = {**{f"field{number}": number for number in range(5)}, "text": "hi", "channel": "sms"}
    assert export(tmp_path, row(1, record), records=tmp_path / "records.jsonl").left_out_fields == 2
    assert json.loads((tmp_path / "records.jsonl").read_text()).keys() >= {"text", "channel"}


def test_types_of_records_are_written_one_at_a_time(tmp_path: Path) -> None:
    rows = [row(1, message_id="m"), row(2, subject="event", event_id="e", account_id="ann")]
    problem = "expected scores of one type of records, got those of messages and events. Choose one with --subject"
    with pytest.raises(StateError, match=problem):
        export(tmp_path, *rows)
    assert export(tmp_path, subject="event").scores == 1
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores.columns.tolist()[:4] == ["event_id", "account_id", "occurred_at", "probability"]
    assert scores["occurred_at"].tolist() == [pd.Timestamp(5, unit="s", tz="UTC")]
    with refused(StateError):
        export(tmp_path, subject="account")


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with refused(StateError, "--score-log"):
        export(tmp_path)
    with pytest.raises(SchemaError, match="expected a file to write ending in"):
        export(tmp_path, row(1, message_id="m"), output="scores.txt")
    with refused(StateError):
        export(tmp_path, records=tmp_path / "records.parquet")
    with pytest.raises(FileExistsError, match="would overwrite this input"):
        export(tmp_path, output="live.db")


BROKEN = [row(1).entry.replace(b"0.01", b'"x"'), row(1).entry.replace(b'"why"', b'"how"')]


@pytest.mark.parametrize("entry", [b"[]", b"{}", b"x", b'["r",0,"other"]', *BROKEN])
def test_a_row_of_another_form_is_refused(entry: bytes, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"row .*of the score log cannot be read"):
        export(tmp_path, ScoreRow(1, entry))


def test_a_row_is_read_by_the_names_of_its_fields(tmp_path: Path) -> None:
    entry = json.loads(row(7, message_id="m").entry)
    turned = dict(reversed(entry.items()))
    turned["score"] = dict(reversed(entry["score"].items()))
    tables = []
    for name, content in (("as_written", entry), ("turned", turned)):
        (tmp_path / name).mkdir()
        export(tmp_path / name, ScoreRow(7 * SECOND, json.dumps(content).encode()))
        tables.append(pd.read_parquet(tmp_path / name / "scores.parquet"))
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert tables[0]["probability"].tolist() == [0.07]
