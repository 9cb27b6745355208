"""Logged scores against the batch: with the history at their offsets, and with the complete history.

The logged scores of a model, with the records that were scored, as tables.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._io import PRIVATE, check_not_an_input, check_output_file, write_file
from fraudsieve._microseconds import SECOND
from fraudsieve._typing import Array, JsonObject, Progress, Record
from fraudsieve.exceptions import StateError
from fraudsieve.live.contents import span_of
from fraudsieve.live.recording import LoggedScore, logged_record
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.live.store.score_rows import chosen_scores, iterate_scores
from fraudsieve.live.store.snapshots import list_removals
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.rows import feature_rows
from fraudsieve.models.batch.scored_tables import TableHistory, check_usable, options_of_model, read_history
from fraudsieve.models.fields import apply_policy, model_fields
from fraudsieve.models.predict import Scorer
from fraudsieve.models.reasons.reason_codes import reason_columns
from fraudsieve.models.scoring.score_fields import model_decision, score_columns, to_row
from fraudsieve.models.scoring.scores import score_features
from fraudsieve.retrain.stored_history import (
    NONE,
    LinkedRows,
    StoredHistory,
    choose_offsets,
    first_later,
    read_stored_history,
)
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.schema import TABLES
from fraudsieve.tables.source import InputTable, Source, local_files
from fraudsieve.tables.values.reading import is_missing

OTHER_MODEL: Final = "other model"
OTHER_SUBJECT: Final = "other type of record"
NOT_KEPT: Final = "record not kept"
NOT_SAMPLED: Final = "not in the sample"
NUMBERS: Final = tuple(name for name, kind in score_columns(()).items() if kind is float)
WORDS: Final = tuple(name for name, kind in score_columns(()).items() if kind is str and name != "why")
PLACE: Final = ("request_id", "position", "answered_at", "as_of", "offset")
SEED: Final = 0
"""Of samples, so that the next call has the same one."""


def to_array(columns: Mapping[str, Any], classes: Sequence[str]) -> Array:
    """Return the scores in columns, as from `Scorer.score_rows`: objects of shape (n_records, n_columns)."""
    names = (*NUMBERS, *(f"probability__{name}" for name in classes), *WORDS)
    return np.column_stack([np.asarray(columns[name], object) for name in names])


def are_equal(scores: Array, others: Array) -> Array:
    """Return which records have the same scores, to the last bit."""
    return np.asarray(((scores == others) | (pd.isna(scores) & pd.isna(others))).all(axis=1))


@dataclass(frozen=True, eq=False)
class LoggedAnswers:
    """Logged scores and the records that were scored."""

    # Shape (n_scores, any). Ids, request, position, `answered_at`, `as_of` (None for a record without a time) and
    # `offset`.
    places: pd.DataFrame
    # Shape (n_readable, any). The records as a table of the batch has them, indexed by the position of their score. It
    # lacks those that the table rejects.
    records: pd.DataFrame
    # Length n_scores. The records as they were logged, which rules read.
    given: list[Record]
    # Shape (n_scores, n_columns), from `to_array`. Its decisions are those of the model.
    scores: Array
    # Shape (n_scores,). What was decided, after rules.
    decisions: Array
    # Number of logged scores, those that were left out among them.
    n_logged: int
    # Number of scores that are not here, by cause.
    left_out: dict[str, int]

    def where(self, is_kept: Array, cause: str) -> "LoggedAnswers":
        """Return some of the scores; the others are left out for a cause."""
        n_dropped, kept = int((~is_kept).sum()), np.flatnonzero(is_kept)
        records = self.records[self.records.index.isin(kept)]
        return replace(
            self,
            places=self.places[is_kept].reset_index(drop=True),
            records=records.set_axis(np.searchsorted(kept, records.index)),
            given=[self.given[place] for place in kept.tolist()],
            scores=self.scores[is_kept],
            decisions=self.decisions[is_kept],
            left_out=self.left_out | ({cause: n_dropped} if n_dropped else {}),
        )


def read_answers(
    store: EventStore, scorer: Scorer, span: tuple[int, int], max_scores: int | None = None, *, of_any: bool = False
) -> LoggedAnswers:
    """Read the scores that were answered in a span of time: those of a model, or of any that scores such records."""
    numbers, left_out = _choose(store, scorer.model, span, max_scores, of_any=of_any)
    n_logged = len(numbers) + sum(left_out.values())
    if not n_logged:
        fix = "Start the service with --score-log records, or choose another span of time."
        raise StateError(store.origin, "expected logged scores in this span of time, got none", fix)
    rows = [row for rows in chosen_scores(store, numbers, *span) for row in rows]
    scores = [LoggedScore.decode(row, store.origin) for row in rows]
    given: list[Record] = [logged_record(row, store.origin) for row in rows]
    decisions = np.array([score.score["decision"] for score in scores], object)
    ids = [name for name in scorer.model.subject.ids if name.endswith("_id")]
    of_rows = [
        [*map(score.ids.get, ids), score.request, score.position, row.time, score.as_of, score.offset]
        for row, score in zip(rows, scores, strict=True)
    ]
    places = pd.DataFrame(of_rows, columns=[*ids, *PLACE])
    of_scores = given, _answers(scorer, scores), decisions
    return LoggedAnswers(places, _records(scorer, given), *of_scores, n_logged, left_out)


def _choose(
    store: EventStore, model: Model, span: tuple[int, int], max_scores: int | None, *, of_any: bool
) -> tuple[Array, dict[str, int]]:
    """Return the numbers of the rows to read, and how many others there are by cause."""
    left_out, numbers = Counter[str](), array("q")
    for rows in iterate_scores(store, *span):
        for row in rows:
            logged = LoggedScore.decode(row, store.origin)
            if not of_any and logged.score["model"]["digest"] != model.digest:
                left_out[OTHER_MODEL] += 1
            elif logged.subject != model.subject:
                left_out[OTHER_SUBJECT] += 1
            elif row.record is None:
                left_out[NOT_KEPT] += 1
            else:
                numbers.append(row.number)
    chosen = np.array(numbers, np.int64)
    if max_scores is not None and max_scores < len(chosen):
        left_out[NOT_SAMPLED] = len(chosen) - max_scores
        chosen = np.random.default_rng(SEED).choice(chosen, max_scores, replace=False)
    return chosen, dict(left_out)


def _records(scorer: Scorer, records: Sequence[Record]) -> pd.DataFrame:
    """Return the records that a table of `predict` accepts, indexed by their positions."""
    if not records:
        return pd.DataFrame()
    fields, subject = model_fields(scorer.model.matrix), scorer.model.subject
    read = [apply_policy(record, 0, scorer.policy, fields) for record in records]
    frame = pd.DataFrame({name: pd.Series([one.get(name) for one in read], dtype=object) for name in fields.checks})
    if subject.is_event and "as_of" in frame:
        frame["occurred_at"] = frame["occurred_at"].where(~frame["occurred_at"].map(is_missing), frame["as_of"])
    if subject.has_text:
        frame["message_id"] = [str(position) for position in range(len(frame))]
    # A record that was scored twice is two rows, and the service reads no other names than these.
    options = replace(options_of_model(scorer.model), columns={}, max_rejected=1.0)
    checked = read_table(InputTable(frame, options), replace(TABLES[f"{subject}s"], unique=()))
    return checked.good.set_axis(np.setdiff1d(np.arange(len(frame)), checked.rejected["row"]))


def _answers(scorer: Scorer, scores: Sequence[LoggedScore]) -> Array:
    classes = scorer.model.classes
    answers = [to_row(one.score) | {"decision": model_decision(one.score)} for one in scores]
    columns = [name for name in score_columns(classes) if name != "why"]
    return to_array({name: np.array([one.get(name) for one in answers], object) for name in columns}, classes)


HISTORY_NOT_KEPT: Final = "history not kept"
LATE_EVENT: Final = "late event"
LATE_LABEL: Final = "label known later"
BOTH: Final = f"{LATE_EVENT} and {LATE_LABEL}"
OTHER_ROWS: Final = "other rows than the store"
UNEXPLAINED: Final = "unexplained"


@dataclass(frozen=True, eq=False, kw_only=True)
class Recomputation:
    """Result of `recompute_scores`.

    Parameters
    ----------
    model : str
        Name of the model.
    digest : str or None
        Digest of its files; None for a model that was not loaded from a folder.
    logged : int
        Number of logged scores in the span of time.
    left_out : dict of str to int
        Number of scores that were not computed again, by cause.
    rows : DataFrame
        One row for each score that was computed again: its ids, request, position, ``answered_at``, ``as_of`` and
        ``offset``; the probabilities ``logged``, ``at_offset`` and ``complete``; whether the score ``is_equal`` at its
        offset, to the last bit; and the ``cause`` if it differs with the complete history.
    notes : tuple of str, default=()
        Assumptions about the tables.
    """

    model: str
    digest: str | None
    logged: int
    left_out: dict[str, int]
    rows: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def different(self) -> int:
        """Number of scores that the batch does not give with the history at their offset."""
        return int((~self.rows["is_equal"].to_numpy(np.bool_)).sum())

    @property
    def causes(self) -> dict[str, int]:
        """Number of scores that differ with the complete history, by cause."""
        causes = self.rows["cause"].dropna().tolist()
        return dict(Counter(causes).most_common())

    def to_dict(self) -> JsonObject:
        """Return the counts as plain JSON types.

        Returns
        -------
        dict
        """
        return {
            "model": self.model,
            "digest": self.digest,
            "logged": self.logged,
            "recomputed": len(self.rows),
            "left_out": self.left_out,
            "at_offset": {"equal": len(self.rows) - self.different, "different": self.different},
            "complete": {"equal": int(self.rows["cause"].isna().sum()), "different": self.causes},
        }


def recompute_scores(
    model: Scorer | str | Path,
    store: EventStore,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    max_scores: int | None = None,
    events: "Source | None" = None,
    known_labels: "Source | None" = None,
    output: str | Path | None = None,
    progress: "Progress | None" = None,
) -> Recomputation:
    """Compute logged scores again in batch, from the rows of the store as they were sent.

    Each score is compared to the last bit, twice: with the history up to its offset, where none may differ, and with
    the complete history. Of that, a score may lack events that came late and labels that were known later.

    Parameters
    ----------
    model : Scorer, str or Path
        The model that gave the scores. Those of other models are counted.
    store : EventStore
        From `open_store`: the score log, with records, and the history.
    since, until : datetime or str, default=None
        Only scores answered from `since` on, and before `until`.
    max_scores : int, default=None
        How many scores to compute again, chosen at random; None for all.
    events, known_labels : path, DataFrame or list, default=None
        The complete history, as for `score_file`: events of the accounts, and labels. None for those of the store.
    output : str or Path, default=None
        Parquet file to write with one row for each score. Only its owner can read it.
    progress : callable, default=None
        Called with each step.

    Returns
    -------
    Recomputation
        What is equal, and the causes of what differs.

    Raises
    ------
    StateError
        If there are no logged scores in that span of time, or a row of the store is damaged.
    SchemaError
        If a table cannot be used.
    RejectedRecordError
        If a time is not one.

    Examples
    --------
    ::

        with open_store("live.db") as store:
            result = recompute_scores("fraudsieve-model", store, since="2026-05-01")
        assert result.different == 0
    """
    report = progress or (lambda step: None)
    if output is not None:
        files = [file for table in (events, known_labels) if table is not None for file in local_files(table)]
        check_not_an_input(output, store.origin, *files)
        check_output_file(output)
    scorer = model if isinstance(model, Scorer) else Scorer.load(model)
    past = "history" if scorer.model.subject.is_event else "events"
    check_usable([scorer.model], {past: events, "known_labels": known_labels})
    report("reading the log")
    batch = read_replay(store, scorer, read_answers(store, scorer, span_of(since, until), max_scores), report)
    answers = batch.answers
    tables, notes = _tables(scorer, events, known_labels)
    rows = batch.compare(tables)
    if output is not None:
        write_file(output, rows.to_parquet(index=False), mode=PRIVATE)
    counts: dict[str, Any] = {"logged": answers.n_logged, "left_out": answers.left_out}
    return Recomputation(model=scorer.model.name, digest=scorer.model.digest, rows=rows, notes=notes, **counts)


def _tables(scorer: Scorer, events: Source | None, known_labels: Source | None) -> tuple[TableHistory, tuple[str, ...]]:
    if events is None and known_labels is None:
        return TableHistory(), ()
    *history, notes = read_history(scorer.model, events=events, known_labels=known_labels)
    return TableHistory(*history), tuple(notes)


def read_replay(store: EventStore, scorer: Scorer, answers: LoggedAnswers, progress: Progress) -> "Replay":
    """Read the history of logged scores, to compute them; those whose history is not complete are left out."""
    progress("reading the history")
    history = read_stored_history(store, scorer.model)
    answers = answers.where(_is_kept(store, history, answers), HISTORY_NOT_KEPT)
    progress("computing the scores")
    return Replay(scorer, answers, history)


def _is_kept(store: EventStore, history: StoredHistory, answers: LoggedAnswers) -> Array:
    """Return which scores have all rows of their history: none was deleted since, and offsets mean the same rows."""
    is_kept = history.is_kept(history.records(answers.places, answers.records).times)
    removals = [datetime.fromisoformat(one["at"]).timestamp() for one in list_removals(store)]
    if not removals or not history.model.matrix.history_parts:
        return is_kept
    removed = (round(max(removals)) + 1) * SECOND  # removals are recorded in whole seconds
    return np.asarray(is_kept & (answers.places["answered_at"].to_numpy(np.int64) >= removed))


class Replay:
    """Logged scores, and what is computed for them again in batch."""

    def __init__(self, scorer: Scorer, answers: LoggedAnswers, history: StoredHistory) -> None:
        self._scorer, self.answers, self._history = scorer, answers, history
        self._records: LinkedRows = history.records(answers.places, answers.records)
        self._all = np.arange(len(answers.places))
        self._late_events = first_later(history.event_rows, self._records)
        self._late_labels = first_later(history.label_rows, self._records)
        self._offsets = choose_offsets(self._records.offsets, np.minimum(self._late_events, self._late_labels))

    @cached_property
    def _stored(self) -> Array:
        """The scores with all rows of the store."""
        return self._score(self._all, self._history.until(NONE, NONE))

    def at_offsets(self) -> Array:
        """Return the scores with the history at their offsets, as from `to_array`."""
        return self._at(self._offsets, np.flatnonzero(self._offsets != NONE), self._stored)

    def compare(self, tables: TableHistory) -> pd.DataFrame:
        """Return a row for each score: the logged one, that at its offset and that with the complete history.

        The complete history is that of the store, with the tables that are given instead of its own.
        """
        logged, stored, at_offset = self.answers.scores, self._stored, self.at_offsets()
        given = {name: table for name, table in tables._asdict().items() if table is not None}
        complete = self._score(self._all, self._history.until(NONE, NONE)._replace(**given)) if given else stored
        differs, is_equal = ~are_equal(complete, logged), are_equal(at_offset, logged)
        causes = np.full(len(self._all), None, object)
        causes[differs & (self._late_events != NONE)] = LATE_EVENT
        causes[differs & (self._late_labels != NONE)] = LATE_LABEL
        both = np.flatnonzero(differs & (self._late_events != NONE) & (self._late_labels != NONE))
        causes[both] = self._cause_of_both(self._offsets, both, stored)
        causes[differs & ~are_equal(complete, stored)] = OTHER_ROWS
        causes[~is_equal] = UNEXPLAINED
        return self._rows(logged, at_offset, complete).assign(is_equal=is_equal, cause=causes)

    def _cause_of_both(self, offsets: Array, positions: Array, stored: Array) -> Array:
        """Return the cause for scores that lack events and labels: one of them, if it makes the whole difference."""
        late = {LATE_EVENT: "events", LATE_LABEL: "labels"}
        parts = (self._at(offsets, positions, stored, part) for part in late.values())
        makes_all = [are_equal(scores, stored)[positions] for scores in parts]
        return np.select(makes_all, [*late], BOTH).astype(object)

    def _at(self, offsets: Array, positions: Array, others: Array, late: str | None = None) -> Array:
        """Return scores with the history up to an offset at some positions, and those of others elsewhere.

        Of one part of the history, late rows can count too.
        """
        scores = others.copy()
        for group, history in self._by_offset(offsets, positions, late):
            scores[group] = self._score(group, history)
        return scores

    def _by_offset(
        self, offsets: Array, positions: Array, late: str | None = None
    ) -> Iterator[tuple[Array, TableHistory]]:
        """Iterate over positions of one offset, with the history up to it."""
        links = self._records.links
        for offset in np.unique(offsets[positions]).tolist():
            group = positions[offsets[positions] == offset]
            codes = np.unique(links.codes[np.isin(links.owners, group)])
            events_until, labels_until = (NONE if part == late else offset for part in ("events", "labels"))
            yield group, self._history.until(events_until, labels_until, codes)

    def explain(self, reasons: int, language: str) -> pd.DataFrame:
        """Return the probabilities at the offsets with columns of reasons, indexed by the positions of the records."""
        scorer, records, parts = self._scorer, self.answers.records, []
        for group, history in self._by_offset(self._records.offsets, records.index.to_numpy()):
            rows = feature_rows(scorer.model, records.loc[group].reset_index(drop=True), history)
            scores = score_features(scorer.model, scorer.policy, rows, scorer.n_threads)
            known = scores.features.X, scores.log_odds, scores.features.why
            explained = reason_columns(scorer.model, *known, n=reasons, language=language)
            parts.append(pd.DataFrame({**scores.to_columns(None, None), **explained}, index=group))
        return pd.concat(parts) if parts else pd.DataFrame()

    def _score(self, positions: Array, history: TableHistory) -> Array:
        """Score some of the records; those that the table rejects have no score."""
        model, records = self._scorer.model, self.answers.records
        scores = np.full((len(positions), self.answers.scores.shape[1]), None, object)
        chosen = records[records.index.isin(positions)]
        if len(chosen):
            rows = feature_rows(model, chosen.reset_index(drop=True), history)
            found = self._scorer.score_rows(rows.X, rows.why, rows.has_history)
            scores[np.searchsorted(positions, chosen.index)] = to_array(found, model.classes)
        return scores

    def _rows(self, *scores: Array) -> pd.DataFrame:
        places = self.answers.places
        times = {name: pd.to_datetime(places[name].astype("Int64"), unit="us", utc=True) for name in TIMES}
        names: Sequence[str] = ("logged", "at_offset", "complete")
        figures = {name: one[:, 0].astype(np.float64) for name, one in zip(names, scores, strict=True)}
        return places.assign(offset=places["offset"].astype("Int64"), **times, **figures)


TIMES: Final = ("answered_at", "as_of")


def explain_logged(
    store: EventStore,
    scorer: Scorer,
    ids: Sequence[str],
    *,
    since: datetime | None,
    until: datetime | None,
    reasons: int,
    language: str = "en",
) -> pd.DataFrame:
    """Return the latest scores of a model in a span of time for some records, with reasons, indexed by their ids.

    Each has the history at its offset. Records whose history is no longer kept are not there.
    """
    answers = read_answers(store, scorer, span_of(since, until))
    name = next(name for name in scorer.model.subject.ids if name.endswith("_id"))
    latest = answers.places[name].isin(ids) & ~answers.places[name].duplicated(keep="last")
    answers = answers.where(latest.to_numpy(), NOT_SAMPLED)
    replay = read_replay(store, scorer, answers, lambda step: None)
    explained = replay.explain(reasons, language)
    return explained.set_axis(replay.answers.places[name][explained.index].to_numpy(object))
