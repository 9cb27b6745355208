"""The section of one case on the page: facts, reasons, figures, members, links and history."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.cases.links.table import LINK_KINDS
from fraudsieve.training.evaluation.metrics import format_number
from fraudsieve.training.pages.rendering import PageTable
from fraudsieve.training.pages.svg import Figure
from fraudsieve.training.pages.words import feature_words

from .case_rows import CaseRows
from .names import LINK_WORDS, CaseNames, link_words
from .paths import joined_through

__all__ = ["CaseSection", "case_content", "case_title", "format_time"]

MAX_COMMON: Final = 3
NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"
CHANGE_WORDS: Final = {
    "opened": "opened with {n} actions",
    "grew": "grew to {n} actions",
    "merged": "took in {n} actions of {other}",
    "split": "gave {n} actions to {other}",
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


def case_title(case: dict[str, Any]) -> str:
    """Return one line on a case.

    Examples
    --------
    >>> case_title({"actions": 3, "accounts": 1, "expected_frauds": 2.4})
    '3 actions, 1 account, 2.4 frauds expected'
    """
    parts = [_count(case["actions"], "action"), _count(case["accounts"], "account")]
    return ", ".join([*parts, f"{case['expected_frauds']:.1f} frauds expected"])


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def format_time(time: Any) -> str:
    """Return a time in UTC to the minute, or nothing.

    Examples
    --------
    >>> format_time(pd.Timestamp("2026-05-01 09:30:12", tz="UTC")), format_time(pd.NaT)
    ('2026-05-01 09:30', '')
    """
    return "" if pd.isna(time) else f"{pd.Timestamp(time):%Y-%m-%d %H:%M}"


def _facts(rows: CaseRows) -> Iterator[tuple[str, str]]:
    case = rows.case
    yield "case", str(case["case_id"])
    yield "types", str(case["types"])
    yield "kinds", ", ".join(f"{kind} {count:,}" for kind, count in _common(rows.column("kind")))
    times = [format_time(case[name]) for name in ("first_seen", "last_seen")]
    yield "first and last action", " to ".join(dict.fromkeys(time for time in times if time))
    yield "all known since", format_time(case["known_at"])
    yield "expected frauds", f"{case['expected_frauds']:.1f} of {case['actions']:,}"
    yield "confirmed", _confirmed(case)
    if case["amount"]:
        yield (
            "money",
            f"{format_number(round(case['amount'], 2))}, at stake {format_number(round(case['amount_at_stake'], 2))}",
        )
    yield "review", f"{case['review_minutes']:,.0f} minutes, {case['finds_per_hour']:.1f} frauds per hour expected"
    yield "held together by", _kinds_in_words(str(case["link_kinds"]))
    if case["actions"] > 1:
        bridges = int(case["bridges"])
        needed = (
            f"; {bridges:,} bridges: without one of them it is two" if bridges else "; no single link holds it together"
        )
        yield "density", f"{100 * case['density']:.0f} % of the pairs are linked{needed}"


def _confirmed(case: dict[str, Any]) -> str:
    counts = ((case[f"confirmed_{name}"], word) for name, word in (("frauds", "fraud"), ("legitimate", "legitimate")))
    return ", ".join(f"{count:,} {word}" for count, word in counts if count)


def _kinds_in_words(text: str) -> str:
    """Replace the names of kinds of links, as in ``same_sender 4, text 2``."""
    parts = [part.rpartition(" ") for part in text.split(", ") if part]
    words = {kind: LINK_WORDS[kind].removesuffix(" by") for kind in LINK_KINDS}
    words |= {"identifier": "same identifier", "address_range": "same address range"}
    return ", ".join(f"{words.get(kind, kind)} ({count})" for kind, _, count in parts)


def _reasons(rows: CaseRows) -> Iterator[str]:
    """Yield sentences on the reasons that several members have as their strongest."""
    names, sentences = rows.column("reason"), rows.column("reason_sentence")
    for name, number in _common(names):
        if number < 2:
            continue
        counts = Counter(str(text) for text in sentences[names == name] if text is not None)
        example = min(counts, key=lambda text: (-counts[text], text), default="")
        after = f", for example: {example.rstrip('.')}" if example else ""
        yield f"Strongest reason of {number:,} of {len(names):,} actions: {feature_words(name)}{after}."


def _common(values: Array) -> list[tuple[str, int]]:
    """Return the most frequent values with their counts."""
    count = Counter(str(value) for value in values if value is not None)
    return sorted(count.items(), key=lambda item: (-item[1], item[0]))[:MAX_COMMON]


def _member_table(rows: CaseRows, names: CaseNames, limit: int) -> PageTable:
    """Return the members by time, with the link that joins each to the others."""
    through = joined_through(rows, names)
    columns = {
        "time": [format_time(time).replace(" ", NO_BREAK_SPACE) for time in rows.times("occurred_at")],
        "kind": _texts(rows, "kind"),
        "type": _texts(rows, "type"),
        "from": _accounts(rows, "account_id", names),
        "to": _accounts(rows, "counterparty_id", names),
        "amount": _numbers(rows, "amount", "{:,.2f}"),
        "probability": _numbers(rows, "probability", "{:.3f}"),
        "confirmed": _texts(rows, "confirmed"),
        "joined by": through,
    }
    if names.show_identifiers:
        columns = {"id": [str(value) for value in rows.column("action_id")], **columns}
    # What all members have in common is a fact of the case.
    shown = {name: values for name, values in columns.items() if any(values) and not _is_known(name, values)}
    n = min(limit, len(rows.members))
    table = [[str(row + 1), *(values[row] for values in shown.values())] for row in range(n)]
    rest = len(rows.members) - n
    more = f" {rest:,} more are in members.parquet." if rest else ""
    caption = f"Actions by time; joined by: the strongest chain of links to the centre of the case.{more}"
    return PageTable(caption, ["action", *shown], table)


def _is_known(name: str, values: list[str]) -> bool:
    return name in ("kind", "type") and len(set(values)) == 1


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
            f"{pair[0] + 1} and {pair[1] + 1}",
            f"{weight[pair]:.3g}",
            format_time(links.known_at[pairs[pair]].max()).replace(" ", NO_BREAK_SPACE),
            "; ".join(link_words(str(links.kind[row]), links.value[row], names) for row in pairs[pair])
            + (" (a bridge)" if links.is_bridge[pairs[pair]].any() else ""),
        ]
        for pair in shown
    ]
    more = f" {len(pairs) - len(shown):,} more pairs are in links.parquet." if len(pairs) > len(shown) else ""
    caption = f"Linked pairs, the heaviest first. Without a bridge, the case falls apart.{more}"
    return PageTable(caption, ["actions", "weight", "known since", "links"], table)


def _change_table(history: pd.DataFrame) -> PageTable:
    rows = [
        [format_time(as_of) or "–", CHANGE_WORDS[change].format(n=f"{actions:,}", other=other)]
        for as_of, change, other, actions in zip(
            history["as_of"], history["change"], history["other_id"], history["actions"], strict=True
        )
    ]
    return PageTable("What happened to the case.", ["as known at", "change"], rows)
