"""Messages as records: why a message is unscorable, and the history of its sender and its campaign."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fraudsieve._typing import Array, Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.campaign.over_time import CampaignHistory, campaign_subjects
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.text.fold import fold_text
from fraudsieve.tables.values.moments import read_time
from fraudsieve.tables.values.reading import read_id, read_plain_text

from .live_state import HistoryState


def message_history(
    records: Sequence[Record], state: HistoryState, sender: Sequence[History], campaigns: CampaignHistory | None
) -> tuple[Array, Array, list[str | None]]:
    """Compute the history of senders and of campaigns, at the time each message was sent."""
    n = len(records)
    sender_rows = np.full((n, len(history_columns(sender))), np.nan)
    campaign_rows = np.full((n, len(campaigns.columns) if campaigns else 0), np.nan)
    why: list[str | None] = [None] * n
    for row, record in enumerate(records):
        text, account, sent_at = (record.get(name) for name in ("text", "account_id", "sent_at"))
        try:
            if read_time(sent_at, "sent_at") is None:
                continue
            if sender and read_id(account, "account_id") is not None:  # a blank is missing, as in a table
                sender_rows[row] = state.features({"account_id": account, "as_of": sent_at}, sender)[0]
            if campaigns and isinstance(text, str):
                bands = campaign_subjects([{"text": text, "sent_at": sent_at}])
                campaign_rows[row] = campaigns.message_columns(state.features(bands, campaigns.views))[0]
        except RejectedRecordError as error:
            why[row] = str(error).replace("as_of", "sent_at")
    return sender_rows, campaign_rows, why


def why_unscorable(text: Any) -> str | None:
    """Return why a value cannot be scored as a text, or None if it can; the reason does not quote the value."""
    try:
        text = read_plain_text(text, "text")
    except RejectedRecordError as error:
        return str(error)
    if text is None:
        return "text: expected a string, the field is missing"
    # Normalisation leaves nothing only of texts with unprintable characters.
    visible = text if text.isprintable() else fold_text(text)
    return None if visible.strip() else "text: expected a message, got only blanks"
