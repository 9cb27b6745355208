"""Cases: flagged actions that belong together, found through links, followed over time and explained."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .actions import Actions as Actions
    from .case_finding import CaseLedger as CaseLedger
    from .case_finding import Cases as Cases
    from .case_finding import Partition as Partition
    from .case_finding import find_cases as find_cases
    from .case_finding import partition_actions as partition_actions
    from .settings import CaseSettings as CaseSettings
    from .summary import ReviewTime as ReviewTime
    from .tables import case_reviews as case_reviews
    from .tables import find_cases_in_tables as find_cases_in_tables
    from .tables import read_ledger as read_ledger
    from .tables import write_cases as write_cases

__getattr__, __dir__, __all__ = attach(__name__, __file__)
