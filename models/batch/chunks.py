"""Score a Parquet file in chunks: in bounded memory, and an interrupted run resumes."""

import os
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve._io import replace_file
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.tables.checks import describe_requirements
from fraudsieve.features.tables.chunks import CHUNK_ROWS, Chunk, ChunkReader
from fraudsieve.features.tables.reader import write_rejected
from fraudsieve.models.predict import Scorer

from .journal import Journal, digest_of_file

__all__ = ["PartsDone", "score_parts"]

ScorePart: TypeAlias = Callable[[pd.DataFrame], tuple[pd.DataFrame, list[str]]]

MAX_NOTES: Final = 10
MAX_REASONS: Final = 5
RESTARTED: Final = "the input, the model or fraudsieve changed since the interrupted run: it started again"


@dataclass(frozen=True)
class PartsDone:
    """Result of scoring a file.

    Parameters
    ----------
    scored, rejected, resumed : int
        Numbers of rows; `resumed` ones were scored or rejected by an interrupted run.
    notes : tuple of str
        Assumptions and changes.
    """

    scored: int
    rejected: int
    resumed: int
    notes: tuple[str, ...]


def score_parts(
    scorer: Scorer,
    score: ScorePart,
    source: str | os.PathLike[str],
    output: Path,
    rejected_output: Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    beside: Mapping[str, Path] = MappingProxyType({}),
) -> PartsDone:
    """Score a Parquet file in parts.

    Memory holds one part, and 16 bytes per id. Finished parts are kept in a hidden folder beside the output until it is
    complete. The same call after a crash, or after a full disk, resumes with them and writes the same bytes.

    Parameters
    ----------
    scorer : Scorer
        The model.
    score : callable
        From valid rows to a frame of scores, none of which depends on other rows, and notes.
    source : path
        The Parquet file.
    output, rejected_output : Path
        Files to write; the second only if there are rejected rows.
    progress : callable, default=None
        Called with the rows done and the total.
    beside : mapping of str to Path, default={}
        Further files that the scores depend on.

    Returns
    -------
    PartsDone

    Raises
    ------
    SchemaError
        If the file cannot be used, or changed during the run.
    BusyError
        If another process is writing the same output.
    """
    reader = ChunkReader(source, f"{scorer.model.subject}s")
    before = _state_of(reader.path)
    key = {
        "input": {"sha256": digest_of_file(reader.path), "bytes": before[0]},
        "beside": {name: digest_of_file(path) for name, path in beside.items()},
        "model": scorer.model.digest or secrets.token_hex(),  # a model that was never written has no digest
        "versions": {name: version(name) for name in ("fraudsieve", "pyarrow", "lightgbm")},
        "part_rows": CHUNK_ROWS,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    journal = Journal(output.parent / f".{output.name}.parts", key)
    remove = False
    try:
        resumed = _resume(journal, reader)
        for part in reader.after(resumed):
            _finish(journal, part, score)
            if progress is not None:
                progress(part.start + part.rows, reader.n_rows)
        if _state_of(reader.path) != before:
            raise SchemaError(reader.origin, "the file changed while it was read", "Run again when it is complete.")
        done = _assemble(journal, reader, output, rejected_output)
        remove = True
    except SchemaError:
        remove = True
        raise
    finally:
        journal.close(remove=remove)
    return PartsDone(*done, resumed, _notes(journal, resumed))


def _state_of(path: Path) -> tuple[int, int]:
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
        reader.seen.add(ids.to_pandas().astype("str"))


SCORES: Final = ".scores.parquet"
REJECTED: Final = ".rejected.parquet"


def _finish(journal: Journal, part: Chunk, score: ScorePart) -> None:
    good, rejected, name = part.checked.good, part.checked.rejected, f"{part.start:012d}"
    files, notes = {}, list(part.checked.notes)
    if len(good):
        files[name + SCORES] = journal.folder / "scores.new"
        scores, new_notes = score(good)
        notes += new_notes
        scores.to_parquet(files[name + SCORES], index=False)
    if len(rejected):
        files[name + REJECTED] = write_rejected(rejected, journal.folder / "rejected.new")
    reasons = Counter(zip(rejected["column"], rejected["reason"], strict=True))
    facts = {
        "rows": part.rows,
        "scored": len(good),
        "rejected": len(rejected),
        "reasons": [[*cause, count] for cause, count in reasons.items()],
        "notes": notes,
    }
    journal.add(files, facts)


def _assemble(journal: Journal, reader: ChunkReader, output: Path, rejected_output: Path) -> tuple[int, int]:
    """Concatenate the parts and write the outputs."""
    scored, rejected = (sum(part[name] for part in journal.parts) for name in ("scored", "rejected"))
    if scored + rejected != reader.n_rows:
        raise RuntimeError(f"{reader.n_rows} rows went in, and {scored + rejected} came out")
    if not scored:
        problem = f"none of {rejected} rows is good: {_tally(journal)}"
        raise SchemaError(reader.origin, problem, describe_requirements(reader.table))
    whole = _joined(journal, SCORES)
    if rejected:
        replace_file(_joined(journal, REJECTED), rejected_output)
    else:
        rejected_output.unlink(missing_ok=True)
    replace_file(whole, output)
    return scored, rejected


def _joined(journal: Journal, ending: str) -> Path:
    """Concatenate the files with an ending into one, each as a row group."""
    files = [journal.folder / name for part in journal.parts for name in part["files"] if name.endswith(ending)]
    schema = _common([pyarrow.parquet.read_schema(file) for file in files])
    whole = journal.folder / f"whole{ending}"
    with pyarrow.parquet.ParquetWriter(whole, schema) as writer:
        for file in files:
            writer.write_table(pyarrow.parquet.read_table(file).cast(schema))
    return whole


def _common(schemas: list[pa.Schema]) -> pa.Schema:
    """Return a schema for all rows: strings where a column has several types."""
    fields = []
    for place, field in enumerate(schemas[0]):
        kinds = {schema.field(place).type for schema in schemas} - {pa.null()}
        fields.append(pa.field(field.name, kinds.pop() if len(kinds) == 1 else pa.large_string()))
    return pa.schema(fields, schemas[0].metadata)


def _tally(journal: Journal) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for part in journal.parts:
        counts.update({(column, reason): count for column, reason, count in part["reasons"]})
    common = counts.most_common(MAX_REASONS)
    return ", ".join(": ".join(filter(None, cause)) + f" ({count})" for cause, count in common)


def _notes(journal: Journal, resumed: int) -> tuple[str, ...]:
    notes = list(dict.fromkeys(chain.from_iterable(part["notes"] for part in journal.parts)))
    more = [f"{len(notes) - MAX_NOTES} more notes on other parts"] if len(notes) > MAX_NOTES else []
    first = [RESTARTED] if journal.restarted else []
    first += [f"resumed an interrupted run: {resumed:,} rows were done"] if resumed else []
    return (*first, *notes[:MAX_NOTES], *more)
