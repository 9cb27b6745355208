"""Metrics of labels: their delays, the number still to come, and the number replaced.

Labels that a model chose: people label what is flagged, and then the labels say nothing about what passes.

Of flagged and of passed records, the shares that have a label are compared. They are equal if labels were chosen
without the model. If all labels are of flagged records, each fraud with a label was found, and recall is 1 whatever the
model misses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.features.label_trust import WEIGHT, Trust
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.label_values import resolve_label_times, with_times
from fraudsieve.training.data.assumed_labels import ASSUMED, INCLUSION, inclusion_weights, without_assumed_labels
from fraudsieve.training.data.builders import Builder, builder_of_model, flags_of, scores_of
from fraudsieve.training.data.groups import row_groups
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.labels import DAY, MATURE, DelayCurve, delay_curve, maturity_gaps, reversals, seen_until
from fraudsieve.training.recipe.data import LabelRecipe

from .metrics import format_days

SHARES = (0.5, 0.9, MATURE, 0.99)
CURVE_POINTS = 100
MAX_SOURCES = 12
INSTANT = 1 / DAY
"""Delays of less than a second, in days: the records were exported when their labels arrived."""


@dataclass(frozen=True)
class LabelDelay:
    """Age in days by which a share of the labels that arrive has arrived."""

    share: float
    days: float


@dataclass(frozen=True)
class GapUsed:
    """Days between training and test, None if the split is not by time; and the reason for them."""

    days: float | None
    why: str


@dataclass(frozen=True, kw_only=True)
class YoungestRecords:
    """The records of the last ``days``, and those of them that wait for a label.

    ``days`` is the time in which labels mature, or the gap if that is longer. ``expected`` labels will arrive for the
    ``waiting`` records. ``expected_frauds`` of them are fraud, if fraud is as frequent among them as before; campaigns
    come in bursts, so that number is rough.
    """

    days: float
    records: int
    waiting: int
    share_to_come: float | None
    expected: float
    expected_frauds: float | None


@dataclass(frozen=True, kw_only=True)
class AssumedLabels:
    """Records of the period that count as legitimate, because they had no label ``days`` after them.

    ``share_to_come`` is the share of all fraud labels that arrive later than that. ``expected_frauds`` of the
    ``records`` will have such a label. None if they are not known. ``young`` records have a label, and are left out,
    because the data do not go on for so long after them.
    """

    days: float
    records: int
    young: int
    share_to_come: float | None
    expected_frauds: float | None


@dataclass(frozen=True)
class Reversals:
    """Labels that a later one replaced: their number, and ``from``, ``to`` and ``count`` of every pair."""

    count: int
    pairs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class SourceLabels:
    """Labels of one source: all, those that came first, their delays at `SHARES`, and those that were replaced."""

    source: str
    labels: int
    first: int
    days: tuple[float, ...] | None
    reversed: int


@dataclass(frozen=True, kw_only=True)
class LabelMetrics:
    """Metrics of the reliability of labels."""

    # At `SHARES` of the labels that arrive; None if labels have no times.
    delays: tuple[LabelDelay, ...] | None
    # Age in days by which 95 % of the labels of a class have arrived.
    mature_by_class: Mapping[str, float] | None
    # Pairs of age in days and share.
    curve: tuple[tuple[float, float], ...] | None
    # Labels that the delays are computed from.
    timed: int
    # The gap that the model was tested with.
    gap: GapUsed
    # Records of the period that is evaluated, and those without a label.
    records_in_period: int
    unlabelled_in_period: int
    # None if no delays are known.
    youngest: YoungestRecords | None
    # None if every record has one label.
    reversals: Reversals | None
    by_source: tuple[SourceLabels, ...] | None
    # None if a record without a label never counts as legitimate.
    assumed: AssumedLabels | None = None


def label_metrics(
    data: LabelledData,
    training: Mapping[str, Any],
    *,
    legitimate: str | None = None,
    since: Any = None,
    trust: Trust | None = None,
) -> LabelMetrics:
    """Compute how reliable the labels of some records are."""
    subjects, gap = data.subjects, _gap_used(training, data)
    curve = delay_curve(subjects)
    timed = curve.age_at(1.0) >= INSTANT
    counted = subjects if since is None else subjects[subjects["as_of"] >= pd.to_datetime(since, utc=True)]
    return LabelMetrics(
        delays=tuple(LabelDelay(share, curve.age_at(share)) for share in SHARES) if timed else None,
        mature_by_class=maturity_gaps(subjects) if timed else None,
        curve=tuple((curve.age_at(share), float(share)) for share in _steps()) if timed else None,
        timed=curve.n_labelled,
        gap=gap,
        records_in_period=len(counted),
        unlabelled_in_period=int(counted["label"].isna().sum()),
        # Young records are not evaluated if old ones count as legitimate.
        youngest=_youngest(data, counted, curve, gap.days, legitimate)
        if timed and data.assumed_after is None
        else None,
        reversals=None if data.all_labels is None else _reversals(data.all_labels, trust),
        by_source=_by_source(data, trust),
        assumed=assumed_labels(data, legitimate, since),
    )


def _steps() -> Array:
    return np.asarray(np.linspace(0, 1, CURVE_POINTS + 1)[1:])


def _gap_used(training: Mapping[str, Any], data: LabelledData) -> GapUsed:
    kind, days = training.get("split"), training.get("gap_days")
    given = ((training.get("recipe") or {}).get("split") or {}).get("gap_days")
    if kind != "time" or days is None:
        by_kind = tr("split {how}, not by time", how=tr(f"by {kind}"))
        return GapUsed(None, "unknown to the model" if kind in (None, "time") else by_kind)
    if given == days:
        return GapUsed(days, "as given")
    assumed = LabelRecipe.of_training(training).age
    if assumed is not None and days == assumed.total_seconds() / DAY:
        return GapUsed(days, tr("as long as a record waits for its label before it counts as legitimate"))
    share = MATURE if data.delay_note(days) is None else min(MATURE, *data.known_shares(days))
    arrived = tr("{share:.0f} % of the labels have arrived by then", share=100 * share)
    return GapUsed(days, arrived if days else "labels have no times")


def _youngest(
    data: LabelledData, counted: pd.DataFrame, curve: DelayCurve, gap: float | None, legitimate: str | None
) -> YoungestRecords:
    days = max(curve.age_at(MATURE), gap or 0.0)
    ages = ((seen_until(data.subjects) - counted["as_of"]).dt.total_seconds() / DAY).to_numpy()
    young = ages < days
    waiting = ages[young & counted["label"].isna().to_numpy()]
    frauds = None
    if legitimate is not None:
        frauds = float(data.kind_curves[0].chance_to_come(waiting, curve).sum())
    return YoungestRecords(
        days=days,
        records=int(young.sum()),
        waiting=len(waiting),
        share_to_come=float(curve.share_to_come(ages[young]).mean()) if young.any() else None,
        expected=float(curve.chance_to_come(waiting).sum()),
        expected_frauds=frauds,
    )


def assumed_labels(data: LabelledData, legitimate: str | None = None, since: Any = None) -> AssumedLabels | None:
    """Count the records of a period that count as legitimate, and the frauds to come; None if none ever does."""
    if data.assumed_after is None:
        return None
    subjects = data.subjects
    rows, young = data.rows.loc[data.rows[ASSUMED], "as_of"], data.young["as_of"]
    if since is not None:
        start = pd.to_datetime(since, utc=True)
        rows, young = rows[rows >= start], young[young >= start]
    days, to_come, frauds = data.assumed_after.total_seconds() / DAY, None, None
    of_fraud = None if legitimate is None else data.kind_curves[0]
    if of_fraud is not None and of_fraud.n_labelled:
        ages = ((seen_until(subjects) - rows).dt.total_seconds() / DAY).to_numpy()
        to_come = float(of_fraud.share_to_come(days))
        frauds = float(of_fraud.chance_to_come(ages, delay_curve(subjects)).sum())
    return AssumedLabels(days=days, records=len(rows), young=len(young), share_to_come=to_come, expected_frauds=frauds)


def _reversals(labels: pd.DataFrame, trust: Trust | None) -> Reversals:
    pairs = reversals(labels, trust=trust)
    records = [{str(name): value for name, value in pair.items()} for pair in pairs.to_dict("records")]
    return Reversals(int(pairs["count"].sum()), tuple(records))


def _by_source(data: LabelledData, trust: Trust | None) -> tuple[SourceLabels, ...] | None:
    labels, cutoff_times = _with_sources(data)
    counts = labels["source"].value_counts()
    if len(counts) < 2:
        return None
    replaced = reversals(labels, trust=trust, by_source=True).groupby("source")["count"].sum()
    first = labels.sort_values("labelled_at", kind="stable", na_position="first").drop_duplicates("subject_id")
    first = first.assign(as_of=first["subject_id"].map(cutoff_times), label=first["source"])
    # Sources compete as classes do: the first label of a record keeps other sources from being first.
    waiting = pd.DataFrame({"as_of": data.waiting})
    subjects = pd.concat([first.loc[first["as_of"].notna(), ["as_of", "labelled_at", "label"]], waiting])
    sources = []
    for source, n_labels in counts.head(MAX_SOURCES).items():
        curve = delay_curve(subjects, label=str(source))
        timed = curve.age_at(1.0) >= INSTANT
        sources.append(
            SourceLabels(
                source=str(source),
                labels=int(n_labels),
                first=int((first["source"] == source).sum()),
                days=tuple(curve.age_at(share) for share in SHARES) if timed else None,
                reversed=int(replaced.get(source, 0)),
            )
        )
    return tuple(sources)


def _with_sources(data: LabelledData) -> tuple[pd.DataFrame, pd.Series]:
    """Return all labels with their sources, and the cutoff times of the records by their ids."""
    columns = ["subject_id", "label", "labelled_at", "source"]
    if data.all_labels is None:
        labels = without_assumed_labels(data.rows).reindex(columns=columns).assign(subject_id=data.rows.index)
        return labels[labels["label"].notna()], data.rows["as_of"]
    labels = with_times(data.all_labels).reindex(columns=columns)
    labels["labelled_at"] = resolve_label_times(labels["labelled_at"])[0]
    cutoff_times = data.rows.drop_duplicates(data.subject.id).set_index(data.subject.id)["as_of"]
    return labels, cutoff_times


def label_notes(labels: LabelMetrics | None) -> list[str]:
    """Return notes on labels that are still to come, and on those that are assumed, without a full stop at the end."""
    if labels is None:
        return []
    return [note for note in (assumed_note(labels.assumed), waiting_note(labels.youngest)) if note is not None]


def waiting_note(youngest: YoungestRecords | None) -> str | None:
    """Return a warning that the youngest records wait for labels; None if less than one label is expected."""
    if youngest is None or youngest.expected < 0.5:
        return None
    frauds = ""
    if youngest.expected_frauds is not None:
        frauds = tr(", {n:,.0f} of fraud if it is as frequent as before", n=youngest.expected_frauds)
    return tr(
        "{waiting:,} of {records:,} records of the last {days} days are waiting for labels; about {expected:,.0f} "
        "will arrive{frauds}: metrics of the last {days} days lack the frauds that are not yet known",
        waiting=youngest.waiting,
        records=youngest.records,
        days=format_days(youngest.days),
        expected=youngest.expected,
        frauds=frauds,
    )


def assumed_note(assumed: AssumedLabels | None) -> str | None:
    """Say how many records count as legitimate, and how many frauds may be among them; None if none do."""
    if assumed is None:
        return None
    to_come = young = ""
    if assumed.share_to_come is not None:
        to_come = tr(
            "; {share:.1f} % of the labels of fraud arrive later than that, about {n:,.0f} of them for these records",
            share=100 * assumed.share_to_come,
            n=assumed.expected_frauds,
        )
    if assumed.young:
        young = tr("; {n:,} younger records with a label are left out", n=assumed.young)
    return tr(
        "{records:,} records had no label after {days} days and count as legitimate{to_come}{young}",
        records=assumed.records,
        days=format_days(assumed.days),
        to_come=to_come,
        young=young,
    )


MIN_RATIO: Final = 0.5
"""Smallest ratio between the labelled shares of flagged and of passed records without a warning. With a ratio of 1/2, a
recall of .50 is measured as .67, and with 1/10 as .91."""
CHANCE: Final = 0.001
"""Chance that labels at random are said to be chosen, at most."""
MAX_RECORDS: Final = 5_000
"""Records with a label, and without, that are scored."""
MAX_ALONE: Final = 500
"""Records that are scored if all have a label: only whether any of them passes counts."""
MIN_LEGITIMATE: Final = 10
"""Legitimate records that must all be flagged, if no record is without a label."""
LABELS: Final = ["label", "labelled_at", WEIGHT, ASSUMED, INCLUSION]


@dataclass(frozen=True, kw_only=True)
class LabelSelection:
    """Records with and without a label, and how many of them the model flags."""

    # Records with a label, and those of them that are flagged; at most 5,000 are drawn. If old records without a label
    # count as legitimate, only those that people labelled as legitimate.
    labelled: int
    labelled_flagged: int
    # Records of the same period without a label, or whose label is assumed; at most 5,000 are drawn.
    unlabelled: int
    unlabelled_flagged: int
    # The smaller labelled share of flagged and passed records over the larger one: 1 if labels do not depend on the
    # flags, and 0 if all are of one kind. Labels with an inclusion probability stand for 1 / probability records.
    ratio: float
    # The chance of such a difference if labels were chosen without the model, by Fisher's exact test with one record
    # for each campaign or account.
    p_value: float
    # What cannot be known from these labels, and what to do; None if the difference is small, or chance explains it.
    note: str | None

    def is_below(self, ratio: float) -> bool:
        """Return whether the ratio is below a bound, and chance does not explain it."""
        return self.ratio < ratio and self.p_value < CHANCE


def compare_labelled(
    flagged: Array,
    is_labelled: Array,
    groups: Array,
    *,
    rates: tuple[float, float] = (1.0, 1.0),
    weight: Array | None = None,
    assumed: bool = False,
    by: str = "",
) -> LabelSelection | None:
    """Compare the labelled shares of flagged and of passed records; None without records of each kind."""
    counts = np.array([[(rows & flags).sum() for flags in (flagged, ~flagged)] for rows in (is_labelled, ~is_labelled)])
    if not counts.any(axis=0).all() or not counts.any(axis=1).all():
        return None
    drawn = counts / np.array(rates)[:, np.newaxis]
    stands_for = np.ones(len(flagged)) if weight is None else weight
    covered = np.array([stands_for @ (is_labelled & flags) for flags in (flagged, ~flagged)]) / rates[0]
    of_flagged, of_passed = np.minimum(covered / drawn.sum(axis=0), 1.0).tolist()
    ratio = min(of_flagged, of_passed) / max(of_flagged, of_passed)
    p_value = _chance(flagged, is_labelled, groups)
    selection = LabelSelection(
        labelled=int(counts[0].sum()),
        labelled_flagged=int(counts[0, 0]),
        unlabelled=int(counts[1].sum()),
        unlabelled_flagged=int(counts[1, 0]),
        ratio=ratio,
        p_value=p_value,
        note=None,
    )
    if not selection.is_below(MIN_RATIO):
        return selection
    return replace(selection, note=_note(selection, more_of_flagged=of_flagged > of_passed, assumed=assumed, by=by))


def _chance(flagged: Array, is_labelled: Array, groups: Array) -> float:
    """Return the p-value of Fisher's exact test, with one record of each group: its others are like it."""
    order = np.random.default_rng(0).permutation(len(groups))
    one_each = order[np.unique(groups[order], return_index=True)[1]]
    flags, labelled = flagged[one_each], is_labelled[one_each]
    table = [[int((rows & kind).sum()) for kind in (flags, ~flags)] for rows in (labelled, ~labelled)]
    return float(fisher_exact(table)[1])


