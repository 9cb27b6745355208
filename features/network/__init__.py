"""The network of accounts: shared counterparties and identifiers, point in time."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .batch import network_features
    from .declaration import Network
    from .live import NetworkState

__all__ = [
    "Network",
    "NetworkState",
    "network_features",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Network": "declaration",
    "NetworkState": "live",
    "network_features": "batch",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
