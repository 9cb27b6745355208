"""After the warm-up, an entity with many events compiles nothing."""

import numpy as np
from numba.core import event

from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.hot.timeline import HotTimeline, compile_hot_kernels
from fraudsieve.features.history.measures import FAMILIES


def test_nothing_is_compiled_afterwards() -> None:
    everything = History(("1h", "all"), measures=tuple(name for name in FAMILIES if name != "span"))
    compile_hot_kernels([everything])
    rows = np.zeros((2000, 4), np.int64)
    rows[:, 0] = np.sort(np.random.default_rng(0).integers(0, 10**12, 2000))
    rows[:, 1:] = np.random.default_rng(0).integers(0, 50, (2000, 3))
    with event.install_recorder("numba:compile") as recorder:
        timeline = HotTimeline(everything, rows)
        timeline.add(rows[5])
        timeline.drop_before(10**9)
        for cutoff in (10**12, 10**11, 10**12 + 5):
            timeline.fill(cutoff, np.empty(0), np.full((2, len(everything.columns)), np.nan))
    assert not recorder.buffer
