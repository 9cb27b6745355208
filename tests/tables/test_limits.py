"""How many rejected rows are too many, and what an error shows of their values."""

import pickle
import re
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import ChunkReader, check_table, read_table
from fraudsieve.tables.schema import check_rejected, shapes_of
from fraudsieve.tables.source import InputTable, as_input
from tests.messages import refused


def messages(rows: int, blank: int) -> pd.DataFrame:
    texts = [" " if row < blank else f"text {row}" for row in range(rows)]
    return pd.DataFrame({"message_id": [f"m{row}" for row in range(rows)], "text": texts})


@pytest.mark.parametrize(
    ("rows", "blank", "limit", "is_error"),
    [
        (100, 20, None, False),
        (100, 21, None, True),
        (100, 29, 0.29, False),  # .29 * 100 is less than 29 in floats
        (100, 95, 1, False),
        (100, 1, 0, True),
        (4, 1, None, False),  # a single row is not too many ...
        (4, 1, 0, True),  # ... unless none may be rejected
        (4, 2, None, True),
    ],
)
def test_more_than_the_share_of_rejected_rows_is_an_error(
    rows: int, blank: int, limit: float | None, is_error: bool
) -> None:
    table = InputTable(messages(rows, blank), ReadOptions(max_rejected=limit))
    if is_error:
        with refused(SchemaError):
            read_table(table, "messages")
    else:
        assert len(read_table(table, "messages").rejected) == blank
    assert len(check_table(table.source, "messages").rejected) == blank


def test_an_error_has_the_names_that_columns_have_in_the_table(tmp_path: Path) -> None:
    frame = messages(4, 4).rename(columns={"text": "Body"}).assign(Sent="soon")
    options = ReadOptions({"text": "Body", "messages.sent_at": "Sent", "account_id": "From"})
    with pytest.raises(SchemaError, match=r"accepted: Body: no text \(4\), Sent: ") as error:
        read_table(InputTable(frame, options), "messages")
    assert error.value.shapes == {"Sent": ("aaaa",)}
    frame.to_parquet(tmp_path / "m.parquet")
    reader = ChunkReader(tmp_path / "m.parquet", "messages", options)
    assert len(list(reader)) == 1
    assert reader.names == {"text": "Body", "sent_at": "Sent"}


def test_the_limit_of_a_table_comes_before_that_of_the_call() -> None:
    table = InputTable(messages(10, 5), ReadOptions(max_rejected=0.5))
    assert as_input(table, ReadOptions(max_rejected=0)).options.max_rejected == 0.5
    assert as_input(table.source, ReadOptions(max_rejected=0)).options.max_rejected == 0
    for share in (-0.1, 20, float("nan")):
        with pytest.raises(SchemaError, match="expected a share from 0 to 1"):
            ReadOptions(max_rejected=share)


def test_all_reasons_are_counted_and_the_rarest_left_out() -> None:
    causes = {("", f"reason {place}"): 10 - place for place in range(7)}
    with refused(SchemaError, "--max-rejected"):
        check_rejected(causes, 100, max_rejected=None, origin="m.csv", expected="")


def test_chunks_do_not_know_the_share_of_the_file(tmp_path: Path) -> None:
    messages(100, 30).to_parquet(tmp_path / "m.parquet", row_group_size=10)
    assert sum(len(part.checked.rejected) for part in ChunkReader(tmp_path / "m.parquet", "messages")) == 30


def events() -> pd.DataFrame:
    times = ["31/12/2026", "1/2/2026", "31/12/2025", "yesterday ...", "2026-05-01", None]
    amounts = [1, "9.9.9", 3, 4, "99.99x", None]
    ids = ["a", "b", "a", None, "d", "e"]
    return pd.DataFrame({"account_id": "x", "occurred_at": times, "kind": "pay", "amount": amounts, "event_id": ids})


def test_an_error_holds_the_shapes_of_three_values_of_a_column_outside_its_message() -> None:
    with pytest.raises(SchemaError) as caught:
        read_table(events(), "events")
    expected = {"occurred_at": ("99/99/9999", "9/9/9999", "aaaaaaaaa ..."), "amount": ("9.9.9", "99.99a")}
    assert caught.value.shapes == expected
    assert pickle.loads(pickle.dumps(caught.value)).shapes == expected
    for text in (str(caught.value), repr(caught.value)):
        assert "99/99" not in text
        assert "31/12" not in text


def test_texts_have_no_shape() -> None:
    with pytest.raises(SchemaError) as caught:
        read_table(pd.DataFrame({"message_id": [1, 2, 2], "text": [5, 7, "a"]}), "messages")
    assert caught.value.shapes == {}
    repeated = pd.DataFrame({"message_id": ["a", "a", "a"], "text": "x"})
    with pytest.raises(SchemaError, match="duplicate id") as caught:
        read_table(repeated, "messages")
    assert caught.value.shapes == {}


def test_shapes_show_no_letter_or_digit_of_any_script_and_nothing_that_a_terminal_obeys() -> None:
    values = ["Zoë 你好 ٣", "\x1b[31mred\u202e\n", "e\u0301🙂Ⅳ½"]
    assert shapes_of(values) == ("Aaa aa 9", "?[99aaaa??", "aaa99")
    assert shapes_of(["x" * 25, "x" * 99]) == ("a" * 24 + "...",)
    assert shapes_of([["secret"], {"a": 1}, None, float("nan"), pd.NA, " "]) == ()


def test_an_error_names_the_problems_of_all_columns() -> None:
    rows = pd.DataFrame(
        {
            "account_id": ["a", "b", None],
            "occurred_at": ["03/04/2026", "04/04/2026", "05/04/2026"],
            "amount": ["1,5", "x", "3"],
            "labelled_at": ["soon", "2026-05-01", None],
        }
    )
    with pytest.raises(SchemaError) as caught:
        read_table(rows, "events")
    text = str(caught.value)
    assert "none of 3 rows is accepted" in text
    assert "occurred_at: expected the year first, got it last: --day-first reads 03/04/2026 as 3 April" in text
    assert "account_id: no id (1)" in text
    assert "amount: expected a decimal point, got a comma" in text
    assert "labelled_at: expected a time such as" in text
    assert set(caught.value.shapes) == {"occurred_at", "amount", "labelled_at"}
    counts = [int(part) for part in re.findall(r"\((\d+)\)", text.partition("accepted")[2])]
    assert sum(counts) > 3, "a row is counted for each of its faults"
