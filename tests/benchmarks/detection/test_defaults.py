"""The benchmark of the defaults: ours and the peers on simulated events."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.data.kinds import Task
from benchmarks.detection.defaults import compare_defaults

from tests.benchmarks.columns.test_plain import START, make_events


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["event", "account"])
def test_both_contestants_beat_chance_on_a_simulated_set(subject: str) -> None:
    events = make_events(3000, 300)
    is_fraud = events["account_id"].astype(int) % 10 == 0
    events.loc[is_fraud, "amount"] += 20
    if subject == "event":
        events["label"] = is_fraud.astype("int8")
        task = Task("event", events, np.arange(2000), np.arange(2200, 3000), "In order of time.")
    else:
        ids = sorted(events["account_id"].unique())
        rows = pd.DataFrame({"account_id": ids, "label": [np.int8(int(name) % 10 == 0) for name in ids]})
        rows["as_of"] = START + pd.Timedelta(days=90)
        task = Task("account", rows, np.arange(0, len(ids), 2), np.arange(1, len(ids), 2), "Every other one.", events)
    report = compare_defaults("made", task, seeds=1)
    assert report.figures["average_precision"] > 0.3
    assert {peer: figures["average_precision"] > 0.3 for peer, figures in report.peers.items()} == {
        "plain": True,
        "plain_slow": True,
    }
    assert report.figures["ahead_of_plain.low"] <= report.figures["ahead_of_plain.high"]
    assert [bar.name for bar in report.bars] == [
        "average_precision.level_with_plain",
        "average_precision.level_with_plain_slow",
    ]
