"""Peers on accounts, with columns that are hard for some of them."""

import numpy as np
import pytest
from benchmarks.contest.table_contestants import TABLE_PEERS


@pytest.mark.parametrize("name", TABLE_PEERS)
def test_a_column_without_a_value_is_of_no_effect(name: str) -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=400), np.full(400, np.nan)])
    y = (X[:, 0] > 0.5).astype(int)
    model = TABLE_PEERS[name](X, y)
    assert (model.predict(X) == y).mean() > 0.95
