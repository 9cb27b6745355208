"""The rows of one case: its members in order, and its links by the positions of members."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._translation import current_language, tr
from fraudsieve._typing import Array
from fraudsieve.cases.case_finding import Cases
from fraudsieve.models.sentences.entities import plain_words

LINK_WORDS: Final = {
    "same_sender": "both sent by",
    "same_recipient": "both received by",
    "onward": "received, then sent by",
    "against": "sent, then received by",
    "identifier": "same",
    "text": "similar texts",
    "wording": "shared phrases",
    "address_range": "same",
    "sign_up": "sign-ups within minutes",
}
"""Kinds of links in words; the name of the shared value follows."""
WITHOUT_VALUE: Final = frozenset({"text", "wording", "sign_up"})
DIGITS: Final = 8
"""Digits of a digest that are shown, if identifiers are requested."""


class CaseNames:
    """Names of accounts and of shared identifiers, numbered in the order in which they are requested."""

    def __init__(self, show_identifiers: bool = False) -> None:
        self.show_identifiers = show_identifiers
        self._numbers: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    def account(self, account: str) -> str:
        """Return the name of an account."""
        return account if self.show_identifiers else self._numbered(tr("account"), account)

    def value(self, value: str) -> str:
        """Return the name of a shared identifier, which is a kind and a digest."""
        kind, _, digest = value.rpartition(":")
        name = self._numbered(plain_words(kind, current_language()), value)
        return tr("{value} ({interval})", value=name, interval=digest[:DIGITS]) if self.show_identifiers else name

    def _numbered(self, kind: str, value: str) -> str:
        if (kind, value) not in self._numbers:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._numbers[kind, value] = self._counts[kind]
        return tr("{kind} {number}", kind=kind, number=self._numbers[kind, value])


def link_words(kind: str, value: str | None, names: CaseNames) -> str:
    """Return a sentence fragment for a link."""
    words = tr(LINK_WORDS[kind])
    if kind in WITHOUT_VALUE or value is None:
        return words
    name = names.value(value) if kind in ("identifier", "address_range") else names.account(value)
    return tr("{link} {name}", link=words, name=name)


@dataclass(frozen=True, eq=False)
class CaseLinks:
    """Links between the members of a case, by the positions of the members; the heaviest first."""

    source: Array
    target: Array
    kind: Array
    value: Array
    weight: Array
    known_at: Array
    is_bridge: Array

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class CaseRows:
    """A case: its row of the table of cases, its members by time, and its links."""

    case: dict[str, Any]
    members: pd.DataFrame
    links: CaseLinks

    def column(self, name: str) -> Array:
        """Return a column of the members; None where it is missing, or everywhere if there is no such column."""
        if name not in self.members:
            return np.full(len(self.members), None, object)
        values = self.members[name]
        return np.where(values.isna().to_numpy(), np.array(None, object), values.to_numpy(object))

    def times(self, name: str) -> Array:
        """Return a column of times in UTC as datetime64; NaT where it is missing."""
        if name not in self.members:
            return np.full(len(self.members), np.datetime64("NaT", "us"), "M8[us]")
        times = pd.to_datetime(self.members[name], utc=True).dt.tz_convert(None)
        return times.to_numpy("M8[us]")


def rows_of_cases(cases: Cases, limit: int | None = None) -> Iterator[CaseRows]:
    """Yield the cases by rank.

    Parameters
    ----------
    cases : Cases
    limit : int, default=None
        How many; None for all.

    Yields
    ------
    CaseRows
        The row of the table of cases, the members by time, and their links.

    Examples
    --------
    >>> from fraudsieve.cases import find_cases
    >>> found = find_cases(pd.DataFrame({"action_id": ["a", "b"], "account_id": "ann"}), key=b"a key")
    >>> rows = next(rows_of_cases(found))
    >>> rows.members["action_id"].tolist(), rows.links.source.tolist(), rows.links.target.tolist()
    (['a', 'b'], [0], [1])
    """
    ids = cases.members["case_id"].to_numpy(object)
    members = pd.DataFrame({"case": ids}).groupby("case", sort=False).indices
    inside = cases.links[cases.links["case_id"].notna()].sort_values("weight", ascending=False, kind="stable")
    links = pd.DataFrame({"case": inside["case_id"].to_numpy(object)}).groupby("case", sort=False).indices
    where = pd.Index(cases.members["action_id"].to_numpy(object))
    ends = {name: where.get_indexer(inside[name].to_numpy(object)) for name in ("source_id", "target_id")}
    columns = _link_columns(inside)
    none = np.empty(0, np.int64)
    for case in cases.cases.head(len(cases.cases) if limit is None else limit).to_dict("records"):
        rows, linked = np.sort(members[case["case_id"]]), links.get(case["case_id"], none)
        source, target = (np.searchsorted(rows, ends[name][linked]) for name in ("source_id", "target_id"))
        of_case = CaseLinks(source, target, *(column[linked] for column in columns))
        yield CaseRows({str(name): value for name, value in case.items()}, cases.members.iloc[rows], of_case)


def _link_columns(links: pd.DataFrame) -> list[Array]:
    evidence = links["evidence"]
    return [
        links["kind"].to_numpy(object),
        np.where(evidence.isna().to_numpy(), np.array(None, object), evidence.to_numpy(object)),
        links["weight"].to_numpy(np.float64),
        pd.to_datetime(links["known_at"], utc=True).dt.tz_convert(None).to_numpy("M8[us]"),
        links["is_bridge"].to_numpy(np.bool_),
    ]
