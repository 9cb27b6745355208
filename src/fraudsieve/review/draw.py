"""A draw: the records that people look at today, each with what they need to decide and why it was drawn.

The design of a draw: which records people look at, and the inclusion probability of each.

A draw is made from a *frame*: the scored records of a day that no earlier draw has selected. It has three parts.

1. `alert`: of the flagged records, those with the highest probability of fraud.
2. `near`: of the passed records, those with the highest probability of fraud, at most one a campaign or account. New
   crimes are most often there: the model has seen something like them, but not enough.
3. `audit`: a random sample of the *rest*, which is the frame without the first two parts. It holds the passed records,
   and the flagged ones that were too many for the capacity.

**Derivation.** The frame, the scores and the campaigns are fixed; only the audit is random. The first two parts depend
on nothing random, so their records are drawn with probability 1. Let the rest consist of N records of G campaigns or
accounts, of which campaign g has m_g records with the mean probability of fraud p_g. The audit selects k of the G
campaigns, and independently of that one record of each, uniformly. For record i of campaign g::

    P(i is drawn) = P(g is selected) * P(i is the record of g) = c_g / m_g
    c_g = k (0.8 m_g sqrt(p_g) / sum(m sqrt(p)) + 0.2 m_g / N)

Where c_g would exceed 1, campaign g is certain, and the others share the places that are left in the same proportion.
The k campaigns are those in which the points u, u + 1, ..., u + k - 1 fall, for a uniform u from 0 to 1, when lengths
c_g are laid side by side in random order (systematic sampling, Madow, 1949). A length of at most 1 has at most one of
the points, and has it with the probability c_g. So c_g is exact, and not estimated.

A record is in one part only, so this is its inclusion probability in the whole draw. It is above 0 for every record of
the rest if k is at least 1. Then the sum of y_i / pi_i over the drawn records has the expectation ``sum(y)`` over the
frame, whatever y and p are (Horvitz and Thompson, 1952, "A generalization of sampling without replacement from a finite
universe"). If a record of g is fraud with probability p_g, and campaigns are of one kind, the variance of the number of
frauds is smallest for c_g in proportion to m_g sqrt(p_g) (Neyman's allocation). A model that is wrong about p costs
width and no bias, and the part of 0.2 limits the width: no weight exceeds 5 N / k, unless campaigns are certain.
Without an audit, the records of the rest have probability 0, and no sum over them can be estimated: neither the frauds
that were missed nor recall.

Two records of one campaign are never drawn together by the audit. Their joint probability is 0, so the usual estimator
of variance by pairs of records does not apply: campaigns are the units, as in a bootstrap of campaigns.

**Earlier draws.** What was drawn before is not in the frame, and N, G and m_g count what is left. The probability is
then exact given the earlier draws. Frames of separate days are disjoint, so the totals of days add up. A second draw
from the frame of an earlier one is a sample of what the first has left. Labels of both must not be added up with these
probabilities: those of the first represent the rest of its frame already.
"""

import math
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet

from fraudsieve._io import check_output_file
from fraudsieve._typing import Array
from fraudsieve.cases.actions import IDS
from fraudsieve.cases.tables import read_ledger
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.live.export import read_stored_tables
from fraudsieve.live.promises import DrawnDay, record_draw
from fraudsieve.live.score_tables import export_scores
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.live.store.facts import key_of_labels
from fraudsieve.models.batch.score import score_frame
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.models.guarantees import draw_of_groups
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.score_fields import CLASS
from fraudsieve.retrain.recomputation import explain_logged
from fraudsieve.tables.formats.output import check_output_format, write_frame
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import InputTable, Source, as_input, origin_of
from fraudsieve.tables.values.label_words import FRAUD, LEGITIMATE, WORDS
from fraudsieve.tables.values.reading import normalise_label
from fraudsieve.training.data.groups import row_groups

from .candidates import Candidates, Sources, read_candidates
from .context import SHOWN, Context, context_of

