"""A header alone is checked as the whole table is, and only if it is read as it would be with the rows."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import check_header, read_table
from fraudsieve.tables.source import InputTable

WRONG = {
    "m.csv": b"id,content,amount\n1,a,2\n",
    "m.tsv": b"message_id\tcontent\n1\ta\n",
    "semicolon.csv": "\ufeffmessage_id;Inhalt\n1;a\n".encode(),
    "twice.csv": b"message_id,text,text\n1,a,b\n",
    "empty.csv": b"",
    "other.csv": b"PAR1xxxx",
    "m.parquet": b"PAR1xxxx",
    "m.dat": b"text\n",
}


@pytest.mark.parametrize("name", [*WRONG, "none.csv", "frame.parquet"])
def test_the_error_is_that_of_the_whole_table(tmp_path: Path, name: str) -> None:
    if name in WRONG:
        (tmp_path / name).write_bytes(WRONG[name])
    elif name.startswith("frame"):
        pd.DataFrame({"message_id": [1], "words": ["a"]}).set_index("message_id").to_parquet(tmp_path / name)
    errors = []
    for call in (check_header, read_table):
        with pytest.raises(SchemaError) as caught:
            call(tmp_path / name, "messages")
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", "message_id,text\n1,您好\n".encode("gb18030")),
        ("utf16.csv", "message_id,text\n1,a\n".encode("utf-16")),
        ("m.csv.gz", gzip.compress(b"message_id,words\n1,a\n")),
        ("m.jsonl", b'{"words": 1}\n'),
        ("long.csv", b"message_id,text," + b"a" * 2**20 + b"\n"),
    ],
    ids=["gb18030", "utf16", "gzip", "json lines", "long"],
)
def test_other_files_are_left_to_the_reader(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    check_header(tmp_path / name, "messages")


def test_columns_with_other_names_are_found(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text('content,"a ""b"",\nc",class\nhi,1,spam\n')
    table = InputTable(tmp_path / "m.csv", ReadOptions(columns={"text": "content", "label": "class"}))
    check_header(table, "messages", require=["label"])
    with pytest.raises(SchemaError, match="column 'label' is missing"):
        check_header(InputTable(table.source, ReadOptions({"text": "content"})), "messages", require=["label"])
    check_header(pd.DataFrame({"a": [1]}), "messages")  # a frame is checked when it is read
    check_header("sqlite:///none.db#t", "messages")
