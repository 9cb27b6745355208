"""Sources of tables: a file, a folder of Parquet files, a database, a store in the cloud, or a frame."""

import glob
import hashlib
import itertools
import os
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, runtime_checkable

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve._addresses import bare_address
from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError

from .cells import STRING, extract_strings
from .formats.files import columns_of_folders, load, load_parquet, load_parquet_batch, reader_of
from .formats.loaded import LoadedTable, ReadOptions, frame_of

if TYPE_CHECKING:  # imported at first use
    import sqlalchemy

DATABASES: Final = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql", "duckdb")
"""Schemes of addresses that SQLAlchemy reads."""
READ_ONLY: Final = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    **dict.fromkeys(("mysql", "mariadb"), "SET SESSION TRANSACTION READ ONLY"),
    "oracle": "SET TRANSACTION READ ONLY",
}
"""Statements with which a database refuses to write: in a session, or in a transaction."""


@runtime_checkable
class ArrowFrame(Protocol):
    """A frame of another library that Arrow reads, such as those of polars and PyArrow."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as a stream of Arrow."""


@dataclass(frozen=True, eq=False)
class InputTable:
    """A table, and how to read it.

    Parameters
    ----------
    source : str, path, frame of pandas, polars or PyArrow, or a list of these
        A file; a folder of Parquet files or a pattern of files of one format; ``postgresql://user@host/name#table`` or
        another address of SQLAlchemy, or ``world.duckdb``, followed by ``#`` and a table or a query; or an address such
        as ``s3://bucket/messages.parquet``, which fsspec reads. Of several tables, a row of a later one replaces the
        row with its id in an earlier one.
    options : ReadOptions, optional
        Names of columns, encoding, separator and order of dates.
    name : str, default=None
        Name of the table in errors; None for that of its source.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": [1], "content": ["hello"]})
    >>> table = InputTable(frame, ReadOptions(columns={"message_id": "id", "text": "content"}))
    >>> table.loaded.frame.columns.tolist()
    ['id', 'content']
    """

    source: Any
    options: ReadOptions = field(default_factory=ReadOptions)
    name: str | None = None

    @cached_property
    def parts(self) -> "tuple[InputTable, ...]":
        """The tables: one, or several, each with the options of all."""
        several = isinstance(self.source, list | tuple)
        return tuple(as_input(one, self.options) for one in self.source) if several else (self,)

    @property
    def stem(self) -> str:
        """The name by which options name this table alone: of a file up to the first dot; empty without a name."""
        place, _, table = _address(self.source).partition("#")
        return self.name or (table if table.isidentifier() else PurePath(bare_address(place)).name.partition(".")[0])

    @cached_property
    def loaded(self) -> LoadedTable:
        """The rows as they were read, once."""
        if isinstance(self.source, pd.DataFrame):
            return LoadedTable(self.source)
        if isinstance(self.source, ArrowFrame):
            return LoadedTable(frame_of(pa.table(self.source), "frame"))
        return _load(_address(self.source), self.options)


OneSource: TypeAlias = str | os.PathLike[str] | pd.DataFrame | ArrowFrame | InputTable
Source: TypeAlias = OneSource | Sequence[OneSource]
"""One table or several: a path, an address, a frame of pandas, Polars or PyArrow, an `InputTable`, or a list of these.

In public signatures it is quoted, so that editors and ``help`` show the name instead of the union.
"""


def as_input(source: Source, options: ReadOptions | None = None) -> InputTable:
    """Return a source as a table with options; its own options take precedence over the given ones.

    Returns the source itself, with the rows that it has read, if nothing is added to its options.
    """
    defaults = options or ReadOptions()
    if not isinstance(source, InputTable):
        return InputTable(source, defaults)
    completed = source.options.or_else(defaults)
    return source if completed == source.options else replace(source, options=completed)


def local_file(source: Source) -> Path | None:
    """Return the file of this machine that a source is; None for anything else."""
    place = source.source if isinstance(source, InputTable) else source
    if not isinstance(place, str | os.PathLike) or "://" in _address(place) or _is_pattern(os.fspath(place)):
        return None
    return Path(place)


