"""Reviews of cases compared with reviews of records: how many of each find the same fraud."""

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from fraudsieve._typing import Array


@dataclass(frozen=True, kw_only=True)
class CaseReviews:
    """Fraud found by reviewing cases, compared with reviewing records."""

    reviews: int | None = None
    # Records with the highest probabilities, twice the capacity, and the cases that they form.
    records: int | None = None
    cases: int | None = None
    # Share of all fraud that is found with `reviews` reviews: of single records, and of whole cases by rank.
    recall_of_records: float | None = None
    recall_of_cases: float | None = None
    # Reviews of cases that find as much fraud as `reviews` reviews of records.
    reviews_of_cases: int | None = None
    # 1 - `reviews_of_cases` / `reviews`, and the same of the minutes: a review takes time to open it and time for each
    # record.
    reviews_saved: float | None = None
    time_saved: float | None = None
    # Why nothing was compared.
    skipped: str | None = None


class CompareReviews(Protocol):
    """Compares reviews of cases with reviews of records, as `fraudsieve.cases.reviews.case_reviews` does."""

    def __call__(
        self,
        rows: pd.DataFrame,
        probability: Array,
        is_fraud: Array,
        alerts: float,
        *,
        events: pd.DataFrame | None = None,
    ) -> CaseReviews:
        """Compare them for records with their probabilities of fraud, the truth and the review capacity."""
