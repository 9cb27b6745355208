"""Files: all formats give the same rows, broken rows keep their position, and bad files are errors."""

import contextlib
import gzip
import json
import traceback
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.files import READERS, load, save
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import CheckedTable, read_table
from fraudsieve.tables.source import InputTable
from tests.messages import refused
from tests.tables.frames import causes

SECRET = "s3cr3t-Zebra"
FRAME = pd.DataFrame(
    {
        "message_id": ["007", "8", "9"],
        "text": ['您好, "you"\nwon', "a\x00b", "NA"],
        "sent_at": ["2024-05-01T10:00:00+08:00", None, "2024-05-02T00:00:00Z"],
        "length": [1.5, None, 3.0],
    }
)


def write(frame: pd.DataFrame, file: Path) -> Path:
    name = file.name.removesuffix(".gz").removesuffix(".zip")
    if name.endswith(".parquet"):
        frame.to_parquet(file)
    elif name.endswith(".xlsx"):
        frame.to_excel(file, index=False)
    elif name.endswith(".json"):
        frame.to_json(file, orient="records", force_ascii=False)
    elif name.endswith("l") or name.endswith(".ndjson"):
        frame.to_json(file, orient="records", lines=True, force_ascii=False)
    else:
        frame.to_csv(file, index=False, sep="\t" if ".tsv" in name else ",")
    return file


def put(file: Path, content: bytes) -> Path:
    file.write_bytes(gzip.compress(content) if file.name.endswith(".gz") else content)
    return file


def read_all(source: Path | pd.DataFrame) -> CheckedTable:
    """Read messages, however many of them are rejected."""
    return read_table(InputTable(source, ReadOptions(max_rejected=1)), "messages")


def read_error(file: Path | str, table: str = "messages") -> str:
    with pytest.raises(SchemaError) as caught:
        read_table(file, table)
    assert str(caught.value).startswith(f"{file}: ")
    return str(caught.value)


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("wrap", [Path, str])
def test_every_format_gives_the_same_rows(tmp_path: Path, ending: str, wrap: Callable[[Path], Path | str]) -> None:
    frame = FRAME.replace("\x00", "", regex=True) if ending == ".xlsx" else FRAME  # Excel has no such character
    checked = read_table(wrap(write(frame, tmp_path / f"m{ending}")), "messages")
    pd.testing.assert_frame_equal(checked.good, read_table(frame, "messages").good)
    assert checked.rejected.empty
    assert checked.notes == ()


def test_file_endings_are_case_insensitive(tmp_path: Path) -> None:
    assert len(read_table(write(FRAME, tmp_path / "m.csv").rename(tmp_path / "M.CSV"), "messages").good) == 3


def test_long_ids_with_gaps_keep_their_digits(tmp_path: Path) -> None:
    frame = FRAME.assign(account_id=pd.array([2**60 + 1, None, 7], dtype="Int64"))
    for ending in (".parquet", ".csv", ".jsonl"):
        good = read_table(write(frame, tmp_path / f"m{ending}"), "messages").good
        assert good["account_id"].tolist()[::2] == ["1152921504606846977", "7"]


def test_a_csv_of_float_ids_gives_whole_numbers(tmp_path: Path) -> None:
    checked = read_table(write(FRAME.assign(account_id=[7.0, float("nan"), 12.0]), tmp_path / "m.csv"), "messages")
    assert checked.good["account_id"].dropna().tolist() == ["7", "12"]
    assert checked.notes == ("account_id has whole numbers with a trailing .0 in 2 rows: it was removed",)


def test_undeclared_csv_columns_are_numbers_if_all_cells_are(tmp_path: Path) -> None:
    content = b"message_id,text,n,zip,mix,empty,phone\n1,a,1,01,1,,12345678901234567\n2,b,2.5,2,x,,1\n"
    good = read_table(put(tmp_path / "m.csv", content), "messages").good
    assert {name: str(good[name].dtype) for name in good.columns[2:]} == {
        "n": "float64",
        "zip": "str",
        "mix": "str",
        "empty": "str",
        "phone": "str",
    }
    assert good["empty"].isna().all()


