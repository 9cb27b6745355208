"""Tables from the score log: the scores as `predict` writes them, and the records that were scored."""

import json
import tempfile
from array import array
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from fraudsieve._io import check_not_an_input, check_output_file
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, JsonObject
from fraudsieve.exceptions import StateError
from fraudsieve.live.store.facts import RESTORE
from fraudsieve.models.scoring.score_fields import score_columns, to_row
from fraudsieve.tables.formats.output import check_output_format, check_output_rows, publish
from fraudsieve.tables.values.reading import without_surrogates

from .contents import span_of
from .recording import LoggedScore, logged_record
from .store.event_store import EventStore
from .store.score_rows import StoredScore, chosen_scores, iterate_scores

TEXT: Final = pa.large_string()
TIME: Final = pa.timestamp("us", "UTC")
CUTOFFS: Final = {"message": "as_of", "account": "as_of", "event": "occurred_at"}
PLACE: Final = {
    "request_id": TEXT,
    "position": pa.int64(),
    "model": TEXT,
    "model_digest": TEXT,
    "model_version": TEXT,
    "offset": pa.int64(),
    "answered_at": TIME,
}
"""Columns after those of `predict`."""
MAX_FIELDS: Final = 1_000
"""Fields of records that become columns, so that clients cannot make a table of any width."""


class ExportedScores(NamedTuple):
    """The numbers of rows that were written.

    Attributes
    ----------
    scores : int
        Written scores.
    superseded : int
        Scores that were left out because the same record was scored again later.
    without_id : int
        Written scores of records without an id.
    records : int
        Written records.
    left_out_fields : int
        Fields of records beyond the first 1,000.
    """

    scores: int
    superseded: int
    without_id: int
    records: int = 0
    left_out_fields: int = 0


def export_scores(
    store: EventStore,
    output: str | Path,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    subject: str | None = None,
    records: str | Path | None = None,
    repeated: bool = False,
) -> ExportedScores:
    """Write logged scores as the table that ``fraudsieve predict`` writes, and the records that were scored.

    After the columns of `predict`, the table has the request, the position in it, the model, the offset of the history
    and the time of the answer. Rows are in the order of that time. Memory holds 16 bytes for each score.

    Parameters
    ----------
    store : EventStore
        From `open_store`.
    output : str or Path
        File of the scores: Parquet, CSV, a workbook or JSON Lines, according to its extension.
    since, until : datetime or str, default=None
        Only scores answered from `since` on, and before `until`.
    subject : {"message", "account", "event"}, default=None
        Which scores, if services of several types of records log to the store.
    records : str or Path, default=None
        File of the records, as the service got them.
    repeated : bool, default=False
        Whether to write every score of a record that was scored several times; by default only the latest.

    Returns
    -------
    ExportedScores
        The numbers of rows that were written and left out.

    Raises
    ------
    StateError
        If there is nothing to write, the log has several types of records or not this one, or a row is damaged.
    SchemaError
        If the extension of a file is not a known format.
    RejectedRecordError
        If a time is not one.

    Examples
    --------
    >>> from fraudsieve.live import open_store
    >>> with open_store(getfixture("tmp_path") / "live.db") as store:
    ...     export_scores(store, getfixture("tmp_path") / "scores.parquet")
    Traceback (most recent call last):
    fraudsieve.exceptions.StateError: ...live.db: expected logged scores in this span of time, got none. ...
    """
    outputs = [Path(file) for file in (output, records) if file is not None]
    for file in outputs:
        check_not_an_input(file, store.origin, *(other for other in outputs if other is not file))
        check_output_file(file)
        check_output_format(file)
    if subject not in (None, *Subject):
        problem = f"subject: expected one of {', '.join(Subject)}, got another"
        raise StateError(store.origin, problem, "Correct it, or leave it out.")
    span = span_of(since, until)
    survey = _survey(store, *span, subject, with_fields=records is not None)
    kept, without_id = survey.kept(repeated=repeated)
    for file in outputs:
        check_output_rows(file, len(kept))
    n_records = _write(store, survey, kept, span, outputs)
    superseded = len(survey.numbers) - len(kept)
    return ExportedScores(len(kept), superseded, without_id, n_records, survey.n_left_out)


@dataclass(eq=False)
class _Survey:
    """What the table of a type of records will have."""

    subject: Subject
    # Shape (n_scores,). Number of each row, and the digest of the id of its record; 0 without one.
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    keys: "array[int]" = field(default_factory=lambda: array("q"))
    # Names of the classes of all models, in the order of their first score.
    classes: dict[str, None] = field(default_factory=dict)
    by_source: bool = False
    has_rules: bool = False
    n_records: int = 0
    # The types of the values of each field of the records.
    fields: dict[str, set[str]] = field(default_factory=dict)
    n_left_out: int = 0

    def kept(self, *, repeated: bool) -> tuple[Array, int]:
        """Return the numbers of the rows to write, and how many of them have no id.

        Without repeated ones, these are the latest score of each record; one without an id is a record of its own.
        """
        numbers, keys = np.array(self.numbers, np.int64), np.array(self.keys, np.int64)
        if repeated:
            return numbers, int((keys == 0).sum())
        single = np.where(keys == 0, -1 - np.arange(len(keys)), keys)  # digests are not negative
        _, from_end = np.unique(single[::-1], return_index=True)
        return numbers[::-1][from_end], int((keys == 0).sum())

    @property
    def schema(self) -> pa.Schema:
        """The columns of the scores."""
        columns = {name: TIME if name == CUTOFFS[self.subject] else TEXT for name in self.subject.ids}
        of_scores = score_columns(self.classes, by_source=self.by_source, rules=self.has_rules)
        columns |= {name: pa.float64() if kind is float else TEXT for name, kind in of_scores.items()}
        return pa.schema(columns | ({"as_of": TIME} if self.subject.has_text else {}) | PLACE)

    @property
    def record_schema(self) -> pa.Schema:
        """The columns of the records."""
        return pa.schema({name: _type_of(kinds) for name, kinds in self.fields.items()})


