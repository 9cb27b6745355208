"""Peers on accounts, with columns that are hard for some of them."""

import numpy as np
import pytest
from benchmarks.contestants.contestant import contestants_of

PEERS = {name: one.fit_columns for name, one in contestants_of("contest").items() if one.fit_columns}


@pytest.mark.parametrize("name", PEERS)
def test_a_column_without_a_value_is_of_no_effect(name: str) -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=400), np.full(400, np.nan)])
    y = (X[:, 0] > 0.5).astype(int)
    fitted = PEERS[name](X, y)
    assert (fitted.label(X) == y).mean() > 0.95
    assert fitted.score(X)[y == 1].min() > fitted.score(X)[y == 0].mean()
