"""Campaign history of messages, in batch: from a table of earlier messages and a table of messages to score."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.columns.table import ColumnTable
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.tables.cells import STRING

from .over_time import N_BANDS, CampaignHistory, band_keys


def campaign_features(past: pd.DataFrame, messages: pd.DataFrame, campaigns: CampaignHistory) -> Array:
    """Compute the campaign features of messages from the near-duplicates sent strictly before them.

    Parameters
    ----------
    past : DataFrame
        Messages with ``text`` and ``sent_at``, and, if known, ``account_id`` (the sender), ``recipient_id``,
        ``label`` and ``labelled_at`` (as `resolve_label_times` returns it). A message counts from ``sent_at`` on. Its
        label counts from ``labelled_at`` on, but never before the message. If there is a column ``message_id``, only
        the first row of each id counts as a message, and each label counts until the next one with its id.
    messages : DataFrame
        Messages with ``text`` and ``sent_at``. They may also be in `past`: a message does not count itself.
    campaigns : CampaignHistory
        The declaration.

    Returns
    -------
    ndarray of float64, shape (n_messages, n_columns)
        NaN where the time is missing.

    Raises
    ------
    SchemaError
        If a column is missing.

    Examples
    --------
    >>> sent = pd.DataFrame({"text": ["win 100 now, call me", "Win 999 now, call me!"], "account_id": ["ann", "bob"],
    ...     "sent_at": pd.to_datetime(["2026-05-01 10:00", "2026-05-01 10:01"])})
    >>> campaign_features(sent, sent, CampaignHistory(("1d",))).tolist()
    [[0.0, 0.0, 0.0, nan], [1.0, 1.0, 0.0, 60.0]]
    """
    for frame, name in ((past, "past"), (messages, "messages")):
        for column in ("text", "sent_at"):
            if column not in frame:
                raise SchemaError(name, f"column {column!r} is missing", "Add the column: campaign features need it.")
    return band_features(_events(past[past["sent_at"].notna()], campaigns), messages, campaigns)


def band_features(events: pd.DataFrame, messages: pd.DataFrame, campaigns: CampaignHistory) -> Array:
    """Compute the campaign features of messages from the bands of earlier messages, whose texts are not needed.

    Events have a row for each band of each message: its key (``campaign``), ``sender_id``, ``recipient_id``,
    ``occurred_at`` and, in ``event_id``, the id of the message. A label of a message has the keys in ``labelled``, its
    class in ``kind``, and the id of the message in ``subject_id``.
    """
    has_time = messages["sent_at"].notna().to_numpy()
    timed = messages[has_time]
    subjects = {"campaign": keys_of_bands(timed["text"].tolist()).ravel(), "as_of": _repeated(_utc(timed["sent_at"]))}
    band_columns = history_features(events, subjects, campaigns.views)
    out = np.full((len(messages), len(campaigns.columns)), np.nan)
    out[has_time] = campaigns.message_columns(band_columns)
    return out


def label_types(past: pd.DataFrame) -> tuple[str, ...]:
    """Return the labels whose times are known."""
    if not {"label", "labelled_at"} <= set(past.columns):
        return ()
    return tuple(sorted(map(str, past.loc[past["labelled_at"].notna() & past["label"].notna(), "label"].unique())))


def _events(past: pd.DataFrame, campaigns: CampaignHistory) -> pd.DataFrame:
    """Convert the messages that count, and the labels of all, to events of their bands."""
    table = ColumnTable(past, name="past")
    counting = table.without_repeats("message_id").owners
    counting = np.arange(len(past)) if counting is None else counting
    codes, texts = pd.factorize(past["text"])  # a message has a row for each of its labels
    keys, messages = keys_of_bands(texts.tolist())[codes], past.iloc[counting]
    no_values = pd.Series(None, messages.index, STRING)
    events = pd.DataFrame({"campaign": keys[counting].ravel(), "occurred_at": _repeated(_utc(messages["sent_at"]))})
    for column, name in (("account_id", "sender_id"), ("recipient_id", "recipient_id"), ("message_id", "event_id")):
        events[name] = _repeated(messages.get(column, no_values))
    if not campaigns.types:
        return events
    labelled = past.reindex(columns=["sent_at", "label", "labelled_at"])
    labelled["message"] = table.ids("message_id").codes if "message_id" in table else -1
    times, sent = _utc(labelled["labelled_at"]), _utc(labelled["sent_at"])
    labelled["occurred_at"] = times.where(times > sent, sent)
    is_repeat = labelled.duplicated(["message", "label", "occurred_at"]) & (labelled["message"] >= 0)
    counts = (labelled["label"].notna() & times.notna() & ~is_repeat).to_numpy(np.bool_)
    labels = pd.DataFrame({"labelled": keys[counts].ravel(), "kind": _repeated(labelled.loc[counts, "label"])})
    labels["occurred_at"] = _repeated(labelled.loc[counts, "occurred_at"])
    labels["subject_id"] = _repeated(past["message_id"][counts]) if "message_id" in past else None
    return pd.concat([events, labels], ignore_index=True)


def keys_of_bands(texts: Sequence[str]) -> Array:
    """Return the keys of the bands of texts as strings, as ids are read: 8 a text."""
    folded, _ = fold_codes(pack(texts))
    return np.asarray(band_keys(folded).astype(str).astype(object))


def _utc(times: pd.Series) -> pd.Series:
    return pd.to_datetime(times, utc=True)


def _repeated(cells: pd.Series) -> pd.Series:
    return cells.repeat(N_BANDS).reset_index(drop=True)
