"""Reviews of cases compared with reviews of records: how many of each find the same fraud."""

import importlib.util
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import builder_of_model, scores_of
from fraudsieve.training.evaluation.evaluation_run import Evaluation
from fraudsieve.training.fit import Trained

from .case_finding import Cases, find_cases
from .summary import ReviewTime

CANDIDATES: Final = 2
"""Records that become members of cases, in review capacities."""
KEY: Final = b"evaluation"
"""The key of digests, none of which is kept."""
TIMES: Final = ("occurred_at", "sent_at", "as_of")
"""Columns that say when a record happened, the best first."""
IDS: Final = {"message_id", "event_id", "action_id", "counterparty_id"}
OWN: Final = ("account_id", "counterparty_id", "kind", "text", "ip")
NOT_INSTALLED: Final = "cases are not compared: graspologic-native is not installed (fraudsieve[cases])"
NO_FRAUD: Final = "cases are not compared: there is no fraud"
NO_CAPACITY: Final = "cases are not compared: the report has no review capacity"


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


def case_reviews(result: Trained | Evaluation, *, review: ReviewTime | None = None) -> CaseReviews:
    """Compare reviews of cases with reviews of records, at the review capacity of a report.

    Parameters
    ----------
    result : Trained or Evaluation
        From `train` or `evaluate_tables`. Its records are scored again, those of the test slice of a training. What
        links them is known in hindsight, at the end of their period.
    review : ReviewTime, default=None
        How long a review takes; None for the defaults.

    Returns
    -------
    CaseReviews
        Without figures, but with a reason, if there is no fraud or capacity, or the extra ``cases`` is not installed.

    Examples
    --------
    ::

        evaluation = evaluate_tables("fraudsieve-model", events="later.parquet")
        case_reviews(evaluation).reviews_saved
    """
    model, rows = result.model, result.data.rows
    if isinstance(result, Trained):
        model, rows = result.split_model or model, rows.iloc[result.split.test].reset_index(drop=True)
    capacity = result.report.capacity
    if capacity is None:
        return CaseReviews(skipped=NO_CAPACITY)
    builder = builder_of_model(model, result.data)
    scores = scores_of(Scorer(model), rows, builder)
    scored = scores["status"] != "unscorable"
    is_fraud = (rows["label"] != model.legitimate).to_numpy()[scored]
    events = None if builder is None else builder.events
    return count_reviews(rows[scored], scores["probability"][scored], is_fraud, capacity.alerts, events, review)


def count_reviews(
    rows: pd.DataFrame,
    probability: Array,
    is_fraud: Array,
    alerts: float,
    events: pd.DataFrame | None = None,
    review: ReviewTime | None = None,
) -> CaseReviews:
    """Compare reviews of cases with those of records, of which the probabilities and the truth are known."""
    if importlib.util.find_spec("graspologic_native") is None:
        return CaseReviews(skipped=NOT_INSTALLED)
    if not is_fraud.any():
        return CaseReviews(skipped=NO_FRAUD)
    review = review or ReviewTime()
    reviews = max(1, round(alerts))
    top = np.argsort(-probability, kind="stable")[: CANDIDATES * reviews]
    actions = _actions(rows.iloc[top]).assign(probability=probability[top])
    found = find_cases(actions, key=KEY, context=_context(rows, events), review=review)
    return _count(found, is_fraud[top], int(is_fraud.sum()), reviews, review)


def _count(found: Cases, is_fraud: Array, n_frauds: int, reviews: int, review: ReviewTime) -> CaseReviews:
    """Count the fraud in the cases of the candidates, whose ``action_id`` is the rank of a record, from 0."""
    truth = is_fraud[found.members["action_id"].astype(np.int64)]
    frauds = pd.Series(truth).groupby(found.members["case_id"].to_numpy(object)).sum()
    by_rank = np.cumsum(frauds.reindex(found.cases["case_id"].to_numpy(object)).to_numpy(np.int64))
    of_records = int(is_fraud[:reviews].sum())
    needed = int(np.searchsorted(by_rank, of_records)) + 1 if of_records else 0
    minutes = float(found.cases["review_minutes"].head(needed).sum())
    return CaseReviews(
        reviews=reviews,
        records=len(is_fraud),
        cases=len(by_rank),
        recall_of_records=of_records / n_frauds,
        recall_of_cases=int(by_rank[min(reviews, len(by_rank)) - 1]) / n_frauds,
        reviews_of_cases=needed if of_records else None,
        reviews_saved=1 - needed / reviews if of_records else None,
        time_saved=1 - minutes / (reviews * (review.case_minutes + review.action_minutes)) if of_records else None,
    )


def _actions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return records as actions, whose ids are their ranks."""
    named = rows.rename(columns={"recipient_id": "counterparty_id"}) if "counterparty_id" not in rows else rows
    identifiers = [str(name) for name in named if str(name).endswith("_id") and name not in {*IDS, *OWN}]
    out = named[[*(name for name in OWN if name in named), *identifiers]].reset_index(drop=True)
    time = next((name for name in TIMES if name in rows), None)
    if time is not None:
        out["occurred_at"] = rows[time].to_numpy()
    return out.assign(action_id=[f"{rank:09}" for rank in range(len(out))])


def _context(rows: pd.DataFrame, events: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return events as context; none if the records are events themselves."""
    if events is None or "account_id" not in events or "event_id" in rows:
        return None
    return events.drop(columns=["label", "labelled_at"], errors="ignore")
