"""Ids of earlier chunks: all of them are found, and no others."""

import numpy as np
import pandas as pd

from fraudsieve.tables.cells import STRING
from fraudsieve.tables.checks import SeenIdHashes


def test_only_added_ids_are_found() -> None:
    seen, rng, known = SeenIdHashes(), np.random.default_rng(0), set()
    for _ in range(40):
        ids = pd.Series(rng.integers(0, 20_000, int(rng.integers(1, 900)))).drop_duplicates().astype(STRING)
        assert seen.holds(ids).tolist() == [one in known for one in ids]
        seen.add(ids)
        known |= set(ids)
    assert len(seen._runs) < 12  # runs are merged, so that look-ups stay fast
    assert not seen.holds(pd.Series(["20000", "x", ""])).any()
