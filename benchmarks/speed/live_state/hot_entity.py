"""Speed of entities with many events: an event in and a look, where it costs most."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.runner import Bar, progress
from fraudsieve._microseconds import DAY, MINUTE, SECOND
from fraudsieve.features.campaign.over_time import N_BANDS, CampaignHistory
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.records import RecordIds
from fraudsieve.features.history.timeline import ViewState

__all__ = ["HOT_PROTOCOL", "measure_hot"]

SIZES = (1000, 100_000, 1_000_000)
CAMPAIGN_SIZE = 100_000
PAIRS, WARM_UP = 2000, 20
BAR_US = 1000.0
SPAN = 30 * DAY
STEP = SPAN // 100_000
HOT_PROTOCOL = (
    "hot, same_time, late, look_back, campaign: an entity of N events (the largest if no N is named) in a view, then "
    "pairs of one event in and one look; events may be a day late. hot: events spread evenly over 30 days. same_time: "
    "all events at one time, also the new ones. late: one event in a hundred comes up to a day late. look_back: every "
    "other look is a minute back. campaign: a message in and a look at all of its eight bands, each with N messages."
)


def measure_hot() -> tuple[dict[str, float], list[Bar]]:
    """Time pairs of an event and a look on entities with many events.

    Returns
    -------
    figures : dict of str to float
        Microseconds.
    bars : list of Bar
        One for each 99th percentile.
    """
    figures: dict[str, float] = {}
    for size in SIZES:
        for name in ("hot", "same_time"):
            figures |= _percentiles(f"{name}.{{}}_us.{size}", _pairs(name, size))
    for name in ("late", "look_back"):
        figures |= _percentiles(f"{name}.{{}}_us", _pairs(name, SIZES[-1]))
    figures |= _percentiles(f"campaign.{{}}_us.{CAMPAIGN_SIZE}", _campaign_pairs())
    return figures, [Bar.at_most(name, value, BAR_US) for name, value in figures.items() if ".p99_us" in name]


def _percentiles(name: str, taken: list[float]) -> dict[str, float]:
    figures = {name.format(share): float(np.percentile(taken, int(share[1:]))) for share in ("p50", "p99")}
    progress(", ".join(f"{figure} {value:.0f}" for figure, value in figures.items()))
    return figures


def _rows(times: NDArray[np.int64], rng: np.random.Generator, *, n_ids: int = 1) -> NDArray[np.int64]:
    amounts = rng.integers(1, 1_000_000, len(times)) / 100
    ids = rng.integers(1, 51, (len(times), n_ids))
    digests = rng.integers(0, 2**62, len(times))
    return np.column_stack([times, digests, amounts.view(np.int64), np.full(len(times), -1), ids])


def _pairs(name: str, size: int) -> list[float]:
    """Time pairs on an account with the default measures."""
    rng, view = np.random.default_rng(0), History()
    same = name == "same_time"
    account = _filled(view, _rows(np.full(size, SPAN) if same else np.arange(size) * SPAN // size, rng))

    def pair(index: int) -> Callable[[], None]:
        now = SPAN + (WARM_UP + index) * STEP
        late = int(rng.integers(1, 86_000)) * SECOND if name == "late" and index % 100 == 0 else 0
        row = _rows(np.array([SPAN if same else now - late]), rng)[0].tolist()
        cutoff = now + SECOND - (MINUTE if name == "look_back" and index % 2 else 0)
        return lambda: _add_and_look(account, row, cutoff)

    return _timed(pair)


def _filled(view: History, rows: NDArray[np.int64], n: int = 1) -> ViewState:
    """Return a view with some entities that have the same events."""
    state = ViewState(view)
    for key in _keys(view, n):
        state.events.add_many(np.tile(np.frombuffer(key, np.uint64), (len(rows), 1)), rows)
    state.sweep(SPAN - DAY, n)
    return state


def _keys(view: History, n: int) -> list[bytes]:
    keys = [RecordIds(dict.fromkeys(view.entities, f"entity {number}")).entity(view.entities) for number in range(n)]
    return [key for key in keys if key is not None]


def _add_and_look(state: ViewState, row: list[int], cutoff: int, n: int = 1) -> None:
    keys = _keys(state.history, n)
    for key in keys:
        state.events.add([key], [row])
        state.sweep(cutoff - DAY, 1)
    state.rows_of(keys, [None] * n, np.full(n, cutoff))


def _campaign_pairs() -> list[float]:
    """Time pairs on a campaign: eight bands, each an entity."""
    rng, (view, *_) = np.random.default_rng(0), CampaignHistory().views
    times = np.arange(CAMPAIGN_SIZE) * SPAN // CAMPAIGN_SIZE
    bands = _filled(view, _rows(times, rng, n_ids=2), N_BANDS)

    def pair(index: int) -> Callable[[], None]:
        now = SPAN + (WARM_UP + index) * STEP
        row = _rows(np.array([now]), rng, n_ids=2)[0].tolist()
        return lambda: _add_and_look(bands, row, now + SECOND, N_BANDS)

    return _timed(pair)


def _timed(pair: Callable[[int], Callable[[], None]]) -> list[float]:
    taken = []
    for index in range(-WARM_UP, PAIRS):
        call = pair(index)
        start = time.perf_counter()
        call()
        if index >= 0:
            taken.append((time.perf_counter() - start) * 1e6)
    return taken
