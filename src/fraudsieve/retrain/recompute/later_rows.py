"""Rows that came after a score although they are earlier in time: the history of a score lacks them.

A score at an offset counts the rows up to that offset that are strictly before its cutoff time. All rows of a store
before the cutoff time are the same history, unless one of them came later and shares an id with the scored record. So
most scores need no history of their own, and others can share one.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._typing import Array

NONE: Final = np.iinfo(np.int64).max
"""The offset of the first row if there is none; it is also that of a history with all rows."""


class IdLinks(NamedTuple):
    """The ids by which rows or records are linked, as codes: one entry for each id of each owner."""

    codes: Array
    owners: Array


class LinkedRows(NamedTuple):
    """Rows, or scored records: their offsets, their times or cutoff times, and their links."""

    offsets: Array
    times: Array
    links: IdLinks


def links_of(columns: Iterable[Array], keys: pd.Index) -> IdLinks:
    """Return the links of rows by the ids in some columns; ids that are not among the keys link nothing."""
    codes = [keys.get_indexer(pd.Index(column, dtype=object)) for column in columns]
    owners = [np.arange(len(column)) for column in codes]
    together = np.concatenate(codes or [np.empty(0, np.int64)])
    linked = together >= 0
    return IdLinks(together[linked], np.concatenate(owners or [np.empty(0, np.int64)])[linked])


def first_later(rows: LinkedRows, scores: LinkedRows) -> Array:
    """Return the offset of the first row that came after each score, is before its cutoff time, and shares an id."""
    out = np.full(len(scores.offsets), NONE)
    owners = rows.links.owners
    if not len(owners):
        return out
    order = np.lexsort((rows.offsets[owners], rows.links.codes))
    codes, offsets, times = rows.links.codes[order], rows.offsets[owners[order]], rows.times[owners[order]]
    asked, span = scores.links.owners, int(offsets.max()) + 2
    places = scores.links.codes * span + np.minimum(scores.offsets[asked], span - 1)
    begin = np.searchsorted(codes * span + offsets, places, "right")
    end = np.searchsorted(codes, scores.links.codes, "right")
    earliest = pd.Series(times[::-1]).groupby(codes[::-1], sort=False).cummin().to_numpy()[::-1]
    is_late = begin < end
    is_late[is_late] = earliest[begin[is_late]] < scores.times[asked[is_late]]
    for place in np.flatnonzero(is_late).tolist():  # few: those whose history differs
        later = times[begin[place] : end[place]] < scores.times[asked[place]]
        out[asked[place]] = min(out[asked[place]], offsets[begin[place] + int(np.argmax(later))])
    return out


def choose_offsets(offsets: Array, limits: Array) -> Array:
    """Return the offset with whose history each score is computed: from its own on, and before its limit.

    Those without a limit have the history of all rows. For the others, there are as few offsets as possible.
    """
    chosen, newest = np.full(len(offsets), NONE), -1
    for place in np.argsort(limits, kind="stable").tolist():
        if limits[place] == NONE:
            break
        newest = newest if newest >= offsets[place] else int(limits[place]) - 1
        chosen[place] = newest
    return chosen
