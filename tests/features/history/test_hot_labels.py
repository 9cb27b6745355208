"""Labels of an entity with many of them: equal to the batch runner, to the last bit."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.encoded import CutoffTimes, EncodedEvents, fill_labels
from fraudsieve.features.history.hot.labels import DROP_SHARE, FRAUD, HotLabels
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.measures import LABEL_MEASURES

SECOND, HOUR = 1_000_000, 3_600_000_000
VIEW = History(("1h", "1m"), measures=LABEL_MEASURES, prior=(0.03, 7.0))
LABEL = st.tuples(st.integers(0, 30) | st.integers(0, 7200), st.booleans())
STEPS = st.lists(
    st.tuples(st.just("add"), LABEL)
    | st.tuples(st.just("many"), st.lists(LABEL, max_size=20))
    | st.tuples(st.just("look"), st.integers(0, 9000))
    | st.tuples(st.just("drop"), st.integers(0, 3600)),
    max_size=25,
)


def as_rows(labels: list[tuple[int, bool]]) -> Array:
    rows = [(seconds * SECOND, FRAUD if is_fraud else 0) for seconds, is_fraud in labels]
    return np.array(rows, np.int64).reshape(-1, 2)


def batch(rows: Array, cutoff: int, last: int) -> Array:
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    frauds = (rows[:, 1] == FRAUD).astype(float)
    ends = np.array([last]), np.array([last])
    labels = EncodedEvents(np.array([0, len(rows)]), rows[:, 0].copy(), frauds, firsts=ends[0], lasts=ends[1])
    out = np.full((2, len(VIEW.columns)), np.nan)
    fill_labels(VIEW, labels, CutoffTimes(np.array([0, 1]), np.array([cutoff]), np.zeros(1, np.int32)), out)
    return np.asarray(out[0])


@given(STEPS, st.lists(LABEL, max_size=20))
def test_hot_labels_equal_batch_to_the_last_bit(steps: Any, first: Any) -> None:
    everything, oldest, last = as_rows(first), 0, NEVER
    labels = HotLabels(VIEW, everything)
    for step, value in steps:
        if step == "look":
            cutoff = max(value * SECOND, oldest + HOUR)
            out = np.full((2, len(VIEW.columns)), np.nan)
            labels.fill(cutoff, out)
            np.testing.assert_array_equal(out[0], batch(everything, cutoff, last))
        elif step == "drop":
            oldest = max(oldest, value * SECOND)
            n_dropped = labels.drop_before(oldest)
            kept = labels.rows()
            assert n_dropped == len(everything) - len(kept)
            for bits in (FRAUD, 0):  # few old ones are not dropped yet
                times, kept_times = (np.sort(rows[rows[:, 1] == bits, 0]) for rows in (everything, kept))
                n_old = len(times) - len(kept_times)
                np.testing.assert_array_equal(times[n_old:], kept_times)
                assert (times[:n_old] < oldest).all()
                assert n_old or (kept_times < oldest).sum() * DROP_SHARE <= len(times)
                last = max([last, *times[:n_old].tolist()]) if bits == FRAUD else last
            assert labels.last == last
            everything = kept
        else:
            late = [
                (max(seconds, oldest // SECOND + 1), is_fraud)
                for seconds, is_fraud in ([value] if step == "add" else value)
            ]
            new = as_rows(late)
            labels.add(new[0].tolist()) if step == "add" else labels.add_many(new)
            everything = np.concatenate([everything, new])
    assert labels.size == len(everything)
    assert sorted(map(tuple, labels.rows().tolist())) == sorted(map(tuple, everything.tolist()))
