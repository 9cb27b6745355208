"""The section of one case on the page: facts, reasons, figures, members, links and history.

The rows of one case: its members in order, and its links by the positions of members.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra

from fraudsieve._translation import current_language, tr, tr_all
from fraudsieve._typing import Array, JsonObject
from fraudsieve.cases.case_finding import Cases
from fraudsieve.cases.links.table import LINK_KINDS, link_graph
from fraudsieve.models.sentences.entities import plain_words
from fraudsieve.pages.rendering import PageTable, format_range, label_words, listed
from fraudsieve.pages.svg import Figure
from fraudsieve.pages.words import feature_words, format_number

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
class CaseRows:
    """A case: its row of the table of cases, its members by time, and its links."""

    case: JsonObject
    members: pd.DataFrame
    # Links between the members, by the positions of the members (`source` and `target`); the heaviest first.
    links: pd.DataFrame

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
    evidence = inside["evidence"].to_numpy(object)
    known_at = pd.to_datetime(inside["known_at"], utc=True).dt.tz_convert(None)
    table = inside.assign(value=np.where(pd.isna(evidence), np.array(None, object), evidence), known_at=known_at)
    none = np.empty(0, np.int64)
    for case in cases.cases.head(len(cases.cases) if limit is None else limit).to_dict("records"):
        rows, linked = np.sort(members[case["case_id"]]), links.get(case["case_id"], none)
        source, target = (np.searchsorted(rows, ends[name][linked]) for name in ("source_id", "target_id"))
        of_case = table.iloc[linked].reset_index(drop=True).assign(source=source, target=target)
        yield CaseRows({str(name): value for name, value in case.items()}, cases.members.iloc[rows], of_case)


def joined_through(rows: CaseRows, names: CaseNames) -> list[str]:
    """Return for each member the other member and the link through which it belongs to the case.

    The chains of two members to the centre, which is the member with the heaviest links, make the path between them.
    """
    links, n = rows.links, len(rows.members)
    if not len(links):
        return [""] * n
    heaviest: dict[tuple[int, int], int] = {}
    for k, ends in enumerate(zip(links.source, links.target, strict=True)):
        heaviest.setdefault(ends, k)  # the heaviest are first
    source, target, weight = (links[name].to_numpy() for name in ("source", "target", "weight"))
    before, centre = _tree(link_graph(source, target, weight, n))
    reasons: list[str] = []
    for member, other in enumerate(before.tolist()):
        row = heaviest.get((min(member, other), max(member, other)))
        if row is None:
            reasons.append(tr("the centre") if member == centre else "")
        else:
            link = link_words(str(links.kind[row]), links.value[row], names)
            reasons.append(tr("action {n}: {link}", n=other + 1, link=link))
    return reasons


def _tree(graph: sp.csr_matrix) -> tuple[Array, int]:
    """Return the member before each on the strongest path from the centre, and the centre."""
    centre = int(np.asarray(graph.sum(axis=1)).ravel().argmax())
    graph.data = 1 / graph.data
    return np.asarray(dijkstra(graph, directed=False, indices=centre, return_predecessors=True)[1]), centre


MAX_COMMON: Final = 3
NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"
CHANGE_WORDS: Final = {
    "opened": "opened with {n:,} actions",
    "grew": "grew to {n:,} actions",
    "merged": "took in {n:,} actions of {other}",
    "split": "gave {n:,} actions to {other}",
    "closed": "closed",
}


@dataclass(frozen=True, eq=False)
class CaseSection:
    """The section of a case on the page."""

    case_id: str
    rank: int
    title: str
    facts: dict[str, str]
    reasons: list[str]
    figures: list[Figure]
    members: PageTable
    links: PageTable
    changes: PageTable


def case_content(
    rows: CaseRows, names: CaseNames, history: pd.DataFrame, figures: list[Figure], *, max_members: int, max_links: int
) -> CaseSection:
    """Describe a case."""
    return CaseSection(
        case_id=str(rows.case["case_id"]),
        rank=int(rows.case["rank"]),
        title=case_title(rows.case),
        facts={name: text for name, text in _facts(rows) if text},
        reasons=list(_reasons(rows)),
        figures=figures,
        members=_member_table(rows, names, max_members),
        links=_link_table(rows, names, max_links),
        changes=_change_table(history),
    )


def case_title(case: JsonObject) -> str:
    """Return one line on a case."""
    n, m = case["actions"], case["accounts"]
    parts = [
        tr("1 action") if n == 1 else tr("{n:,} actions", n=n),
        tr("1 account") if m == 1 else tr("{n:,} accounts", n=m),
        tr("{n:.1f} frauds expected", n=case["expected_frauds"]),
    ]
    return tr(", ", sense="between parts").join(parts)


def format_time(time: Any) -> str:
    """Return a time in UTC to the minute, or nothing."""
    return "" if pd.isna(time) else f"{pd.Timestamp(time):%Y-%m-%d %H:%M}"


def _facts(rows: CaseRows) -> Iterator[tuple[str, str]]:
    case = rows.case
    yield tr("case"), str(case["case_id"])
    yield tr("types"), types_in_words(str(case["types"]))
    yield tr("kinds"), listed(f"{kind_words(kind)} {count:,}" for kind, count in _common(rows.column("kind")))
    times = [format_time(case[name]) for name in ("first_seen", "last_seen")]
    yield tr("first and last action"), _period(times)
    yield tr("all known since"), format_time(case["known_at"])
    expected = tr("{frauds:.1f} of {actions:,}", frauds=case["expected_frauds"], actions=case["actions"])
    yield tr("expected frauds"), expected
    yield tr("confirmed"), _confirmed(case)
    if case["amount"]:
        amounts = {name: format_number(round(case[name], 2)) for name in ("amount", "amount_at_stake")}
        yield tr("money"), tr("{amount}, at stake {amount_at_stake}", **amounts)
    yield (
        tr("review"),
        tr(
            "{minutes:,.0f} minutes, {per_hour:.1f} frauds per hour expected",
            minutes=case["review_minutes"],
            per_hour=case["finds_per_hour"],
        ),
    )
    yield tr("held together by"), _kinds_in_words(str(case["link_kinds"]))
    if case["actions"] > 1:
        yield tr("density"), _density(100 * case["density"], int(case["bridges"]))


def _period(times: list[str]) -> str:
    known = list(dict.fromkeys(time for time in times if time))
    return format_range(*known) if len(known) > 1 else "".join(known)


def _density(percent: float, bridges: int) -> str:
    linked = tr("{share:.0f} % of the pairs are linked", share=percent)
    if not bridges:
        return linked + tr("; no single link holds it together")
    return linked + tr("; {n:,} bridges: without one of them it is two", n=bridges)


def types_in_words(types: str) -> str:
    """Return the words for the types of a case, as in ``phishing 4, spam 2``."""
    parts = [part.rpartition(" ") for part in types.split(", ")]
    return listed(f"{label_words(name)} {count}" if name else count for name, _, count in parts)


def kind_words(kind: str) -> str:
    """Return the words for a kind of actions; those of the user stay as they are."""
    return tr(kind, sense="kind")


def _confirmed(case: JsonObject) -> str:
    frauds, legitimate = case["confirmed_frauds"], case["confirmed_legitimate"]
    parts = [tr("{n:,} fraud", n=frauds)] if frauds else []
    parts += [tr("{n:,} legitimate", n=legitimate)] if legitimate else []
    return listed(parts)


def _kinds_in_words(text: str) -> str:
    """Replace the names of kinds of links, as in ``same_sender 4, text 2``."""
    parts = [part.rpartition(" ") for part in text.split(", ") if part]
    words = {kind: LINK_WORDS[kind].removesuffix(" by") for kind in LINK_KINDS}
    words |= {"identifier": "same identifier", "address_range": "same address range"}
    return listed(tr("{value} ({interval})", value=tr(words.get(kind, kind)), interval=n) for kind, _, n in parts)


def _reasons(rows: CaseRows) -> Iterator[str]:
    """Yield sentences on the reasons that several members have as their strongest."""
    names, sentences = rows.column("reason"), rows.column("reason_sentence")
    for name, number in _common(names):
        if number < 2:
            continue
        counts = Counter(str(text) for text in sentences[names == name] if text is not None)
        example = min(counts, key=lambda text: (-counts[text], text), default="")
        after = tr(", for example: {sentence}", sentence=example.rstrip(".")) if example else ""
        yield tr(
            "Strongest reason of {number:,} of {actions:,} actions: {feature}{after}.",
            number=number,
            actions=len(names),
            feature=feature_words(name),
            after=after,
        )


def _common(values: Array) -> list[tuple[str, int]]:
    """Return the most frequent values with their counts."""
    count = Counter(str(value) for value in values if value is not None)
    return sorted(count.items(), key=lambda item: (-item[1], item[0]))[:MAX_COMMON]


def _member_table(rows: CaseRows, names: CaseNames, limit: int) -> PageTable:
    """Return the members by time, with the link that joins each to the others."""
    through = joined_through(rows, names)
    columns: dict[str, list[str]] = {
        tr("time"): [format_time(time).replace(" ", NO_BREAK_SPACE) for time in rows.times("occurred_at")],
        tr("kind"): [kind_words(kind) for kind in _texts(rows, "kind")],
        tr("type"): [label_words(label) for label in _texts(rows, "type")],
        tr("from"): _accounts(rows, "account_id", names),
        tr("to"): _accounts(rows, "counterparty_id", names),
        tr("amount"): _numbers(rows, "amount", "{:,.2f}"),
        tr("probability"): _numbers(rows, "probability", "{:.3f}"),
        tr("confirmed"): [tr(label) for label in _texts(rows, "confirmed")],
        tr("joined by"): through,
    }
    if names.show_identifiers:
        columns = {tr("id"): [str(value) for value in rows.column("action_id")], **columns}
    # What all members have in common is a fact of the case.
    common = {name for name in (tr("kind"), tr("type")) if len(set(columns[name])) == 1}
    shown = {name: values for name, values in columns.items() if any(values) and name not in common}
    n = min(limit, len(rows.members))
    table = [[str(row + 1), *(values[row] for values in shown.values())] for row in range(n)]
    rest = len(rows.members) - n
    more = tr(" {n:,} more are in members.parquet.", n=rest) if rest else ""
    caption = tr("Actions by time; joined by: the strongest chain of links to the centre of the case.{more}", more=more)
    return PageTable(caption, [tr("action"), *shown], table)


def _texts(rows: CaseRows, name: str) -> list[str]:
    return ["" if value is None else str(value) for value in rows.column(name)]


def _accounts(rows: CaseRows, name: str, names: CaseNames) -> list[str]:
    accounts = rows.column(name)
    return ["" if value is None else names.account(str(value)).replace(" ", NO_BREAK_SPACE) for value in accounts]


def _numbers(rows: CaseRows, name: str, form: str) -> list[str]:
    return ["" if value is None else form.format(float(value)) for value in rows.column(name)]


def _link_table(rows: CaseRows, names: CaseNames, limit: int) -> PageTable:
    """Return the pairs of members with the heaviest links, each with all that links it."""
    links = rows.links
    pairs: dict[tuple[int, int], list[int]] = {}
    for row, pair in enumerate(zip(links.source.tolist(), links.target.tolist(), strict=True)):
        pairs.setdefault(pair, []).append(row)
    weight = {pair: float(links.weight[own].sum()) for pair, own in pairs.items()}
    shown = sorted(pairs, key=lambda pair: (-weight[pair], pair))[:limit]
    table = [
        [
            tr("{first} and {second}", first=pair[0] + 1, second=pair[1] + 1),
            f"{weight[pair]:.3g}",
            format_time(links.known_at[pairs[pair]].max()).replace(" ", NO_BREAK_SPACE),
            tr("; ").join(link_words(str(links.kind[row]), links.value[row], names) for row in pairs[pair])
            + (tr(" (a bridge)") if links.is_bridge[pairs[pair]].any() else ""),
        ]
        for pair in shown
    ]
    rest = len(pairs) - len(shown)
    more = tr(" {n:,} more pairs are in links.parquet.", n=rest) if rest else ""
    caption = tr("Linked pairs, the heaviest first. Without a bridge, the case falls apart.{more}", more=more)
    return PageTable(caption, tr_all("actions", "weight", "known since", "links"), table)


def _change_table(history: pd.DataFrame) -> PageTable:
    rows = [
        [format_time(as_of) or "–", tr(CHANGE_WORDS[change], n=actions, other=other)]
        for as_of, change, other, actions in zip(
            history["as_of"], history["change"], history["other_id"], history["actions"], strict=True
        )
    ]
    return PageTable(tr("What happened to the case."), [tr("as known at"), tr("change")], rows)
