"""The page of cases, which needs no other file."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from fraudsieve._microseconds import DAY, HOUR, MINUTE
from fraudsieve._translation import Language, in_language, tr, tr_all
from fraudsieve._typing import Array
from fraudsieve.cases.case_finding import Cases
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.pages.rendering import Card, Notice, PageTable, format_range, render_page
from fraudsieve.pages.svg import CHARACTER, Chart, Figure, shorten, text_width
from fraudsieve.pages.words import format_number

from .case_section import CaseNames, CaseRows, CaseSection, case_content, format_time, rows_of_cases, types_in_words
from .picture import draw_case

MAX_TIMELINE_ROWS: Final = 12
OTHERS: Final = "all others"
STEPS: Final = (
    *(n * MINUTE for n in (1, 5, 15, 30)),
    *(n * HOUR for n in (1, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 3, 5, 7, 14)),
)
"""Distances between the times below the axis, in microseconds."""
MONTHS: Final = (1, 2, 3, 6, *(12 * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)))
"""Longer distances, in months: the times are at the beginning of a month or a year."""
YEAR_0: Final = -1970 * 12
"""The month from which they are counted, so that a step of ten years is at 2020 and 2030."""
MAX_TICKS: Final = 4
MARKS: Final = {"fraud": ("c2", "square"), "legitimate": ("muted", "diamond"), None: ("c1", "circle")}
"""Colour and shape by the label."""


def draw_timeline(rows: CaseRows, names: CaseNames) -> Figure | None:
    """Draw a row for each of the accounts with the most actions, and a mark for each action.

    Returns None if no action has a time.
    """
    times = rows.times("occurred_at")
    known = ~np.isnat(times)
    if not known.any():
        return None
    micros = times[known].astype(np.int64)
    low, high = int(micros.min()), int(micros.max())
    margin = max((high - low) // 50, MINUTE)
    lines = _lines(rows, names)
    labels = [shorten(name, 16) for name, _ in lines]
    left = 14 + CHARACTER * max(map(text_width, labels))
    height = 80.0 + 24 * len(lines)
    chart = Chart((low - margin, high + margin), (0.6 - len(lines), 0.6), height=height, left=left)
    _draw_axis(chart, low - margin, high + margin)
    confirmed = rows.column("confirmed")
    _draw_legend(chart, set(confirmed.tolist()))
    for row, (name, members) in enumerate(lines):
        chart.text(left - 8, chart.up.place(-row) + 4, labels[row], "end", title=name)
        drawn = members[known[members]]
        places = map(chart.across.place, times[drawn].astype(np.float64).tolist())
        for x, label in dict.fromkeys(zip(places, confirmed[drawn], strict=True)):
            chart.mark(x, chart.up.place(-row), *MARKS[label])
    untimed = int((~known).sum())
    more = tr(" {n:,} actions without a time are not drawn.", n=untimed) if untimed else ""
    text = tr(
        "Each mark is an action, in the row of the account that sends or receives. Times are UTC.{more}", more=more
    )
    return chart.to_figure(tr("When its accounts acted"), text)


def _lines(rows: CaseRows, names: CaseNames) -> list[tuple[str, Array]]:
    """Return the rows of the time line: a name, and the positions of the members in it."""
    ends = [rows.column(name) for name in ("account_id", "counterparty_id")]
    count = Counter(str(value) for column in ends for value in column if value is not None)
    top = [account for account, _ in sorted(count.items(), key=lambda item: (-item[1], item[0]))[:MAX_TIMELINE_ROWS]]
    taking_part = {account: (ends[0] == account) | (ends[1] == account) for account in top}
    lines = [(names.account(account), np.flatnonzero(mask)) for account, mask in taking_part.items()]
    rest = np.flatnonzero(~np.any([np.zeros(len(rows.members), bool), *taking_part.values()], axis=0))
    return [*lines, (tr(OTHERS) if lines else tr("actions"), rest)] if len(rest) else lines


def time_ticks(low: int, high: int) -> tuple[list[int], str]:
    """Return round times, at most `MAX_TICKS` of them, and the form in which they are written."""
    for step in STEPS:
        if high // step - -(-low // step) < MAX_TICKS:
            return list(range(-(-low // step) * step, high + 1, step)), "%m-%d" if step >= DAY else "%H:%M"
    return _month_ticks(low, high)


def _month_ticks(low: int, high: int) -> tuple[list[int], str]:
    """Return beginnings of months or years, and the form in which they are written."""
    before, last = (np.array([low - 1, high], "datetime64[us]").astype("datetime64[M]").astype(int) - YEAR_0).tolist()
    step = next((step for step in MONTHS if last // step - before // step <= MAX_TICKS), MONTHS[-1])
    months = np.arange(before // step + 1, last // step + 1) * step + YEAR_0
    ticks = months.astype("datetime64[M]").astype("datetime64[us]").astype(int).tolist()
    return ticks, "%Y" if step >= 12 else "%Y-%m"


def _draw_axis(chart: Chart, low: int, high: int) -> None:
    ticks, form = time_ticks(low, high)
    bottom = chart.height - 46
    for tick in ticks:
        place = chart.across.place(tick)
        chart.guide(place)
        label = f"{np.datetime64(tick, 'us').item():{form}}"
        chart.text(min(place, 398 - CHARACTER * len(label) / 2), bottom + 16, label, "middle")
    first, last = (f"{np.datetime64(end, 'us').item():%Y-%m-%d}" for end in (low, high))
    chart.text(
        (chart.left + 400) / 2,
        chart.height - 8,
        first if first == last else format_range(first, last),
        "middle",
        "label",
    )


def _draw_legend(chart: Chart, labels: set[str | None]) -> None:
    for value, name in (("fraud", "confirmed fraud"), ("legitimate", "legitimate"), (None, "not confirmed")):
        if value in labels and labels != {None}:
            chart.legend(tr(name), MARKS[value][0], shape=MARKS[value][1])


MAX_CASES: Final = 500
"""Cases of a page; the rest is in the tables."""
MAX_FIGURE_BYTES: Final = 3_000_000
"""Size of all pictures together; cases after that have none."""
MAX_ROWS: Final = 12_000
"""Rows of all tables together; cases after that have short ones."""
LONG: Final = (200, 40)
SHORT: Final = (10, 5)
"""Rows of the tables of members and of links, at most."""
MAX_HUBS: Final = 50


def render_cases_page(
    cases: Cases,
    *,
    title: str = "Cases",
    show_identifiers: bool = False,
    as_of: pd.Timestamp | None = None,
    origin: PageOrigin | None = None,
    language: Language = "en",
) -> str:
    """Render cases as one page of HTML.

    Parameters
    ----------
    cases : Cases
        As from `find_cases`.
    title : str, default="Cases"
        Heading of the page.
    show_identifiers : bool, default=False
        Whether the ids of accounts and actions are on the page. By default they are numbered: accounts across the page,
        and actions by their position in the case.
    as_of : Timestamp, default=None
        The cutoff time of the cases, for the subtitle.
    origin : PageOrigin, default=None
        The origin of the page; None for the current time and command.
    language : {"en", "zh"}, default="en"
        The language of the page.

    Returns
    -------
    str
        A page without scripts, with at most 500 cases. Its style is inline, and it makes no requests.

    Examples
    --------
    >>> from fraudsieve.cases import find_cases
    >>> found = find_cases(pd.DataFrame({"action_id": ["a", "b"], "account_id": "ann"}), key=b"a key")
    >>> page = render_cases_page(found)
    >>> page.count("<details"), "ann" in page.partition("</style>")[2]
    (1, False)
    """
    with in_language(language):
        names = CaseNames(show_identifiers)
        return render_page(
            "cases.html.j2",
            title=tr(title),
            subtitle=_subtitle(cases, as_of),
            origin=origin or PageOrigin(),
            notices=list(_notices(cases, names)),
            cards=list(_cards(cases)),
            listed=_list_rows(cases.cases.head(MAX_CASES)),
            columns=tr_all(
                "case", "actions", "accounts", "frauds expected", "at stake", "frauds per hour", "last action", "types"
            ),
            cases=list(_contents(cases, names)),
            hubs=_hub_table(cases, names),
        )


def _subtitle(cases: Cases, as_of: pd.Timestamp | None) -> str:
    counts = tr("{n:,} flagged records in {cases:,} cases", n=len(cases.members), cases=len(cases.cases))
    return counts if as_of is None else tr("{counts}, as known at {time} UTC", counts=counts, time=format_time(as_of))


def _notices(cases: Cases, names: CaseNames) -> Iterator[Notice]:
    if not names.show_identifiers:
        yield Notice(
            tr("Accounts and actions are numbered on this page."),
            [
                tr(
                    "An account has the same number in all cases. "
                    "Action 3 of a case is its third row in members.parquet."
                ),
                tr("With --show-identifiers, the page has their ids."),
            ],
        )
    rest = len(cases.cases) - MAX_CASES
    if rest > 0:
        yield Notice(tr("{n:,} cases of lower rank are in cases.parquet only.", n=rest), kind="warn")


def _cards(cases: Cases) -> Iterator[Card]:
    table = cases.cases
    several = int((table["actions"] > 1).sum())
    sizes = tr("{several:,} of several actions, {single:,} of one", several=several, single=len(table) - several)
    yield Card(tr("cases"), f"{len(table):,}", sizes)
    records = tr("in {n:,} flagged records", n=len(cases.members))
    yield Card(tr("frauds expected"), f"{table['expected_frauds'].sum():,.1f}", records)
    if table["amount"].sum():
        at_stake = format_number(float(f"{table['amount_at_stake'].sum():.4g}"))
        yield Card(tr("at stake"), at_stake, tr("amounts times probabilities, in the unit of the data"))
    hours = table["review_minutes"].sum() / 60
    about = tr("ranked by frauds expected per hour")
    yield Card(tr("review of all cases"), tr("{hours:,.1f} h", hours=hours), about)


def _list_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "rank": int(case["rank"]),
            "case_id": str(case["case_id"]),
            "cells": [
                f"{case['actions']:,}",
                f"{case['accounts']:,}",
                f"{case['expected_frauds']:.1f}",
                f"{case['amount_at_stake']:,.0f}" if case["amount"] else "–",
                f"{case['finds_per_hour']:.1f}",
                format_time(case["last_seen"]) or "–",
                types_in_words(str(case["types"])) or "–",
            ],
        }
        for case in table.to_dict("records")
    ]


def _contents(cases: Cases, names: CaseNames) -> Iterator[CaseSection]:
    """Yield the content of each case, within the limits of the whole page."""
    history = cases.ledger.history
    places = history.groupby("case_id", sort=False).indices
    drawn, written = 0, 0
    for rows in rows_of_cases(cases, MAX_CASES):
        figures = list(_figures(rows, names)) if drawn < MAX_FIGURE_BYTES else []
        drawn += sum(len(figure.svg) for figure in figures)
        max_members, max_links = LONG if written < MAX_ROWS else SHORT
        own = history.iloc[places.get(rows.case["case_id"], [])]
        content = case_content(rows, names, own, figures, max_members=max_members, max_links=max_links)
        written += len(content.members.rows) + len(content.links.rows)
        yield content


def _figures(rows: CaseRows, names: CaseNames) -> Iterator[Figure]:
    if len(rows.members) < 2:
        return
    yield draw_case(rows, names)
    timeline = draw_timeline(rows, names)
    if timeline is not None:
        yield timeline


def _hub_table(cases: Cases, names: CaseNames) -> PageTable:
    hubs = cases.hubs
    ends = [cases.members[name] for name in ("account_id", "counterparty_id") if name in cases.members]
    accounts = set().union(*ends)  # an id of an account may look like an identifier with its digest
    top = hubs.sort_values(["accounts", "actions"], ascending=False, kind="stable").head(MAX_HUBS)
    rows = [
        [names.account(value) if value in accounts else names.value(value), *(f"{count:,}" for count in counts)]
        for value, *counts in zip(*(top[name] for name in ("value", "actions", "accounts", "unflagged")), strict=True)
    ]
    more = tr(" {n:,} more are in hubs.parquet.", n=len(hubs) - len(rows)) if len(hubs) > len(rows) else ""
    columns = tr_all("value", "flagged actions", "accounts", "unflagged records")
    return PageTable(tr("Hubs are shared by too many records, and create no links.{more}", more=more), columns, rows)
