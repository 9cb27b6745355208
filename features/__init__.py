"""Features of records: scikit-learn transformers, feature views, the network of accounts, campaigns and text."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .accounts import AccountFeatures as AccountFeatures
    from .campaign.fingerprints import near_duplicate_groups as near_duplicate_groups
    from .history.declaration import History as History
    from .history.history_batch import history_features as history_features
    from .label_trust import Trust as Trust
    from .label_trust import label_as_of as label_as_of
    from .live_state import HistoryState as HistoryState
    from .message_matrix import MessageMatrix as MessageMatrix
    from .messages import MessageFeatures as MessageFeatures
    from .network.declaration import Network as Network
    from .network.network_batch import network_features as network_features
    from .text.fold import fold_text as fold_text

__getattr__, __dir__, __all__ = attach(__name__, __file__)
