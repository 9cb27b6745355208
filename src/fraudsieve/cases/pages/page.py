"""The page of cases, which needs no other file."""

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from fraudsieve._translation import Language, in_language, tr
from fraudsieve.cases.case_finding import Cases
from fraudsieve.training.evaluation.metrics import format_number
from fraudsieve.training.pages.origin import PageOrigin
from fraudsieve.training.pages.rendering import Card, Notice, PageTable, render_page
from fraudsieve.training.pages.svg import Figure

from .case_rows import CaseRows, rows_of_cases
from .case_section import CaseSection, case_content, format_time, types_in_words
from .names import CaseNames
from .picture import draw_case
from .timeline import draw_timeline

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
            columns=_list_columns(),
            cases=list(_contents(cases, names)),
            hubs=_hub_table(cases, names),
        )


def _list_columns() -> list[str]:
    return [
        tr("case"),
        tr("actions"),
        tr("accounts"),
        tr("frauds expected"),
        tr("at stake"),
        tr("frauds per hour"),
        tr("last action"),
        tr("types"),
    ]


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
    columns = [tr("value"), tr("flagged actions"), tr("accounts"), tr("unflagged records")]
    return PageTable(tr("Hubs are shared by too many records, and create no links.{more}", more=more), columns, rows)