def _survey(store: EventStore, since: int, until: int, subject: str | None, *, with_fields: bool) -> _Survey:
    """Read the log once, and return what the table of a type of records will have."""
    surveys: dict[Subject, _Survey] = {}
    for rows in iterate_scores(store, since, until):
        for kind, scores in _by_subject(rows, store.origin).items():
            _add(surveys.setdefault(kind, _Survey(kind)), scores, store.origin, with_fields=with_fields)
    found = [one for one in surveys.values() if subject in (None, one.subject)]
    if not found:
        of_subject = "" if subject is None else f" of {subject}s"
        fix = "Start the service with --score-log scores, or choose another span of time."
        raise StateError(store.origin, f"expected logged scores{of_subject} in this span of time, got none", fix)
    if len(found) > 1:
        problem = f"expected scores of one type of records, got those of {' and '.join(f'{one}s' for one in surveys)}"
        raise StateError(store.origin, problem, "Choose one with --subject.")
    if with_fields and not found[0].n_records:
        fix = "Start the service with --score-log records, or leave out --records."
        raise StateError(store.origin, "expected logged records in this span of time, got none", fix)
    return found[0]


Scores = list[tuple[StoredScore, LoggedScore]]


def _by_subject(rows: Sequence[StoredScore], origin: str) -> dict[Subject, Scores]:
    by_subject: dict[Subject, Scores] = {}
    for row in rows:
        score = LoggedScore.decode(row, origin)
        by_subject.setdefault(Subject(score.subject), []).append((row, score))
    return by_subject


def _add(survey: _Survey, scores: Scores, origin: str, *, with_fields: bool) -> None:
    name = survey.subject.id
    for row, score in scores:
        survey.numbers.append(row.number)
        survey.keys.append(_key(score.ids.get(name)))
        survey.classes |= dict.fromkeys(score.score["probabilities"])
        survey.by_source |= "threshold_of" in score.score
        survey.has_rules |= "rule" in score.score
        if with_fields and row.record is not None:
            survey.n_records += 1
            _add_fields(survey, logged_record(row, origin))


def _key(identifier: str | None) -> int:
    """Return a digest of an id from 1 on, and 0 without an id."""
    if identifier is None:
        return 0
    return int.from_bytes(blake2b(identifier.encode(), digest_size=8).digest()) >> 1 or 1


def _add_fields(survey: _Survey, record: Mapping[str, Any]) -> None:
    for name, value in record.items():
        is_further = name not in survey.subject.fields  # however many there are, they do not crowd out its own
        if name not in survey.fields and is_further and len(survey.fields) >= MAX_FIELDS:
            survey.n_left_out += 1
            continue
        kinds = survey.fields.setdefault(name, set())
        if value is not None:
            fits = not isinstance(value, int) or -(2**63) <= value < 2**63
            kinds.add(type(value).__name__ if fits else "large")


def _type_of(kinds: set[str]) -> pa.DataType:
    if kinds == {"bool"}:
        return pa.bool_()
    if kinds == {"int"}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {"int", "float"} else TEXT


def _write(store: EventStore, survey: _Survey, kept: Array, span: tuple[int, int], outputs: Sequence[Path]) -> int:
    """Write the rows with some numbers; return the number of records."""
    n_records, scores_file = 0, outputs[0]
    with tempfile.TemporaryDirectory(prefix=f".{scores_file.name}-", dir=scores_file.parent) as folder:
        staged = [Path(folder, str(number)) for number in range(len(outputs))]
        with ExitStack() as stack:
            writers = [
                stack.enter_context(pyarrow.parquet.ParquetWriter(file, schema))
                for file, schema in zip(staged, (survey.schema, survey.record_schema), strict=False)
            ]
            for rows in filter(None, chosen_scores(store, kept, *span)):
                scores = _by_subject(rows, store.origin)[survey.subject]
                writers[0].write_table(_table(survey.schema, [_row(*one) for one in scores], store.origin))
                records = [logged_record(row, store.origin) for row, _ in scores if row.record is not None]
                if len(writers) > 1 and records:
                    writers[1].write_table(_table(survey.record_schema, records, store.origin))
                    n_records += len(records)
        for file, output in zip(staged, outputs, strict=True):
            publish(file, output, private=True, exact=survey.subject.ids)
    return n_records


def _table(schema: pa.Schema, rows: Sequence[Mapping[str, Any]], origin: str) -> pa.Table:
    try:
        columns = [
            pa.array([_as(kind, row.get(name)) for row in rows], kind)
            for name, kind in zip(schema.names, schema.types, strict=True)
        ]
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # of a store that is not from here
        raise StateError(origin, "a row of the score log cannot be read", RESTORE) from None
    return pa.Table.from_arrays(columns, schema=schema)


def _as(kind: pa.DataType, value: Any) -> Any:
    """Return a value that a column of a type can hold."""
    if kind == TEXT and value is not None:
        return without_surrogates(value) if isinstance(value, str) else json.dumps(value)
    return float(value) if pa.types.is_floating(kind) and value is not None else value


def _row(row: StoredScore, logged: LoggedScore) -> JsonObject:
    model = logged.score["model"]
    place = {"request_id": logged.request, "position": logged.position, "offset": logged.offset}
    of_model = {"model": model["name"], "model_digest": model["digest"], "model_version": logged.version}
    times = {CUTOFFS[logged.subject]: logged.as_of, "answered_at": row.time}
    return to_row(logged.score) | logged.ids | place | of_model | times
