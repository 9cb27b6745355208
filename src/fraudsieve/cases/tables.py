"""Cases from a file of scores and the tables that were scored, and the folder to which they are written.

Reviews of cases compared with reviews of records: how many of each find the same fraud.
"""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._io import PRIVATE, new_folder, write_file
from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.label_values import AUTO
from fraudsieve.tables.source import Source
from fraudsieve.training.data.builders import builder_of_model, scores_of
from fraudsieve.training.evaluation.evaluation_run import Evaluation
from fraudsieve.training.fit import Trained

from .actions import labels_of_records, read_case_inputs, read_case_labels
from .case_finding import CHANGES, CaseLedger, Cases, find_cases
from .settings import CaseSettings
from .summary import ReviewTime

KEPT: Final = ("members", "changes")


def find_cases_in_tables(
    scores: "Source | list[Source]",
    *,
    key: bytes,
    messages: "Source | None" = None,
    events: "Source | None" = None,
    accounts: "Source | None" = None,
    labels: "Source | None" = None,
    legitimate: str = AUTO,
    threshold: float | None = None,
    settings: CaseSettings | None = None,
    as_of: pd.Timestamp | None = None,
    ledger: CaseLedger | None = None,
    review: ReviewTime | None = None,
    seed: int = 0,
) -> Cases:
    """Group the records that ``fraudsieve predict`` flagged into cases.

    Parameters
    ----------
    scores : path, DataFrame, or a list of them
        Scores of messages, events or accounts, as ``predict`` writes them; a list to combine several. A record is
        flagged if its ``decision`` is ``flag``. A column ``known_at`` sets the time at which it was known.
    key : bytes
        A secret of 1 to 64 bytes for the digests of identifiers.
    messages, events, accounts : path or DataFrame, default=None
        The tables that were scored. Records that are not flagged show how common an identifier is. Events without
        scores show which identifiers, such as devices, the accounts of flagged records used before.
    labels : path or DataFrame, default=None
        Confirmed records: ``subject_id``, ``label`` and, if known, ``labelled_at``. With several subjects, an id may
        begin with its subject, as in ``message:17``.
    legitimate : str, default="auto"
        The label of legitimate records; ``auto`` to recognise the usual words.
    threshold : float, default=None
        Records with at least this probability are flagged instead.
    settings : CaseSettings, default=None
        As for `find_cases`.
    as_of : Timestamp, default=None
        As for `find_cases`.
    ledger : CaseLedger, default=None
        As for `find_cases`.
    review : ReviewTime, default=None
        As for `find_cases`.
    seed : int, default=0
        As for `find_cases`.

    Returns
    -------
    Cases
        As from `find_cases`. ``subject`` and ``record`` of a member are its type and its id.

    Raises
    ------
    SchemaError
        If the scores have no id or no decision, nothing is flagged, or flagged records are missing from the table.

    Examples
    --------
    >>> scores = pd.DataFrame({"event_id": ["1", "2"], "probability": [0.9, 0.8], "decision": ["flag", "flag"]})
    >>> events = pd.DataFrame({"event_id": ["1", "2"], "account_id": ["ann", "ann"], "kind": "transfer",
    ...     "occurred_at": ["2026-05-01", "2026-05-02"]})
    >>> find_cases_in_tables(scores, events=events, key=b"a key").cases["actions"].tolist()
    [2]
    """
    given = scores if isinstance(scores, list) else [scores]
    inputs = read_case_inputs(given, {"messages": messages, "events": events, "accounts": accounts}, threshold)
    confirmed = None
    if labels is not None:
        confirmed = labels_of_records(read_case_labels(labels, legitimate), inputs.scored, labels)
    return find_cases(
        inputs.flagged,
        key=key,
        settings=settings,
        as_of=as_of,
        unflagged=inputs.unflagged,
        context=inputs.context,
        labels=confirmed,
        ledger=ledger,
        review=review,
        seed=seed,
    )


def write_cases(cases: Cases, folder: str | os.PathLike[str], page: str | None = None) -> Path:
    """Write cases to a new folder, which only its owner can read.

    Parameters
    ----------
    cases : Cases
    folder : str or path
        A folder that does not exist yet.
    page : str, default=None
        An HTML page, which is written next to the tables as ``cases.html``.

    Returns
    -------
    Path
        The folder: ``cases.parquet``, ``members.parquet``, ``links.parquet``, ``hubs.parquet``, and
        ``changes.parquet`` (the history of changes).

    Examples
    --------
    >>> import tempfile
    >>> found = find_cases(pd.DataFrame({"action_id": ["a"]}), key=b"a key")
    >>> sorted(path.stem for path in write_cases(found, Path(tempfile.mkdtemp(), "cases")).iterdir())
    ['cases', 'changes', 'hubs', 'links', 'members']
    """
    tables = {name: getattr(cases, name) for name in ("cases", "members", "links", "hubs")}
    tables["changes"] = _change_table(cases.ledger)
    with new_folder(Path(folder)) as staged:
        for name, table in tables.items():
            write_file(staged / f"{name}.parquet", table.to_parquet(index=False), mode=PRIVATE)
        if page is not None:
            write_file(staged / "cases.html", page.encode(), mode=PRIVATE)
    return Path(folder)


def _change_table(ledger: CaseLedger) -> pd.DataFrame:
    times = pd.to_datetime(ledger.history["as_of"], utc=True)
    return ledger.history.assign(as_of=times, actions=ledger.history["actions"].astype(np.int64)).astype(
        {"change": STRING, "case_id": STRING, "other_id": STRING}
    )


def read_ledger(folder: str | os.PathLike[str]) -> CaseLedger:
    """Read the ids of earlier cases, so that `find_cases` keeps them.

    Parameters
    ----------
    folder : str or path
        A folder that `write_cases` has written.

    Returns
    -------
    CaseLedger
        The ids and the history of changes.

    Raises
    ------
    SchemaError
        If the folder does not hold cases.

    Examples
    --------
    >>> import tempfile
    >>> found = find_cases(pd.DataFrame({"action_id": ["a"]}), key=b"a key")
    >>> read_ledger(write_cases(found, Path(tempfile.mkdtemp(), "cases"))).members.equals(found.ledger.members)
    True
    """
    paths = [Path(folder) / f"{name}.parquet" for name in KEPT]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        problem = f"expected a folder of cases, {' and '.join(missing)} is missing"
        raise SchemaError(os.fspath(folder), problem, "Pass a folder that 'fraudsieve cases' wrote.")
    members, changes = map(pd.read_parquet, paths)
    index = pd.Index(members["action_id"].to_numpy(object), dtype=object)
    ids = pd.Series(members["case_id"].to_numpy(object), index, dtype=STRING)
    used = frozenset(changes["case_id"]) | frozenset(changes["other_id"].dropna())
    return CaseLedger(ids, changes[CHANGES], used)


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
