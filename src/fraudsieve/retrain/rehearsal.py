"""Logged records under another model, threshold, rules or capacity: what would have been found, beside what happened.

**The estimates.** Two policies differ only in the records that one flags and the other passes. How many these are is
known, because every logged record is scored again; which of them are fraud is known of some. A label that came by
itself says nothing about the others: a victim reports a payment that passed, and none that was blocked. So only
reviewed records count, with their inclusion probabilities:

1. Records that were reviewed for certain (alerts, and near ones) are counted.
2. Of the others, the share of fraud is that of the audited ones. Each stands for 1 / inclusion probability records, and
   these weights are then scaled in each of four bands of the old probability, so that they add up to the records of the
   band. Audits see few of the records that the old model took for legitimate. Without the bands, a sample in which it
   has seen none of them would pass for one that represents them.
3. The interval of the share is that of Clopper and Pearson (1934) for an effective number of reviews: Kish's (1965), or
   that by the variance of the share if it is smaller (Korn and Graubard, 1998). Reviews of a campaign or an account
   count together. Intervals of sums and differences are combined as by Zou and Donner (2008).
4. Other labels bound a sum: there are at least as many frauds as are known, and at most as many as are not known to be
   legitimate. They change no share. Where every record has a label, nothing is estimated.

Amounts are estimated alike, with weights times amounts.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._microseconds import DAY, SECOND
from fraudsieve._typing import Array, JsonObject, Progress
from fraudsieve.exceptions import RecipeError, StateError
from fraudsieve.features.label_trust import label_as_of
from fraudsieve.live.contents import span_of, stored_records
from fraudsieve.live.labels import LabelRules
from fraudsieve.live.records import logged_fields
from fraudsieve.live.session import stored_fields
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import trust_of_model
from fraudsieve.models.guarantees import upper_rate
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.predict import Scorer
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.training.data.groups import row_groups, trained_until
from fraudsieve.training.evaluation.bootstrap import LEVEL, effective_size

from .recomputation import NUMBERS, WORDS, LoggedAnswers, read_answers, read_replay

MIN_AUDITS: Final = 20
"""Effective audits among the newly flagged records below which nothing is estimated."""
BANDS: Final = 4


class ReviewedRecords(NamedTuple):
    """Records under two policies, and what is known about them; each of shape (n_records,)."""

    was_flagged: Array
    is_flagged: Array
    # Probability of fraud by the model that was in use; NaN where it is unknown.
    probability: Array
    # 1 for fraud, 0 for legitimate, NaN without a label.
    fraud: Array
    # Of reviewed records, 1 for those that were reviewed for certain; NaN for the others.
    inclusion: Array
    # Campaigns or accounts of audited records.
    groups: Array
    # What each record counts for: 1, or its amount.
    worth: Array


class Estimate(NamedTuple):
    """A sum over records, with its 95 % interval, and the effective number of audits: infinite if none is needed."""

    value: float
    low: float
    high: float
    audits: float = np.inf

    def minus(self, other: "Estimate") -> "Estimate":
        """Return the difference to another sum."""
        value = self.value - other.value
        below = np.hypot(self.value - self.low, other.high - other.value)
        above = np.hypot(self.high - self.value, other.value - other.low)
        return Estimate(value, value - float(below), value + float(above))


def estimate_frauds(records: ReviewedRecords, within: Array) -> Estimate:
    """Estimate what the frauds within some of the records are worth."""
    fraud, worth = records.fraud, np.where(within, records.worth, 0.0)
    is_certain = within & (records.inclusion == 1) & ~np.isnan(fraud)
    rest = np.flatnonzero(within & ~is_certain)
    known, whole = float(worth[fraud == 1].sum()), float(worth[rest].sum())
    if not whole or not np.isnan(fraud[rest]).any():
        return Estimate(known, known, known)
    audited, weights, is_covered = _weights(records, rest)
    share, n_audits, low, high = 0.5, 0.0, 0.0, 1.0
    if weights.any():
        share = float(np.average(fraud[audited], weights=weights))
    elif is_certain.any():
        share = float(fraud[is_certain].mean())
    if is_covered:
        n_audits, low, high = _interval(weights, fraud[audited], records.groups[audited], share)
    sums = float(worth[is_certain] @ fraud[is_certain]) + whole * np.array([share, low, high])
    value, low, high = np.clip(sums, known, float(worth.sum() - worth[fraud == 0].sum())).tolist()
    return Estimate(value, low, high, n_audits)


def _weights(records: ReviewedRecords, rest: Array) -> tuple[Array, Array, bool]:
    """Return the audited ones of some records, what each stands for, and whether there are some in every band."""
    ranks = np.argsort(np.argsort(records.probability[rest], kind="stable"))
    bands = ranks * BANDS // len(rest)
    is_audited = (records.inclusion[rest] > 0) & ~np.isnan(records.fraud[rest])
    audited, band = rest[is_audited], bands[is_audited]
    weights = records.worth[audited] / records.inclusion[audited]
    wholes = np.bincount(bands, records.worth[rest], BANDS)
    sums = np.bincount(band, weights, BANDS)
    scale = np.divide(wholes, sums, out=np.zeros(BANDS), where=sums > 0)
    return audited, weights * scale[band], bool((sums[wholes > 0] > 0).all())


def _interval(weights: Array, fraud: Array, groups: Array, share: float) -> tuple[float, float, float]:
    """Return the effective number of reviews, and the interval of a weighted share."""
    codes = np.unique(groups, return_inverse=True)[1]
    sums, gaps = np.bincount(codes, weights), np.bincount(codes, weights * (fraud - share))
    n_kish = n = effective_size(sums)
    variance = float(gaps @ gaps) / weights.sum() ** 2 * len(sums) / max(len(sums) - 1, 1)
    if variance:
        n = min(n, share * (1 - share) / variance)
    tail, hits = (1 - LEVEL) / 2, share * n
    return n_kish, 1 - upper_rate(n - hits, n, 1 - tail), upper_rate(hits, n, 1 - tail)


class Comparison(NamedTuple):
    """A sum under both policies, and the difference with its 95 % interval."""

    happened: float
    rehearsed: float
    difference: float
    low: float
    high: float


def compare_frauds(records: ReviewedRecords) -> tuple[Comparison, float]:
    """Compare what the frauds that two policies flag are worth; return also the audits of the newly flagged records."""
    was, now = records.was_flagged, records.is_flagged
    both, gained, lost = (estimate_frauds(records, within) for within in (was & now, now & ~was, was & ~now))
    values = both.value + lost.value, both.value + gained.value, *gained.minus(lost)[:3]
    return Comparison(*values), gained.audits


@dataclass(frozen=True, eq=False, kw_only=True)
class Rehearsal:
    """Result of `rehearse`.

    Parameters
    ----------
    model : str
        Name of the model that was rehearsed.
    digest : str or None
        Digest of its files; None for a model that was not loaded from a folder.
    logged : int
        Number of logged scores in the span of time.
    left_out : dict of str to int
        Number of scores that were not rehearsed, by cause.
    days : DataFrame
        One row for each day (UTC) of the answers: ``records``, how many were ``flagged``, how many are
        ``flagged_rehearsed``, and how many of these are ``newly_flagged``; ``newly_passed`` were flagged only then.
    audits : float
        Effective number of audits among the newly flagged records; infinite if none is needed.
    frauds, false_alarms, amount : Comparison or None
        Flagged frauds, flagged legitimate records, and the amount of flagged frauds: what happened, what was rehearsed,
        and the difference with its 95 % interval. None where there are fewer than 20 effective audits; the amount also
        without amounts.
    """

    model: str
    digest: str | None
    logged: int
    left_out: dict[str, int]
    days: pd.DataFrame
    audits: float
    frauds: Comparison | None
    false_alarms: Comparison | None
    amount: Comparison | None

    @property
    def totals(self) -> dict[str, int]:
        """The sums over all days."""
        return {str(name): int(column.sum()) for name, column in self.days.drop(columns="day").items()}

    @property
    def refusal(self) -> str | None:
        """Why frauds and false alarms are not estimated; None if they are."""
        if self.frauds is not None:
            return None
        return (
            f"the {self.totals['newly_flagged']:,} newly flagged records have {self.audits:.0f} effective audits. An "
            f"estimate needs {MIN_AUDITS}, and some of both probable and improbable records. Draw more that pass: "
            "review draw --audit or --near"
        )

    def to_dict(self) -> JsonObject:
        """Return the result as plain JSON types.

        Returns
        -------
        dict
        """
        estimates = {name: getattr(self, name) for name in ("frauds", "false_alarms", "amount")}
        return {
            "model": self.model,
            "digest": self.digest,
            "logged": self.logged,
            "left_out": self.left_out,
            **self.totals,
            "effective_audits": self.audits if np.isfinite(self.audits) else None,
            "refusal": self.refusal,
            **{name: one and one._asdict() for name, one in estimates.items()},
            "days": self.days.to_dict("records"),
        }


def rehearse(
    store: EventStore,
    model: Scorer | str | Path,
    *,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    threshold: float | None = None,
    rules: RuleSet | None = None,
    capacity: int | None = None,
    progress: "Progress | None" = None,
) -> Rehearsal:
    """Score logged records with another model, as of their offsets, and estimate what it would have found.

    Parameters
    ----------
    store : EventStore
        From `open_store`: the score log, with records, the history, and labels with inclusion probabilities.
    model : Scorer, str or Path
        The model to rehearse; that in use if only its threshold, rules or capacity change.
    since, until : datetime or str, default=None
        Only scores answered from `since` on, and before `until`.
    threshold : float, default=None
        Probability from which on records are flagged; None for that of the model.
    rules : RuleSet, default=None
        Rules that override the model, as of each day; None for none.
    capacity : int, default=None
        At most as many records are flagged on a day (UTC), the most probable ones; None for all.
    progress : callable, default=None
        Called with each step.

    Returns
    -------
    Rehearsal
        What happened, what was rehearsed, and the difference.

    Raises
    ------
    StateError
        If there are no logged scores in that span of time, none can be rehearsed, a row of the store is damaged, or the
        store lacks fields that the model reads.
    RecipeError
        If the model gives no probability of fraud, or decides nothing and there is no threshold.

    Examples
    --------
    ::

        with open_store("live.db") as store:
            result = rehearse(store, "newer-model", since="2026-05-01")
        print(result.frauds or result.refusal)
    """
    report = progress or (lambda step: None)
    scorer = model if isinstance(model, Scorer) else Scorer.load(model)
    if threshold is not None:
        point = OperatingPoint("threshold", threshold, None, None, 0.0)
        model_at = replace(scorer.model, points=(point,), source_points=None)
        scorer = Scorer(model_at, policy=scorer.policy, n_threads=scorer.n_threads)
    _check_usable(store, scorer.model)
    report("reading the log")
    answers = read_answers(store, scorer, span_of(since, until), of_any=True)
    batch = read_replay(store, scorer, _chosen(answers, scorer.model), report)
    answers, scores = batch.answers, batch.at_offsets()
    if answers.places.empty:
        causes = ", ".join(f"{count:,} {cause}" for cause, count in answers.left_out.items())
        problem = f"expected logged records that can be rehearsed, got none: {causes}"
        raise StateError(store.origin, problem, "Choose another span of time, or log records: --score-log records.")
    days = answers.places["answered_at"].to_numpy(np.int64) // DAY
    is_flagged = _decisions(answers, scores, days, rules)
    if capacity is not None:
        order = np.lexsort((-_numbers(scores, "probability"), ~is_flagged, days))
        is_flagged[order] &= pd.Series(days[order]).groupby(days[order]).cumcount().to_numpy() < capacity
    report("reading the labels")
    records = _reviewed(store, scorer.model, answers, is_flagged)
    frauds, audits = compare_frauds(records)
    false_alarms, _ = compare_frauds(records._replace(fraud=1 - records.fraud))
    amounts = answers.records.get("amount")
    amount, of_amounts = None, 0.0
    if amounts is not None:
        amount, of_amounts = compare_frauds(records._replace(worth=np.nan_to_num(amounts.to_numpy(np.float64))))
    return Rehearsal(
        model=scorer.model.name,
        digest=scorer.model.digest,
        logged=answers.n_logged,
        left_out=answers.left_out,
        days=_by_day(days, records),
        audits=audits,
        frauds=frauds if audits >= MIN_AUDITS else None,
        false_alarms=false_alarms if audits >= MIN_AUDITS else None,
        amount=amount if min(audits, of_amounts) >= MIN_AUDITS else None,
    )


def _check_usable(store: EventStore, model: Model) -> None:
    """Check that a model gives decisions, and that the store has what it reads."""
    if model.legitimate is None:
        raise RecipeError("rehearse", ["expected a model that gives a probability of fraud, got one of types alone"])
    if not model.points:
        raise RecipeError("--threshold", ["expected one, because the model has no operating point. Add --threshold"])
    if model.matrix.history_parts and not logged_fields(model.matrix.new_state()).are_in(stored_fields(store.facts)):
        problem = "expected the fields that the history of the model reads, the store lacks some of them"
        raise StateError(store.origin, problem, "Choose a model that reads what the store has.")


def _chosen(answers: LoggedAnswers, model: Model) -> LoggedAnswers:
    """Return the latest score of each record that the model can read and that is later than its training."""
    ids, until = answers.places[model.subject.id], trained_until(model)
    answers = answers.where((~ids.duplicated(keep="last") | ids.isna()).to_numpy(), "scored again later")
    if until is not None:
        times = answers.places["as_of"].fillna(answers.places["answered_at"]).to_numpy(np.int64)
        answers = answers.where(times > until.as_unit("us").asm8.astype(np.int64), "not later than training")
    return answers.where(np.isin(np.arange(len(answers.places)), answers.records.index), "record rejected")


def _numbers(scores: Array, name: str) -> Array:
    return scores[:, NUMBERS.index(name)].astype(np.float64)


def _decisions(answers: LoggedAnswers, scores: Array, days: Array, rules: RuleSet | None) -> Array:
    """Return which records are flagged, by the model and then by the rules as of each day."""
    is_flagged = scores[:, WORDS.index("decision") - len(WORDS)] == "flag"
    if rules is None:
        return np.asarray(is_flagged)
    for day in np.unique(days).tolist():
        rows, now = np.flatnonzero(days == day), datetime.fromtimestamp(day * DAY // SECOND, UTC)
        matched = rules.match_records([answers.given[row] for row in rows.tolist()], now=now)
        actions = np.array([*(rule.action == "flag" for rule in rules.rules), False])
        is_flagged[rows] = np.where(matched >= 0, actions[matched], is_flagged[rows])
    return np.asarray(is_flagged)


def _reviewed(store: EventStore, model: Model, answers: LoggedAnswers, is_flagged: Array) -> ReviewedRecords:
    """Return records with the labels that count, and the largest of the inclusion probabilities of each."""
    found = (record for part, record in stored_records(store) if part == "labels" and record["of"] == model.subject)
    labels = pd.DataFrame(found, columns=["subject_id", "label", "labelled_at", "source", "inclusion_probability"])
    trust = trust_of_model(model)
    labels = labels.assign(label=labels["label"].map(LabelRules(model).class_of))
    counting = label_as_of(labels, trust=trust, legitimate=model.legitimate)["label"]
    trusted = labels[trust.weights(labels["source"]) > 0].groupby("subject_id")["inclusion_probability"].max()
    ids = answers.places[model.subject.id]
    label, inclusion = counting.reindex(ids).to_numpy(object), trusted.reindex(ids).to_numpy(np.float64)
    groups, audited = np.zeros(len(ids), np.int64), np.flatnonzero(inclusion < 1)
    if len(audited):
        groups[audited] = row_groups(answers.records.iloc[audited].reset_index(drop=True), model.subject)[0]
    return ReviewedRecords(
        was_flagged=answers.decisions == "flag",
        is_flagged=is_flagged,
        probability=_numbers(answers.scores, "probability"),
        fraud=np.where(pd.isna(label), np.nan, label != model.legitimate),
        inclusion=inclusion,
        groups=groups,
        worth=np.ones(len(ids)),
    )


def _by_day(days: Array, records: ReviewedRecords) -> pd.DataFrame:
    was, now = records.was_flagged, records.is_flagged
    counts = {"day": np.datetime_as_string(days.astype("datetime64[D]")), "records": np.ones(len(days), np.int64)}
    counts |= {"flagged": was, "flagged_rehearsed": now, "newly_flagged": now & ~was, "newly_passed": was & ~now}
    return pd.DataFrame(counts).groupby("day", as_index=False).sum()
