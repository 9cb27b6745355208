"""Messages as records: what makes one unscorable, and the history of its sender and its campaign."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_subjects
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.records import is_missing
from fraudsieve.features.text.fold import fold_text

from .live_state import HistoryState

__all__ = ["message_history", "why_unscorable"]

Record: TypeAlias = Mapping[str, Any]


def message_history(
    records: Sequence[Record], state: HistoryState, sender: Sequence[History], campaigns: CampaignHistory | None
) -> tuple[Array, Array, list[str | None]]:
    """Compute the history of senders and of campaigns, as of the time that each message was sent.

    Returns
    -------
    sender : ndarray of float64, shape (n_messages, n_sender)
        NaN where the sender or the time is missing.
    campaign : ndarray of float64, shape (n_messages, n_campaign)
        NaN where the time is missing.
    why : list of str or None, length n_messages
        Why the history cannot be computed; None where it can.
    """
    n = len(records)
    of_sender = np.full((n, len(history_columns(sender))), np.nan)
    of_campaign = np.full((n, len(campaigns.columns) if campaigns else 0), np.nan)
    why: list[str | None] = [None] * n
    for place, record in enumerate(records):
        text, account, sent_at = (record.get(name) for name in ("text", "account_id", "sent_at"))
        if is_missing(sent_at):
            continue
        try:
            if sender and not is_missing(account):
                of_sender[place] = state.features({"account_id": account, "as_of": sent_at}, sender)[0]
            if campaigns and isinstance(text, str):
                bands = campaign_subjects([{"text": text, "sent_at": sent_at}])
                of_campaign[place] = campaigns.of_messages(state.features(bands, campaigns.views))[0]
        except RejectedRecordError as error:
            why[place] = str(error).replace("as_of", "sent_at")
    return of_sender, of_campaign, why


def why_unscorable(text: Any) -> str | None:
    """Return why a value cannot be scored as a text, in words that contain none of it; None if it can."""
    if not isinstance(text, str):
        if text is None or (isinstance(text, float) and text != text):
            return "text: expected a string, the field is missing"
        return f"text: expected a string, got {type(text).__name__}"
    # Only characters that do not print can leave nothing after normalisation.
    visible = text if text.isprintable() else fold_text(text)
    return None if visible.strip() else "text: expected a message, got only blanks"
