"""Scoring of a Parquet file in chunks: memory is bounded, and an interrupted run resumes."""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.traffic import add_counts, count_shares
from fraudsieve.models.unlike_training.expected_shares import ShareCount
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.checks import describe_requirements
from fraudsieve.tables.chunks import CHUNK_ROWS, Chunk, ChunkReader
from fraudsieve.tables.formats.output import check_output_rows
from fraudsieve.tables.limits import Cause, check_rejected, count_causes, rejected_shapes
from fraudsieve.tables.reader import CheckedTable, write_rejected
from fraudsieve.tables.source import InputTable

from .journal import Journal, digest_of_file
from .rule_columns import DECISION_COLUMNS

ScoreChunk: TypeAlias = Callable[[CheckedTable], tuple[pd.DataFrame, list[str]]]
Publish: TypeAlias = Callable[[Path, Path | None], tuple[str, ...]]
"""Moves finished Parquet files of scores and of rejected rows, if there are any, to their places; returns notes."""

MAX_NOTES: Final = 10
RESTARTED: Final = (
    "the input, the model, the settings or fraudsieve changed since the interrupted run: it started from the beginning"
)


@dataclass(frozen=True)
class ChunkedResult:
    """Result of scoring a file."""

    # Number of rows of each kind; an interrupted run had already scored or rejected the `resumed` ones.
    scored: int
    rejected: int
    resumed: int
    notes: tuple[str, ...]
    # The columns of the scores that `count_rules` reads; empty without rules.
    decisions: pd.DataFrame
    shares: dict[str, ShareCount]


def score_chunks(
    scorer: Scorer,
    score: ScoreChunk,
    source: InputTable,
    output: Path,
    publish: Publish,
    progress: Callable[[int, int], None] | None = None,
    *,
    keep: Sequence[str] = (),
    dependencies: Mapping[str, InputTable] = MappingProxyType({}),
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> ChunkedResult:
    """Score a Parquet file in chunks.

    Memory holds one chunk, and 16 bytes per id. Scored chunks (parts) are kept in a hidden folder next to the output
    until it is complete. After a crash or a full disk, the same call resumes with them and writes the same bytes.
    """
    reader = ChunkReader(source.source, f"{scorer.model.subject}s", source.options, keep=keep)
    check_output_rows(output, reader.n_rows)
    before = _size_and_time(reader.path)
    key = {
        "input": {"sha256": digest_of_file(reader.path), "bytes": before[0]},
        "beside": {name: [digest_of_file(Path(file.source)), _plain(file)] for name, file in dependencies.items()},
        "model": scorer.model.digest or secrets.token_hex(),  # a model that was not written to a folder has no digest
        "versions": {name: version(name) for name in ("fraudsieve", "pyarrow", "lightgbm")},
        "part_rows": CHUNK_ROWS,
        "policy": asdict(scorer.policy),
        "settings": dict(settings),
        "keep": list(keep),
        "options": _plain(source),
    }
    journal = Journal(output.parent / f".{output.name}.parts", key)
    remove = False
    try:
        resumed = _resume(journal, reader)
        causes = _causes(journal)
        _check_rejected(causes, reader)  # the interrupted run may have had another limit
        for part in reader.after(resumed):
            causes += count_causes(part.checked.rejected)
            _check_rejected(causes, reader, part)
            _add_part(journal, part, score, scorer.model)
            if progress is not None:
                progress(part.start + part.rows, reader.n_rows)
        if _size_and_time(reader.path) != before:
            raise SchemaError(
                reader.origin, "the file changed while it was read", "Run it again once the file is complete."
            )
        decisions = _read_decisions(journal)
        shares = add_counts(_shares(part) for part in journal.parts)
        scored, rejected, notes = _assemble(journal, reader, publish)
        remove = True
    except SchemaError:
        remove = True
        raise
    finally:
        journal.close(remove=remove)
    return ChunkedResult(scored, rejected, resumed, (*_notes(journal, resumed), *notes), decisions, shares)


def _plain(table: InputTable) -> dict[str, Any]:
    """Return how a table is read, in plain JSON types, without the limit of rejected rows, which changes no score."""
    options = {**asdict(table.options), "columns": dict(table.options.columns)}
    del options["max_rejected"]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}


