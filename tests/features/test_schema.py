"""The tables: what is good, what is set aside and why, and what is an error."""

import contextlib
import pickle
import string
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudsieve.features import schema
from fraudsieve.features.exceptions import FraudsieveError
from fraudsieve.features.schema import (
    ACCOUNTS,
    EVENTS,
    LABELS,
    MAX_TEXT_LENGTH,
    MESSAGES,
    TABLES,
    Checked,
    Column,
    SchemaError,
    Table,
    check_table,
    read_table,
    write_rejected,
)

SECRET = "s3cr3t-Zebra"


def messages(**columns: object) -> pd.DataFrame:
    """Three good messages, with columns replaced or added."""
    frame = pd.DataFrame({"message_id": ["a", "b", "c"], "text": ["one", "two", "three"]})
    return frame.assign(**{name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def events(**columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"account_id": ["a", "a", "b"], "occurred_at": ["2024-05-01T00:00Z"] * 3, "kind": ["pay"] * 3}
    )
    return frame.assign(**{name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def causes(checked: Checked) -> list[tuple[int, str, str]]:
    sheet = checked.rejected[["row", "column", "reason"]]
    return list(sheet.itertuples(index=False, name=None))


def test_the_tables_are_declared() -> None:
    assert {name: table.required for name, table in TABLES.items()} == {
        "messages": ("message_id", "text"),
        "accounts": ("account_id",),
        "events": ("account_id", "occurred_at", "kind"),
        "labels": ("subject_id", "label"),
    }
    assert all(set(table.unique) <= {column.name for column in table.columns} for table in TABLES.values())
    assert MESSAGES.kind("label") == ACCOUNTS.kind("label") == "category"
    assert EVENTS.kind("wallet_id") == "id"
    assert EVENTS.kind("wallet") is None


def test_public_names_are_all_there() -> None:
    assert sorted(schema.__all__) == sorted(set(schema.__all__))
    assert all(hasattr(schema, name) for name in schema.__all__)


def test_good_rows_come_in_canonical_types() -> None:
    frame = pd.DataFrame(
        {
            "account_id": [1.0, 2.0],
            "occurred_at": ["2024-05-01T08:00+08:00", "2024-05-02T00:00Z"],
            "kind": pd.Categorical(["pay", "pay"]),
            "amount": ["1.5", None],
            "wallet_id": [7, 8],
            "score": [1, 2],
        },
        index=[9, 9],
    )
    good = check_table(frame, "events").good
    assert good.index.equals(pd.RangeIndex(2))
    assert list(good.columns) == list(frame.columns)
    assert {name: str(dtype) for name, dtype in good.dtypes.items()} == {
        "account_id": "str",
        "occurred_at": "datetime64[us, UTC]",
        "kind": "str",
        "amount": "float64",
        "wallet_id": "str",
        "score": "int64",
    }
    assert good["account_id"].tolist() == ["1", "2"]
    assert good["occurred_at"].dt.hour.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("frame", "table", "expected"),
    [
        (messages(message_id=["a", None, "c"]), MESSAGES, (1, "message_id", "no id")),
        (messages(message_id=["a", " \u200b", "c"]), MESSAGES, (1, "message_id", "no id")),
        (messages(text=["one", None, "three"]), MESSAGES, (1, "text", "no text")),
        (messages(text=["one", "\u200b \x00\ufeff", "three"]), MESSAGES, (1, "text", "no text")),
        (messages(text=["one", 2, "three"]), MESSAGES, (1, "text", "int is no text: give a string")),
        (messages(text=["one", ["two"], "three"]), MESSAGES, (1, "text", "list is no text: give a string")),
        (
            messages(text=["one", "x" * (MAX_TEXT_LENGTH + 1), "three"]),
            MESSAGES,
            (1, "text", "text longer than 100,000 characters"),
        ),
        (
            messages(message_id=["a", "a", "c"]),
            MESSAGES,
            (1, "message_id", "duplicate id: the first one stays"),
        ),
        (
            messages(message_id=["7", 7, "c"]),
            MESSAGES,
            (1, "message_id", "duplicate id: the first one stays"),
        ),
        (
            messages(sent_at=["2024-05-01T00:00Z", "soon", None]),
            MESSAGES,
            (1, "sent_at", "not a time: give ISO 8601 or a timestamp"),
        ),
        (
            messages(sent_at=["2024-05-01", 1714557600, None]),
            MESSAGES,
            (1, "sent_at", "a number is no time: give ISO 8601 or a timestamp"),
        ),
        (
            messages(sent_at=["2024-05-01", "1969-05-01", None]),
            MESSAGES,
            (1, "sent_at", "time outside 1970..2100"),
        ),
        (events(occurred_at=["2024-05-01", None, "2024-05-01"]), EVENTS, (1, "occurred_at", "no time")),
        (events(kind=["pay", "", "pay"]), EVENTS, (1, "kind", "no value")),
        (events(amount=[1, "abc", None]), EVENTS, (1, "amount", "not a number")),
        (events(amount=[1, np.inf, None]), EVENTS, (1, "amount", "an infinite number")),
        (events(event_id=["x", "x", None]), EVENTS, (1, "event_id", "duplicate id: the first one stays")),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason(
    frame: pd.DataFrame, table: Table, expected: tuple[int, str, str]
) -> None:
    checked = check_table(frame, table)
    assert causes(checked) == [expected]
    assert len(checked.good) == 2


def test_a_row_with_several_faults_is_rejected_once_for_the_first() -> None:
    checked = check_table(
        messages(message_id=["a", None, "c"], text=["one", 2, "three"], sent_at=[None, 3, None]), MESSAGES
    )
    assert causes(checked) == [(1, "message_id", "no id")]


def test_a_bad_row_takes_no_good_one_with_it() -> None:
    checked = check_table(messages(message_id=["a", "a", "a"], text=[" ", "two", "three"]), MESSAGES)
    assert checked.good["text"].tolist() == ["two"]
    assert [reason for _, _, reason in causes(checked)] == ["no text", "duplicate id: the first one stays"]


def test_rows_without_a_unique_id_are_no_duplicates() -> None:
    assert len(check_table(events(event_id=[None, None, "x"]), EVENTS).good) == 3


def test_labels_may_repeat_a_subject() -> None:
    frame = pd.DataFrame({"subject_id": ["a", "a"], "label": ["spam", "legitimate"]})
    assert len(check_table(frame, LABELS).good) == 2


def test_rejected_rows_keep_what_came() -> None:
    frame = messages(text=["one", 2, ["x"]], extra=[{"a": 1}, {"b": 2}, None])
    rejected = check_table(frame, MESSAGES).rejected
    assert rejected["row"].tolist() == [1, 2]
    assert rejected["text"].tolist() == [2, ["x"]]
    assert rejected["extra"].tolist() == [{"b": 2}, None]
    assert rejected.index.equals(pd.RangeIndex(2))


def test_rejected_rows_make_room_for_clashing_names() -> None:
    frame = messages(
        text=["one", 2, "x"], row=[5, 6, 7], reason=["r"] * 3, input_row=[8, 9, 9], column=[1, 2, 3]
    )
    rejected = check_table(frame, MESSAGES).rejected
    assert rejected.columns.is_unique
    assert rejected.loc[
        0, ["row", "input_row", "input_input_row", "input_reason", "input_column"]
    ].tolist() == [1, 9, 6, "r", 2]


def test_no_rejected_rows_is_an_empty_table_with_its_columns() -> None:
    rejected = check_table(messages(), MESSAGES).rejected
    assert list(rejected.columns) == ["row", "column", "reason", "message_id", "text"]
    assert rejected.empty


def test_the_frame_is_left_as_it_is() -> None:
    frame = messages(message_id=[1, 2.0, None], sent_at=["2024-05-01", 3, None]).set_axis([5, 5, 6])
    before = pickle.dumps(frame)
    check_table(frame, MESSAGES)
    assert pickle.dumps(frame) == before


def test_notes_name_the_column() -> None:
    checked = check_table(messages(text=["a\ud800", "two", "three"], sent_at=["2024-05-01"] * 3), MESSAGES)
    assert checked.notes == (
        "text has broken characters in 1 rows: they became U+FFFD",
        "sent_at has no time zone: taken as UTC",
    )
    assert checked.good["text"][0] == "a\ufffd"


@pytest.mark.parametrize("table", ["messages", MESSAGES])
def test_a_table_goes_by_its_name_too(table: Table | str) -> None:
    assert len(read_table(messages(), table).good) == 3


def test_an_unknown_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="one of messages, accounts, events, labels was expected"):
        read_table(messages(), "mesages")


def test_a_table_of_ones_own() -> None:
    table = Table("cards", (Column("card_id", "id", required=True), Column("limit", "number", required=True)))
    frame = pd.DataFrame({"card_id": ["a", "a"], "limit": [1, None]})
    assert causes(check_table(frame, table)) == [(1, "limit", "no number")]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (
            messages().rename(columns={"text": "Text"}),
            "column 'text' is missing from messages; these came: 'message_id', 'Text' (did you mean 'Text' for 'text'?). Expected in messages: message_id (id), text (text).",
        ),
        (
            messages().rename(columns={"message_id": "mesage_id"}),
            "did you mean 'mesage_id' for 'message_id'?",
        ),
        (
            messages().rename(columns={"message_id": "Message ID "}),
            "did you mean 'Message ID ' for 'message_id'?",
        ),
        (
            pd.DataFrame({"x": [1]}),
            "columns 'message_id', 'text' are missing from messages; these came: 'x'.",
        ),
        (pd.DataFrame(index=[1]), "no columns came"),
        (
            pd.DataFrame([["a", "b", "c"]], columns=["message_id", "text", "text"]),
            "column 'text' is there more than once",
        ),
        (pd.DataFrame([["a", "b"]]), "2 of 2 column names are no strings"),
        (messages().iloc[:0], "there are no rows"),
        (
            messages(text=[" ", 2, 3]),
            "none of 3 rows is good: text: int is no text: give a string (2), text: no text (1)",
        ),
    ],
)
def test_a_bad_table_is_an_error(frame: pd.DataFrame, words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        check_table(frame, MESSAGES, origin="m.parquet")
    assert str(caught.value).startswith("m.parquet: ")
    assert words in str(caught.value)


def test_long_names_of_columns_are_not_shown() -> None:
    with pytest.raises(SchemaError, match=r"'message_id', \(a name of 99 characters\)"):
        check_table(messages().rename(columns={"text": "x" * 99}), MESSAGES)


def test_a_call_may_require_further_columns() -> None:
    with pytest.raises(SchemaError, match=r"column 'sent_at' is missing.*text \(text\), sent_at \(time\)"):
        check_table(messages(), MESSAGES, require=["sent_at"])
    with pytest.raises(SchemaError, match="column 'label' is missing"):
        read_table(messages(), MESSAGES, require="label")
    checked = check_table(messages(sent_at=["2024-05-01", None, None]), MESSAGES, require=["sent_at"])
    assert len(checked.good) == 3


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(SchemaError("f", "p", "x")))
    assert str(error) == "f: p. x"
    assert (error.origin, error.problem, error.fix) == ("f", "p", "x")
    assert isinstance(error, FraudsieveError)
    assert isinstance(error, ValueError)


def test_rejected_rows_are_written_whatever_they_hold(tmp_path: Path) -> None:
    frame = messages(
        text=[1, "\ud800", {"a": [1]}],
        mixed=[10**5000, b"\xff", [1, "\udfff"]],
        missing=[None, np.nan, pd.NA],
        distant=np.array(["300000-01-01"] * 3, dtype="M8[s]"),
    )
    frame["complex"] = [1j, 2j, 3j]
    frame["period"] = pd.period_range("2024-05", periods=3, freq="M")
    frame["sparse"] = pd.arrays.SparseArray([0, 0, 1])
    frame["category"] = pd.Categorical([1, "a", 1])
    frame["float"] = [0.5, np.nan, 1.0]
    checked = check_table(frame, MESSAGES)
    file = write_rejected(checked, tmp_path / "rejected.parquet")
    back = pd.read_parquet(file)
    assert len(back) == len(checked.rejected) == 2
    assert back["row"].tolist() == [0, 2]
    assert back["mixed"].tolist() == ["(int)", r"[1, '\udfff']"]
    assert back["missing"].isna().all()
    assert back["float"].tolist() == [0.5, 1.0]
    assert len(pd.read_parquet(write_rejected(checked.rejected.iloc[:1], file))) == 1


def test_an_empty_table_of_rejected_rows_is_written(tmp_path: Path) -> None:
    back = pd.read_parquet(write_rejected(check_table(messages(), MESSAGES), tmp_path / "rejected.parquet"))
    assert list(back.columns) == ["row", "column", "reason", "message_id", "text"]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.sampled_from(
        ["2024-05-01", "2024-05-01T10:00+08:00", "7", "7.0", "inf", "", " ", "\u200b", "9" * 400]
    ),
    st.binary(max_size=3),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.sampled_from(
        [pd.NA, pd.NaT, np.datetime64("NaT"), np.float32(1.5), np.int8(3), np.bool_(True), object()]
    ),
)
CELLS = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.text(string.ascii_letters), SCALARS, max_size=2)
)
NAMES = st.sampled_from([column.name for table in TABLES.values() for column in table.columns]) | st.text(
    max_size=3
)