def local_files(source: Source) -> list[Path]:
    """Return all files of this machine that a source reads."""
    files: list[Path] = []
    for part in as_input(source).parts:
        file, place = local_file(part), part.source
        if file is not None:
            files.append(file)
        elif isinstance(place, str | os.PathLike) and "://" not in _address(place):
            files += map(Path, _files_of(os.fspath(place)))
    return files


def origin_of(source: Source) -> str:
    """Return the name of a table in errors."""
    if isinstance(source, InputTable) and source.name is not None:
        return source.name
    place = source.source if isinstance(source, InputTable) else source
    if isinstance(place, list | tuple):
        return ", ".join(map(origin_of, place))
    address = _address(place)
    is_shown = address.startswith("duckdb:") and address.partition("#")[2].isidentifier()
    return address if is_shown else bare_address(address) or "frame"


def data_digest(source: Source) -> str:
    """Return the SHA-256 of a table: of the bytes of a file, or of the values of anything else; of several, of all."""
    parts = as_input(source).parts
    if len(parts) > 1:
        return hashlib.sha256("".join(map(data_digest, parts)).encode()).hexdigest()
    file = local_file(parts[0])
    if file is not None:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    frame = parts[0].loaded.frame
    columns = str([str(name) for name in frame.columns])
    strings = pd.DataFrame({place: _as_strings(frame.iloc[:, place]) for place in range(frame.shape[1])})
    values = pd.util.hash_pandas_object(strings, index=False).to_numpy()
    return hashlib.sha256(columns.encode() + values.tobytes()).hexdigest()


def _as_strings(cells: pd.Series) -> pd.Series:
    """Return a column as strings; Arrow cannot store lone surrogates, so U+FFFD replaces them."""
    try:
        return cells.astype(STRING)
    except UnicodeEncodeError:
        texts = [None if missing else str(cell) for cell, missing in zip(cells, cells.isna(), strict=True)]
        return extract_strings(pd.Series(texts, dtype=object)).strings


def _address(source: object) -> str:
    """Return the place of a table, in a file of DuckDB as an address; empty for a frame."""
    text = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
    return f"duckdb:///{text}" if "://" not in text and ".duckdb#" in f"{text}#" else text


def _is_pattern(place: str) -> bool:
    return os.path.isdir(place) or (glob.has_magic(place) and not os.path.exists(place))


def _load(place: str, options: ReadOptions) -> LoadedTable:
    scheme, is_address, _ = place.partition("://")
    if is_address:
        is_database = scheme.partition("+")[0] in DATABASES
        return _load_from_database(place) if is_database else _load_from_store(place, options)
    return _load_files(place, options) if _is_pattern(place) else load(place, options)


def _files_of(place: str) -> list[str]:
    """Return the Parquet files of a folder, or the files that a pattern names, in the order of their names."""
    pattern = os.path.join(place, "**", "*.parquet") if os.path.isdir(place) else place
    return sorted(glob.glob(pattern, recursive=True))


def _load_files(place: str, options: ReadOptions) -> LoadedTable:
    """Read all files of a folder or a pattern as one table."""
    files = _files_of(place)
    if not files:
        problem = "expected a folder of Parquet files, or a pattern such as 'week/*.csv', found none"
        raise SchemaError(place, problem, "Check the path.")
    readers = {reader_of(Path(file), file) for file in files}
    if len(readers) > 1:
        raise SchemaError(place, f"the {len(files)} files have several formats", "Give one pattern for each format.")
    table = _load_folder(place, files) if readers == {load_parquet} else _concatenate([load(f, options) for f in files])
    return replace(table, notes=(tr("read {n} files", n=len(files)), *table.notes))


def _concatenate(tables: Sequence[LoadedTable]) -> LoadedTable:
    starts = itertools.accumulate((len(table.frame) for table in tables), initial=0)
    broken = {
        start + row: reason
        for start, table in zip(starts, tables, strict=False)
        for row, reason in table.broken.items()
    }
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    inner = frozenset[str]().union(*(table.inner for table in tables))
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    return replace(tables[0], frame=frame, broken=broken, inner=inner, notes=tuple(notes))


