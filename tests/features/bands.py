"""Messages as events of a live state, one for each of their bands."""

from collections.abc import Sequence
from typing import Any

from fraudsieve._typing import Record
from fraudsieve.features.campaign.over_time import CampaignHistory, message_event, message_keys
from fraudsieve.features.history.timeline import CAMPAIGN


def campaign_events(messages: Sequence[Record], campaigns: CampaignHistory) -> list[dict[str, Any]]:
    """Convert messages and their labels to events of their bands."""
    pairs = zip(messages, message_keys(messages), strict=True)
    found = (message_event(message, keys, campaigns) or {} for message, keys in pairs)
    return [{**event, name: key} for event in found for name in CAMPAIGN for key in event.get(name, ())]
