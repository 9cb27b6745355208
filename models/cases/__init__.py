"""Cases: flagged actions that belong together, found through links, followed over time and explained."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .actions import Actions
    from .partition import Partition, partition_actions
    from .settings import CaseSettings

__all__ = [
    "Actions",
    "CaseSettings",
    "Partition",
    "partition_actions",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Actions": "actions",
    "CaseSettings": "settings",
    "Partition": "partition",
    "partition_actions": "partition",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
