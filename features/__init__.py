"""From records to numbers: tables, folding, n-grams, cues, campaigns, and the builders."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .accounts import AccountFeatures
    from .campaign import near_duplicate_groups
    from .fold import fold_text
    from .history import History
    from .history_batch import history_features
    from .history_live import HistoryState
    from .message_matrix import MessageMatrix
    from .messages import MessageFeatures
    from .network import Network
    from .network_batch import network_features

__all__ = [
    "AccountFeatures",
    "History",
    "HistoryState",
    "MessageFeatures",
    "MessageMatrix",
    "Network",
    "fold_text",
    "history_features",
    "near_duplicate_groups",
    "network_features",
]

# Imported at first use: scoring must not import scikit-learn or pandas.
_HOMES = {
    "AccountFeatures": "accounts",
    "History": "history",
    "HistoryState": "history_live",
    "MessageFeatures": "messages",
    "MessageMatrix": "message_matrix",
    "fold_text": "fold",
    "history_features": "history_batch",
    "Network": "network",
    "near_duplicate_groups": "campaign",
    "network_features": "network_batch",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
