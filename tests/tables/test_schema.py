"""The tables, errors of whole tables, and writing of rejected rows."""

import decimal
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import FraudsieveError, SchemaError
from fraudsieve.features.profile.frames import is_flag
from fraudsieve.tables.reader import check_table, read_table, write_rejected
from fraudsieve.tables.schema import ACCOUNTS, EVENTS, MESSAGES, TABLES, ColumnSchema, TableSchema
from tests.messages import refused

from .frames import messages


def test_the_tables_are_declared() -> None:
    assert {name: table.required for name, table in TABLES.items()} == {
        "messages": ("message_id", "text"),
        "accounts": ("account_id",),
        "events": ("account_id", "occurred_at"),
        "labels": ("subject_id", "label"),
    }
    assert all(set(table.unique) <= {column.name for column in table.columns} for table in TABLES.values())
    assert MESSAGES.kind("label") == ACCOUNTS.kind("label") == "category"
    assert {table.kind("labelled_at") for table in TABLES.values()} == {"time"}
    assert EVENTS.kind("wallet_id") == "id"
    assert EVENTS.kind("wallet") is None


def test_good_rows_have_canonical_types() -> None:
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


def test_undeclared_columns_have_plain_types() -> None:
    frame = messages(objects=[1, None, 2], names=["a", None, "b"], lists=[[1], None, [2]])
    frame["truths"] = pd.Series([True, None, False], dtype=object)
    frame["nullable"] = pd.array([1, None, 2], dtype="Int64")
    frame["arrow"] = pd.Series([True, None, False], dtype="bool[pyarrow]")
    frame["category"] = pd.Categorical([1, None, 2])
    frame["lone"] = pd.Series(["\ud800", None, "a"], dtype=object)
    good = check_table(frame, MESSAGES).good
    assert {name: str(good[name].dtype) for name in good.columns[2:]} == {
        "objects": "float64",
        "names": "str",
        "lists": "object",
        "truths": "object",
        "nullable": "float64",
        "arrow": "object",
        "category": "str",
        "lone": "object",
    }
    assert good["category"].tolist()[::2] == ["1", "2"]


@pytest.mark.parametrize("flags", [[True, False, True], [True, None, False]])
def test_booleans_stay_booleans_in_every_format_beside_missing_cells_too(
    flags: list[bool | None], tmp_path: Path
) -> None:
    """A column with a missing cell in one file, and without in another, has one form in both."""
    frame = messages(flag=flags)
    frame.to_csv(tmp_path / "m.csv", index=False)
    frame.replace({"flag": {True: "TRUE", False: "false"}}).to_csv(tmp_path / "words.csv", index=False)
    frame.to_json(tmp_path / "m.jsonl", orient="records", lines=True)
    frame.astype({"flag": "boolean"}).to_parquet(tmp_path / "m.parquet")
    frames = [frame, *(frame.astype({"flag": dtype}) for dtype in ("boolean", "bool[pyarrow]"))]
    sources: list[pd.DataFrame | Path] = [*frames, *tmp_path.iterdir()]
    for source in sources:
        flag = read_table(source, "messages").good["flag"]
        assert is_flag(flag)
        assert [cell is not None and bool(cell) for cell in flag.where(flag.notna(), None)] == list(map(bool, flags))
        assert flag.isna().tolist() == [cell is None for cell in flags]


def test_numbers_are_no_booleans_and_true_among_words_is_a_word(tmp_path: Path) -> None:
    messages(number=[0, 1, None], word=["true", "no", None]).to_csv(tmp_path / "m.csv", index=False)
    good = read_table(tmp_path / "m.csv", "messages").good
    assert (str(good["number"].dtype), str(good["word"].dtype)) == ("float64", "str")


def test_an_unknown_table_is_an_error() -> None:
    with refused(ValueError):
        read_table(messages(), "mesages")


