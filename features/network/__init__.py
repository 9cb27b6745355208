"""The network of accounts: shared counterparties and identifiers, point in time."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .declaration import Network as Network
    from .live import NetworkState as NetworkState
    from .network_batch import network_features as network_features

__getattr__, __dir__, __all__ = attach(__name__, __file__)
