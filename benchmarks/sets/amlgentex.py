"""AMLGentex: simulated transfers, some of which are suspicious."""

from typing import Final

import pandas as pd

from benchmarks.data.kinds import AccountSet, Task
from benchmarks.data.location import load_rings

__all__ = ["SETS"]

DAY: Final = pd.Timedelta(days=1)


def _task() -> Task:
    """Is this transfer suspicious? Labels are known after a week; tested from day 68 on."""
    events = load_rings("amlgentex", "events")
    truth = load_rings("amlgentex", "truth").set_index("event_id")["is_sar"]
    events["occurred_at"] = events["occurred_at"].dt.tz_convert(None)
    events["label"] = truth.reindex(events["event_id"]).astype("int8").to_numpy()
    events["labelled_at"] = events["occurred_at"] + 7 * DAY
    day = ((events["occurred_at"] - events["occurred_at"].min()) // DAY).to_numpy()
    protocol = "Events of the first 60 days to train on, from day 68 on to test on; labels known after 7 days."
    return Task("event", events, (day < 60).nonzero()[0], (day >= 68).nonzero()[0], protocol)


SETS: Final = (AccountSet("amlgentex", _task, place=0),)
