"""Leak tests: what a training matrix knows that it could not know when it scores.

Three mistakes make figures that no live model keeps: a column that was made from the label, a label that nobody knew
when the test began, and a campaign or an account on both sides of the split (Kaufman et al., 2012). Every finding is a
plain record of four strings: ``kind``, ``column``, ``found`` and ``do``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.training.splits.split import Split

__all__ = ["Warned", "columns_made_from_labels", "find_leaks", "groups_on_both_sides", "labels_known_late"]

Warned: TypeAlias = dict[str, str]

PERFECT: Final = 0.999
"""ROC AUC, of either direction, that no honest column reaches by itself."""
FEWEST: Final = 20
"""Rows that a class, and the rest, must have: of fewer chance may be perfect."""
FEWEST_GROUPS: Final = 10
"""Campaigns, or accounts, that they must be of: the rows of one are alike in everything."""
MOST: Final = 20_000
"""Rows of a class that are looked at; an AUC does not need more."""
FEW_VALUES: Final = 50
"""A column of numbers with no more values than these may be codes, and is looked at value by value too."""
LEARNT: Final = ("wording__", "pinyin__", "surprisal__")
"""Families that the builder learns from labels itself, out of fold: on easy texts they may well be perfect."""


def find_leaks(
    matrix: pd.DataFrame,
    y: Array,
    *,
    split: Split,
    moments: pd.Series,
    labelled_at: pd.Series,
    groups: Mapping[str, Array],
    is_crime: Array | None = None,
    rows: Array | None = None,
) -> list[Warned]:
    """Look for all three leaks.

    Parameters
    ----------
    matrix : DataFrame, shape (n_train, n_columns)
        What is trained on.
    y : ndarray, shape (n_train,)
        Its classes.
    split : Split
        Positions among all rows.
    moments, labelled_at : Series of datetime64, shape (n_rows,)
        As for `labels_known_late`.
    groups : mapping of str to ndarray, each of shape (n_rows,)
        As for `groups_on_both_sides`.
    is_crime : ndarray of bool, shape (n_rows,), default=None
        As for `groups_on_both_sides`.
    rows : ndarray of int, shape (n_train,), default=None
        Which of all rows each row of the matrix is; None for those of ``split.train``.

    Returns
    -------
    list of dict
        Empty when nothing was found.

    Examples
    --------
    >>> split = Split("random", np.arange(80), np.arange(80, 90), np.arange(90, 100), ())
    >>> y = np.repeat(["fraud", "legitimate"], 40)
    >>> matrix = pd.DataFrame({"amount": np.arange(80) % 7, "closed": np.repeat([1, 0], 40)})
    >>> days = pd.Series(pd.date_range("2026-01-01", periods=100))
    >>> found = find_leaks(matrix, y, split=split, moments=days, labelled_at=days, groups={"account": np.arange(100)})
    >>> [(one["kind"], one["column"]) for one in found]
    [('label_in_column', 'closed')]
    """
    of_matrix = [np.asarray(column)[split.train if rows is None else rows] for column in groups.values()]
    return [
        *columns_made_from_labels(matrix, y, groups=of_matrix),
        *labels_known_late(moments, labelled_at, split),
        *groups_on_both_sides(groups, split, is_crime),
    ]


def columns_made_from_labels(
    matrix: pd.DataFrame, y: Array, *, groups: Sequence[Array] = (), learnt: tuple[str, ...] = LEARNT
) -> list[Warned]:
    """Find columns that tell a class from the rest almost without fail, each by itself.

    By the order of its values, whichever way; by which value it has, where these are words, or few numbers; or by
    whether it is missing at all. What single values say is counted on one half of the rows (of the groups, by the
    first) and tried on the other, so that identifiers, which determine everything once, are not taken for leaks.

    Parameters
    ----------
    matrix : DataFrame, shape (n_rows, n_columns)
        Columns of numbers, times or words; NaN is missing.
    y : ndarray, shape (n_rows,)
        Classes. Those of fewer than `FEWEST` rows are part of the rest alone.
    groups : sequence of ndarray, each of shape (n_rows,), default=()
        Campaigns, accounts. Forty copies of one message tell nothing of what the next one is like, so a class, and the
        rest, must be of `FEWEST_GROUPS` of them.
    learnt : tuple of str, default=LEARNT
        Beginnings of the names of columns that are left out.

    Returns
    -------
    list of dict
        At most one a column, of the kind ``label_in_column`` or ``label_in_missing``.

    Examples
    --------
    >>> y = np.repeat(["fraud", "legitimate"], 40)
    >>> matrix = pd.DataFrame({"status": np.repeat(["closed", "open"], 40), "closed_at": np.repeat([5.0, np.nan], 40)})
    >>> [(one["kind"], one["column"]) for one in columns_made_from_labels(matrix, y)]
    [('label_in_column', 'status'), ('label_in_missing', 'closed_at')]
    """
    codes, classes = pd.factorize(np.asarray(y), sort=True)
    rows = _thinned(codes)
    data = _Rows(codes[rows], len(classes), [pd.factorize(np.asarray(column)[rows])[0] for column in groups])
    found = []
    for place, name in enumerate(map(str, matrix.columns)):
        if not name.startswith(learnt):
            said = _separation(matrix.iloc[rows, place], data)
            found += [_label_in(name, str(classes[said[1]]), *said)] if said else []
    return found


@dataclass(frozen=True, eq=False)
class _Rows:
    """What is looked at: classes as codes, how many there are, and codes of the groups of each kind."""

    codes: Array
    n_classes: int
    groups: list[Array]

    def halves(self) -> Array:
        """Deal the rows to two halves, whole groups by the first kind of them."""
        units = self.groups[0] if self.groups else np.arange(len(self.codes))
        # Rows of no group, whose code is -1, go by the last one's half.
        return np.asarray((np.random.default_rng(1).permutation(units.max() + 1) % 2)[units])

    def of_enough_groups(self, code: int, among: Array) -> bool:
        """Tell whether a class, and the rest, are of enough groups of every kind."""
        sides = among & (self.codes == code), among & (self.codes != code)
        return all(len(np.unique(kind[side])) >= FEWEST_GROUPS for kind in self.groups for side in sides)


def _thinned(codes: Array) -> Array:
    """Return positions of at most `MOST` rows of each class, in their order."""
    order = np.random.default_rng(0).permutation(len(codes))
    turn = pd.Series(codes[order]).groupby(codes[order]).cumcount().to_numpy()
    return np.sort(order[turn < MOST])


def _separation(cells: pd.Series, data: _Rows) -> tuple[str, int, float] | None:
    """Return how a column gives a class away, which, and the AUC; None when it does not."""
    missing = cells.isna().to_numpy()
    everywhere = np.ones(len(cells), bool)
    ways = [("whether it is missing", everywhere, _aucs(missing, data.codes, data.n_classes))]
    if _is_ordered(cells):
        aucs = _aucs(cells[~missing], data.codes[~missing], data.n_classes)
        ways.append(("the order of its values", ~missing, aucs))
    words, distinct = pd.factorize(cells, use_na_sentinel=False)
    if not _is_ordered(cells) or len(distinct) <= FEW_VALUES:
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
    enough = (own >= FEWEST) & (others >= FEWEST)
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


def _label_in(name: str, label: str, how: str, _: int, auc: float) -> Warned:
    return {
        "kind": "label_in_missing" if "missing" in how else "label_in_column",
        "column": name,
        "found": f"{name}: {how} alone tells {label!r} from the rest (ROC AUC {auc:.4f})",
        "do": "See that it is written before the label and not because of it; if not, leave the column out.",
    }


def labels_known_late(moments: pd.Series, labelled_at: pd.Series, split: Split) -> list[Warned]:
    """Find labels that the model learns from although nobody knew them when the test began.

    Parameters
    ----------
    moments : Series of datetime64, shape (n_rows,)
        When each row was; the test begins with its first row that has a time.
    labelled_at : Series of datetime64, shape (n_rows,)
        When its label became known; missing for a label that was always there.
    split : Split
        Training and calibration are looked at.

    Returns
    -------
    list of dict
        One of the kind ``label_known_late``, or none.

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2026-01-01", periods=3))
    >>> split = Split("time", np.array([0]), np.array([1]), np.array([2]), ("time",))
    >>> labelled_at = pd.Series(pd.to_datetime(["2026-01-02", "2026-01-03", "2026-01-04"]))
    >>> labels_known_late(days, labelled_at, split)[0]["found"]
    'labelled_at: 1 of 2 rows that are learnt from have a label that was known only when the test had begun'
    """
    begin, learnt = moments.iloc[split.test].min(), _learnt_from(split)
    late = int((labelled_at.iloc[learnt] >= begin).sum())
    if not late:
        return []
    return [
        {
            "kind": "label_known_late",
            "column": "labelled_at",
            "found": f"labelled_at: {late} of {len(learnt)} rows that are learnt from have a label that was known only "
            "when the test had begun",
            "do": "Split by time, with a gap as long as labels take.",
        }
    ]


def groups_on_both_sides(groups: Mapping[str, Array], split: Split, is_crime: Array | None = None) -> list[Warned]:
    """Find campaigns, or accounts, that the model is tested on and has learnt from.

    Parameters
    ----------
    groups : mapping of str to ndarray, each of shape (n_rows,)
        By what a group is, as in ``campaign``; a missing value is in no group.
    split : Split
        Training is looked at. A calibration by time knows of campaigns that go on, as a live one does.
    is_crime : ndarray of bool, shape (n_rows,), default=None
        Rows of the test that count; None for all. A bank's notices, and a customer that goes on paying, are on both
        sides of a live model too.

    Returns
    -------
    list of dict
        At most one a column of groups, of the kind ``group_on_both_sides``.

    Examples
    --------
    >>> split = Split("random", np.array([0]), np.array([1]), np.array([2, 3]), ())
    >>> groups_on_both_sides({"account": np.array(["ann", "bob", "ann", "eve"])}, split)[0]["found"]
    'account: 1 of 2 rows of the test are of one that is learnt from too'
    """
    found = []
    tested = split.test if is_crime is None else split.test[np.asarray(is_crime, bool)[split.test]]
    for name, column in groups.items():
        codes, values = pd.factorize(np.asarray(column))
        seen = np.zeros(len(values) + 1, bool)
        seen[codes[split.train]] = True
        seen[-1] = False  # the code of rows without a group
        shared = int(seen[codes[tested]].sum())
        if shared:
            found.append(
                {
                    "kind": "group_on_both_sides",
                    "column": name,
                    "found": f"{name}: {shared} of {len(tested)} rows of the test are of one that is learnt from too",
                    "do": f"Split by time or by {name}, which keep them apart.",
                }
            )
    return found


def _learnt_from(split: Split) -> Array:
    return np.concatenate([split.train, split.calibration])
