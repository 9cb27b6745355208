"""Features of records: scikit-learn transformers, feature views, the network of accounts, campaigns and text."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .accounts import AccountFeatures
    from .campaign.fingerprints import near_duplicate_groups
    from .history.batch import history_features
    from .history.declaration import History
    from .live_state import HistoryState
    from .message_matrix import MessageMatrix
    from .messages import MessageFeatures
    from .network.batch import network_features
    from .network.declaration import Network
    from .text.fold import fold_text

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
    "History": "history.declaration",
    "HistoryState": "live_state",
    "MessageFeatures": "messages",
    "MessageMatrix": "message_matrix",
    "fold_text": "text.fold",
    "history_features": "history.batch",
    "Network": "network.declaration",
    "near_duplicate_groups": "campaign.fingerprints",
    "network_features": "network.batch",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
