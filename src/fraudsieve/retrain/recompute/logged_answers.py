"""The logged scores of a model, with the records that were scored, as tables."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import StateError
from fraudsieve.live.recording import LoggedScore, logged_record
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.live.store.score_rows import StoredScore, chosen_scores, iterate_scores
from fraudsieve.models.batch.outputs import IDS
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.fields import model_fields
from fraudsieve.models.scoring.record_policy import apply_policy
from fraudsieve.models.scoring.score_fields import model_decision, score_columns, to_row
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.schema import TABLES
from fraudsieve.tables.source import InputTable
from fraudsieve.tables.values.reading import is_missing

OTHER_MODEL: Final = "other model"
NOT_KEPT: Final = "record not kept"
NOT_SAMPLED: Final = "not in the sample"
NUMBERS: Final = tuple(name for name, kind in score_columns(()).items() if kind is float)
WORDS: Final = tuple(name for name, kind in score_columns(()).items() if kind is str and name != "why")
PLACE: Final = ("request_id", "position", "answered_at", "as_of", "offset")
SEED: Final = 0
"""Of samples, so that the next call has the same one."""


class ScoreArrays(NamedTuple):
    """ScoreArrays of records: numbers (NaN if missing) and words (None), each of shape (n_records, n_columns)."""

    numbers: Array
    words: Array

    @classmethod
    def empty(cls, n: int, classes: Sequence[str]) -> "ScoreArrays":
        """Return scores that are missing."""
        return cls(np.full((n, len(NUMBERS) + len(classes)), np.nan), np.full((n, len(WORDS)), None, object))

    @classmethod
    def of(cls, columns: dict[str, Array], classes: Sequence[str]) -> "ScoreArrays":
        """Return the scores in columns, as from `Scorer.score_rows`."""
        names = (*NUMBERS, *(f"probability__{name}" for name in classes))
        numbers = np.column_stack([np.asarray(columns[name], np.float64) for name in names])
        return cls(numbers, np.column_stack([np.asarray(columns[name], object) for name in WORDS]))

    def equal(self, other: "ScoreArrays") -> Array:
        """Return which records have the same scores, to the last bit."""
        same = (self.numbers == other.numbers) | (np.isnan(self.numbers) & np.isnan(other.numbers))
        return np.asarray(same.all(axis=1) & (self.words == other.words).all(axis=1))


@dataclass(frozen=True, eq=False)
class LoggedAnswers:
    """Logged scores of a model and the records that were scored."""

    # Shape (n_scores, any). Ids, request, position, `answered_at`, `as_of` (None for a record without a time) and
    # `offset`.
    places: pd.DataFrame
    # Shape (n_readable, any). The records as a table of the batch has them, indexed by the position of their score. It
    # lacks those that the table rejects.
    records: pd.DataFrame
    scores: ScoreArrays
    # Number of logged scores, those that were left out among them.
    n_logged: int
    # Number of scores that are not here, by cause.
    left_out: dict[str, int]

    def __len__(self) -> int:
        return len(self.places)

    def where(self, is_kept: Array, cause: str) -> "LoggedAnswers":
        """Return some of the scores; the others are left out for a cause."""
        n_dropped, kept = int((~is_kept).sum()), np.flatnonzero(is_kept)
        records = self.records[self.records.index.isin(kept)]
        return replace(
            self,
            places=self.places[is_kept].reset_index(drop=True),
            records=records.set_axis(np.searchsorted(kept, records.index)),
            scores=ScoreArrays(self.scores.numbers[is_kept], self.scores.words[is_kept]),
            left_out=self.left_out | ({cause: n_dropped} if n_dropped else {}),
        )


def read_answers(store: EventStore, scorer: Scorer, since: int, until: int, max_scores: int | None) -> LoggedAnswers:
    """Read the scores of a model that were answered in a span of time."""
    numbers, left_out = _choose(store, scorer.model.digest, (since, until), max_scores)
    n_logged = len(numbers) + sum(left_out.values())
    if not n_logged:
        fix = "Start the service with --score-log records, or choose another span of time."
        raise StateError(store.origin, "expected logged scores in this span of time, got none", fix)
    rows = [row for rows in chosen_scores(store, numbers, since, until) for row in rows]
    scores = [LoggedScore.decode(row, store.origin) for row in rows]
    records = _records(scorer, [logged_record(row, store.origin) for row in rows])
    ids = [name for name in IDS[scorer.model.subject] if name.endswith("_id")]
    of_rows = [_place(row, score, ids) for row, score in zip(rows, scores, strict=True)]
    places = pd.DataFrame(of_rows, columns=[*ids, *PLACE])
    return LoggedAnswers(places, records, _answers(scorer, scores), n_logged, left_out)


def _choose(
    store: EventStore, digest: str | None, span: tuple[int, int], max_scores: int | None
) -> tuple[Array, dict[str, int]]:
    """Return the numbers of the rows to read, and how many others there are by cause."""
    left_out, numbers = Counter[str](), array("q")
    for rows in iterate_scores(store, *span):
        for row in rows:
            if LoggedScore.decode(row, store.origin).score["model"]["digest"] != digest:
                left_out[OTHER_MODEL] += 1
            elif row.record is None:
                left_out[NOT_KEPT] += 1
            else:
                numbers.append(row.number)
    chosen = np.array(numbers, np.int64)
    if max_scores is not None and max_scores < len(chosen):
        left_out[NOT_SAMPLED] = len(chosen) - max_scores
        chosen = np.random.default_rng(SEED).choice(chosen, max_scores, replace=False)
    return chosen, dict(left_out)


def _records(scorer: Scorer, records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the records that a table of `predict` accepts, indexed by their positions."""
    if not records:
        return pd.DataFrame()
    fields, subject = model_fields(scorer.model.matrix), scorer.model.subject
    read = [apply_policy(record, 0, scorer.policy, fields) for record in records]
    frame = pd.DataFrame({name: pd.Series([one.get(name) for one in read], dtype=object) for name in fields.checks})
    if subject == "event" and "as_of" in frame:
        frame["occurred_at"] = frame["occurred_at"].where(~frame["occurred_at"].map(is_missing), frame["as_of"])
    if subject == "message":
        frame["message_id"] = [str(position) for position in range(len(frame))]
    # A record that was scored twice is two rows, and the service reads no other names than these.
    options = replace(options_of_model(scorer.model), columns={}, max_rejected=1.0)
    checked = read_table(InputTable(frame, options), replace(TABLES[f"{subject}s"], unique=()))
    return checked.good.set_axis(np.setdiff1d(np.arange(len(frame)), checked.rejected["row"]))


def _place(row: StoredScore, score: LoggedScore, ids: Sequence[str]) -> list[Any]:
    return [*map(score.ids.get, ids), score.request, score.position, row.time, score.as_of, score.offset]


def _answers(scorer: Scorer, scores: Sequence[LoggedScore]) -> ScoreArrays:
    classes = scorer.model.classes
    answers = [to_row(one.score) | {"decision": model_decision(one.score)} for one in scores]
    columns = [name for name in score_columns(classes) if name != "why"]
    return ScoreArrays.of({name: np.array([one.get(name) for one in answers], object) for name in columns}, classes)