ALERT: Final = "alert"
NEAR: Final = "near"
AUDIT: Final = "audit"
UNIFORM: Final = 0.2
"""The part of the chances of an audit that does not depend on probabilities of fraud."""
EXACT: Final = 1e-9
"""Shares such as 0.07 are not exact: 100 times it is a little more than 7."""


@dataclass(frozen=True)
class ReviewPlan:
    """How many records people look at in a day, and for which reasons.

    Parameters
    ----------
    capacity : int
        The number of records.
    audit : float, default=0.0
        The share that is drawn at random from the other records, the more probable ones more often. Without it, recall
        cannot be estimated.
    near : float, default=0.0
        The share for the passed records with the highest probability. The rest of the capacity is for alerts.
    seed : int, default=0
        Seed of the audit. A draw is the same for equal records, seed and day.

    Raises
    ------
    RecipeError
        If the capacity is below 1, a share is not from 0 to 1, or the shares exceed 1 together.

    Examples
    --------
    >>> ReviewPlan(100, audit=0.05, near=0.1).counts
    {'alert': 85, 'near': 10, 'audit': 5}
    """

    capacity: int
    audit: float = 0.0
    near: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.capacity < 1:
            problems.append(f"expected a capacity of at least 1 record, got {self.capacity}")
        if not (0 <= self.audit <= 1 and 0 <= self.near <= 1 and self.audit + self.near <= 1 + EXACT):
            problems.append(
                f"expected shares from 0 to 1, together at most 1, got audit {self.audit}, near {self.near}"
            )
        if self.seed < 0:
            problems.append(f"expected a seed of at least 0, got {self.seed}")
        if problems:
            raise RecipeError("review draw", problems)

    @property
    def counts(self) -> dict[str, int]:
        """The largest number of records of each part. The audit is rounded up, so that it is never 0 if asked for."""
        audit = math.ceil(self.audit * self.capacity - EXACT)
        near = min(math.ceil(self.near * self.capacity - EXACT), self.capacity - audit)
        return {ALERT: self.capacity - audit - near, NEAR: near, AUDIT: audit}


class Frame(NamedTuple):
    """The records that a draw is made from, in an order that does not depend on that of the input."""

    # Shape (n_records,). Of fraud.
    probability: Array
    # Shape (n_records,).
    is_flagged: Array
    # Shape (n_records,). Campaigns or accounts.
    groups: Array
    # Shape (n_records,). Rank of the case, from 1; alerts of the first case come first. Equal if cases do not matter.
    rank: Array


class Selection(NamedTuple):
    """What was drawn."""

    # Shape (n_drawn,). Positions in the frame: alerts, near records, audit.
    rows: Array
    # Shape (n_drawn,). `alert`, `near` or `audit`.
    why: Array
    # Shape (n_drawn,). Inclusion probability of the record in the whole draw.
    probability: Array
    # Whether every record of the frame could have been drawn, so that recall can be estimated.
    covers: bool


def select(frame: Frame, plan: ReviewPlan, day: date) -> Selection:
    """Select records as the plan says; the module explains their probabilities."""
    counts = plan.counts
    alerts = _alerts(frame, counts[ALERT])
    near = _near(frame, counts[NEAR])
    rest = np.setdiff1d(np.arange(len(frame.groups)), np.concatenate([alerts, near]))
    rng = np.random.default_rng([plan.seed, day.toordinal(), len(frame.groups)])
    audit, probability = _audit(rest, frame, counts[AUDIT], rng)
    parts = {ALERT: alerts, NEAR: near, AUDIT: audit}
    why = np.repeat(np.array([*parts], object), [len(rows) for rows in parts.values()])
    certain = np.ones(len(alerts) + len(near))
    covers = len(audit) > 0 or len(rest) == 0
    return Selection(np.concatenate([*parts.values()]), why, np.concatenate([certain, probability]), covers)


