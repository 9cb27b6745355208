"""Labels that a model chose: people label what is flagged, and then the labels say nothing about what passes.

Of flagged and of passed records, the shares that have a label are compared. They are equal if labels were chosen
without the model. If all labels are of flagged records, each fraud with a label was found, and recall is 1 whatever the
model misses.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.features.label_trust import WEIGHT
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.assumed_labels import ASSUMED
from fraudsieve.training.data.builders import Builder, builder_of_model, flags_of, scores_of
from fraudsieve.training.data.groups import row_groups
from fraudsieve.training.data.inclusion import INCLUSION, inclusion_weights
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.labels import maturity_gaps, seen_until

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
    settings: dict[str, Any] = {"rates": rates, "weight": weight, "assumed": data.assumed_after is not None, "by": by}
    return compare_labelled(flagged, is_labelled, groups, **settings)


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
