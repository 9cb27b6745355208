"""Rows of events of one entity, and the columns that the batch runner computes from them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import FAMILIES, LABEL_MEASURES, MEASURES, History
from fraudsieve.features.history.kernels.categories import code_numbers
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.timeline import NO_CODES, CutoffTimes, EncodedEvents, fill_history

SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
MEASURED = tuple(name for name in FAMILIES if name not in LABEL_MEASURES)
VIEWS = [
    History(
        ("1h", "1m", "2d"),
        kinds=("pay", "never"),
        by_kind=MEASURES[:-1],
        identifiers=("device_id",),
        measures=MEASURED,
        night=(22, 6),
    ),
    History(
        ("all", "1d"),
        kinds=("pay",),
        by_kind=("count", "new", "gap_std", "burst"),
        measures=MEASURED,
        time_zone="Australia/Lord_Howe",
    ),
    History(("1d",), measures=("count",)),
    History(("1h", "30d"), measures=("count", "distinct", "span"), identifiers=("recipient_id",)),
]
START = 1_714_766_400 * SECOND  # a Friday, 20:00
MINUTES = st.sampled_from([0, 1, 2, 30, 59, 60, 61]) | st.integers(0, 4 * 24 * 60)
TIMES = st.tuples(MINUTES, st.sampled_from([0, 0, 1, SECOND])).map(
    lambda parts: START + parts[0] * 60 * SECOND + parts[1]
)
AMOUNTS = st.sampled_from([np.nan, 0.0, -0.0, 5.0, 1e15, 0.1, 1e-9]) | st.integers(-400, 10**7).map(lambda n: n / 100)
EVENTS = st.tuples(TIMES, AMOUNTS, st.integers(-1, 1), st.integers(0, 3), st.integers(0, 3))


def as_rows(view: History, events: Any) -> Array:
    rows = np.zeros((len(events), 4 + len(view.identifiers)), np.int64)
    for row, (time, amount, kind, *ids) in zip(rows, events, strict=True):
        row[:3] = time, np.float64(amount).view(np.int64), min(kind, len(view.kinds) - 1)
        row[3:] = ids[: len(row) - 3]
    return rows


def batch(view: History, rows: Array, cutoff: int, amounts: Array, ends: tuple[int, int] = (NEVER, NEVER)) -> Array:
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    coded = {
        name: code_numbers(rows[:, 3 + position].copy().view(np.uint64), rows[:, 3 + position] != 0)
        for position, name in enumerate((view.counterparty, *view.identifiers))
    }
    events = EncodedEvents(
        np.array([0, len(rows)]),
        rows[:, 0].copy(),
        rows[:, 1].copy().view(np.float64),
        {name: codes for name, (codes, _) in coded.items()},
        {name: n_codes for name, (_, n_codes) in coded.items()},
        rows[:, 2].astype(np.int32) if view.kinds else NO_CODES,
        *(np.array([end]) for end in ends),
    )
    out = np.full((2, len(view.columns)), np.nan)
    cutoffs = CutoffTimes(np.array([0, 1]), np.array([cutoff]), np.zeros(1, np.int32), amounts)
    fill_history(view, events, cutoffs, out)
    return np.asarray(out[0])


def check(view: History, found: Array, expected: Array) -> None:
    wrong = [
        (name, one, other)
        for name, one, other in zip(view.columns, found.tolist(), expected.tolist(), strict=True)
        if np.float64(one).tobytes() != np.float64(other).tobytes() and not (one != one and other != other)
    ]
    assert wrong == []