def _note(selection: LabelSelection, *, more_of_flagged: bool, assumed: bool, by: str) -> str:
    counts: dict[str, Any] = {
        "by": by,
        "flagged": selection.labelled_flagged,
        "labelled": selection.labelled,
        "others": selection.unlabelled_flagged,
        "unlabelled": selection.unlabelled,
    }
    if assumed:
        found = tr(
            "{flagged:,} of {labelled:,} records labelled as legitimate were flagged{by}, but {others:,} of "
            "{unlabelled:,} that count as legitimate without a label",
            **counts,
        )
    elif selection.unlabelled:
        found = tr(
            "{flagged:,} of {labelled:,} labelled records were flagged{by}, but {others:,} of {unlabelled:,} without a "
            "label",
            **counts,
        )
    else:
        found = tr("{flagged:,} of {labelled:,} labelled records were flagged{by}", **counts)
    do = tr("Label a random sample of the records that pass")
    if not more_of_flagged:
        do = tr("Label a random sample of the flagged records")
    return tr("{found}: recall cannot be known from these labels. {do}", found=found, do=do)


def label_selection(
    scorer: Scorer, data: LabelledData, rows: Array | None = None, *, builder: Builder | None = None, by: str = ""
) -> LabelSelection | None:
    """Compare how often a model flags records with and without a label, of one period and with mature labels.

    Only those of the labelled records are compared that `rows` chooses. None if it cannot be known: the model flags
    nothing, or there are no records without a label.
    """
    model = scorer.model
    if not model.points or model.legitimate is None or data.precomputed is not None:
        return None
    labelled, others, n_others = _of_one_period(data, data.rows if rows is None else data.rows[rows], model.legitimate)
    if labelled.empty:
        return None
    n_max = MAX_RECORDS if len(others) else MAX_ALONE
    kept = [part.sample(min(len(part), n_max), random_state=0) for part in (labelled, others)]
    records = pd.concat([part.drop(columns=LABELS, errors="ignore") for part in kept], ignore_index=True)
    scores = scores_of(scorer, records, builder_of_model(model, data) if builder is None else builder)
    scored = scores["status"] != "unscorable"
    flagged, is_labelled = flags_of(scores)[scored], np.arange(len(records))[scored] < len(kept[0])
    groups = row_groups(records[scored], data.subject, data.group)[0]
    if others.empty:
        is_legitimate = (kept[0]["label"] == model.legitimate).to_numpy()[scored]
        return _all_flagged(flagged, len(np.unique(groups[is_legitimate])), model.points[0].false_positive_rate, by)
    rates = len(kept[0]) / len(labelled), len(kept[1]) / n_others
    of_labelled = inclusion_weights(kept[0])
    weight = None if of_labelled is None else np.append(of_labelled, np.ones(len(kept[1])))[scored]
    assumed = data.assumed_after is not None
    return compare_labelled(flagged, is_labelled, groups, rates=rates, weight=weight, assumed=assumed, by=by)


