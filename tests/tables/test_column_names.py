"""Columns by another name: named, suggested, and never taken in silence."""

import pickle
import re
import shlex
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.column_names import LIKELY_NAMES
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import check_header, check_table, read_table
from fraudsieve.tables.schema import TABLES
from fraudsieve.tables.source import InputTable
from tests.messages import refused

FRAME = pd.DataFrame({"id": ["a", "b"], "content": ["hello", "win"], "date": ["2026-05-01", "2026-05-02"]})


def read(frame: pd.DataFrame, columns: dict[str, str], table: str = "messages") -> pd.DataFrame:
    return read_table(InputTable(frame, ReadOptions(columns=columns)), table).good


def test_columns_get_the_names_that_fraudsieve_knows() -> None:
    good = read(FRAME, {"message_id": "id", "messages.text": "content", "sent_at": "date"})
    assert list(good.columns) == ["message_id", "text", "sent_at"]
    assert str(good["sent_at"].dtype) == "datetime64[us, UTC]"
    assert list(FRAME.columns) == ["id", "content", "date"]


def test_a_name_of_one_table_concerns_no_other() -> None:
    columns = {"messages.text": "content", "message_id": "id", "events.message_id": "date"}
    assert list(read(FRAME, columns).columns) == ["message_id", "text", "date"]


def test_a_column_that_has_the_name_already_is_kept_under_another() -> None:
    good = read(FRAME.assign(text="old"), {"text": "content", "message_id": "id"})
    assert (good["text"].tolist(), good["input_text"].tolist()) == (["hello", "win"], ["old", "old"])


def test_a_column_that_is_not_there_is_said() -> None:
    for text in ("messages.text", "text"):
        with pytest.raises(SchemaError) as caught:
            read(FRAME, {text: "contnet", "message_id": "id"})
        assert str(caught.value).startswith(
            "frame: there is no column 'contnet', which was named for messages; got 'id', 'content', 'date' "
            "(did you mean 'content'?)"
        )
    table = InputTable(FRAME, ReadOptions(columns={"message_id": "id", "text": "content", "sent_at": "when"}))
    note = "there is no column 'when' for sent_at in messages (did you mean 'date'?)"
    assert note in read_table(table, "messages").notes
    columns = {"message_id": "id", "text": "content", "label": "verdict"}
    notes = read_table(InputTable(FRAME, ReadOptions(columns=columns)), "messages").notes
    assert not any("verdict" in note for note in notes)  # records to score have no labels


def test_all_columns_that_are_missing_or_repeated_are_said_at_once() -> None:
    with pytest.raises(SchemaError) as caught:
        read_table(pd.DataFrame([[1, 2, 3]], columns=["sum", "sum", "day"]), "events")
    text = str(caught.value)
    assert "columns 'account_id', 'occurred_at' are missing from events" in text
    assert "columns of one name: 'sum'" in text


def test_a_name_of_a_table_that_does_not_exist_is_an_error() -> None:
    columns = {"message_id": "id", "text": "content", "event.account_id": "date"}
    with refused(SchemaError, "event", "event.account_id"):
        read(FRAME, columns)


SHARED = {"message_id": "id", "text": "content", "sent_at": "time", "event_id": "id", "occurred_at": "time"}


@pytest.mark.parametrize("columns", [SHARED, dict(reversed(SHARED.items()))])
def test_a_column_of_several_names_gets_that_of_its_table(columns: dict[str, str]) -> None:
    messages = pd.DataFrame({"id": ["a"], "content": ["hello"], "time": ["2026-05-01"]})
    events = pd.DataFrame({"id": ["a"], "account_id": ["x"], "kind": ["pay"], "time": ["2026-05-01"]})
    labels = pd.DataFrame({"subject_id": ["a"], "label": ["spam"], "id": [7]})
    assert list(read(messages, columns).columns) == ["message_id", "text", "sent_at"]
    assert list(read(events, columns, "events").columns) == ["event_id", "account_id", "kind", "occurred_at"]
    assert list(read(labels, columns, "labels").columns) == ["subject_id", "label", "id"]
    assert list(read(messages, columns | {"messages.channel": "time"}).columns) == ["message_id", "text", "channel"]