def test_broken_csv_rows_keep_their_position(tmp_path: Path) -> None:
    content = b'message_id,text\n1,"a\nb"\n\n2\n3,c\n4,d,e\n5,\n6,f\n'
    checked = read_all(put(tmp_path / "m.csv", content))
    assert checked.good["message_id"].tolist() == ["1", "3", "6"]
    assert causes(checked) == [
        (1, "", "1 fields where the header has 2"),
        (3, "", "3 fields where the header has 2"),
        (4, "text", "no text"),
    ]


def test_broken_json_lines_keep_their_position(tmp_path: Path) -> None:
    lines = [
        b'{"message_id": 1, "text": "a"}',
        b"",
        b"{",
        b"[1]",
        b'{"\\ud800": 1}',
        b'{"a": "\xff"}',
        b"[" * 9999,
    ]
    lines += [b'{"message_id": 2, "text": "b\\ud800"}', b'{"message_id": 3, "text": null}', b"9" * 5000]
    checked = read_all(put(tmp_path / "m.jsonl", b"\xef\xbb\xbf" + b"\r\n".join(lines)))
    assert checked.good["text"].tolist() == ["a", "b\ufffd"]
    broken = "the line is not a JSON object in UTF-8"
    assert causes(checked) == [
        *((row, "", broken) for row in range(1, 6)),
        (7, "text", "no text"),
        (8, "", broken),
    ]


def test_a_byte_order_mark_is_not_part_of_a_name(tmp_path: Path) -> None:
    assert len(read_table(put(tmp_path / "m.csv", b"\xef\xbb\xbfmessage_id,text\n1,a\n"), "messages").good) == 1


def test_columns_without_a_name_are_left_out_of_a_csv(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "m.csv")
    assert list(read_table(tmp_path / "m.csv", "messages").good.columns) == list(FRAME.columns)


def test_the_index_of_a_parquet_file_is_a_column_only_if_it_has_a_name(tmp_path: Path) -> None:
    FRAME.iloc[[2, 0, 1]].to_parquet(tmp_path / "a.parquet")
    assert list(read_table(tmp_path / "a.parquet", "messages").good.columns) == list(FRAME.columns)
    FRAME.set_index("message_id").to_parquet(tmp_path / "b.parquet")
    assert read_table(tmp_path / "b.parquet", "messages").good["message_id"].tolist() == ["007", "8", "9"]


def test_parquet_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "message_id": pa.array([1, 2], pa.uint32()),
            "text": pa.array(["a", "b"]).dictionary_encode(),
            "sent_at": pa.array([0, 1], pa.timestamp("ns", "Asia/Shanghai")),
            "account_id": pa.array([None, "x"], pa.large_string()),
            "tags": pa.array([["a"], None]),
            "blob": pa.array([b"\xff", None]),
        }
    )
    pq.write_table(table, tmp_path / "m.parquet")
    checked = read_table(tmp_path / "m.parquet", "messages")
    assert checked.good["message_id"].tolist() == ["1", "2"]
    assert checked.good["text"].tolist() == ["a", "b"]
    assert str(checked.good["sent_at"].dtype) == "datetime64[us, UTC]"
    assert checked.notes == ("tags holds lists: left out",)


def test_parquet_bytes_are_not_text(tmp_path: Path) -> None:
    pq.write_table(pa.table({"message_id": ["1"], "text": [b"a"]}), tmp_path / "m.parquet")
    assert "text: expected a string, got bytes (1)" in read_error(tmp_path / "m.parquet")


