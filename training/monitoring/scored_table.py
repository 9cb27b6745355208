"""A table of records as a model in use scores it: features, scores, and the labels that have arrived."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import Trust, join_labels
from fraudsieve.features.profile.custom_columns import MISSING, UNSEEN
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.rows import feature_rows, has_account_events
from fraudsieve.models.batch.scored_tables import Inputs, label_reader, options_of_model, read_inputs, uses_labels
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.label_values import read_classes, with_times
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import Source, as_input, origin_of
from fraudsieve.training.data.assumed_labels import inclusion_weights, with_inclusion_weights
from fraudsieve.training.evaluation.capacity import naive_utc

from .bounds import Clusters

MIN_ROWS = 100
"""Fewer rows do not show a distribution."""
"""The column with the time when a record was scored."""


@dataclass(frozen=True, eq=False)
class ScoredTable:
    """Scored records of a period."""

    # The records that could be scored, with a column `label`, which may be missing.
    records: pd.DataFrame
    # Shape (n_records, n_columns). Features; NaN for missing, also in categories.
    rows: Array
    # Shape (n_records, n_categories). Categories that training did not see.
    unseen: Array
    # Shape (n_records,). As from `Scorer.score_rows`.
    scores: dict[str, Array]
    # Shape (n_records,). Records without a history; None if the model uses none.
    no_history: Array | None
    # Rows that could not be used or scored.
    rejected: int
    # Assumptions made while reading.
    notes: tuple[str, ...]

    @cached_property
    def clusters(self) -> Clusters:
        """Records of one account or sender, where it is known."""
        if "account_id" not in self.records:
            return Clusters.singles(len(self.records))
        return Clusters.of(pd.factorize(self.records["account_id"])[0])

    @property
    def labelled(self) -> Array:
        """Mask of the records that have a label."""
        return self.records["label"].notna().to_numpy(np.bool_)

    @property
    def weight(self) -> Array | None:
        """The number of records that each labelled one stands for; None if no label has an inclusion probability."""
        return inclusion_weights(self.records[self.labelled])

    @property
    def labels(self) -> Array:
        """The label of every record; missing where none has arrived."""
        return self.records["label"].to_numpy(object)

    def part(self, rows: Array) -> Self:
        """Return some of the records."""
        arrays: dict[str, Any] = {
            name: None if (of := getattr(self, name)) is None else of[rows] for name in ("rows", "unseen", "no_history")
        }
        scores = {name: values[rows] for name, values in self.scores.items()}
        return replace(self, records=self.records[rows].reset_index(drop=True), scores=scores, **arrays)

    def cutoff_times(self, subject: Subject) -> Array | None:
        """Return when each record was scored, UTC; None if no record has a time."""
        name = subject.time
        has_times = name in self.records and self.records[name].notna().any()
        return naive_utc(self.records[name]) if has_times else None


def score_table(
    scorer: Scorer,
    source: Source,
    *,
    events: Source | None = None,
    labels: Source | None = None,
    history: Source | None = None,
    trust: Trust | None = None,
) -> ScoredTable:
    """Read a table and score it, as `score_file` does.

    A column ``label`` of the table is used where `labels` has no label. `trust` has the weights of the sources of
    labels; None trusts all sources equally.
    """
    model = replace(scorer.model, policy=scorer.policy)
    timed = model.matrix.timed
    # Without a column of cutoff times, the accounts of both tables would be scored as of the same time.
    require = (("as_of",) if timed and model.subject.is_account else ()) + (
        ("event_id",) if labels is not None and model.subject.is_event else ()
    )
    known = labels if uses_labels(model.matrix) else None
    read = read_inputs(model, source, events=events, known_labels=known, history=history, require=require)
    rows, reasons, has_events, _ = feature_rows(model, read.records, read.history)
    scores = scorer.score_rows(rows, reasons, has_events)
    ok = scores["status"] != "unscorable"
    if ok.sum() < MIN_ROWS:
        problem = f"expected at least {MIN_ROWS} records that can be scored, got {int(ok.sum())}"
        raise SchemaError(origin_of(source), problem, "Use a longer period.")
    no_history = _no_history(model, read, has_events)
    is_category = categories_of(model)
    unseen = rows[:, is_category] == UNSEEN
    rows[:, is_category] = np.where(rows[:, is_category] == MISSING, np.nan, rows[:, is_category])
    return ScoredTable(
        _with_labels(model, read.records, labels, trust)[ok].reset_index(drop=True),
        rows[ok],
        unseen[ok],
        {name: values[ok] for name, values in scores.items()},
        None if no_history is None else no_history[ok],
        len(read.rejected) + int((~ok).sum()),
        read.notes,
    )


def categories_of(model: Model) -> Array:
    """Return which columns are codes of categories, as ndarray of bool, shape (n_columns,)."""
    is_category = np.zeros(len(model.matrix.columns), np.bool_)
    n_categories = sum(field.kind == "category" for field in model.matrix.fields)
    is_category[len(is_category) - n_categories :] = True
    return is_category


def _no_history(model: Model, read: Inputs, has_events: Array | None) -> Array | None:
    """Return which records have no history: no earlier event of the account, or of the sender."""
    if not model.subject.has_text:
        return None if has_events is None else ~has_events
    if not model.matrix.event_views:
        return None
    return ~has_account_events(read.records, read.history.events, "sent_at")


def _with_labels(model: Model, records: pd.DataFrame, labels: Source | None, trust: Trust | None) -> pd.DataFrame:
    table = None if labels is None else read_table(as_input(labels, options_of_model(model)), "labels")
    frame, table, _ = read_classes(with_times(records), table, label_reader(model))
    subject = model.subject.id
    frame = join_labels(frame, table, subject, trust, legitimate=model.legitimate)
    return with_inclusion_weights(frame, table, subject, trust)
