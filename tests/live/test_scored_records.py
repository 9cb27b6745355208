"""The records of the score log as a table: what training reads there is what the service read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.live.contents import erase
from fraudsieve.live.export import export_tables
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.score_rows import ScoreRow
from fraudsieve.models import Scorer
from fraudsieve.tables.conversion import convert, convert_numbers
from fraudsieve.tables.values.reading import read_id
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.recipe.recipe import Recipe
from tests.live.samples import event, logged_score, with_views
from tests.live.small_models import account_scorer, event_scorer, message_scorer, score_log

SETTINGS: dict[str, Any] = {"time_zone": "Asia/Shanghai", "columns": {"messages.text": "content", "sent_at": "date"}}


def scorer_of_messages() -> Scorer:
    """Return a model of messages with own columns, whose tables have other names and times in another zone."""
    model = with_views(message_scorer(), custom=CustomColumns(("length",), {"place": ("rome", "7")})).model
    return Scorer(replace(model, training={"recipe": {"data": SETTINGS}}))


def scorer_of_events() -> Scorer:
    """Return a model of events without history, with an own column."""
    return with_views(event_scorer(), histories=(), network=None, custom=CustomColumns(("age",)))


def log_records(path: Path, records: Sequence[Mapping[Any, Any] | None], scorer: Scorer | None = None) -> None:
    """Log records that a model scores, one second after the other; None for a score without a record."""
    log, rows = score_log(path, scorer), list[ScoreRow]()
    subject = log.scorer.model.subject
    for number, record in enumerate(records):
        identifier = read_id((record or {}).get(f"{subject}_id"))
        ids = {} if identifier is None else {f"{subject}_id": identifier}
        score = logged_score(subject, ids, {"as_of": None}, decision=None, probabilities={})
        rows.append(ScoreRow(number, score.encode(), None if record is None else json.dumps(record).encode()))
    log.log_scores(rows)
    log.close()


def export(path: Path, scorer: Scorer, **span: str) -> dict[str, Any]:
    with open_store(path) as store:
        return export_tables(store, path.parent / "tables", scorer.model, **span)


def exported(path: Path, name: str = "messages") -> pd.DataFrame:
    return pd.read_parquet(path.parent / "tables" / f"{name}.parquet")


def label(subject: str, verdict: Any = "fraud", **more: Any) -> dict[str, Any]:
    return {"subject_id": subject, "label": verdict, "labelled_at": "2024-06-01T00:00:00Z", **more}


def test_the_first_record_of_a_message_counts_and_rows_are_in_order_of_time(tmp_path: Path) -> None:
    records = [
        {"message_id": "b", "text": "second", "sent_at": "2024-05-02"},
        None,
        {"message_id": "a", "text": "first\ud800", "sent_at": "2024-05-01", "length": "x", "private": 1},
        {"message_id": "b", "text": "again", "sent_at": "2024-04-01"},
        {"message_id": "c", "text": "without a time", "sent_at": "soon"},
        {"text": "without an id", "sent_at": "2024-05-01"},
    ]
    path, scorer = tmp_path / "live.db", scorer_of_messages()
    log_records(path, records)
    content = export(path, scorer)
    assert (content["messages"], content["messages_without_text"], content["not_kept"]) == (3, 0, [])
    written = exported(path)
    assert written.columns.tolist() == ["message_id", "content", "date"]  # no other column has a value
    assert written["content"].tolist() == ["first\ufffd", "second", "without a time"]
    assert str(written["date"][0]) == "2024-04-30 16:00:00+00:00"  # in the zone of the model
    assert export(path, scorer, since="2024-05-01T00:00:00Z")["messages"] == 1
    assert export(path, scorer, until="2024-04-01")["messages"] == 0


def test_training_reads_what_the_service_read(tmp_path: Path) -> None:
    """Values in any form that a client may send are those of a table with the same values, to the last bit."""
    odd: dict[str, list[Any]] = {
        "message_id": [7, " 8 ", "9", "a", "b", "c"],
        "content": [" win now ", "see you", "Pay\nthe fee", "100% free", "您的账户", "hello"],
        "date": ["2024-05-01 10:00", "2024-05-01T10:00:00.123456Z", 1714600000, 1714600000123, None, "2024/5/1 9:00"],
        "account_id": ["ann", 5, "null", None, " bob", "7"],
        "length": [1, "2.5", True, None, "null", 1e6],
        "place": ["rome", 7, "7", True, "NA", None],
        "channel": ["sms", None, 5, " app ", "true", "null"],
    }
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in odd.items()})
    path, scorer = tmp_path / "live.db", scorer_of_messages()
    rows = [{name: values[place] for name, values in odd.items()} for place in range(len(frame))]
    names = {"content": "text", "date": "sent_at"}
    log_records(path, [{names.get(name, name): value for name, value in row.items()} for row in rows])
    labels = [
        label(str(read_id(one)), "fraud" if place % 2 else "legitimate")
        for place, one in enumerate(frame["message_id"])
    ]
    with LiveState(scorer, path) as live:
        assert live.update(labels=labels).rejected == ()
    export(path, scorer)
    recipe = Recipe.read(
        None, {"data.subject": "message", **{f"data.{name}": value for name, value in SETTINGS.items()}}
    )
    stored = {name: str(tmp_path / "tables" / f"{name}.parquet") for name in ("messages", "labels")}
    one, other = (
        read_data(recipe, tables, min_label_rows=1).rows.sort_values("message_id", ignore_index=True)
        for tables in ({"messages": frame, "labels": pd.DataFrame(labels)}, stored)
    )
    assert other["length"].dtype == np.float64
    for name, read in (
        ("length", convert_numbers(one["length"], flags=True)),
        ("place", convert(one["place"], "category")),
    ):
        one[name] = read.column
    pd.testing.assert_frame_equal(one, other[one.columns], check_exact=True)


def test_messages_of_the_history_without_a_record_are_counted(tmp_path: Path) -> None:
    path, sent = tmp_path / "live.db", {"text": "Your parcel is held, pay now", "sent_at": "2024-05-01T10:00:00Z"}
    with LiveState(message_scorer(), path) as live:
        live.observe([sent | {"message_id": "a"}, sent | {"message_id": "b"}])
    assert export(path, message_scorer())["not_kept"] == ["the texts of messages"]
    log_records(path, [sent | {"message_id": "b"}])
    content = export(path, message_scorer())
    assert (content["messages"], content["messages_without_text"], content["not_kept"]) == (1, 1, [])


@pytest.mark.parametrize("is_loaded", [False, True])
def test_events_of_a_model_without_history_come_from_the_log(is_loaded: bool, tmp_path: Path) -> None:
    path, scorer = tmp_path / "live.db", scorer_of_events()
    assert export(path, scorer)["not_kept"] == ["the events"]
    with LiveState(scorer, path) as live:
        labels = [label("e1", source="bank"), label("e2", "legitimate")]
        accepted = live.update([event(age=30)] if is_loaded else [], labels)
        assert (accepted.rejected, accepted.unknown) == ((), None)
    records = [event(event_id="e2", age="40", occurred_at=None, as_of="2024-05-01T09:00:00Z"), event(age=50)]
    log_records(path, records, scorer)
    content = export(path, scorer, since="2024-05-01")
    assert (content["events"], content["labels"], content["not_kept"]) == (2, 2, [])
    written = exported(path, "events")
    assert written["event_id"].tolist() == ["e2", "e1"]
    assert written["age"].tolist() == [40, 30 if is_loaded else 50]  # what was sent as an event counts


def test_labels_of_erased_records_go_with_them(tmp_path: Path) -> None:
    path, sent = tmp_path / "live.db", {"text": "hello", "sent_at": "2024-05-01"}
    log_records(
        path, [sent | {"message_id": "a", "account_id": "eve"}, sent | {"message_id": "b", "account_id": "ann"}]
    )
    with LiveState(scorer_of_messages(), path) as live:
        live.update(labels=[label("a"), label("b")])
        with open_store(path) as store:
            assert erase(store, account_id="eve") == 2
    assert [export(path, scorer_of_messages())[name] for name in ("messages", "labels")] == [1, 1]
    assert exported(path, "labels")["subject_id"].tolist() == ["b"]


def test_records_of_accounts_are_no_table(tmp_path: Path) -> None:
    log_records(tmp_path / "live.db", [{"account_id": "ann", "as_of": "2024-05-01"}], account_scorer())
    assert "accounts" not in export(tmp_path / "live.db", account_scorer())
