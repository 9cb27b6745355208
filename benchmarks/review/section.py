"""The section of docs/results.md on reviews, made from the kept figures."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from .results import Values
from .weeks import ARMS

__all__ = ["render_section"]

WEEKS: Final = (4, 8, 12)
INTRODUCTION: Final = """## Reviews: alerts, audits and unfamiliar records

People review a number of records. A model learns from their labels every week, and chooses what they review next.
`alerts` are the records of highest probability alone. With `audit_5`, 5 % of the reviews are of records drawn at random
from the rest. With `novel_10`, 10 % are of the passed records most unlike training. `python -m benchmarks.review SET`
prints the protocol. Cells are medians over five seeds, with the lowest and highest value.
"""
_CARDS: Final = """
**Payments** (fdh_cards): 100 reviews a day in 12 weeks. "True" is the average precision on all payments of the weeks
after each training. "Plain" and "weighted" are its estimates from the reviewed payments, without and with their
inclusion probabilities. The error of a week is that of an estimate from the reviews of one week.
"""
_MESSAGES: Final = """
**Messages** (fbs_sms): 100 reviews a week in 12 weeks, and a type of fraud that comes from week 6 on. Reviews are
counted from then on. "Half of it" is flagged by the model of a week, or by that of each week from then on.
"""
NEVER: Final = "never"


def render_section(results: Mapping[str, Any]) -> str:
    """Return the section as Markdown, for the kept reports by set; empty without any."""
    tables = {"fdh_cards": _cards, "fbs_sms": _messages}
    parts = [tables[name](results[name]) for name in tables if name in results]
    return "\n".join([INTRODUCTION.rstrip("\n"), *parts]) if parts else ""


def _cards(report: Mapping[str, Any]) -> str:
    columns = [f"found by week {week}" for week in WEEKS]
    columns += ["true", "plain", "its error", "of a week", "holds", "weighted", "its error", "of a week", "holds"]
    names = [f"found.{week}" for week in WEEKS] + ["truth"]
    of_kinds = [f"{kind}{what}" for kind in ("plain", "weighted") for what in ("", "_error", "_error_of_a_week")]
    lines = []
    for arm in ARMS:
        values: Values = report["values"][arm]
        cells = [_cell(values, name, 0 if name.startswith("found") else 3) for name in names]
        for kind in ("plain", "weighted"):
            cells += [_cell(values, name, 3) for name in of_kinds if name.startswith(kind)]
            cells.append(_share(values, f"{kind}_holds"))
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    frauds = f"There were {report['figures']['found']:,.0f} frauds."
    return "\n".join([_CARDS.rstrip("\n") + f"\n{frauds}\n", *_head(columns), *lines, ""])


def _messages(report: Mapping[str, Any]) -> str:
    columns = ["reviews until the first of the type", "until half of it is flagged", "for good"]
    columns += ["flagged of it in week 12", "found of it", "found of all fraud"]
    counts = ("first_find", "half", "half_kept")
    lines = []
    for arm in ARMS:
        values: Values = report["values"][arm]
        cells = [_cell(values, name, 0) for name in counts]
        cells += [_cell(values, "recall", 2), _cell(values, "found_of_type", 0), _cell(values, "found", 0)]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    own = report["figures"]
    frauds = f"There were {own['found']:,.0f} frauds, {own['found_of_type']:,.0f} of this type."
    return "\n".join([_MESSAGES.rstrip("\n") + f"\n{frauds}\n", *_head(columns), *lines, ""])


def _head(columns: Sequence[str]) -> list[str]:
    return [f"| reviews | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]


def _cell(values: Values, name: str, digits: int) -> str:
    """Return the median and the range of a figure; empty if no arm of the kind has it."""
    of_seeds = values.get(name)
    if of_seeds is None:
        return NEVER if name in ("first_find", "half", "half_kept") else ""
    known = sorted(np.inf if value is None else value for value in of_seeds)
    low, median, high = (_text(value, digits) for value in (known[0], float(np.median(known)), known[-1]))
    return median if low == high else f"{median} ({low} to {high})"


def _text(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}" if np.isfinite(value) else NEVER


def _share(values: Values, name: str) -> str:
    of_seeds = values.get(name)
    return "" if of_seeds is None else f"{sum(value or 0.0 for value in of_seeds):.0f} of {len(of_seeds)}"
