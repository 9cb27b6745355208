"""Scoring a Parquet file part by part: in bounded memory, and a run that was killed goes on where it was."""

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

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
ANEW: Final = "the input, the model or fraudsieve has changed since the run that was cut off: it begins anew"


@dataclass(frozen=True)
class PartsDone:
    """What became of a file.

    Parameters
    ----------
    scored, rejected, resumed : int
        Rows; those of `resumed` were scored or rejected by a run before, which was cut off.
    notes : tuple of str
        What was assumed or changed.
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
    """Score a Parquet file part by part.

    Memory holds one part, and 16 bytes of every id. Finished parts stand in a hidden folder beside the output until
    that is there, whole; the same call after a kill, or after a full disk, goes on with them. The output is the same to
    the last byte.

    Parameters
    ----------
    scorer : Scorer
        The model.
    score : callable
        From good rows to a frame of scores, none of which depends on other rows, and what was assumed.
    source : path
        The Parquet file.
    output, rejected_output : Path
        The files to write; the second only where there are rejected rows.
    progress : callable, default=None
        Called with the rows done and the rows in all.
    beside : mapping of str to Path, default={}
        Other files that the scores depend on.

    Returns
    -------
    PartsDone

    Raises
    ------
    SchemaError
        When the file cannot be used, or changed meanwhile.
    BusyError
        When another process is writing the same output.
    """
    reader = ChunkReader(source, f"{scorer.model.subject}s")
    before = _state_of(reader.path)
    key = {
        "input": {"sha256": digest_of_file(reader.path), "bytes": before[0]},
        "beside": {name: digest_of_file(path) for name, path in beside.items()},
        "model": scorer.model.digest or secrets.token_hex(),  # one that was never written is like no other
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
            raise SchemaError(reader.origin, "the file changed while it was read", "Run again once it is written.")
        done = _assemble(journal, reader, output, rejected_output)
        remove = True
    except SchemaError:
        remove = True
        raise
    finally:
        journal.close(remove=remove)
    return PartsDone(*done, resumed, _notes(journal, resumed))


def _state_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _resume(journal: Journal, reader: ChunkReader) -> int:
    """Tell the reader of the ids that finished parts had, and return how many rows they were."""
    for part in journal.parts:
        for name in part["files"]:
            if name.endswith(SCORES):
                _see(reader, journal.folder / name)
    return sum(part["rows"] for part in journal.parts)


def _see(reader: ChunkReader, scores: Path) -> None:
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
        scores, said = score(good)
        notes += said
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
    """Put the parts together, and the whole in its place."""
    scored, rejected = (sum(part[what] for part in journal.parts) for what in ("scored", "rejected"))
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
    """Write the files of one ending as one, a row group each."""
    files = [journal.folder / name for part in journal.parts for name in part["files"] if name.endswith(ending)]
    schema = _common([pyarrow.parquet.read_schema(file) for file in files])
    whole = journal.folder / f"whole{ending}"
    with pyarrow.parquet.ParquetWriter(whole, schema) as writer:
        for file in files:
            writer.write_table(pyarrow.parquet.read_table(file).cast(schema))
    return whole


def _common(schemas: list[pa.Schema]) -> pa.Schema:
    """Return a schema that all rows fit: strings where a column is of several types."""
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
    said = list(dict.fromkeys(_each(part["notes"] for part in journal.parts)))
    more = [f"{len(said) - MAX_NOTES} more such notes on other parts"] if len(said) > MAX_NOTES else []
    first = [ANEW] if journal.began_anew else []
    first += [f"a run before was cut off: {resumed:,} rows were done by it"] if resumed else []
    return (*first, *said[:MAX_NOTES], *more)


def _each(lists: Iterable[list[str]]) -> Iterator[Any]:
    for one in lists:
        yield from one