def _size_and_time(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _resume(journal: Journal, reader: ChunkReader) -> int:
    """Register the ids of finished parts with the reader, and return their number of rows."""
    for part in journal.parts:
        for name in part["files"]:
            if name.endswith(SCORES):
                _register_ids(reader, journal.folder / name)
    return sum(part["rows"] for part in journal.parts)


def _register_ids(reader: ChunkReader, scores: Path) -> None:
    for name in {*reader.table.unique[:1]} & {*pyarrow.parquet.read_schema(scores).names}:
        ids = pyarrow.parquet.read_table(scores, columns=[name]).column(name).drop_null()
        reader.seen.add(ids.to_pandas().astype(STRING))


SCORES: Final = ".scores.parquet"
REJECTED: Final = ".rejected.parquet"


def _add_part(journal: Journal, part: Chunk, score: ScoreChunk, model: Model) -> None:
    good, rejected, name = part.checked.good, part.checked.rejected, f"{part.start:012d}"
    files, notes, shares = {}, list(part.checked.notes), {}
    if len(good):
        files[name + SCORES] = journal.folder / "scores.new"
        scores, new_notes = score(part.checked)
        notes += new_notes
        shares = count_shares(model, scores)
        scores.to_parquet(files[name + SCORES], index=False)
    if len(rejected):
        files[name + REJECTED] = write_rejected(rejected, journal.folder / "rejected.new")
    facts = {
        "rows": part.rows,
        "scored": len(good),
        "rejected": len(rejected),
        "reasons": [[*cause, count] for cause, count in count_causes(rejected).items()],
        "notes": notes,
        "shares": shares,
    }
    journal.add(files, facts)


def _shares(part: Mapping[str, Any]) -> dict[str, ShareCount]:
    return {name: ShareCount(*counts) for name, counts in part["shares"].items()}


def _assemble(journal: Journal, reader: ChunkReader, publish: Publish) -> tuple[int, int, tuple[str, ...]]:
    """Concatenate the parts and write the outputs."""
    scored, rejected = (sum(part[name] for part in journal.parts) for name in ("scored", "rejected"))
    if scored + rejected != reader.n_rows:
        raise RuntimeError(f"expected {reader.n_rows} rows in the output, got {scored + rejected}")
    notes = publish(_concatenate(journal, SCORES), _concatenate(journal, REJECTED) if rejected else None)
    return scored, rejected, notes


def _read_decisions(journal: Journal) -> pd.DataFrame:
    """Return the columns of the decisions of rules; empty without rules."""
    files = [journal.folder / name for part in journal.parts for name in part["files"] if name.endswith(SCORES)]
    columns = [name for name in DECISION_COLUMNS if files and name in pyarrow.parquet.read_schema(files[0]).names]
    if len(columns) < len(DECISION_COLUMNS):
        return pd.DataFrame()
    tables = [pyarrow.parquet.read_table(file, columns=columns) for file in files]
    return pd.DataFrame(pa.concat_tables(tables, promote_options="permissive").to_pydict())


def _concatenate(journal: Journal, ending: str) -> Path:
    """Concatenate the files with this ending into one file, each as a row group."""
    files = [journal.folder / name for part in journal.parts for name in part["files"] if name.endswith(ending)]
    schema = _common_schema([pyarrow.parquet.read_schema(file) for file in files])
    whole = journal.folder / f"whole{ending}"
    with pyarrow.parquet.ParquetWriter(whole, schema) as writer:
        for file in files:
            writer.write_table(pyarrow.parquet.read_table(file).cast(schema))
    return whole


def _common_schema(schemas: list[pa.Schema]) -> pa.Schema:
    """Return a common schema, with strings where a column has several types."""
    fields = []
    for position, field in enumerate(schemas[0]):
        types = {schema.field(position).type for schema in schemas} - {pa.null()}
        fields.append(pa.field(field.name, types.pop() if len(types) == 1 else pa.large_string()))
    return pa.schema(fields, schemas[0].metadata)


def _causes(journal: Journal) -> Counter[Cause]:
    """Return the number of rows that the finished parts rejected, by column and reason."""
    causes: Counter[Cause] = Counter()
    for part in journal.parts:
        causes.update({(column, reason): count for column, reason, count in part["reasons"]})
    return causes


def _check_rejected(causes: Mapping[Cause, int], reader: ChunkReader, part: Chunk | None = None) -> None:
    """Raise SchemaError as soon as the rejected rows are too many for the whole file."""
    check_rejected(
        causes,
        reader.n_rows,
        max_rejected=reader.options.max_rejected,
        origin=reader.origin,
        expected=describe_requirements(reader.table),
        shapes=None if part is None else rejected_shapes(part.checked.rejected, reader.table),
        is_partial=part is None or part.start + part.rows < reader.n_rows,
        names=reader.names,
    )


def _notes(journal: Journal, resumed: int) -> tuple[str, ...]:
    notes = list(dict.fromkeys(chain.from_iterable(part["notes"] for part in journal.parts)))
    more = [f"{len(notes) - MAX_NOTES} more notes on other chunks"] if len(notes) > MAX_NOTES else []
    first = [RESTARTED] if journal.restarted else []
    first += [f"resumed an interrupted run: {resumed:,} rows had been processed"] if resumed else []
    return (*first, *notes[:MAX_NOTES], *more)
