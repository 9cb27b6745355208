"""Scoring of files and data frames of messages, accounts or events, in parts: memory holds one of them."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from fraudsieve._translation import check_language
from fraudsieve._typing import Array, JsonObject
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import CHUNK, Scorer
from fraudsieve.models.reasons.reason_codes import reason_columns
from fraudsieve.models.reasons.request import ReasonRequest
from fraudsieve.models.scoring.observers import ScoredChunk, ScoreRecorder
from fraudsieve.models.scoring.score_fields import join_fields, score_columns
from fraudsieve.models.scoring.scores import Scores, score_features
from fraudsieve.models.scoring.traffic import add_counts, check_counts, count_shares
from fraudsieve.models.unlike_training.expected_shares import ShareCount
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.checks import describe_requirements, rejected_shapes
from fraudsieve.tables.formats.output import check_output_rows
from fraudsieve.tables.reader import CheckedTable, Chunk, ChunkReader, write_rejected
from fraudsieve.tables.schema import Cause, check_rejected, count_causes
from fraudsieve.tables.source import InputTable, Source, as_input, data_digest, local_file, local_files

from .outputs import ScoreFiles, ScoringResult, add_rules, count_rules, match_table, with_kept
from .rows import feature_rows
from .scored_tables import (
    DefaultCutoff,
    TableHistory,
    options_of_model,
    read_history,
    read_inputs,
    score_kind,
    usable_tables,
)

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


DECIDED: Final = ("decision", "model_decision")


def score_frame(
    scorer: Scorer,
    records: pd.DataFrame,
    progress: Callable[[int, int], None] | None = None,
    *,
    events: pd.DataFrame | None = None,
    known_labels: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
    reasons: int = 0,
    language: str = "en",
    evidence: ScoreRecorder | None = None,
    source: JsonObject | None = None,
) -> pd.DataFrame:
    """Score a data frame of messages, accounts or events, and apply the rules of the scorer.

    Parameters
    ----------
    scorer : Scorer
        The model.
    records : DataFrame
        Messages (``message_id``, ``text``), accounts (``account_id``, ``as_of``) or events.
    progress : callable, default=None
        Called with the rows done and the total.
    events : DataFrame, default=None
        Events of the accounts or of the senders of messages.
    known_labels : DataFrame, default=None
        Labels of events or accounts: ``labelled_at``, ``is_fraud`` and the columns that identify them.
    history : DataFrame, default=None
        Earlier records of the same type: events, or messages for models that use campaigns. The scored ones are always
        history of later ones; one that is in both counts once.
    reasons : int, default=0
        How many reasons to add for each record, as from `reason_columns`.
    language : {"en", "zh"}, default="en"
        The language of their sentences.
    evidence : ScoreRecorder, default=None
        The log that records how the scores were computed.
    source : dict, default=None
        The source of the history for the evidence, from `describe_tables`; None without evidence.

    Returns
    -------
    DataFrame
        The ids of the records and the columns of `Scorer.score_columns`, in the order of the input.
    """
    known = TableHistory.of(scorer.model, records, events, known_labels, history)
    return _Run(scorer, reasons, language, evidence, source).score(records, known, progress)


@dataclass(frozen=True, eq=False)
class _Run:
    """How a table is scored: with what reasons, in which language, and what evidence of it is recorded."""

    scorer: Scorer
    reasons: int
    language: str
    evidence: ScoreRecorder | None
    # The source of the history, for the evidence.
    source: JsonObject | None

    def score(
        self, records: pd.DataFrame, history: TableHistory, progress: Callable[[int, int], None] | None = None
    ) -> pd.DataFrame:
        """Return the ids of the records and the columns of their scores."""
        scorer = self.scorer
        names = [name for name in scorer.model.subject.ids if name in records]
        ids = pd.DataFrame({name: records[name].to_numpy(object) for name in names})
        model = replace(scorer.model, policy=scorer.policy)
        parts = []
        # Records without a history do not depend on each other.
        size = max(len(records), 1) if model.matrix.history_parts else CHUNK
        for start in range(0, max(len(records), 1), size):
            part = records.iloc[start : start + size]
            rows = feature_rows(model, part, history)
            scores = score_features(scorer.model, scorer.policy, rows, scorer.n_threads)
            matched = match_table(scorer.rules, part)
            columns = scores.to_columns(scorer.rules, matched)
            if self.reasons:
                known = scores.features.X, scores.log_odds, scores.features.why
                columns |= reason_columns(scorer.model, *known, n=self.reasons, language=self.language)
            if self.evidence is not None:
                flagged = np.logical_or.reduce([columns[name] == "flag" for name in DECIDED if name in columns])
                chosen = np.arange(len(part)) if self.evidence.which == "all" else np.flatnonzero(flagged)
                self._record(self.evidence, part, scores, matched, chosen)
            parts.append(pd.DataFrame(columns))
            if progress is not None:
                progress(start + len(part), len(records))
        return pd.concat([ids, pd.concat(parts, ignore_index=True)], axis=1)

    def _record(
        self, log: ScoreRecorder, records: pd.DataFrame, scores: Scores, matched: Array | None, chosen: Array
    ) -> None:
        """Record the evidence of the scores at some positions."""
        rules, model = self.scorer.rules, self.scorer.model
        request = ReasonRequest(model, self.reasons, None) if self.reasons else None
        for start in range(0, len(chosen), CHUNK):
            rows = chosen[start : start + CHUNK]
            plain = records.iloc[rows].to_dict("records")
            fields = [{str(name): value for name, value in row.items()} for row in plain]
            part = scores.take(rows)
            answers = part.to_records(rules, None if matched is None else matched[rows])
            if request is not None:
                explained = request.explain(fields, part.features, part.log_odds)
                answers = [join_fields(score, reasons) for score, reasons in zip(answers, explained, strict=True)]
            batch = log.batch()
            asked = {} if request is None else request.to_record()
            added = batch.add(ScoredChunk(part, fields, answers, None, asked))
            batch.commit(added, self.source or {"source": "none"})


def score_file(
    model: Scorer | str | Path,
    source: "Source",
    output: str | Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    events: "Source | None" = None,
    known_labels: "Source | None" = None,
    history: "Source | None" = None,
    keep: Sequence[str] = (),
    reasons: int = 0,
    language: str = "en",
    evidence: ScoreRecorder | None = None,
) -> ScoringResult:
    """Score a file of messages, accounts or events, and write the scores to a file.

    A Parquet file is scored in chunks if no score depends on another record. Memory is then bounded, except for the
    events. Other inputs are read completely: messages of a model that uses campaigns, events of a model with history,
    accounts without events, and other formats.

    Parameters
    ----------
    model : Scorer, str or Path
        A loaded model, or what `Scorer.load` takes.
    source : path, DataFrame, or a list of these
        Records to score, as for `InputTable`. Accounts without ``as_of`` are scored as of the last event; without
        events, as of now.
    output : str or Path
        File to write, atomically: Parquet, CSV, a workbook or JSON Lines, according to its extension. Rejected rows are
        written in the same format to ``<name>.rejected`` next to it.
    progress : callable, default=None
        Called with the rows done and the total.
    events : path, DataFrame or list, default=None
        Events of the accounts or of the senders of messages, for models that were trained with them.
    known_labels : path, DataFrame or list, default=None
        Labels of events or accounts that are known so far, for models that use labels.
    history : path, DataFrame or list, default=None
        Earlier records of the same type: events, or messages for models that use campaigns, with ``label`` and
        ``labelled_at`` if available. The scored ones are always history of later ones; one that is in both counts once.
    keep : sequence of str, default=()
        Columns of the records to write after their ids, as they were given and by their names in the input. Only the
        owner can read the file then.
    reasons : int, default=0
        As for `score_frame`.
    language : {"en", "zh"}, default="en"
        As for `score_frame`.
    evidence : ScoreRecorder, default=None
        The log that records how the scores were computed. A run that is repeated records its chunks again.

    Returns
    -------
    ScoringResult
        The paths of the outputs, and the numbers of scored and rejected rows.

    Raises
    ------
    SchemaError
        If a table cannot be used, also because the model has no use for it, a column to keep does not exist or has the
        name of a column of the scores, or the extension of the output is not a known format.
    FileExistsError
        If the output would overwrite an input, or the log of evidence.
    IsADirectoryError, PermissionError
        If the output is a folder, or cannot be written. This is checked before anything is read.

    Examples
    --------
    >>> import tempfile
    >>> from fraudsieve import FraudClassifier, MessageFeatures, save_pipeline
    >>> from sklearn.pipeline import make_pipeline
    >>> texts = ["win a prize now", "prize waiting, call now", "see you at six", "dinner at home tonight"]
    >>> features = MessageFeatures(n_folds=2).set_output(transform="pandas")
    >>> pipeline = make_pipeline(features, FraudClassifier(n_rounds=2, n_jobs=1))
    >>> pipeline = pipeline.fit(texts, ["spam", "spam", "ham", "ham"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = save_pipeline(pipeline, f"{folder}/model")
    ...     result = score_file(f"{folder}/model", pd.DataFrame({"text": ["a prize", ""]}), f"{folder}/scores.csv")
    ...     scores = pd.read_csv(f"{folder}/scores.csv")
    >>> result.scored, result.rejected, scores["label"].tolist()
    (1, 1, ['spam'])
    """
    scorer = model if isinstance(model, Scorer) else Scorer.load(model)
    source, outputs = as_input(source, options_of_model(scorer.model)), ScoreFiles.of(scorer, output, keep)
    tables: dict[str, Any] = {"events": events, "known_labels": known_labels, "history": history}
    used, unread = usable_tables(scorer.model, tables)
    files = [file for table in (source, *tables.values()) if table is not None for file in local_files(table)]
    outputs.check(*files, None if evidence is None else evidence.path)
    check_language(language)
    described = None
    if evidence is not None:
        evidence.check(scorer.model)
        described = describe_tables(scorer, {"scored": source, **tables})
    run = _Run(scorer, reasons, language, evidence, described)
    if _can_chunk(scorer.model, source, used["events"]):
        result = _score_in_chunks(run, source, outputs, progress, used["events"], used["known_labels"])
        return replace(result, notes=(*unread, *result.notes))
    inputs = read_inputs(scorer.model, source, **tables, keep=outputs.keep)
    check_output_rows(outputs.scores, len(inputs.records))

    def score(part: CheckedTable) -> tuple[pd.DataFrame, list[str]]:
        return with_kept(_to_file_types(run.score(part.good, inputs.history, progress)), part.kept), []

    whole = CheckedTable(inputs.records, inputs.rejected, kept=inputs.kept)
    result = score_parts(scorer, score, [whole], len(whole.good) + len(whole.rejected), outputs)
    return replace(result, notes=(*inputs.notes, *result.notes))


def _can_chunk(model: Model, source: Source, events: Source | None) -> bool:
    """Return whether the records are a Parquet file, and no score depends on another record."""
    matrix, file = model.matrix, local_file(source)
    if file is None or not file.name.lower().endswith(".parquet"):
        return False
    if model.subject.has_text:
        return matrix.campaigns is None
    if model.subject.is_event:  # which are history of each other
        return not matrix.history_parts and score_kind(model) is None
    # Without a table of events, accounts are scored as of now.
    return not matrix.timed or events is not None


def _score_in_chunks(
    run: _Run,
    source: InputTable,
    outputs: ScoreFiles,
    progress: Callable[[int, int], None] | None,
    events: Source | None,
    known_labels: Source | None,
) -> ScoringResult:
    scorer = run.scorer
    past_events, labels, notes = read_history(scorer.model, events=events, known_labels=known_labels)
    history, cutoff = TableHistory(past_events, labels), DefaultCutoff.of(scorer.model, past_events)

    def score(checked: CheckedTable) -> tuple[pd.DataFrame, list[str]]:
        records, notes = cutoff.fill(checked.good)
        return with_kept(_to_file_types(run.score(records, history)), checked.kept), [*notes]

    reader = ChunkReader(source.source, f"{scorer.model.subject}s", source.options, keep=outputs.keep)
    check_output_rows(outputs.scores, reader.n_rows)
    result = score_parts(scorer, score, read_chunks(reader, progress), reader.n_rows, outputs)
    return replace(result, notes=(*notes, *result.notes))


def _to_file_types(scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores in the column types of the file, which are the same with and without missing values."""
    types: dict[str, type] = score_columns((), by_source=True, rules=True) | {"explained": str, "reasons": str}
    reasons = [name for name in scores.columns if name.startswith("reason_")]
    types |= {name: float if name.endswith("_log_odds") else str for name in reasons}
    return scores.astype(
        {name: STRING if kind is str else np.float64 for name, kind in types.items() if name in scores}
    )


def describe_tables(scorer: Scorer, tables: Mapping[str, Source | None]) -> JsonObject:
    """Describe the source of the history of a file's scores: SHA-256 and size of the tables that are files.

    The result has the types of canonical JSON, without names of files.
    """
    if not scorer.model.matrix.history_parts:
        return {"source": "none"}
    return {"source": "tables", **{part: _describe(table) for part, table in tables.items() if table is not None}}


def _describe(table: Source) -> JsonObject:
    parts = as_input(table).parts
    files = [file for part in parts if (file := local_file(part)) is not None and file.is_file()]
    if len(files) < len(parts):
        return {"sha256": None, "bytes": None}
    return {"sha256": data_digest(table), "bytes": sum(file.stat().st_size for file in files)}