def test_one_column_may_have_two_roles_in_its_table() -> None:
    columns = {"message_id": "id", "text": "content", "channel": "content", "account_id": "id"}
    good = read(FRAME, columns)
    assert sorted(map(str, good)) == ["account_id", "channel", "date", "message_id", "text"]
    assert good["account_id"].tolist() == good["message_id"].tolist()
    assert good["channel"].tolist() == good["text"].tolist()


def test_records_to_score_need_no_column_that_was_named_for_labels() -> None:
    columns = {"message_id": "id", "text": "content", "messages.label": "class", "messages.labelled_at": "seen"}
    with refused(SchemaError, "class", "seen"):
        read(FRAME, columns)
    to_score = ReadOptions(columns=columns, labels_optional=True)
    assert list(read_table(InputTable(FRAME, to_score), "messages").good.columns) == ["message_id", "text", "date"]
    good = read_table(InputTable(FRAME.assign(**{"class": "spam"}), to_score), "messages").good
    assert good["label"].tolist() == ["spam", "spam"]
    with refused(SchemaError, "body"):
        read_table(InputTable(FRAME, ReadOptions({"messages.text": "body"}, labels_optional=True)), "messages")


HEADS: dict[str, tuple[str, dict[str, list[Any]], str]] = {
    "transfers": (
        "events",
        {"step": [1, 2], "amount": [1, 2], "nameOrig": ["C1", "C2"], "nameDest": ["C3", "C4"], "isFraud": [0, 1]},
        "account_id=nameOrig occurred_at=step label=isFraud --time-unit h also counterparty_id=nameDest",
    ),
    "card payments": (
        "events",
        {"TransactionID": [7, 8], "isFraud": [0, 1], "TransactionDT": [86400, 96400], "card1": [5, 5], "V1": [0, 1]},
        "account_id=card1 occurred_at=TransactionDT label=isFraud --time-unit s also event_id=TransactionID",
    ),
    "no accounts": (
        "events",
        {"Time": [0.0, 20_000.0], "V1": [1.5, 2.5], "V2": [1, 2], "V3": [1, 2], "Class": [0, 1]},
        "accounts label=Class as_of=Time --time-unit s",
    ),
    "applications": ("accounts", {"fraud_bool": [0, 1], "V1": [0, 1]}, "label=fraud_bool"),
    "two columns": ("messages", {"v1": ["ham", "spam"], "v2": ["a", "b"]}, "text=v2 label=v1"),
    "calls": ("messages", {"对话内容": ["a", "b"], "是否诈骗": ["是", "否"]}, "text=对话内容 label=是否诈骗"),
    "epochs": (
        "events",
        {"cc_num": [1, 2], "unix_time": [1.5e9, 1.6e9], "is_fraud": [0, 1]},
        "account_id=cc_num occurred_at=unix_time label=is_fraud",
    ),
}


@pytest.mark.parametrize("columns", [{"message_id": "id", "id": "id"}, {"id": "id", "message_id": "id"}])
def test_a_column_keeps_its_name_beside_another_role(columns: dict[str, str]) -> None:
    good = read(FRAME, columns | {"text": "content"})
    assert good["message_id"].tolist() == good["id"].tolist() == ["a", "b"]


def test_a_repeated_column_in_several_roles_is_an_error_in_words() -> None:
    frame = pd.DataFrame([["a", "b", "hi"]], columns=["key", "key", "text"])
    with pytest.raises(SchemaError, match="columns of one name"):
        read(frame, {"message_id": "key", "account_id": "key"})


def test_a_field_is_read_under_its_own_name_where_another_was_named() -> None:
    columns = {"labels.subject_id": "order", "label": "outcome", "labels.labelled_at": "seen"}
    labels = pd.DataFrame({"subject_id": ["a"], "label": ["fraud"], "seen": ["2026-05-01"]})
    assert list(read(labels, columns, "labels")) == ["subject_id", "label", "labelled_at"]