GOOD = {name: "good id" for table in TABLES.values() for name in table.required} | {"occurred_at": "2024-05-01"}


@st.composite
def garbage(draw: st.DrawFn) -> tuple[Table, list[str], list[list[object]]]:
    """A table, and columns of garbage, most of the time with its required names and one good row at the end."""
    table = draw(st.sampled_from(list(TABLES.values())))
    names = [*table.required, *draw(st.lists(NAMES, max_size=4))][draw(st.integers(0, 20)) == 7 :]
    rows = draw(st.integers(0, 5))
    columns = [draw(st.lists(CELLS, min_size=rows, max_size=rows)) for _ in names]
    good = draw(st.integers(0, 9)) < 9
    return table, names, [[*cells, GOOD.get(name) if good else None] for name, cells in zip(names, columns, strict=True)]


@settings(deadline=None, max_examples=200)
@given(garbage())
def test_rows_in_are_rows_out_whatever_came(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[Table, list[str], list[list[object]]]
) -> None:
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


@pytest.mark.parametrize("dtype", [object, "str", "category", "string"])
@given(st.data())
@settings(deadline=None, max_examples=20)
def test_the_dtype_makes_no_difference(dtype: object, data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.text(max_size=3) | st.none(), min_size=2, max_size=5))
    frame = pd.DataFrame({"message_id": ids, "text": "x"}, dtype=object)
    try:
        expected = check_table(frame, MESSAGES)
    except SchemaError as error:
        with pytest.raises(SchemaError) as caught:
            check_table(frame.astype(dtype), MESSAGES)
        assert str(caught.value) == str(error)
        return
    checked = check_table(frame.astype(dtype), MESSAGES)
    pd.testing.assert_frame_equal(checked.good, expected.good)
    assert causes(checked) == causes(expected)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(
    "wrap", [str, lambda text: [text], lambda text: {text: text}, str.encode, lambda text: f"{text}\ud800"]
)
def test_no_error_note_or_reason_holds_a_cell(table: Table, wrap: object) -> None:
    names = [*(column.name for column in table.columns), "further", "further_id"]
    frame = pd.DataFrame(
        {name: pd.Series([wrap(f"{SECRET}{row}") for row in range(3)], dtype=object) for name in names}
    )
    said = ""
    for cut in range(len(names)):
        try:
            checked = check_table(frame.iloc[:, cut:], table)
            said += " ".join((*checked.notes, *checked.rejected["column"], *checked.rejected["reason"]))
        except SchemaError as error:
            said += f"{error} {error.__cause__} {error.__context__}"
    assert said
    assert SECRET not in said
