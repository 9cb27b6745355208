"""Cases over time: ids that stay the same when a case grows, and a record of merges and splits."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.tables.cells import STRING

CHANGES: Final = ["as_of", "change", "case_id", "other_id", "actions"]


@dataclass(frozen=True, eq=False)
class CaseLedger:
    """The latest cases, and the history of their changes.

    Parameters
    ----------
    members : Series of str
        The case id of each ``action_id``.
    history : DataFrame
        One row per change: ``as_of``, ``change`` (``opened``, ``grew``, ``merged``, ``split`` or ``closed``),
        ``case_id``, ``other_id`` (the case that was merged into this one, or that was split off) and ``actions`` (the
        number that the case has, or that moved).
    used : frozenset of str
        All ids that were ever assigned; none is assigned twice.
    """

    members: pd.Series = field(default_factory=lambda: pd.Series([], dtype=STRING))
    history: pd.DataFrame = field(default_factory=lambda: pd.DataFrame([], columns=CHANGES))
    used: frozenset[str] = frozenset()

    def update(self, ids: Array, case: Array, as_of: pd.Timestamp | None = None) -> "CaseLedger":
        """Assign ids to the cases of a new partition.

        A case keeps the id of an earlier case if it contains more of that case than any other case does. If it
        contains parts of several earlier cases, it keeps the id of the largest part, and the others were merged into
        it. A part that was split off gets a new id.

        Parameters
        ----------
        ids : ndarray of str, shape (n_actions,)
            Ids of the actions, in a canonical order.
        case : ndarray of int64, shape (n_actions,)
            The case of each, numbered from 0.
        as_of : Timestamp, default=None
            The cutoff time of the partition.

        Returns
        -------
        CaseLedger
            With the history so far and the new changes.

        Examples
        --------
        >>> before = CaseLedger().update(np.array(["a", "b"]), np.array([0, 0]))
        >>> after = before.update(np.array(["0", "a", "b"]), np.array([0, 0, 0]))
        >>> before.members["a"] == after.members["a"] == after.members["0"]
        True
        >>> after.history["change"].tolist()
        ['opened', 'grew']
        """
        overlaps = self._overlaps(ids, case)
        sizes = np.bincount(case)
        kept = _keep_ids(overlaps)
        used = set(self.used)
        firsts = ids[np.unique(case, return_index=True)[1]]
        names = [kept[k] if k in kept else _new_id(first, used) for k, first in enumerate(firsts)]
        rows = [*_openings(names, sizes, kept, self.members), *_moves(overlaps, names, kept)]
        closed = sorted(set(self.members) - set(names) - {row[2] for row in rows if row[0] == "merged"})
        rows += [("closed", name, None, 0) for name in closed]
        changes = pd.DataFrame([(as_of, *row) for row in rows], columns=CHANGES)
        history = changes if self.history.empty else pd.concat([self.history, changes], ignore_index=True)
        members = pd.Series(np.array(names, object)[case], pd.Index(ids, dtype=object), dtype=STRING)
        return CaseLedger(members, history, frozenset(used))

    def _overlaps(self, ids: Array, case: Array) -> pd.DataFrame:
        """Count the actions of each earlier case in each new one, the largest part first, and then the older id."""
        before = self.members.reindex(ids)
        pairs = pd.DataFrame({"case": case, "before": before.to_numpy(object)})[before.notna().to_numpy()]
        counts = pairs.groupby(["before", "case"], sort=True).size().rename("actions").reset_index()
        age = {name: age for age, name in enumerate(dict.fromkeys(self.history["case_id"]))}
        counts["age"] = counts["before"].map(age)
        return counts.sort_values(["actions", "age", "case"], ascending=[False, True, True], kind="stable")


def _keep_ids(overlaps: pd.DataFrame) -> dict[int, str]:
    """Return the id that each new case keeps; each is kept once, by the largest part."""
    kept: dict[int, str] = {}
    taken: set[str] = set()
    for name, case in zip(overlaps["before"], overlaps["case"], strict=True):
        if case not in kept and name not in taken:
            kept[int(case)] = name
            taken.add(name)
    return kept


def _new_id(first: str, used: set[str]) -> str:
    """Return an id derived from the first member: the same in every run, and never given twice."""
    attempt = 0
    while True:
        digest = hashlib.blake2b(f"{first}\0{attempt}".encode(), digest_size=8).hexdigest()
        if f"case-{digest}" not in used:
            used.add(f"case-{digest}")
            return f"case-{digest}"
        attempt += 1


_Change = tuple[str, str, str | None, int]


def _openings(names: list[str], sizes: Array, kept: dict[int, str], before: pd.Series) -> Iterable[_Change]:
    earlier = before.value_counts()
    for k, name in enumerate(names):
        if k not in kept:
            yield "opened", name, None, int(sizes[k])
        elif sizes[k] > earlier[name]:
            yield "grew", name, None, int(sizes[k])


def _moves(overlaps: pd.DataFrame, names: list[str], kept: dict[int, str]) -> Iterable[_Change]:
    """Yield what moved between cases: all of an earlier case is a merge, a part of it is a split."""
    ordered = overlaps.sort_values(["before", "case"])
    parts = ordered.groupby("before").size()
    for name, case, actions in zip(ordered["before"], ordered["case"], ordered["actions"], strict=True):
        if kept.get(int(case)) == name:
            continue
        if parts[name] == 1:
            yield "merged", names[case], name, int(actions)
        else:
            yield "split", name, names[case], int(actions)
