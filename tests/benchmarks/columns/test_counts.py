"""Plain counts on synthetic events."""

import numpy as np
import pandas as pd
from benchmarks.columns.counts import account_counts, running_counts

from tests.benchmarks.columns.test_declared import made_up


def test_running_counts_are_of_earlier_rows() -> None:
    events = made_up(60)
    counts = running_counts(events)
    for row in (0, 20, 59):
        earlier = events.iloc[:row]
        for entity, other in (("account_id", "counterparty_id"), ("counterparty_id", "account_id")):
            same = earlier[earlier[entity] == events[entity].iloc[row]]
            expected = [len(same), same[other].nunique(), same["amount"].sum(), same["amount"].mean()]
            actual = counts.loc[row, [f"{entity}.{name}" for name in ("n", "distinct", "sum", "mean")]]
            np.testing.assert_allclose(actual.to_numpy(np.float64), expected)


def test_account_counts_by_side() -> None:
    events = pd.DataFrame({"account_id": ["a", "a"], "counterparty_id": ["b", "b"], "amount": [1.0, 3.0]})
    counts = account_counts(events, pd.Series(["b", "a"]), sides=("account_id", "counterparty_id"))
    assert counts.filter(like="account_id.").iloc[1].tolist() == [2.0, 1.0, 4.0, 2.0]
    assert counts.filter(like="counterparty_id.").iloc[0].tolist() == [2.0, 1.0, 4.0, 2.0]