def test_single_invalid_bytes_are_replaced(tmp_path: Path) -> None:
    rows = b"".join(b"%d,a\n" % row for row in range(9))
    checked = read_table(
        put(tmp_path / "m.csv", "message_id,text\nx,您的包裹".encode() + b"\xe5\n\xff,b\n" + rows), "messages"
    )
    assert checked.good["text"][0] == "您的包裹\ufffd"
    assert causes(checked) == [(1, "message_id", "expected a string in UTF-8, got broken characters")]
    broken = pa.Array.from_buffers(pa.string(), 2, [None, *pa.array([b"ok", b"\xff"]).buffers()[1:]])
    pq.write_table(pa.table({"message_id": ["1", "2"], "text": broken}), tmp_path / "m.parquet")
    assert read_table(tmp_path / "m.parquet", "messages").good["text"].tolist() == ["ok", "\ufffd"]
    pq.write_table(pa.table({"message_id": ["2"], "text": broken[1:]}), tmp_path / "m.parquet")
    assert "1 of 1 rows are not in UTF-8" in read_error(tmp_path / "m.parquet")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m.csv", b"", "expected CSV, got an empty file"),
        ("m.csv", b" \r\n", "got an empty file"),
        ("m.csv.gz", b"", "expected CSV, got an empty file"),
        ("m.parquet", b"", "expected Parquet, got an empty file"),
        ("m.jsonl", b"\n", "expected JSON Lines, got an empty file"),
        ("m.csv", b"message_id,text\n", "there are no rows"),
        ("m.csv", b"PAR1 and more", "expected CSV, got Parquet"),
        ("m.csv", gzip.compress(b"a", mtime=0), "expected CSV, got gzip"),
        ("m.csv", b"PK\x03\x04", "expected CSV, got a zip archive or a workbook"),
        ("m.csv", b'{"message_id": 1}', "expected CSV, got JSON Lines"),
        ("m.csv.zip", b"a", "the archive cannot be read (BadZipFile)"),
        ("m.xlsx", b"PK\x03\x04", "the workbook cannot be read (BadZipFile)"),
        ("m.json", b'[{"message_id": 1}', "the file is not a JSON array"),
        ("m.json", b"[1, 2]", "no item is a JSON object"),
        ("m.csv", b'message_id,text\n1,a\n2,"b\n3,c\n', "row 1 opens a quote that is never closed"),
        ("m.csv", b"message_id,text\n1,\n", "none of 1 rows is accepted: text: no text (1)"),
        ("m.csv", b"message_id,text\n1\n", "none of 1 rows is accepted: 1 fields where the header has 2 (1)"),
        ("m.csv", b"message_id,text,text\n1,a,b\n", "columns of one name: 'text'"),
        ("m.parquet", b"message_id,text\n1,a\n", "expected Parquet, got something else"),
        ("m.parquet", b"PAR1 cut short", "the file cannot be read as its ending says (ArrowInvalid)"),
        ("m.jsonl", b"message_id,text\n1,a\n", "no line is a JSON object"),
        ("m.jsonl", b'[{"message_id": 1}]', "expected JSON Lines, got one JSON array"),
        ("m.jsonl", b"{}\n{}", "got no columns"),
        (
            "m.dat",
            b"message_id,text\n1,a\n",
            "the format is unknown. Name the file with one of .parquet, ",
        ),
    ],
)
def test_a_bad_file_is_an_error(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    assert words in read_error(put(tmp_path / name, content))


@pytest.mark.parametrize("ending", [".csv.gz", ".jsonl.gz", ".ndjson.gz"])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: b"message_id,text\n1,a\n", "expected gzip, got something else"),
        (lambda content: content[:-12], "cannot be read as its ending says (EOFError)"),
        (lambda content: content[:12] + b"\xff" * 9 + content[21:], "cannot be read as its ending says"),
    ],
)
def test_a_damaged_gzip_file_is_an_error(
    tmp_path: Path, ending: str, damage: Callable[[bytes], bytes], words: str
) -> None:
    file = write(FRAME, tmp_path / f"m{ending}")
    file.write_bytes(damage(file.read_bytes()))
    assert words in read_error(file)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    assert "there is no such file" in read_error(tmp_path / "m.csv")
    (tmp_path / "d.parquet").mkdir()
    assert "expected a folder of Parquet files, or a pattern such as 'week/*.csv', found none" in read_error(
        tmp_path / "d.parquet"
    )


