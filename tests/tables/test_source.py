"""Where tables come from: folders, patterns, frames of other libraries, databases and stores."""

import sqlite3
import sys
import threading
from contextlib import closing
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import InputTable, as_input, data_digest, local_file, origin_of
from tests.live.postgres import binaries, running_server
from tests.messages import refused

polars = pytest.importorskip("polars")

SECRET = "s3cr3t"
FRAME = pd.DataFrame(
    {
        "message_id": ["1", "2", "3"],
        "text": ["您好", "win", None],
        "sent_at": pd.Series(["2026-05-01T10:00", "2026-05-02", None], dtype="datetime64[us, UTC]"),
        "length": [2, 3, 4],
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two Parquet files, one of them in a folder of its own."""
    (tmp_path / "table" / "more").mkdir(parents=True)
    FRAME.iloc[:1].to_parquet(tmp_path / "table" / "a.parquet")
    FRAME.iloc[1:].astype({"length": "float64"}).to_parquet(tmp_path / "table" / "more" / "b.parquet")
    return tmp_path / "table"


@pytest.fixture
def database(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        connection.execute("CREATE TABLE sms (message_id INTEGER, text TEXT, sent_at TEXT, length INTEGER)")
        rows = [(1, "您好", "2026-05-01T10:00Z", 2), (2, "win", "2026-05-02T00:00Z", 3), (3, None, None, 4)]
        connection.executemany("INSERT INTO sms VALUES (?, ?, ?, ?)", rows)
    return f"sqlite:///{tmp_path / 'crm.db'}"


def check(source: Any) -> None:
    checked = read_table(source, "messages")
    expected = read_table(FRAME, "messages")
    pd.testing.assert_frame_equal(checked.good, expected.good, check_dtype=False)
    assert checked.rejected["reason"].tolist() == ["no text"]


def test_texts_that_are_not_in_utf_8_have_a_digest_like_all_others(tmp_path: Path) -> None:
    (tmp_path / "table").mkdir()
    texts = [*(f"text {number}".encode() for number in range(50)), b"broken \xff"]
    rows = {"message_id": pa.array(range(51)), "text": pa.array(texts, pa.binary())}
    broken = pa.table(rows).cast(pa.schema({"message_id": pa.int64(), "text": pa.string()}), safe=False)
    pq.write_table(broken, tmp_path / "table" / "a.parquet")
    digests = {data_digest(source) for source in (tmp_path / "table", pd.DataFrame({"text": ["a\udcff", None, 3]}))}
    assert len(digests) == 2
    assert data_digest(pd.DataFrame({"text": ["b\udcff", None, 3]})) not in digests
    assert len(read_table(tmp_path / "table", "messages").good) == 51


def test_a_folder_of_parquet_files_is_one_table(folder: Path) -> None:
    check(folder)
    check(str(folder / "**" / "*.parquet"))
    assert read_table(folder, "messages").notes == ("read 2 files",)
    assert len(read_table(folder / "*.parquet", "messages").good) == 1


@pytest.mark.parametrize("pattern", ["", "*/*/*.parquet", "**/*.parquet"])
def test_columns_that_spark_wrote_as_names_of_folders_are_read(tmp_path: Path, pattern: str) -> None:
    parts = {
        "channel=sms/code=007": ["1", "2"],
        "channel=e%20mail/code=12": ["3"],
        "channel=__HIVE_DEFAULT_PARTITION__/code=13": ["4"],
    }
    base = tmp_path / "year=2026" / "table"
    for part, ids in parts.items():
        (base / part).mkdir(parents=True)
        pd.DataFrame({"message_id": ids, "text": "hello"}).to_parquet(base / part / "part-0.parquet")
    checked = read_table(base / pattern, "messages")
    assert checked.notes == ("read 3 files", "columns channel, code are read from the names of folders")
    good = checked.good.set_index("message_id").sort_index()
    assert good["channel"].fillna("").tolist() == ["sms", "sms", "e mail", ""]
    assert good["code"].tolist() == ["007", "007", "12", "13"]


def test_numbers_in_names_of_folders_are_numbers_and_columns_of_the_files_stay(tmp_path: Path) -> None:
    for length, name in ((2, "a"), (3, "b")):
        (tmp_path / f"length={length}" / f"text={name}").mkdir(parents=True)
        file = tmp_path / f"length={length}" / f"text={name}" / "part-0.parquet"
        pd.DataFrame({"message_id": [name], "text": ["hello"]}).to_parquet(file)
    good = read_table(tmp_path, "messages").good
    assert (good["length"].tolist(), good["text"].tolist()) == ([2.0, 3.0], ["hello", "hello"])


def test_files_that_do_not_fit_together_are_an_error(folder: Path) -> None:
    pd.DataFrame({"message_id": [["a"]], "text": ["x"]}).to_parquet(folder / "c.parquet")
    with pytest.raises(SchemaError, match="the 3 files cannot be read as one table"):
        read_table(folder, "messages")
    with refused(SchemaError):
        read_table(folder / "*.csv", "messages")


def test_frames_of_polars_and_pyarrow(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "m.parquet")
    table = pq.read_table(tmp_path / "m.parquet")
    check(table)
    check(polars.from_arrow(table))


def test_decimals_are_numbers_in_every_frame(tmp_path: Path) -> None:
    balances = [Decimal("1.25"), None, Decimal("-3")]
    table = pa.table({"account_id": ["a", "b", "c"], "balance": pa.array(balances, pa.decimal128(18, 2))})
    pq.write_table(table, tmp_path / "a.parquet")
    objects = pd.DataFrame({"account_id": ["a", "b", "c"], "balance": balances})
    for source in (tmp_path / "a.parquet", tmp_path / "*.parquet", table, polars.from_arrow(table), objects):
        balance = read_table(source, "accounts").good["balance"]
        assert balance.dtype == "float64"
        assert balance.fillna(0).tolist() == [1.25, 0, -3]


@pytest.mark.parametrize("categories", [polars.Categorical, polars.Enum(["app", "您好"])])
def test_categories_of_polars_are_strings(categories: Any) -> None:
    columns = {"account_id": ["a", "b", "c"], "channel": ["app", None, "您好"]}
    frame = polars.DataFrame(columns).with_columns(polars.col("channel").cast(categories))
    for source in (frame, polars.concat([frame, frame[:0]], rechunk=False)):
        assert read_table(source, "accounts").good["channel"].fillna("").tolist() == ["app", "", "您好"]


def test_a_table_or_a_query_of_a_database(database: str) -> None:
    check(f"{database}#sms")
    check(f"{database}#select message_id, text, sent_at, length from sms where length > 0 order by 1")


@pytest.mark.parametrize("rest", ["", "#", "#nothing", f"#select {SECRET} from sms"])
def test_a_database_that_does_not_answer_is_an_error_without_its_query(database: str, rest: str) -> None:
    with refused(SchemaError, "crm.db") as caught:
        read_table(f"{database}{rest}", "messages")
    assert SECRET not in str(caught.value)
    with refused(SchemaError, "nowhere.invalid") as caught:
        read_table(f"postgresql+psycopg://ann:{SECRET}@nowhere.invalid/crm#sms", "messages")
    assert SECRET not in str(caught.value)


def test_a_database_is_opened_for_reading_only(database: str) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        read_table(f"{database}#drop table sms", "messages")
    check(f"{database}#sms")
    folder = Path(database.removeprefix("sqlite:///")).parent
    for query in (f"attach '{folder / 'new.db'}' as other", f"vacuum into '{folder / 'new.db'}'"):
        with pytest.raises(SchemaError, match="cannot be read"):
            read_table(f"{database}#{query}", "messages")
    with pytest.raises(SchemaError, match="cannot be read"):
        read_table(f"{database.replace('crm', 'new')}#sms", "messages")
    assert [path.name for path in folder.iterdir()] == ["crm.db"]


def test_a_table_or_a_query_of_a_file_of_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with duckdb.connect("world.duckdb") as base:
        base.register("frame", FRAME)
        base.execute("create table sms as select * from frame")
        base.execute('create view "order" as select * from sms')
    check("world.duckdb#order")
    for place in ("world.duckdb", "duckdb:///world.duckdb", f"duckdb:///{tmp_path}/world.duckdb"):
        check(f"{place}#sms")
        check(f"{place}#select * from sms where length > 0 order by 1")
    table = InputTable("world.duckdb#sms")
    assert (table.stem, origin_of(table), local_file(table)) == ("sms", "duckdb:///world.duckdb#sms", None)
    assert data_digest("world.duckdb#sms") == data_digest(f"duckdb:///{tmp_path}/world.duckdb#from sms")
    secret, other = f"world.duckdb#select {SECRET} from sms", tmp_path / "other.csv"
    other.write_text("message_id,text\n1,hello\n")
    writes = f"copy sms to '{tmp_path / 'new.csv'}'", f"attach '{tmp_path / 'new.duckdb'}' as other", "drop table sms"
    queries = *writes, f"select * from read_csv('{other}')", f"set enable_external_access=true; from '{other}'"
    for source in (
        "world.duckdb",
        "none.duckdb#sms",
        "world.duckdb#none",
        secret,
        *(f"world.duckdb#{q}" for q in queries),
    ):
        with refused(SchemaError, "duckdb") as caught:
            read_table(source, "messages")
        assert SECRET not in str(caught.value)
    check("world.duckdb#sms")
    assert {path.name for path in tmp_path.iterdir()} == {"world.duckdb", "other.csv"}
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(SchemaError, match=r"Run: pip install 'fraudsieve\[duckdb\]'"):
        read_table("world.duckdb#sms", "messages")


@pytest.mark.slow
@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed")
def test_a_connection_to_a_server_is_read_only_also_after_a_commit() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with running_server() as server:
        name = server.new_address().rpartition("/")[2]
        address = f"postgresql+psycopg://tester@/{name}?host={server.socket}"
        for query in ("create table a (x int)", "select 1 as a; commit; create table b (x int)"):
            with pytest.raises(SchemaError, match="cannot be read"):
                read_table(f"{address}#{query}", "messages")
        check = f"{address}#select 'a' as message_id, tablename as text from pg_tables where schemaname = 'public'"
        with pytest.raises(SchemaError, match="there are no rows"):
            read_table(check, "messages")


class SignedFiles(BaseHTTPRequestHandler):
    """One file, for those who have the signature."""

    content = FRAME.to_csv(index=False).encode()

    def do_GET(self) -> None:
        is_signed = self.path.endswith(f"?signature={SECRET}/x")
        self.send_response(200 if is_signed else 403)
        self.send_header("Content-Length", str(len(self.content) if is_signed else 0))
        self.end_headers()
        if is_signed:
            self.wfile.write(self.content)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.mark.slow
def test_an_address_with_a_signature_is_read_and_not_shown() -> None:
    pytest.importorskip("aiohttp")
    with ThreadingHTTPServer(("127.0.0.1", 0), SignedFiles) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/bucket/m.csv?signature="
        try:
            check(f"{address}{SECRET}/x")
            with pytest.raises(SchemaError, match=r"/bucket/m\.csv: cannot be read") as raised:
                read_table(f"{address}{SECRET}", "messages")
            with refused(SchemaError, "m.parquet") as unreadable:
                read_table(f"{address}{SECRET}/x".replace(".csv", ".parquet"), "messages")
        finally:
            server.shutdown()
    assert SECRET not in f"{raised.value} {unreadable.value}"


def test_a_file_of_a_store_is_read_by_fsspec(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    FRAME.to_parquet(tmp_path / "m.parquet")
    memory = fsspec.filesystem("memory")
    memory.put_file(str(tmp_path / "m.parquet"), "/bucket/m.parquet")
    check("memory://bucket/m.parquet")
    with refused(SchemaError, "x.parquet"):
        read_table("memory://bucket/x.parquet", "messages")


def test_options_of_a_table_come_before_defaults_and_are_completed_by_them() -> None:
    table = as_input("m.csv", ReadOptions(encoding="gb18030", columns={}))
    completed = as_input(table, ReadOptions(columns={"text": "content"}, encoding="utf-8", day_first=True))
    assert completed.options == ReadOptions({"text": "content"}, "gb18030", day_first=True)
    assert as_input(completed, ReadOptions(columns={"text": "body"})) is completed
    names = as_input(completed, ReadOptions(columns={"messages.text": "body", "sent_at": "date"})).options.columns
    assert names == {"text": "content", "sent_at": "date"}


def test_what_is_not_a_file_is_read_once(database: str) -> None:
    table = InputTable(f"{database}#sms")
    assert table.loaded is table.loaded
    assert data_digest(table) == data_digest(InputTable(f"{database}#sms"))
    assert local_file(table) is None
    assert local_file("m.csv") == Path("m.csv")
    assert origin_of(table) == database
