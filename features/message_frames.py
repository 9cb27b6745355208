"""Messages as `MessageFeatures` reads them: texts, custom columns, and the history of their senders."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.profile.frames import custom_values
from fraudsieve.tables.values.reading import MAX_TEXT_LENGTH

from .account_records import as_microseconds
from .campaign.campaign_batch import band_features, campaign_features
from .history.columns.table import ColumnTable
from .history.history_batch import history_features
from .profile.custom_columns import CustomColumns
from .profile.dates import UNKNOWN


def message_frame(X: Any, columns: Sequence[str]) -> pd.DataFrame:
    """Return messages that have custom columns."""
    if not isinstance(X, pd.DataFrame):
        names = ", ".join(map(str, columns))
        raise TypeError(f"Expected a DataFrame with text and the columns {names}, got {type(X).__name__}.")
    return X


def record_blocks(
    messages: Any,
    sender: Sequence[History],
    campaigns: CampaignHistory | None,
    custom: CustomColumns,
    *,
    events: pd.DataFrame | None,
    past: pd.DataFrame | None,
    bands: pd.DataFrame | None = None,
) -> tuple[Array | None, Array | None, Array | None]:
    """Compute the history of senders and of campaigns, and the custom columns; None for those that are not used.

    Campaigns are those of past messages or, of messages without texts, of their bands, as for `band_features`.
    """
    of_sender = of_campaign = of_record = None
    if sender and events is not None:
        of_sender = sender_history(events, messages, sender)
    if campaigns is not None and bands is not None:
        of_campaign = band_features(bands, messages, campaigns)
    elif campaigns is not None and past is not None:
        if not isinstance(messages, pd.DataFrame):
            raise TypeError(f"Expected a DataFrame with text and sent_at, got {type(messages).__name__}.")
        of_campaign = campaign_features(past, messages, campaigns)
    if custom:
        frame = message_frame(messages, custom.names)
        of_record = custom.compute(custom_values(frame, custom, "messages"), sent_times(frame))
    return of_sender, of_campaign, of_record


def sent_times(messages: pd.DataFrame) -> Array:
    """Return the times at which messages were sent, `UNKNOWN` where there is none."""
    if "sent_at" not in messages:
        return np.full(len(messages), UNKNOWN)
    return np.maximum(as_microseconds(messages["sent_at"]), UNKNOWN)


def sender_history(events: pd.DataFrame, messages: Any, histories: Sequence[History]) -> Array:
    """Compute the history of the senders of messages, at the time each message was sent.

    Returns NaN if the sender or the time is missing.
    """
    if not isinstance(messages, pd.DataFrame):
        raise TypeError(f"Expected a DataFrame with account_id and sent_at, got {type(messages).__name__}.")
    for name in ("account_id", "sent_at"):
        if name not in messages:
            raise SchemaError(
                "messages", f"column {name!r} is missing", "Add the column: the history of senders needs it."
            )
    subjects = messages[["account_id", "sent_at"]].rename(columns={"sent_at": "as_of"})
    has_sender = ColumnTable(subjects, name="messages").ids("account_id").is_present  # a blank is missing
    is_complete = has_sender & subjects["as_of"].notna().to_numpy()
    block = np.full((len(subjects), len(history_columns(histories))), np.nan)
    block[is_complete] = history_features(events, subjects[is_complete], histories)
    return block


def message_texts(X: Any) -> list[str]:
    """Return the texts of messages as a list."""
    if isinstance(X, str | Mapping):
        raise TypeError(f"Expected a sequence of messages, got one {type(X).__name__}. Put the texts in a list.")
    if hasattr(X, "columns"):
        if "text" not in X.columns:
            raise ValueError(f"Expected a column 'text'; got {[str(name) for name in X.columns]}.")
        X = X["text"]
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(f"Expected one text per message (1 dimension), got an array of {X.ndim} dimensions.")
    texts = list(X)
    bad = next((i for i, text in enumerate(texts) if not isinstance(text, str)), None)
    if bad is not None:
        raise TypeError(f"Expected texts as str, got {type(texts[bad]).__name__} at position {bad}.")
    long = next((i for i, text in enumerate(texts) if len(text) > MAX_TEXT_LENGTH), None)
    if long is not None:
        raise ValueError(f"Expected texts of at most {MAX_TEXT_LENGTH:,} characters, got more at position {long}.")
    if not texts:
        raise ValueError("Found 0 messages; at least 1 is required.")
    return [str(text) for text in texts]
