"""The columns of the Handbook against plain pandas, strictly before the row."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.columns.handbook import handbook_columns
from benchmarks.data.kinds import Task

from tests.benchmarks.columns.test_plain import START, make_events

DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def task() -> Task:
    events = make_events(300, 6)
    events["label"] = (events["account_id"] == "1").astype("int8")
    events["labelled_at"] = events["occurred_at"] + 7 * DAY
    return Task("event", events, np.arange(0, 200), np.arange(250, 300), "In order of time.")


@pytest.mark.slow
def test_each_column_is_that_of_pandas(task: Task) -> None:
    events, (train, test) = task.rows, handbook_columns(task)
    assert [len(train), len(test)] == [200, 50]
    for place, row in zip(
        (*range(0, 200, 20), *range(250, 300, 5)), (*range(0, 200, 20), *range(0, 50, 5)), strict=True
    ):
        found = (train if place < 200 else test).iloc[row]
        at = events.iloc[place]
        for entity, of, columns in (
            ("account_id", "amount", ("n", "mean")),
            ("counterparty_id", "amount", ("n", "mean")),
            ("counterparty_id", "label", ("known", "risk")),
        ):
            time = events["labelled_at" if of == "label" else "occurred_at"]
            for days in (1, 7, 30):
                before = (time < at["occurred_at"]) & (time >= at["occurred_at"] - days * DAY)
                past = events[before & (events[entity] == at[entity])][of]
                count, mean = (found[f"{entity}_{name}_{days}d"] for name in columns)
                assert (0 if np.isnan(count) else count) == len(past)
                if len(past):
                    assert mean == pytest.approx(past.mean())


def test_later_rows_change_nothing(task: Task) -> None:
    events = task.rows.copy()
    events.loc[250:, "amount"] = 1e6
    later = Task("event", events, task.train, task.test, "")
    pd.testing.assert_frame_equal(handbook_columns(later)[0], handbook_columns(task)[0])


def test_accounts_are_looked_at_as_of_their_time(task: Task) -> None:
    rows = pd.DataFrame({"account_id": ["1", "2"], "label": [1, 0], "as_of": [START + 20 * DAY, START + 40 * DAY]})
    accounts = Task("account", rows, np.array([0]), np.array([1]), "", task.rows)
    _, test = handbook_columns(accounts)
    past = task.rows[(task.rows["account_id"] == "2") & (task.rows["occurred_at"] < START + 40 * DAY)]
    month = past[past["occurred_at"] >= START + 10 * DAY]
    assert test["account_id_n_30d"].tolist() == [len(month)]
    assert not [name for name in test if str(name).startswith("account_id_risk")]
