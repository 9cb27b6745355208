"""Cases: flagged actions that belong together, found through links, followed over time and explained."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .actions import Actions
    from .book import CaseBook
    from .partition import Partition, partition_actions
    from .reviews import case_reviews
    from .run import Cases, find_cases
    from .settings import CaseSettings
    from .summary import ReviewTime
    from .tables import find_cases_in_tables, read_book, write_cases

__all__ = [
    "Actions",
    "CaseBook",
    "CaseSettings",
    "Cases",
    "Partition",
    "ReviewTime",
    "case_reviews",
    "find_cases",
    "find_cases_in_tables",
    "partition_actions",
    "read_book",
    "write_cases",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Actions": "actions",
    "CaseBook": "book",
    "CaseSettings": "settings",
    "Cases": "run",
    "Partition": "partition",
    "ReviewTime": "summary",
    "case_reviews": "reviews",
    "find_cases": "run",
    "find_cases_in_tables": "tables",
    "partition_actions": "partition",
    "read_book": "tables",
    "write_cases": "tables",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
