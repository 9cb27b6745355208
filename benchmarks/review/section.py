"""The section of docs/results.md on reviews, made from the kept figures."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from .results import SHARE, Values
from .weeks import ARMS

__all__ = ["render_section"]

WEEKS: Final = (4, 8, 12)
INTRODUCTION: Final = """## Reviews: alerts, audits and records just below the threshold

People review a number of records. A model learns from their labels every week, and chooses what they review next.
`alerts` are the records of highest probability alone. With `audit_5`, 5 % of the reviews are of records drawn at random
from the rest, the likelier frauds more often. With `near_10`, 10 % are the passed records of highest probability.
`python -m benchmarks.review SET` prints the protocol. Cells are medians over five seeds, with the lowest and highest
value.
"""
CARDS: Final = """
**Payments** (fdh_cards): 100 reviews a day in 12 weeks, {frauds:,.0f} frauds. Found frauds are counted from week 1 on.
The average precision of a week is that of the model that was trained before it, on all its payments. No model knows
the known frauds of a terminal, so six frauds in ten look like other payments. There are no chargebacks.
"""
ESTIMATES: Final = """
The 12 weeks together: the true average precision, and its estimates from the reviewed payments, without and with their
inclusion probabilities. "Holds" counts the seeds whose 95 % interval holds the truth. "Error, one week" is the mean
error of estimates from single weeks.
"""
CARDS_SHOW: Final = """
Reviewed payments as they are say .95 in every arm, where the truth is .36. Audits do not make a better model here, and
cost at most about 1 % of the frauds found. What they pay for is the estimate: the weighted intervals hold the truth,
but they are .3 to .8 wide. Six frauds in ten look like other payments here, so that probabilities hardly lead an audit
to them. An audit of 1 % is 84 payments in 12 weeks. In most seeds its estimate is as wrong as the plain one. A week is
too short for any of them.
"""
MESSAGES: Final = """
**Messages** (fbs_sms): 100 reviews a week in 12 weeks, {frauds:,.0f} frauds, {of_type:,.0f} of a type that comes from
week 6 on. Reviews are counted from then on: until one is of the type, until the model of a week flags half of the
type's messages of that week, and until that is so for good.
"""
MESSAGES_SHOW: Final = """
Alerts alone hardly ever show the new type. Most of its messages pass, and the flagged ones rank below those of known
types. Audits of 1 or 2 % find it late, and their models still miss most of it. Records just below the threshold show it
within the first reviews and teach the model, for 4 % fewer frauds found in all; an audit of 10 % comes close. This is
one type, in a set with more fraud than reviews, where alerts never come to doubtful messages. On payments, where
nothing new comes, records just below the threshold gain nothing.
"""
NEVER: Final = "never"
COUNTS: Final = ("first_find", "half", "half_kept")
"""Numbers of reviews until something is so, which it may never be."""


def render_section(results: Mapping[str, Any]) -> str:
    """Return the section as Markdown, for the kept reports by set; empty without any."""
    tables = {"fdh_cards": _cards, "fbs_sms": _messages}
    parts = [tables[name](results[name]) for name in tables if name in results]
    return INTRODUCTION + "".join(parts) if parts else ""


def _cards(report: Mapping[str, Any]) -> str:
    found = {f"found by week {week}": (f"found.{week}", 0) for week in WEEKS}
    truths = {f"average precision, week {week}": (f"truth.{week}", 3) for week in (1, *WEEKS)}
    columns = {"true": ("truth", 3)}
    for kind in ("plain", "weighted"):
        columns |= {kind: (kind, 3), f"{kind}: error": (f"{kind}_error", 3)}
        columns |= {f"{kind}: error, one week": (f"{kind}_error_of_a_week", 3), f"{kind}: holds": (f"{kind}_holds", 0)}
    text = CARDS.format(frauds=report["figures"]["found"])
    return text + _table(report, found | truths) + ESTIMATES + _table(report, columns) + CARDS_SHOW


def _messages(report: Mapping[str, Any]) -> str:
    own = report["figures"]
    columns = {
        "first find": ("first_find", 0),
        "half of it flagged": ("half", 0),
        "for good": ("half_kept", 0),
        "share flagged, week 12": ("recall", 2),
        "found of the type": ("found_of_type", 0),
        "found of all": ("found", 0),
    }
    text = MESSAGES.format(frauds=own["found"], of_type=own["found_of_type"])
    return text + _table(report, columns) + MESSAGES_SHOW


def _table(report: Mapping[str, Any], columns: Mapping[str, tuple[str, int]]) -> str:
    """Return a line for each arm; a column has the name of a figure and its digits."""
    lines = ["", f"| | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for arm in ARMS:
        values: Values = report["values"][arm]
        cells = (_cell(values, name, digits) for name, digits in columns.values())
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(values: Values, name: str, digits: int) -> str:
    """Return the median and the range of a figure, or how many seeds have it; empty if the arm has none."""
    of_seeds = values.get(name)
    if of_seeds is None:
        return NEVER if name in COUNTS else ""
    known = sorted(np.inf if value is None else value for value in of_seeds)
    if name.endswith(SHARE):
        return f"{sum(known):.0f} of {len(known)}"
    low, median, high = (_text(value, digits) for value in (known[0], float(np.median(known)), known[-1]))
    return median if low == high else f"{median} ({low} to {high})"


def _text(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}" if np.isfinite(value) else NEVER
