"""Leak tests: information in a training matrix that is not available when records are scored.

Three kinds of leaks give metrics that no live model reaches (Kaufman et al., 2012):

- a column that is derived from the label,
- a label that was not known when the test began,
- a campaign or an account on both sides of the split.

Every warning has four strings: ``kind``, ``column``, ``found`` and ``do``.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.features.large_matrix import take_rows
from fraudsieve.training.splits.split import Split

LeakWarning: TypeAlias = dict[str, str]

PERFECT: Final = 0.999
"""ROC AUC, of either direction, that no honest column reaches by itself."""
MIN_ROWS: Final = 20
"""Rows that a class, and all other classes together, must have: fewer may be separated by chance."""
MIN_GROUPS: Final = 10
"""Campaigns, or accounts, that they must come from: the rows of one campaign are alike in everything."""
MAX_ROWS: Final = 20_000
"""Rows of a class that are examined; an AUC does not need more."""
MAX_CODES: Final = 50
"""A column of numbers with at most this many values may hold codes, and is examined value by value too."""
LEARNED: Final = ("wording__", "pinyin__", "surprisal__")
"""Families that the builder learns from labels itself, out of fold: on easy texts they may well be perfect."""


def find_leaks(
    matrix: pd.DataFrame,
    y: Array,
    *,
    split: Split,
    cutoff_times: pd.Series,
    labelled_at: pd.Series,
    groups: Mapping[str, Array],
    is_fraud: Array | None = None,
    rows: Array | None = None,
    own: Collection[str] | None = None,
) -> list[LeakWarning]:
    """Find all three kinds of leaks.

    Parameters
    ----------
    matrix : DataFrame, shape (n_train, n_columns)
        The training matrix.
    y : ndarray, shape (n_train,)
        Its classes.
    split : Split
        Positions of the slices among all rows.
    cutoff_times : Series of datetime64, shape (n_rows,)
        Cutoff time of each row; the test begins with its first row that has one.
    labelled_at : Series of datetime64, shape (n_rows,)
        When the label of each row became known; missing for a label that was always known.
    groups : mapping of str to ndarray, each of shape (n_rows,)
        Campaigns or accounts by the kind of group, such as ``campaign``; a row with a missing value is in no group.
    is_fraud : ndarray of bool, shape (n_rows,), default=None
        Rows of the test that may not share a group with training; None for all. Legitimate groups, such as the notices
        of a bank, are on both sides of a live model too.
    rows : ndarray of int, shape (n_train,), default=None
        Position among all rows of each row of the matrix; None for those of ``split.train``.
    own : collection of str, default=None
        As for `columns_made_from_labels`.

    Returns
    -------
    list of dict
        The warnings; empty without a leak.

    Examples
    --------
    >>> split = Split("random", np.arange(80), np.arange(80, 90), np.arange(90, 100), ())
    >>> y = np.repeat(["fraud", "legitimate"], 40)
    >>> matrix = pd.DataFrame({"amount": np.arange(80) % 7, "closed": np.repeat([1, 0], 40)})
    >>> days = pd.Series(pd.date_range("2026-01-01", periods=100))
    >>> groups = {"account": np.arange(100)}
    >>> warnings = find_leaks(matrix, y, split=split, cutoff_times=days, labelled_at=days, groups=groups)
    >>> [(warning["kind"], warning["column"]) for warning in warnings]
    [('label_in_column', 'closed')]
    """
    of_matrix = [np.asarray(column)[split.train if rows is None else rows] for column in groups.values()]
    return [
        *columns_made_from_labels(matrix, y, groups=of_matrix, own=own),
        *labels_known_late(cutoff_times, labelled_at, split),
        *groups_on_both_sides(groups, split, is_fraud),
    ]


def columns_made_from_labels(
    matrix: pd.DataFrame, y: Array, *, groups: Sequence[Array] = (), own: Collection[str] | None = None
) -> list[LeakWarning]:
    """Find columns that separate a class from the rest almost without error, each by itself.

    By the order of its values, in either direction; by single values, for words or few numbers; or by whether it is
    missing. Single values are counted on one half of the rows (of the groups, by the first kind) and tested on the
    other half. So identifiers, each of which determines one row, are not reported as leaks.
    """
    codes, classes = pd.factorize(np.asarray(y), sort=True)
    rows = _thinned(codes)
    kinds = [pd.factorize(np.asarray(column)[rows])[0] for column in groups]
    data = _Rows(codes[rows], len(classes), [kind for kind in kinds if (kind >= 0).any()])
    matrix, warnings = take_rows(matrix, rows), []
    for place, name in enumerate(map(str, matrix.columns)):
        separation = None if name.startswith(LEARNED) else _separation(matrix.iloc[:, place], data)
        if separation is not None:
            how, code, auc = separation
            warning = _label_in(name, str(classes[code]), how, auc)
            if own is not None and name not in own:
                warning["do"] = tr("Check that the cutoff times (as_of) are not later than what the label is about.")
            warnings.append(warning)
    return warnings


@dataclass(frozen=True, eq=False)
class _Rows:
    """Classes as codes, their number, and codes of the groups of each kind."""

    codes: Array
    n_classes: int
    groups: list[Array]

    def halves(self) -> Array:
        """Assign the rows to two halves, whole groups by the first kind of them."""
        units = self.groups[0] if self.groups else np.arange(len(self.codes))
        # Rows of no group have the code -1, and so the half of the last group.
        return np.asarray((np.random.default_rng(1).permutation(units.max() + 1) % 2)[units])

    def of_enough_groups(self, code: int, among: Array) -> bool:
        """Return whether a class, and the rest, come from enough groups of every kind."""
        sides = among & (self.codes == code), among & (self.codes != code)
        return all(len(np.unique(kind[side])) >= MIN_GROUPS for kind in self.groups for side in sides)


def _thinned(codes: Array) -> Array:
    """Return positions of at most `MAX_ROWS` rows of each class, in their order."""
    order = np.random.default_rng(0).permutation(len(codes))
    turn = pd.Series(codes[order]).groupby(codes[order]).cumcount().to_numpy()
    return np.sort(order[turn < MAX_ROWS])


def _separation(cells: pd.Series, data: _Rows) -> tuple[str, int, float] | None:
    """Return how a column separates a class, the code of the class, and the AUC; None if it does not."""
    missing = cells.isna().to_numpy()
    everywhere = np.ones(len(cells), bool)
    ways = [("whether it is missing", everywhere, _aucs(missing, data.codes, data.n_classes))]
    if _is_ordered(cells):
        aucs = _aucs(cells[~missing], data.codes[~missing], data.n_classes)
        ways.append(("the order of its values", ~missing, aucs))
    words, distinct = pd.factorize(cells, use_na_sentinel=False)
    if not _is_ordered(cells) or len(distinct) <= MAX_CODES:
        ways.append(("which value it has", everywhere, _aucs_of_words(words, len(distinct), data)))
    for how, among, aucs in ways:
        either = np.maximum(aucs, 1 - aucs)
        for code in np.flatnonzero(either >= PERFECT).tolist():
            if data.of_enough_groups(code, among):
                return how, code, float(either[code])
    return None


def _is_ordered(cells: pd.Series) -> bool:
    types = pd.api.types
    return bool(types.is_numeric_dtype(cells) or types.is_datetime64_any_dtype(cells) or types.is_bool_dtype(cells))


def _aucs(values: Array | pd.Series, codes: Array, n_classes: int) -> Array:
    """Return the ROC AUC of every class against the rest, by rank sums (Mann and Whitney, 1947); NaN of too few."""
    own = np.bincount(codes, minlength=n_classes)
    others = len(codes) - own
    ranks = pd.Series(values).rank().to_numpy()
    above = np.bincount(codes, ranks, n_classes) - own * (own + 1) / 2
    enough = (own >= MIN_ROWS) & (others >= MIN_ROWS)
    return np.where(enough, above / np.maximum(own * others, 1), np.nan)


def _aucs_of_words(words: Array, n_words: int, data: _Rows) -> Array:
    """Return the ROC AUC of the share of every class among the rows of a word in the other half."""
    half, codes, n = data.halves(), data.codes, data.n_classes
    cells = (half * n_words + words) * n + codes
    counts = np.bincount(cells, minlength=2 * n_words * n).reshape(2, n_words, n)
    totals = counts.sum(axis=2, keepdims=True)
    usual = np.bincount(codes, minlength=n) / len(codes)
    shares = np.where(totals > 0, counts / np.maximum(totals, 1), usual)[1 - half, words]
    return np.array([_aucs(shares[:, place], codes, n)[place] for place in range(n)])


def _label_in(name: str, label: str, how: str, auc: float) -> LeakWarning:
    return {
        "kind": "label_in_missing" if "missing" in how else "label_in_column",
        "column": name,
        "found": tr(
            "{name}: {how} alone separates {label!r} from the rest (ROC AUC {auc:.4f})",
            name=name,
            how=tr(how),
            label=label,
            auc=auc,
        ),
        "do": tr("Check that it is written before the label and not because of it; otherwise leave the column out."),
    }


def labels_known_late(cutoff_times: pd.Series, labelled_at: pd.Series, split: Split) -> list[LeakWarning]:
    """Find labels that the model learns from although they were not known when the test began."""
    begin, learned = cutoff_times.iloc[split.test].min(), _learned_rows(split)
    late = int((labelled_at.iloc[learned] >= begin).sum())
    if not late:
        return []
    return [
        {
            "kind": "label_known_late",
            "column": "labelled_at",
            "found": tr(
                "labelled_at: {late} of {rows} training and calibration rows have a label that was not known before "
                "the test began",
                late=late,
                rows=len(learned),
            ),
            "do": tr("Split by time, with a gap as long as labels take."),
        }
    ]


def groups_on_both_sides(groups: Mapping[str, Array], split: Split, is_fraud: Array | None = None) -> list[LeakWarning]:
    """Find campaigns, or accounts, that are both in the test and in training.

    A calibration by time may share campaigns with the test, as that of a live model does.
    """
    warnings = []
    tested = split.test if is_fraud is None else split.test[np.asarray(is_fraud, bool)[split.test]]
    for name, column in groups.items():
        codes, values = pd.factorize(np.asarray(column))
        in_training = np.zeros(len(values) + 1, bool)
        # As in a split by time: what is kept apart of a campaign, or a group, is its fraud.
        learned = split.train if is_fraud is None or name == "account" else split.train[is_fraud[split.train]]
        in_training[codes[learned]] = True
        in_training[-1] = False  # the code of rows without a group
        shared = int(in_training[codes[tested]].sum())
        # A split by time keeps the past of an account that is robbed later, as a live model has seen it.
        allowed = split.kind == "time" and f"fraud {name}s" not in split.keeps_apart
        if shared and not allowed:
            warnings.append(
                {
                    "kind": "group_on_both_sides",
                    "column": name,
                    "found": tr(
                        "{name}: {shared} of {rows} rows of the test share one with training",
                        name=tr(name),
                        shared=shared,
                        rows=len(tested),
                    ),
                    "do": tr("Split by time or by {name}, which keep them apart.", name=tr(name)),
                }
            )
    return warnings


def _learned_rows(split: Split) -> Array:
    return np.concatenate([split.train, split.calibration])