def _alerts(frame: Frame, n: int) -> Array:
    flagged = np.flatnonzero(frame.is_flagged)
    order = np.lexsort((flagged, -frame.probability[flagged], frame.rank[flagged]))
    return flagged[order[:n]]


def _near(frame: Frame, n: int) -> Array:
    """Return the passed records of highest probability, the first of each group."""
    passed = np.flatnonzero(~frame.is_flagged)
    ordered = passed[np.argsort(-frame.probability[passed], kind="stable")]
    first = np.sort(np.unique(frame.groups[ordered], return_index=True)[1])
    return ordered[first[:n]]


def _audit(rest: Array, frame: Frame, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return one record of each of at most `n` groups, and the inclusion probabilities."""
    if n == 0 or len(rest) == 0:
        return np.zeros(0, np.int64), np.zeros(0)
    _, code, size = np.unique(frame.groups[rest], return_inverse=True, return_counts=True)
    one_of_each = rng.permutation(draw_of_groups(code, int(rng.integers(2**63))))
    n, chances = min(n, len(size)), audit_chances(rest, frame, n)
    steps = np.cumsum((chances * size[code])[one_of_each])
    drawn = one_of_each[np.searchsorted(steps * (n / steps[-1]), np.arange(n) + rng.random())]
    return rest[drawn], chances[drawn]


def audit_chances(rest: Array, frame: Frame, n: int) -> Array:
    """Return the probability with which an audit of at most `n` groups draws each record of the rest."""
    _, code, size = np.unique(frame.groups[rest], return_inverse=True, return_counts=True)
    pull = np.sqrt(size * np.bincount(code, frame.probability[rest]))
    wanted = (1 - UNIFORM) * pull / (pull.sum() or 1.0) + UNIFORM * size / len(rest)
    chances: Array = (_chances(wanted, min(n, len(size))) / size)[code]
    return chances


def _chances(wanted: Array, n: int) -> Array:
    """Return probabilities of the sum `n` in proportion to positive numbers, except where that would be above 1."""
    order = np.argsort(-wanted, kind="stable")
    left, rest = n - np.arange(len(wanted)), np.cumsum(wanted[order][::-1])[::-1]
    certain = int((left * wanted[order] >= rest).sum())
    chances = np.ones(len(wanted))
    chances[order[certain:]] = np.minimum(wanted[order[certain:]] * (n - certain) / wanted[order[certain:]].sum(), 1.0)
    return chances


NO_RECALL: Final = (
    "without an audit, recall cannot be estimated: no record that the model passed can be drawn at random"
)
REASONS: Final = 3
SENTENCE: Final = re.compile(r"reason_\d+_sentence")
DAY: Final = timedelta(days=1)
CONTEXT: Final = 30 * DAY
"""How far back the context of a record from a store goes."""
CLOSE: Final = 0.01
"""A spreadsheet program rounds probabilities."""
COLUMNS: Final = (
    *("subject_id", "subject", "why_drawn", "inclusion_probability", "recall_can_be_estimated", "day"),
    *("probability", "decision", "predicted", "unlike_training", "case_id", "account_id", "time", "model_digest"),
)
"""Columns of a draw; the text or the named columns and the sentences of reasons follow."""


@dataclass(frozen=True, eq=False)
class ReviewDraw:
    """Records that people look at.

    Parameters
    ----------
    records : DataFrame of shape (n_drawn, n_columns)
        ``subject_id``, ``subject`` (message, event or account), ``why_drawn`` (alert, near or audit),
        ``inclusion_probability``, ``recall_can_be_estimated``, ``day``, ``probability``, ``decision``, ``predicted``
        (the likeliest crime), ``unlike_training``, ``case_id``, ``account_id``, ``time``, ``model_digest``, the text or
        the columns to show, and the sentences of reasons.
    frame : int
        The number of records that they were drawn from.
    covers : bool
        Whether every one of these could be drawn. Only then can recall be estimated.
    left_out : dict of str to int, optional
        The numbers of other scored records, by the reason.
    notes : tuple of str, default=()
        What people must know, such as that recall cannot be estimated.
    labels : tuple of str, default=()
        Labels to choose from: fraud and legitimate, and the classes of the model or of the scores.
    context : dict of str to list of Before, optional
        The last records of the account and of the counterparty before each one, by its id.
    days : tuple of DrawnDay, default=()
        What the watch of each model's promises keeps of the draw, if it is from a day of a score log.

    Examples
    --------
    >>> ReviewDraw(pd.DataFrame({"why_drawn": ["alert", "alert"]}), 10, covers=False).counts
    {'alert': 2}
    """

    records: pd.DataFrame
    frame: int
    covers: bool
    left_out: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    context: Context = field(default_factory=dict)
    days: tuple[DrawnDay, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The number of records that were drawn for each reason."""
        return dict(Counter(self.records["why_drawn"].tolist()))


def draw_records(
    scores: "Source",
    plan: ReviewPlan,
    *,
    messages: "Sources" = None,
    events: "Sources" = None,
    accounts: "Sources" = None,
    day: date | None = None,
    threshold: float | None = None,
    cases: str | os.PathLike[str] | None = None,
    previous: "Sources" = None,
    show: Sequence[str] | None = None,
    model: Scorer | None = None,
    history: "Sources" = None,
    store: EventStore | None = None,
    with_context: bool = True,
    language: str = "en",
) -> ReviewDraw:
    """Draw the records of a day that people look at.

    Parameters
    ----------
    scores : path, DataFrame, or a list of them
        Scores of one type of records, as ``predict`` or ``scores export`` writes them.
    plan : ReviewPlan
        How many records, and for which reasons.
    messages, events, accounts : path or DataFrame, default=None
        The table that was scored. Of the others, only the events of accounts are used.
    day : date, default=None
        Only records of this day (UTC), by the time of the answer if the scores have it; None for all of them. Then the
        day of the latest record sets the random numbers, with the seed.
    threshold : float, default=None
        Records with at least this probability are flagged; None to use ``decision``.
    cases : str or path, default=None
        A folder that ``fraudsieve cases`` wrote. Alerts are then drawn case by case, in the order of their ranks.
    previous : path, DataFrame, or a list of them, default=None
        Earlier draws, whose records are not drawn again.
    show : sequence of str, default=None
        Columns of the records that people see; None for the text of messages, and for all columns of other records.
    model : Scorer, default=None
        The model of the scores, for the sentences of reasons if the scores have none. It must score without history,
        or its scores must come from a store.
    history : path or DataFrame, default=None
        Earlier records of the same type, or events of accounts, for the context; None for the table that was scored.
    store : EventStore, default=None
        The store that logged the scores, whose history gives the reasons of a model that uses one, as of each score.
    with_context : bool, default=True
        Whether to find the context, which only the page shows.
    language : {"en", "zh"}, default="en"
        The language of these sentences.

    Returns
    -------
    ReviewDraw
        The records, with the probability with which each was drawn.

    Raises
    ------
    SchemaError
        If a table cannot be used, there is nothing to draw, or the model is not that of the scores.

    Examples
    --------
    >>> scores = pd.DataFrame({"message_id": ["a", "b", "c"], "probability": [0.9, 0.2, 0.2]})
    >>> texts = pd.DataFrame({"message_id": ["a", "b", "c"], "text": ["win 100 now", "see you at six", "lunch?"]})
    >>> drawn = draw_records(scores, ReviewPlan(2, audit=0.5), messages=texts, threshold=0.5)
    >>> drawn.records[["why_drawn", "inclusion_probability"]].to_numpy().tolist()
    [['alert', 1.0], ['audit', 0.5]]
    """
    tables = {"messages": messages, "events": events, "accounts": accounts}
    options = None if model is None else options_of_model(model.model)
    found = read_candidates(scores, tables, threshold=threshold, day=day, previous=previous, options=options)
    latest, span = found.time.max(), day
    day = day or (date.min if pd.isna(latest) else latest.date())
    case, rank = _cases(cases, found)
    records = draw_frame(found, rank)
    selection = select(records, plan, day)
    if not len(selection.rows):
        problem = f"none of the {len(found.scored)} records is drawn, because none of them is flagged"
        raise SchemaError(origin_of(scores), problem, "Lower the threshold, or ask for an audit.")
    drawn = found.taken(selection.rows)
    explained, notes = _explained(drawn, model, store, span, language)
    frame = _table(drawn, selection, day, case[selection.rows], explained)
    sentences = explained[[name for name in explained if SENTENCE.fullmatch(str(name))]]
    frame = pd.concat([frame, _shown(drawn, show), sentences], axis=1)
    notes = notes if selection.covers else (*notes, NO_RECALL)
    labels, table = _labels(found, model), "events" if found.subject.is_account else f"{found.subject}s"
    source = history if history is not None or not found.subject.is_account else events
    context: Context = {}
    if with_context:
        known = found.history if source is None else read_table(as_input(source, options), table).good
        context = context_of(drawn, known, [name for name in SHOWN if show is None or name in show])
    days = () if store is None else _drawn_days(found, records.groups, selection, day)
    return ReviewDraw(frame, len(found.scored), selection.covers, found.counts, notes, labels, context, days)


def _drawn_days(found: Candidates, groups: Array, selection: Selection, day: date) -> tuple[DrawnDay, ...]:
    """Return what was drawn from the scores of each model, by its own decisions."""
    scored, days = found.scored, []
    decision = scored.get("model_decision", scored["decision"]).fillna(scored["decision"])
    is_flagged = decision.eq("flag").fillna(value=False).to_numpy(np.bool_)
    ids = scored["subject_id"].to_numpy(object)
    drawn = dict(zip(selection.rows.tolist(), selection.probability.tolist(), strict=True))
    for digest, rows in scored.groupby("model_digest").indices.items():
        keyed = {
            place: (key_of_labels(found.subject, ids[row]), drawn[row])
            for place, row in enumerate(np.asarray(rows).tolist())
            if row in drawn
        }
        of_model = groups[rows], is_flagged[rows]
        days.append(DrawnDay.of(day.isoformat(), str(digest), *of_model, keyed, selection.covers))
    return tuple(days)


def _labels(found: Candidates, model: Scorer | None) -> tuple[str, ...]:
    """Return fraud and legitimate, then the other classes: those of the model, the scores or the likeliest ones."""
    columns = [str(name) for name in found.scored if str(name).startswith(CLASS)]
    names = {name.removeprefix(CLASS) for name in columns} if model is None else {*model.model.classes}
    names = names or {*(found.scored["label"].dropna().astype(str) if "label" in found.scored else ())}
    legitimate = next((name for name in sorted(names) if normalise_label(name) in WORDS), LEGITIMATE)
    legitimate = legitimate if model is None else model.model.legitimate or legitimate
    return (FRAUD, legitimate, *sorted(names - {FRAUD, legitimate}))


def _table(drawn: Candidates, selection: Selection, day: date, case: Array, explained: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that every draw has."""
    columns = {
        "subject_id": drawn.scored["subject_id"],
        "subject": drawn.subject,
        "why_drawn": selection.why,
        "inclusion_probability": selection.probability,
        "recall_can_be_estimated": selection.covers,
        "day": None if day == date.min else day.isoformat(),
        **{name: drawn.scored.get(name) for name in ("probability", "decision", "unlike_training")},
        "predicted": drawn.scored.get("label"),
        "case_id": case,
        "account_id": drawn.records.get("account_id"),
        "time": drawn.time,
        "model_digest": explained.get("model_digest"),
    }
    return pd.DataFrame(columns, index=drawn.scored.index)[[*COLUMNS]]


def draw_frame(found: Candidates, rank: Array) -> Frame:
    """Return the frame of scored records and the ranks of their cases."""
    probability, is_flagged = found.scored["probability"].to_numpy(np.float64), found.scored["is_flagged"]
    groups = row_groups(found.records, found.subject)[0]
    return Frame(probability, is_flagged.to_numpy(np.bool_), groups, rank)


def _cases(folder: str | os.PathLike[str] | None, found: Candidates) -> tuple[Array, Array]:
    """Return the case of each record, and its rank; records without a case come last."""
    ids = found.scored["subject_id"]
    if folder is None:
        return np.full(len(ids), None, object), np.zeros(len(ids))
    members = read_ledger(folder).members
    own, of_several = (members.reindex(names).to_numpy(object) for names in (ids, f"{found.subject}:" + ids))
    case = np.where(pd.isna(own), of_several, own)
    case[pd.isna(case)] = None
    ranks = pd.read_parquet(Path(folder) / "cases.parquet").set_index("case_id")["rank"]
    return case, ranks.reindex(case).fillna(np.inf).to_numpy(np.float64)


def _shown(drawn: Candidates, show: Sequence[str] | None) -> pd.DataFrame:
    """Return the columns that people see beside those of a draw."""
    if show is None:
        names = ["text"] if drawn.subject.has_text else [str(name) for name in drawn.records]
        return drawn.records[[name for name in names if name not in COLUMNS]]
    taken = [name for name in show if name in COLUMNS and name != "account_id"]
    absent = [name for name in show if name not in (*COLUMNS, *drawn.records)]
    if absent or taken:
        problem = f"expected columns of the {drawn.subject}s, {len(absent)} do not exist"
        problem += f", and {len(taken)} have the name of a column of the draw"
        raise SchemaError("--show", problem, "Name other columns.")
    return drawn.records[[name for name in dict.fromkeys(show) if name != "account_id"]]


def _explained(
    drawn: Candidates, model: Scorer | None, store: EventStore | None, day: date | None, language: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the scores with the sentences of reasons, if a model is given, and notes."""
    scored = drawn.scored
    if model is None:
        return scored, ()
    uses_history = bool(model.model.matrix.history_parts)
    if drawn.subject != model.model.subject or (uses_history and store is None):
        problem = "its scores need history or other records, so the drawn records alone give no reasons"
        raise SchemaError("--model", problem, f"Score with predict --reasons {REASONS}: the draw takes its sentences.")
    if uses_history and store is not None:
        ids = pd.Index(scored["subject_id"])
        since, until = _span(day)
        again = explain_logged(store, model, ids, since=since, until=until, reasons=REASONS, language=language)
        again = again.reindex(ids).set_axis(scored.index)
    else:
        again = score_frame(model, drawn.records, reasons=REASONS, language=language)
    digest = scored.get("model_digest", pd.Series(model.model.digest, scored.index))
    is_own = (digest == model.model.digest).to_numpy(np.bool_)
    is_known = again["probability"].notna().to_numpy(np.bool_)
    gap = np.abs(again["probability"].to_numpy(np.float64) - scored["probability"].to_numpy(np.float64))
    if not is_own.any() or not (gap[is_own & is_known] <= CLOSE).all():
        raise SchemaError("--model", "expected the model that gave the scores, got another", "Name that model.")
    names = [name for name in again if SENTENCE.fullmatch(str(name))]
    sentences = again[names].where(pd.Series(is_own, again.index), None)
    others, lost = int((~is_own).sum()), int((is_own & ~is_known).sum())
    notes = [f"{others:,} records were scored by another model, and have no reasons"] if others else []
    if lost:
        notes.append(f"{lost:,} records have no reasons: the store no longer has their whole history")
    kept = scored.drop(columns=[name for name in scored if SENTENCE.fullmatch(str(name))])
    return pd.concat([kept.assign(model_digest=digest), sentences], axis=1), tuple(notes)


def draw_from_log(store: EventStore, plan: ReviewPlan, *, subject: str | None = None, **settings: Any) -> ReviewDraw:
    """Draw from the score log of a service that keeps records.

    The store remembers the first draw from a day until its labels are there, to watch the promises of the models.

    Parameters
    ----------
    store : EventStore
        From `open_store`.
    plan : ReviewPlan
        How many records, and for which reasons.
    subject : {"message", "account", "event"}, default=None
        Which records, if services of several types log to the store.
    **settings
        As for `draw_records`, without tables. `day` is the day of the answer.

    Returns
    -------
    ReviewDraw
        The records, with the probability with which each was drawn.

    Raises
    ------
    StateError
        If the log has no scores, or no records of them.
    SchemaError
        As for `draw_records`.

    Examples
    --------
    >>> from fraudsieve.live import open_store
    >>> with open_store(getfixture("tmp_path") / "live.db") as store:
    ...     draw_from_log(store, ReviewPlan(100))
    Traceback (most recent call last):
    fraudsieve.exceptions.StateError: ...live.db: expected logged scores in this span of time, got none. ...
    """
    day = settings.get("day")
    with logged_tables(store, day, subject) as logged:
        named: dict[str, Any] = {logged.table: logged.records}
        if logged.table != "messages" and day is not None and settings.get("with_context", True):
            since = datetime.combine(day, time(), UTC)
            before = read_stored_tables(store, since=since - CONTEXT, until=since + DAY).tables.get("events")
            named["history"] = None if before is None else before.to_pandas()
        drawn = draw_records(logged.scores, plan, store=store, **{**settings, **named})
    if day is not None:
        record_draw(store, drawn.days)
    return drawn


class LoggedTables(NamedTuple):
    """Logged scores and their records, as tables."""

    scores: InputTable
    records: InputTable
    # Which table the records are: messages, accounts or events.
    table: str


@contextmanager
def logged_tables(store: EventStore, day: date | None, subject: str | None) -> Iterator[LoggedTables]:
    """Write the logged scores of a day, or all, and their records to files that are deleted in the end."""
    since, until = _span(day)
    with tempfile.TemporaryDirectory(prefix="fraudsieve-") as folder:
        scores, records = Path(folder, "scores.parquet"), Path(folder, "records.parquet")
        export_scores(store, scores, since=since, until=until, subject=subject, records=records)
        names = pyarrow.parquet.read_schema(scores).names
        table = next(table for name, table in IDS.items() if name in names)
        yield LoggedTables(InputTable(scores, name=store.origin), InputTable(records, name=store.origin), table)


def _span(day: date | None) -> tuple[datetime | None, datetime | None]:
    if day is None:
        return None, None
    since = datetime.combine(day, time(), UTC)
    return since, since + DAY


def write_draw(draw: ReviewDraw, output: str | os.PathLike[str]) -> tuple[str, ...]:
    """Write a draw as a table that only its owner can read.

    Parameters
    ----------
    draw : ReviewDraw
    output : str or path
        Parquet, CSV, a workbook or JSON Lines, according to its extension. No cell of CSV or of a workbook is run as
        a formula.

    Returns
    -------
    tuple of str
        Notes, such as that texts are cut at the limit of Excel.

    Raises
    ------
    SchemaError
        If the extension is not a known format.

    Examples
    --------
    >>> draw = ReviewDraw(pd.DataFrame({"subject_id": ["a"], "text": ["=1+1"]}), 1, covers=True)
    >>> write_draw(draw, getfixture("tmp_path") / "draw.csv")
    ()
    >>> (getfixture("tmp_path") / "draw.csv").read_text().split()
    ['subject_id,text', "a,'=1+1"]
    """
    check_output_format(Path(output))
    check_output_file(Path(output))
    return write_frame(draw.records, Path(output), exact=("subject_id",))