@pytest.mark.parametrize("of_file", [False, True])
@pytest.mark.parametrize("name", HEADS)
def test_likely_columns_are_suggested_as_options(name: str, of_file: bool, tmp_path: Path) -> None:
    table, columns, expected = HEADS[name]
    frame = pd.DataFrame(columns)
    frame.to_csv(tmp_path / "t.csv", index=False)
    read = partial(check_header, tmp_path / "t.csv") if of_file else partial(read_table, frame)
    with pytest.raises(SchemaError) as caught:
        read(table, require=("label",))
    said = re.sub(r"--column '?([^' )]+)'?", r"\1", str(caught.value))
    beginning = "(?:Then add|score its rows alone: --(accounts) with)"
    found = re.search(rf"{beginning} (.*?)(?:; perhaps (also .*?))?\)\. Exp", said)
    assert found is not None, said
    assert " ".join(filter(None, found.groups())) == expected


def test_measurements_are_not_proposed_as_labels() -> None:
    frame = pd.DataFrame({"account_id": range(50), "class": np.arange(50) / 7})
    with pytest.raises(SchemaError) as caught:
        read_table(frame, "accounts", require=("label",))
    assert "did you mean" not in str(caught.value)


def test_messages_without_ids_are_numbered_also_where_scores_name_them() -> None:
    assert read_table(pd.DataFrame({"text": ["a"]}), "messages", require=["message_id"]).numbered


def test_accounts_without_ids_are_numbered_unless_another_table_refers_to_them() -> None:
    frame = pd.DataFrame({"income": [1, 2], "label": ["ok", "fraud"]})
    assert read_table(frame, "accounts").good["account_id"].tolist() == ["0", "1"]
    with refused(SchemaError, "account_id"):
        read_table(frame, "accounts", require=("account_id",))


def test_a_suggested_option_is_quoted_for_a_shell() -> None:
    frame = FRAME.rename(columns={"id": "Message ID", "content": "Text of it's"})
    with pytest.raises(SchemaError) as caught:
        read(frame, {})
    assert "--column 'message_id=Message ID'" in str(caught.value)
    words = shlex.split(str(caught.value).partition("Then add ")[2].partition(";")[0])
    assert words == ["--column", "message_id=Message ID"]


def test_messages_without_ids_are_numbered_and_a_note_says_so() -> None:
    checked = read_table(pd.DataFrame({"text": ["a", None, "c"]}), "messages")
    assert checked.good["message_id"].tolist() == ["0", "2"]
    assert checked.rejected["message_id"].tolist() == ["1"]
    assert checked.notes == ("there is no column message_id: messages are numbered by their rows, from 0",)


def test_usual_names_are_of_columns_that_exist() -> None:
    known = {column.name for table in TABLES.values() for column in table.columns}
    assert set(LIKELY_NAMES) <= known


def test_names_that_may_be_cells_are_counted_in_the_message_and_kept_for_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("message_id,branch,gibberish 4711 words\n1,a,b\n", "utf-8")
    with pytest.raises(SchemaError, match="got 'message_id' and 2 other names") as caught:
        read_table(tmp_path / "m.csv", "messages")
    assert "branch" not in str(caught.value)
    assert caught.value.columns == ("'branch'", "'gibberish 4711 words'")
    assert pickle.loads(pickle.dumps(caught.value)).columns == caught.value.columns
    frame = pd.DataFrame({"message_id": ["1"], "branch": ["a"]})  # its names are no cells
    with pytest.raises(SchemaError, match="got 'message_id', 'branch'"):
        check_table(frame, "messages")


def test_a_nearly_known_name_that_holds_a_number_is_not_suggested(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("account_id 13800,as_of\n1,2026-05-01\n", "utf-8")
    with pytest.raises(SchemaError, match="'account_id' is missing") as caught:
        read_table(tmp_path / "a.csv", "accounts")
    assert "13800" not in str(caught.value)
