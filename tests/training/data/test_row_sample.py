"""Samples of rows: whether a row is drawn depends on its id, the rate and the seed alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.training.data.row_sample import RowSample, select_ids

IDS = st.lists(st.text(max_size=12), min_size=1, max_size=60)
RATES = st.floats(0.01, 1)


@given(IDS, RATES, st.integers(0, 2**70), st.randoms())
def test_a_row_is_drawn_whatever_the_other_rows(ids: list[str], rate: float, seed: int, random: object) -> None:
    sample = RowSample(rate, seed)
    drawn = dict(zip(ids, select_ids(np.array(ids, object), sample), strict=True))
    shuffled = sorted(set(ids), key=hash)
    assert [drawn[name] for name in shuffled] == select_ids(np.array(shuffled, object), sample).tolist()
    assert [drawn[name] for name in ids] == [select_ids(np.array([name], object), sample)[0] for name in ids]


@given(IDS, RATES, RATES)
def test_a_lower_rate_is_part_of_a_higher_one(ids: list[str], one: float, other: float) -> None:
    low, high = (select_ids(np.array(ids, object), RowSample(rate)) for rate in sorted((one, other)))
    assert not (low & ~high).any()
    assert select_ids(np.array(ids, object), RowSample()).all()


def test_the_share_is_the_rate_and_another_seed_draws_others() -> None:
    ids = np.array([f"payment-{number}" for number in range(20_000)], object)
    one, other = (select_ids(ids, RowSample(0.1, seed)) for seed in (0, 1))
    assert one.mean() == pytest.approx(0.1, abs=0.01)
    assert (one & other).mean() == pytest.approx(0.01, abs=0.005)


def test_the_hash_is_the_same_in_every_version_of_pandas() -> None:
    # A model that is trained again must see the same sample.
    ids = np.array(["e1", "e2", "中文", "", "a" * 100], object)
    hashes = 0.4798, 0.2118, 0.7865, 0.7775, 0.3302
    for name, value in zip(ids, hashes, strict=True):
        below, above = (select_ids(np.array([name], object), RowSample(value + step)) for step in (-1e-4, 1e-4))
        assert (below[0], above[0]) == (False, True)


def test_rates_are_of_classes_that_rows_have() -> None:
    assert RowSample(0.5).class_rates("legitimate", {"scam", "spam"}) == {}
    assert RowSample(0.5, 3).facts == {"sample": {"rate": 0.5, "seed": 3}}
    assert RowSample().facts == {}
