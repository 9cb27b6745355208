"""The benchmark of our own algorithms: the libraries' counterparts give the same results, and the figures."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from benchmarks import own

from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.cues.custom_lists import count_words
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.kernels.categories import code_strings
from fraudsieve.features.history.kernels.sorting import sort_events
from fraudsieve.features.text.codepoints import pack


def test_the_library_sorts_in_the_same_order() -> None:
    rng = np.random.default_rng(0)
    entities, times = rng.integers(0, 50, 2000).astype(np.int32), rng.integers(0, 300, 2000)
    for ours, theirs in zip(sort_events(entities, times, 60), own.sort_by_numpy(entities, times, 60), strict=True):
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("with_missing", [False, True])
def test_the_library_encodes_ids_alike(with_missing: bool) -> None:
    ids = pa.array(["ann01", "bob01", "c", "ann01", "a name of more than fifteen bytes", "bob01"], pa.large_binary())
    offsets, data = (np.frombuffer(buffer, kind) for buffer, kind in zip(ids.buffers()[1:], ("i8", "u1"), strict=True))
    valid = np.array([True, True, False, True, True, False]) if with_missing else None
    strings = offsets[:-1], offsets[1:], data
    for ours, theirs in zip(code_strings(*strings, valid)[:2], own.code_by_arrow(*strings, valid)[:2], strict=True):
        assert ours.tolist() == theirs.tolist()
    every_other = strings[0][::2].copy(), strings[1][::2].copy(), data
    assert own.code_by_arrow(*every_other).codes.tolist() == code_strings(*every_other).codes.tolist()


def test_a_function_is_replaced_wherever_it_is_imported_and_then_restored() -> None:
    events = pd.DataFrame({"account_id": ["a", "b"], "occurred_at": pd.to_datetime(["2026-05-01", "2026-05-02"])})
    subjects = pd.DataFrame({"account_id": ["a"], "as_of": pd.to_datetime(["2026-05-03"])})
    features = AccountFeatures(events, history=History(("1d",), measures=("count",)), network=False)
    calls: list[int] = []

    def counted(*args: object) -> object:
        calls.append(1)
        return sort_events(*args)  # type: ignore[arg-type]

    with own.replaced(sort_events, counted):
        features.fit_transform(subjects)
    assert calls
    n_calls = len(calls)
    features.fit_transform(subjects)
    assert len(calls) == n_calls


@pytest.mark.skipif(find_spec("ahocorasick") is None, reason="pyahocorasick is not installed")
def test_the_library_counts_the_same_words() -> None:
    texts = pack(["urgent: 恭喜您中奖, pay now", "urgently paying", "贷款", ""])
    assert own.library_search()(texts).tolist() == count_words(texts).tolist()


def test_figures_gains_and_bars() -> None:
    report = own.run(events=2000, messages=60, rounds=1)
    figures = report.as_json()["figures"]
    assert isinstance(figures, dict)
    for name in ("sort.alone", "sort.end_to_end", "ids.alone", "ids.end_to_end"):
        gain = report.peers["library"][f"{name}_ms"] / figures[f"{name}_ms"] - 1
        assert figures[f"{name}_gain"] == pytest.approx(gain)
    assert {bar.name for bar in report.bars} >= {"sort.end_to_end_gain", "ids.end_to_end_gain"}
