"""Good rows, rejected rows and their reasons: no row is lost, and no cell is quoted."""

import contextlib
import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.profile.choice import candidate_columns
from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.reader import check_table, read_table, write_rejected
from fraudsieve.tables.schema import EVENTS, LABELS, MESSAGES, TABLES, TableSchema
from fraudsieve.tables.values.reading import MAX_TEXT_LENGTH
from tests.profiles import examples

from .frames import causes, messages

SECRET = "s3cr3t-Zebra"
TWICE = "duplicate id: only the first row is kept"
NO_TIME = "expected a time such as 2026-05-01T10:00:00Z, got other text"
RANGE = "expected a time in the years 1970 to 2100, got another one"
CATEGORY = "expected a string, a number or a boolean"
NUMBER = "expected a time such as 2026-05-01T10:00:00Z, got another number"


def events(**columns: object) -> pd.DataFrame:
    """Three good events, with columns replaced or added."""
    frame = pd.DataFrame({"account_id": ["a", "a", "b"], "occurred_at": "2024-05-01T00:00Z", "kind": "pay"})
    return frame.assign(**{name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


@pytest.mark.parametrize(
    ("frame", "table", "expected"),
    [
        (messages(message_id=["a", None, "c"]), MESSAGES, (1, "message_id", "no id")),
        (messages(message_id=["a", " \u200b", "c"]), MESSAGES, (1, "message_id", "no id")),
        (messages(text=["one", None, "three"]), MESSAGES, (1, "text", "no text")),
        (messages(text=["one", "\u200b \x00\ufeff", "three"]), MESSAGES, (1, "text", "no text")),
        (messages(text=["one", 2, "three"]), MESSAGES, (1, "text", "expected a string, got int")),
        (messages(text=["one", ["two"], "three"]), MESSAGES, (1, "text", "expected a string, got list")),
        (
            messages(text=["one", "x" * (MAX_TEXT_LENGTH + 1), "three"]),
            MESSAGES,
            (1, "text", "expected at most 1,000,000 characters, got more"),
        ),
        (messages(message_id=["a", "a", "c"]), MESSAGES, (1, "message_id", TWICE)),
        (messages(message_id=["7", 7, "c"]), MESSAGES, (1, "message_id", TWICE)),
        (messages(sent_at=["2024-05-01T00:00Z", "soon", None]), MESSAGES, (1, "sent_at", NO_TIME)),
        (messages(sent_at=["2024-05-01", 17, None]), MESSAGES, (1, "sent_at", NUMBER)),
        (messages(sent_at=["2024-05-01", "1969-05-01", None]), MESSAGES, (1, "sent_at", RANGE)),
        (events(occurred_at=["2024-05-01", None, "2024-05-01"]), EVENTS, (1, "occurred_at", "no time")),
        (events(kind=["pay", 1 + 2j, ""]), EVENTS, (1, "kind", f"{CATEGORY}, got complex")),
        (events(amount=[1, "abc", None]), EVENTS, (1, "amount", "expected a number, got other text")),
        (
            events(amount=[1, np.inf, None]),
            EVENTS,
            (1, "amount", "expected a number up to 1e+15, got a larger or an infinite one"),
        ),
        (
            events(wallet_id=[7, 7.5, None]),
            EVENTS,
            (1, "wallet_id", "expected a string or a whole number, got float"),
        ),
        (events(event_id=["x", "x", None]), EVENTS, (1, "event_id", TWICE)),
        (messages(text=["a", np.array(["b"]), "c"]), MESSAGES, (1, "text", "expected a string, got list")),
        (messages(text=["a", {"b": 1}, "c"]), MESSAGES, (1, "text", "expected a string, got object")),
        (events(amount=[1, [2], None]), EVENTS, (1, "amount", "expected a number, got list")),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason(
    frame: pd.DataFrame, table: TableSchema, expected: tuple[int, str, str]
) -> None:
    checked = check_table(frame, table)
    assert causes(checked) == [expected]
    assert len(checked.good) == 2


def test_a_column_of_lists_or_objects_is_left_out_with_a_note() -> None:
    checked = check_table(
        messages(tags=[["a"], "b", 3], meta=[None, {"a": SECRET}, None], plain=[1, "b", None]), MESSAGES
    )
    assert len(checked.rejected) == 0
    assert checked.notes == ("tags holds lists: left out", "meta holds objects: left out")


@pytest.mark.parametrize("options", [ReadOptions(categories=("messages.tags",)), ReadOptions(words=("messages.tags",))])
def test_a_list_in_a_declared_category_rejects_its_row(options: ReadOptions) -> None:
    checked = read_table(InputTable(messages(tags=[["a"], "b", 3]), options), MESSAGES)
    assert causes(checked) == [(0, "tags", f"{CATEGORY}, got list")]
    assert checked.good["tags"].tolist() == ["b", "3"]
    assert checked.notes == ()


def test_a_row_with_several_faults_is_rejected_once_for_the_first_fault() -> None:
    frame = messages(message_id=["a", None, "c"], text=["one", 2, "three"], sent_at=[None, 3, None])
    assert causes(check_table(frame, MESSAGES)) == [(1, "message_id", "no id")]
    assert causes(check_table(frame.iloc[:, ::-1], MESSAGES)) == [(1, "message_id", "no id")]


def test_a_bad_row_does_not_reject_good_rows() -> None:
    checked = check_table(messages(message_id=["a", "a", "a"], text=[" ", "two", "three"]), MESSAGES)
    assert checked.good["text"].tolist() == ["two"]
    assert [reason for _, _, reason in causes(checked)] == ["no text", TWICE]


def test_rows_with_a_missing_key_are_not_duplicates() -> None:
    assert len(check_table(events(event_id=[None, None, "x"]), EVENTS).good) == 3


def test_labels_may_repeat_a_subject() -> None:
    frame = pd.DataFrame({"subject_id": ["a", "a"], "label": ["spam", "legitimate"]})
    assert len(check_table(frame, LABELS).good) == 2


def test_rejected_rows_keep_their_input_cells() -> None:
    frame = messages(text=["one", 2, ["x"]], extra=[{"a": 1}, {"b": 2}, None])
    rejected = check_table(frame, MESSAGES).rejected
    assert rejected["row"].tolist() == [1, 2]
    assert rejected["text"].tolist() == [2, ["x"]]
    assert rejected["extra"].tolist() == [{"b": 2}, None]
    assert rejected.index.equals(pd.RangeIndex(2))


def test_input_columns_with_reserved_names_are_renamed() -> None:
    frame = messages(text=["one", 2, "x"], row=[5, 6, 7], input_row=[8, 9, 9]).assign(reason="r", column="c")
    rejected = check_table(frame, MESSAGES).rejected
    assert rejected.drop(columns=["message_id", "text"]).to_dict("records") == [
        {
            "row": 1,
            "column": "text",
            "reason": "expected a string, got int",
            "input_input_row": 6,
            "input_row": 9,
            "input_reason": "r",
            "input_column": "c",
        }
    ]


def test_without_rejected_rows_the_table_is_empty_with_its_columns() -> None:
    rejected = check_table(messages(), MESSAGES).rejected
    assert list(rejected.columns) == ["row", "column", "reason", "message_id", "text"]
    assert rejected.empty


def test_the_frame_is_not_modified() -> None:
    frame = messages(message_id=[1, 2.0, None], sent_at=["2024-05-01", 3, None]).set_axis([5, 5, 6])
    before = pickle.dumps(frame)
    check_table(frame, MESSAGES)
    assert pickle.dumps(frame) == before


def test_notes_name_the_column() -> None:
    checked = check_table(messages(text=["a\ud800", "two", "three"], sent_at=["2024-05-01"] * 3), MESSAGES)
    assert checked.notes == (
        "text has broken characters in 1 rows: they were replaced by U+FFFD",
        "sent_at has no time zone: taken as UTC",
    )
    assert checked.good["text"][0] == "a\ufffd"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.sampled_from(["2024-05-01", "2024-05-01T10:00+08:00", "7", "7.0", "inf", "", " ", "\u200b", "9" * 400]),
    st.binary(max_size=3),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.sampled_from([pd.NA, pd.NaT, np.datetime64("NaT", "us"), np.float32(1.5), np.int8(3), np.True_, object()]),
)
CELLS = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text("abc"), SCALARS, max_size=2)
DECLARED = [column.name for table in TABLES.values() for column in table.columns]
NAMES = st.sampled_from(DECLARED) | st.text(max_size=3)
GOOD = {name: "good" for table in TABLES.values() for name in table.required} | {"occurred_at": "2024-05-01"}
Case = tuple[TableSchema, list[str], list[list[object]]]


@st.composite
def garbage(draw: st.DrawFn) -> Case:
    """A table, and columns of garbage, most of the time with its required names and one good row at the end."""
    table = draw(st.sampled_from(list(TABLES.values())))
    names = [*table.required, *draw(st.lists(NAMES, max_size=4))][draw(st.integers(0, 20)) == 7 :]
    rows, last = draw(st.integers(0, 5)), GOOD if draw(st.integers(0, 9)) else {}
    columns = [draw(st.lists(CELLS, min_size=rows, max_size=rows)) for _ in names]
    return table, names, [[*cells, last.get(name)] for name, cells in zip(names, columns, strict=True)]


@pytest.mark.slow
@examples(200)
@given(garbage())
def test_all_input_rows_are_good_or_rejected(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    table, names, columns = case
    # Built here: pandas cannot print a signalling NaN, and hypothesis prints what it drew.
    frame = pd.DataFrame({place: pd.Series(cells, dtype=object) for place, cells in enumerate(columns)})
    frame = frame.set_axis(pd.Index(names, dtype=object), axis=1)
    if len(set(names)) < len(names) or not set(table.required) <= set(names) or not columns[0][-1]:
        with contextlib.suppress(SchemaError):
            check_table(frame, table)
        return
    checked = check_table(frame, table)
    assert len(checked.good) + len(checked.rejected) == len(frame)
    assert len(checked.good)
    assert checked.rejected["row"].is_monotonic_increasing
    assert not checked.good[list(table.required)].isna().any(axis=None)
    assert (checked.rejected["reason"] != "").all()
    write_rejected(checked, tmp_path_factory.getbasetemp() / "rejected.parquet")


@pytest.mark.parametrize("dtype", [STRING, "category", "string", "string[pyarrow]"])
@given(ids=st.lists(st.text(max_size=3) | st.none(), max_size=5))
@examples(20)
def test_the_dtype_does_not_matter(dtype: Any, ids: list[str | None]) -> None:
    frame = pd.DataFrame({"message_id": ["first", *ids], "text": "x"}, dtype=object)
    expected, checked = check_table(frame, MESSAGES), check_table(frame.astype(dtype), MESSAGES)
    pd.testing.assert_frame_equal(checked.good, expected.good)
    assert causes(checked) == causes(expected)


WRAPS = [str, str.encode, lambda text: [text], lambda text: {text: text}, lambda text: f"{text}\ud800"]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("wrap", WRAPS)
def test_no_error_note_or_reason_holds_a_cell(table: TableSchema, wrap: Callable[[str], object]) -> None:
    names = [*(column.name for column in table.columns), "further", "further_id"]
    cells = pd.Series([wrap(f"{SECRET}{row}") for row in range(3)], dtype=object)
    frame = pd.DataFrame(dict.fromkeys(names, cells))
    messages_shown = "".join(all_messages(frame.iloc[:, cut:], table) for cut in range(len(names)))
    assert messages_shown
    assert SECRET not in messages_shown


def all_messages(frame: pd.DataFrame, table: TableSchema) -> str:
    try:
        checked = check_table(frame, table)
    except SchemaError as error:
        return f"{error} {error.__context__}"
    return " ".join((*checked.notes, *checked.rejected["column"], *checked.rejected["reason"]))


@pytest.mark.slow
def test_the_time_grows_with_the_columns_not_with_their_pairs() -> None:
    def seconds(columns: int) -> float:
        cells = pd.DataFrame(np.ones((3, columns)), columns=[f"measure_{place}" for place in range(columns)])
        frame = pd.concat([messages(), cells], axis=1)
        start = time.process_time()
        check_table(frame, MESSAGES)
        candidate_columns(frame)
        return time.process_time() - start

    few, many = (min(seconds(columns) for _ in range(2)) for columns in (2000, 16_000))
    assert many / few < 14  # 8 times the columns; 20 when names were compared in pairs