def test_a_custom_table() -> None:
    table = TableSchema(
        "cards", (ColumnSchema("card_id", "id", required=True), ColumnSchema("limit", "number", required=True))
    )
    frame = pd.DataFrame({"card_id": ["a", "a"], "limit": [1, None]})
    rejected = check_table(frame, table).rejected
    assert rejected[["column", "reason"]].to_numpy().tolist() == [["limit", "no number"]]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (
            messages().rename(columns={"text": "Text"}),
            "column 'text' is missing from messages; got 'message_id', 'Text' "
            "(did you mean 'Text' for 'text'? Then add --column text=Text). "
            "Expected in messages: message_id (id), text (text).",
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
            "column 'text' is missing from messages; got 'x'.",
        ),
        (pd.DataFrame(index=[1]), "got no columns"),
        (
            pd.DataFrame([["a", "b", "c"]], columns=["message_id", "text", "text"]),
            "columns of one name: 'text'",
        ),
        (pd.DataFrame([["a", "b"]]), "2 of 2 column names are not strings"),
        (messages().iloc[:0], "there are no rows"),
        (
            messages(text=[" ", 2, 3]),
            "none of 3 rows is accepted: text: expected a string, got int (2), text: no text (1)",
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


def test_further_columns_can_be_required() -> None:
    with refused(SchemaError, "sent_at"):
        check_table(messages(), MESSAGES, require=["sent_at"])
    with pytest.raises(SchemaError, match="column 'label' is missing"):
        read_table(messages(), MESSAGES, require="label")
    checked = check_table(messages(sent_at=["2024-05-01", None, None]), MESSAGES, require=["sent_at"])
    assert len(checked.good) == 3


def test_errors_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(SchemaError("f", "p", "x")))
    assert str(error) == "f: p. x"
    assert (error.origin, error.problem, error.fix) == ("f", "p", "x")
    assert isinstance(error, FraudsieveError)
    assert isinstance(error, ValueError)


def test_rejected_rows_of_any_type_are_written(tmp_path: Path) -> None:
    frame = messages(
        text=[1, "\ud800", {"a": [1]}],
        lone=["\ud800"] * 3,
        mixed=[10**5000, b"\xff", [1, "\udfff"]],
        missing=[None, np.nan, pd.NA],
        distant=np.array(["300000-01-01"] * 3, dtype="M8[s]"),
    )
    frame["complex"] = [1j, 2j, 3j]
    frame["period"] = pd.period_range("2024-05", periods=3, freq="M")
    frame["sparse"] = pd.arrays.SparseArray([0, 0, 1])
    frame["category"] = pd.Categorical([1, "a", 1])
    frame["float"] = [0.5, np.nan, 1.0]
    frame["zoned"] = pd.date_range("2024-05-01", periods=3, tz="Asia/Shanghai")
    frame["long"] = np.array([1, 2, 3], dtype=np.longdouble)
    frame["signalling"] = pd.Series([decimal.Decimal("sNaN")] * 3, dtype=object)
    checked = check_table(frame, MESSAGES)
    file = write_rejected(checked, tmp_path / "rejected.parquet")
    back = pd.read_parquet(file)
    assert len(back) == len(checked.rejected) == 2
    assert back["row"].tolist() == [0, 2]
    assert back["mixed"].tolist() == ["(int)", r"[1, '\udfff']"]
    assert back["missing"].isna().all()
    assert back["lone"].tolist() == ["?", "?"]
    assert back["float"].tolist() == [0.5, 1.0]
    assert back["zoned"][0] == frame["zoned"][0]
    assert len(pd.read_parquet(write_rejected(checked.rejected.iloc[:1], file))) == 1


def test_an_empty_table_of_rejected_rows_is_written(tmp_path: Path) -> None:
    back = pd.read_parquet(write_rejected(check_table(messages(), MESSAGES), tmp_path / "rejected.parquet"))
    assert list(back.columns) == ["row", "column", "reason", "message_id", "text"]
