"""Feature rows of tables, and which of their accounts have a history."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve.features.account_matrix import AccountMatrix, FeatureMatrix, account_matrix_of, message_matrix_of
from fraudsieve.features.account_records import as_microseconds, cutoff_column, subject_columns
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.message_frames import record_blocks
from fraudsieve.features.message_matrix import why_unscorable
from fraudsieve.features.network.declaration import event_counts
from fraudsieve.features.profile.frames import as_strings
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.fields import KEYS
from fraudsieve.tables.cells import STRING

from .scored_tables import TableHistory, uses_labels

NO_HISTORY: Final = TableHistory()
"""The history of records without one."""


def feature_rows(model: Model, records: pd.DataFrame, history: TableHistory = NO_HISTORY) -> FeatureRows:
    """Compute the feature rows of a table: the one way from a table to what a model scores."""
    if model.subject.has_text:
        return _message_rows(model, records, history)
    return _account_rows(model, records, history)


def has_account_events(records: pd.DataFrame, events: pd.DataFrame | None, cutoff: str | None) -> npt.NDArray[np.bool_]:
    """Return which records have an earlier event of their account."""
    if events is None or not len(events):
        return np.zeros(len(records), np.bool_)
    accounts, event_accounts = as_strings(records["account_id"]), as_strings(events["account_id"])
    if cutoff is None:
        return accounts.isin(event_accounts).to_numpy()
    return (accounts.map(events.groupby(event_accounts)["occurred_at"].min()) < records[cutoff]).to_numpy()


def subjects_with_history(
    matrix: FeatureMatrix, records: pd.DataFrame, events: pd.DataFrame | None, cutoff: str | None
) -> npt.NDArray[np.bool_]:
    """Return which records have history: an earlier event of their account; of messages, of their sender.

    Without a feature view of the account, an event of any entity of the views counts, as in a live state.
    """
    of_account = matrix.subject.has_text or any(view.is_of_account for view in matrix.event_views)
    if events is None or not len(events) or of_account:
        return has_account_events(records, events, cutoff)
    cutoffs = np.ones(len(records), np.int64) if cutoff is None else as_microseconds(records[cutoff])
    events = events.assign(occurred_at=np.zeros(len(events), "M8[us]")) if cutoff is None else events
    subjects = subject_columns(records, cutoffs, account_matrix_of(matrix))
    n_events = history_features(events, subjects, event_counts(matrix.event_views)).max(axis=1)
    return np.asarray(n_events > 0, np.bool_)


def _message_rows(model: Model, records: pd.DataFrame, history: TableHistory) -> FeatureRows:
    matrix, texts = message_matrix_of(model.matrix), records["text"].tolist()
    past = bands = None
    if matrix.campaigns is not None and "sent_at" in records:
        bands = history.bands
        past = (records if history.messages is None else history.messages) if bands is None else None
    parts = (matrix.sender, matrix.campaigns, matrix.custom)
    blocks = record_blocks(with_absent_columns(model, records), *parts, events=history.events, past=past, bands=bands)
    return matrix.scorable_rows(texts, [why_unscorable(text) for text in texts], *blocks)


def _account_rows(model: Model, records: pd.DataFrame, history: TableHistory) -> FeatureRows:
    matrix, (events, labels, *_) = account_matrix_of(model.matrix), history
    if labels is None and uses_labels(matrix):
        labels = _empty_labels(matrix)
    builder = AccountFeatures(events, subject=matrix.subject)
    builder.labels = labels if matrix.subject.is_event else None
    builder.account_labels = labels if matrix.subject.is_account else None
    builder.matrix_ = matrix
    cutoff = cutoff_column(records, matrix.subject) if matrix.timed else None
    records = with_absent_columns(model, records)
    has_history = subjects_with_history(matrix, records, events, cutoff) if matrix.histories else None
    rows = np.asarray(builder.transform(records), np.float64)
    return FeatureRows(rows, np.full(len(rows), None, object), has_history)


def with_absent_columns(model: Model, records: pd.DataFrame) -> pd.DataFrame:
    """Return records with the columns that are absent, and that the policy of the model treats as missing values.

    Under another policy, the records are unchanged.
    """
    if model.policy.missing != "missing":
        return records
    trained = {field.name for field in model.matrix.fields if field.trained}.difference(KEYS, records.columns)
    return records.assign(**dict.fromkeys(trained))


def _empty_labels(matrix: AccountMatrix) -> pd.DataFrame:
    names = {name for view in matrix.histories for name in view.entities} | {"account_id"}
    empty = {name: pd.Series([], dtype=STRING) for name in names}
    times = pd.Series([], dtype="datetime64[us, UTC]")
    return pd.DataFrame(empty | {"labelled_at": times, "is_fraud": pd.Series([], dtype=bool)})
