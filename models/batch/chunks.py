"""Scoring of a table in parts: memory holds one of them. A Parquet file is read in chunks."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.traffic import add_counts, check_counts, count_shares
from fraudsieve.models.unlike_training.expected_shares import ShareCount
from fraudsieve.tables.checks import describe_requirements, rejected_shapes
from fraudsieve.tables.chunks import Chunk, ChunkReader
from fraudsieve.tables.limits import Cause, check_rejected, count_causes
from fraudsieve.tables.reader import CheckedTable, write_rejected

from .outputs import ScoreFiles, ScoringResult
from .rule_columns import add_rules, count_rules

ScorePart: TypeAlias = Callable[[CheckedTable], tuple[pd.DataFrame, list[str]]]
"""Returns the scores of the good rows of a part, and notes."""

MAX_NOTES: Final = 10


def score_parts(
    scorer: Scorer, score: ScorePart, parts: Iterable[CheckedTable], n_rows: int, outputs: ScoreFiles
) -> ScoringResult:
    """Score the parts of a table with some rows, and write the scores and the rejected rows."""
    output, notes, scored, rejected = outputs.scores, dict[str, None](), 0, 0
    rules, shares = count_rules(scorer.rules, pd.DataFrame()), list[dict[str, ShareCount]]()
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as folder:
        scores_of, rejected_of = _Parts(Path(folder, "scores")), _Parts(Path(folder, "rejected"))
        for part in parts:
            rejected += len(part.rejected)
            notes |= dict.fromkeys(part.notes)
            if len(part.good):
                scores, new_notes = score(part)
                scores.to_parquet(scores_of.new(), index=False)
                notes |= dict.fromkeys(new_notes)
                rules = add_rules(rules, count_rules(scorer.rules, scores))
                shares.append(count_shares(scorer.model, scores))
                scored += len(scores)
            if len(part.rejected):
                write_rejected(part.rejected, rejected_of.new())
        if scored + rejected != n_rows:
            raise RuntimeError(f"expected {n_rows} rows in the output, got {scored + rejected}")
        more = outputs.publish(scores_of.whole(), rejected_of.whole() if rejected else None)
    kept = [*notes][:MAX_NOTES]
    kept += [f"{len(notes) - MAX_NOTES} more notes on other chunks"] if len(notes) > MAX_NOTES else []
    unusual = check_counts(scorer.model, add_counts(shares))
    rejected_output = outputs.rejected if rejected else None
    return ScoringResult(output, rejected_output, scored, rejected, (*kept, *more), rules, unusual)


def read_chunks(reader: ChunkReader, progress: Callable[[int, int], None] | None) -> Iterator[CheckedTable]:
    """Yield the chunks of a file; raises SchemaError if it changes, or if too many of its rows are rejected."""
    before, causes = _size_and_time(reader.path), Counter[Cause]()
    for chunk in reader:
        causes += count_causes(chunk.checked.rejected)
        _check_rejected(causes, reader, chunk)
        yield chunk.checked
        if progress is not None:
            progress(chunk.start + chunk.rows, reader.n_rows)
    if _size_and_time(reader.path) != before:
        fix = "Run it again once the file is complete."
        raise SchemaError(reader.origin, "the file changed while it was read", fix)


class _Parts:
    """The Parquet files of the chunks. Their types are known only at the end: a chunk may have no value in a column."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.files = folder, list[Path]()

    def new(self) -> Path:
        """Return the path of the next file."""
        self.files.append(self.folder / f"{len(self.files)}")
        return self.files[-1]

    def whole(self) -> Path:
        """Concatenate the files into one, each as a row group."""
        schema = _common_schema([pyarrow.parquet.read_schema(file) for file in self.files])
        whole = self.folder / "whole"
        with pyarrow.parquet.ParquetWriter(whole, schema) as writer:
            for file in self.files:
                writer.write_table(pyarrow.parquet.read_table(file).cast(schema))
        return whole


def _common_schema(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return a common schema, with strings where a column has several types."""
    fields = []
    for position, field in enumerate(schemas[0]):
        types = {schema.field(position).type for schema in schemas} - {pa.null()}
        fields.append(pa.field(field.name, types.pop() if len(types) == 1 else pa.large_string()))
    return pa.schema(fields, schemas[0].metadata)


def _size_and_time(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _check_rejected(causes: Mapping[Cause, int], reader: ChunkReader, chunk: Chunk) -> None:
    """Raise SchemaError as soon as the rejected rows are too many for the whole file."""
    check_rejected(
        causes,
        reader.n_rows,
        max_rejected=reader.options.max_rejected,
        origin=reader.origin,
        expected=describe_requirements(reader.table),
        shapes=rejected_shapes(chunk.checked.rejected, reader.table),
        is_partial=chunk.start + chunk.rows < reader.n_rows,
        names=reader.names,
    )