def _of_one_period(data: LabelledData, rows: pd.DataFrame, legitimate: str) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return the records with a label, those without one or whose label is assumed, and the number of the latter."""
    labelled, others, times = rows, data.unlabelled, data.waiting
    if data.assumed_after is not None:
        # Labels of frauds alone come without reviews, and do not tell which records were reviewed.
        labelled, others = rows[~rows[ASSUMED] & (rows["label"] == legitimate)], rows[rows[ASSUMED]]
        times = others["as_of"]
    if labelled.empty or others.empty or not labelled["as_of"].notna().any():
        return labelled, others, len(times)
    first, last = labelled["as_of"].min(), min(labelled["as_of"].max(), _mature_until(data))
    labelled, others = (part[part["as_of"].between(first, last)] for part in (labelled, others))
    return labelled, others, max(int(times.between(first, last).sum()), len(others))


def _mature_until(data: LabelledData) -> pd.Timestamp:
    """Return the time until which labels of every class are mature: those of fraud are rare, and often late."""
    subjects = data.subjects
    return seen_until(subjects) - pd.Timedelta(days=max(maturity_gaps(subjects).values()))


def _all_flagged(flagged: Array, n_legitimate: int, rate: float | None, by: str) -> LabelSelection | None:
    """Judge records that all have a label: that none of them passed is no chance if enough of them are legitimate."""
    if not flagged.all() or n_legitimate < MIN_LEGITIMATE or rate is None:
        return None
    n = len(flagged)
    selection = LabelSelection(
        labelled=n,
        labelled_flagged=n,
        unlabelled=0,
        unlabelled_flagged=0,
        ratio=0.0,
        p_value=rate**n_legitimate,
        note=None,
    )
    if not selection.is_below(MIN_RATIO):
        return None
    return replace(selection, note=_note(selection, more_of_flagged=True, assumed=False, by=by))


def selection_notes(selection: LabelSelection | None) -> list[str]:
    """Return the note on labels that depend on the flags of a model, without a full stop at the end; else none."""
    return [] if selection is None or selection.note is None else [selection.note]