@pytest.mark.slow
@pytest.mark.parametrize("ending", READERS)
def test_no_error_note_or_reason_holds_a_cell(tmp_path: Path, ending: str) -> None:
    columns = ["message_id", "text", "sent_at", "account_id", "further"]
    frame = pd.DataFrame([[f"{SECRET}{row}{name}" for name in columns] for row in range(3)], columns=columns)
    file = write(frame, tmp_path / f"m{ending}")
    whole = gzip.decompress(file.read_bytes()) if ending.endswith(".gz") else file.read_bytes()
    for table in ("messages", "accounts", "events", "labels"):
        for content in (
            whole,
            whole[:-9],
            whole.partition(b"\n")[2],
            whole.replace(b"Zebra", b"\xff"),
            whole + b',"{',
        ):
            assert SECRET not in all_messages(put(file, content), table)


def all_messages(file: Path, table: str) -> str:
    try:
        checked = read_table(file, table)
    except SchemaError as error:
        return "".join(traceback.format_exception(error)) + repr(error.__context__)
    return " ".join((*checked.notes, *checked.rejected["column"], *checked.rejected["reason"]))


CELLS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@pytest.mark.slow
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_csv_and_json_give_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, str | None]]
) -> None:
    frame = pd.DataFrame([("first", "text"), *rows], columns=["message_id", "text"], dtype=object)
    folder = tmp_path_factory.getbasetemp()
    expected = read_all(frame)
    frame.to_csv(folder / "m.csv", index=False, quoting=1)
    lines = (json.dumps({"message_id": a, "text": b}) for a, b in frame.itertuples(index=False))
    (folder / "m.jsonl").write_text("\n".join(lines))
    for file in (folder / "m.csv", folder / "m.jsonl"):
        checked = read_all(file)
        pd.testing.assert_frame_equal(checked.good, expected.good)
        assert causes(checked) == causes(expected)


@given(st.binary(max_size=60), st.sampled_from(list(READERS)))
def test_any_bytes_give_rows_or_a_schema_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    header = {
        "c": b"message_id,text\n1,a\n",
        "t": b"message_id\ttext\n1\ta\n",
        "j": b'{"message_id": 1, "text": "a"}\n',
        "n": b"",
        "p": b"PAR1",
        "x": b"PK\x03\x04",
    }
    file = put(tmp_path_factory.getbasetemp() / f"m{ending}", header.get(ending[1], b"") + content)
    with contextlib.suppress(SchemaError):
        assert len(read_table(file, "messages").good)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("last", ['2,"b', '2,"b ""', '2,"b, c', '"2', '"2""', '2,b,"c', '2,b\n"', '2,"b""\n3,c'])
def test_a_csv_that_ends_inside_a_quoted_cell_is_rejected(tmp_path: Path, last: str, end: str) -> None:
    file = tmp_path / "m.csv"
    file.write_bytes(f"message_id,text\n1,a\n{last}{end}".encode())
    with refused(SchemaError):
        load(file)


@pytest.mark.parametrize("end", ["", "\n", "\r", "\r\n", "\n\n"])
@pytest.mark.parametrize("last", ['2,"b"', '2,"b ""c"""', '2,b "c', '2,"b\n3,c"', "2,", "2", '2,b,"c"'])
def test_a_csv_that_ends_after_its_last_cell_is_read(tmp_path: Path, last: str, end: str) -> None:
    file = tmp_path / "m.csv"
    file.write_bytes(f"message_id,text\n1,a\n{last}{end}".encode())
    loaded = load(file)
    assert len(loaded.frame) == 2
    assert loaded.frame["message_id"][0] == "1"
    assert set(loaded.broken) <= {1}


def test_only_the_owner_can_read_what_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "rejected.parquet"
    for _ in range(2):
        save(pd.DataFrame({"text": ["hi"]}), file)
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o644)  # as an earlier version left it


CELL = "+44 20 7946 0018"


@pytest.mark.parametrize(
    "header", [f"message_id,te{CELL},{CELL} b", f"message_id,text,a{CELL},a{CELL}", f"message_id{CELL},text"]
)
def test_a_header_that_runs_into_a_row_is_not_quoted(tmp_path: Path, header: str) -> None:
    file = tmp_path / "m.csv"
    file.write_text(f"{header}\n1,a,b,c\n", "utf-8")
    with pytest.raises(SchemaError, match=r"m\.csv: (column|none of 1 rows)") as caught:
        read_table(file, "messages")
    assert "7946" not in str(caught.value)
