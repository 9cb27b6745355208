"""The time line of a case: when its accounts acted."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from fraudsieve._microseconds import DAY, HOUR, MINUTE
from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.training.pages.rendering import format_range
from fraudsieve.training.pages.svg import CHARACTER, Chart, Figure
from fraudsieve.training.pages.svg_scale import shorten, text_width

from .case_rows import CaseRows
from .names import CaseNames

MAX_ROWS: Final = 12
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
        drawn = dict.fromkeys(_marks(chart, times, members, confirmed, known))
        for x, (css, shape) in drawn:
            chart.mark(x, chart.up.place(-row), css, shape)
    untimed = int((~known).sum())
    more = tr(" {n:,} actions without a time are not drawn.", n=untimed) if untimed else ""
    text = tr(
        "Each mark is an action, in the row of the account that sends or receives. Times are UTC.{more}", more=more
    )
    return chart.to_figure(tr("When its accounts acted"), text)


def _marks(
    chart: Chart, times: Array, members: Array, confirmed: Array, known: Array
) -> Iterator[tuple[float, tuple[str, str]]]:
    for member in members:
        if known[member]:
            yield chart.across.place(float(times[member].astype(np.int64))), MARKS[confirmed[member]]


def _lines(rows: CaseRows, names: CaseNames) -> list[tuple[str, Array]]:
    """Return the rows of the time line: a name, and the positions of the members in it."""
    ends = [rows.column(name) for name in ("account_id", "counterparty_id")]
    count = Counter(str(value) for column in ends for value in column if value is not None)
    top = [account for account, _ in sorted(count.items(), key=lambda item: (-item[1], item[0]))[:MAX_ROWS]]
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