def _load_folder(place: str, files: list[str]) -> LoadedTable:
    try:
        tables = [pyarrow.parquet.ParquetFile(file).read() for file in files]
        table = pa.concat_tables(tables, promote_options="permissive")
    except (OSError, ValueError, pa.ArrowException) as error:
        problem = f"the {len(files)} files cannot be read as one table ({type(error).__name__})"
    else:
        frame = load_parquet_batch(table, place).frame
        base = Path(place)
        while not base.is_dir():  # a pattern
            base = base.parent
        columns = columns_of_folders(base, files, [len(table) for table in tables])
        added = {name: cells for name, cells in columns.items() if name not in frame.columns}
        notes = (tr("columns {names} are read from the names of folders", names=", ".join(added)),) if added else ()
        return LoadedTable(frame.assign(**added), notes=notes)
    raise SchemaError(place, problem, "They must be Parquet files with columns of the same types.")


def _load_from_store(address: str, options: ReadOptions) -> LoadedTable:
    """Copy a file from a store to this machine, and read it."""
    try:
        import fsspec
    except ImportError:
        problem = "is read by fsspec, which is not installed"
        raise SchemaError(origin_of(address), problem, "Run: pip install fsspec") from None
    origin = origin_of(address)  # without the query, which may be a signature
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, PurePosixPath(origin).name)
        try:
            files, path = fsspec.core.url_to_fs(address)
            files.get_file(path, str(copy))
        except Exception as error:  # each store has errors of its own, which may quote credentials
            problem = f"cannot be read ({type(error).__name__})"
        else:
            try:
                return load(copy, options)
            except SchemaError as error:
                raise SchemaError(origin, error.problem, error.fix) from None
    raise SchemaError(origin, problem, "Check the address, and the credentials in the environment.")


def _load_from_database(address: str) -> LoadedTable:
    """Read a table, or the rows of a query; the database is opened read-only if possible."""
    place, found, query = address.partition("#")
    if not found or not query.strip():
        fix = "Add # and a table or a query: postgresql://user@host/name#select id as message_id, body as text from sms"
        raise SchemaError(origin_of(address), "expected a table or a query after the address", fix)
    import sqlalchemy

    is_query = any(character.isspace() for character in query.strip())
    try:
        if place.startswith("duckdb"):
            import duckdb

            # Read-only, and without access to other files, which a query could write or read.
            with duckdb.connect(place.partition(":///")[2], True, {"enable_external_access": False}) as base:
                found_rows = base.sql(query) if is_query else base.table(query)
                return LoadedTable(frame_of(found_rows.to_arrow_table(), place))
        engine = sqlalchemy.create_engine(place, **_reading_only(sqlalchemy.make_url(place)))
        rows = sqlalchemy.text(query) if is_query else sqlalchemy.select(sqlalchemy.text("*")).select_from(
            sqlalchemy.table(query.strip())
        )  # fmt: skip
        try:
            with engine.connect() as connection:
                if setting := READ_ONLY.get(engine.dialect.name):
                    connection.execute(sqlalchemy.text(setting))
                    if "SESSION" in setting:  # it holds from the next transaction on, whatever the query commits
                        connection.commit()
                answer = connection.execute(rows)
                frame = pd.DataFrame(answer.fetchall(), columns=list(answer.keys()), dtype=object)
        finally:
            engine.dispose()
    except Exception as error:  # the text quotes the query and the password
        problem, fix = f"cannot be read ({type(error).__name__})", "Check the address, the driver, and the query."
        if isinstance(error, ImportError) and error.name == "duckdb":
            fix = "Run: pip install 'fraudsieve[duckdb]'"
    else:
        return LoadedTable(frame)
    raise SchemaError(origin_of(address), problem, fix)


def _reading_only(url: "sqlalchemy.URL") -> dict[str, Any]:
    """Return the arguments with which an engine opens a database in a file read-only."""
    if url.get_backend_name() != "sqlite":
        return {}
    file = Path(url.database or "")
    if not file.is_file():
        raise FileNotFoundError

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        # ATTACH and VACUUM INTO, which attaches too, would create files that are not read-only.
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY * (action == sqlite3.SQLITE_ATTACH))
        return connection

    return {"creator": connect}
