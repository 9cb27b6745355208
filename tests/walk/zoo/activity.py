"""Events that are no payments: clicks, calls and logins."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.walk.table import TableFiles, UserTable
from tests.walk.zoo.files import WITHOUT_IDS, Layout, write_files
from tests.walk.zoo.rows import choose, make_events, uuids

__all__ = ["ACTIVITY"]


def clicks(folder: Path) -> TableFiles:
    """Write clicks: every column but the time is an integer that stands for a thing; no kind, no amount and no id.

    Thresholds are by a category of numbers, and a column that is not a feature groups the rows.
    """
    rng, made = make_events(21, 1200, days=4, accounts=60)
    odd = made["fraud"] & (rng.random(len(made)) < 0.6)
    frame = pd.DataFrame(
        {
            "ip": made["account"] * 1009 + 5314,
            "app": np.where(odd, rng.choice([19, 35, 107], len(made)), rng.choice([2, 3, 9, 19], len(made))),
            "device": rng.choice([1, 1, 1, 2, 3032], len(made)),
            "os": rng.integers(10, 30, len(made)),
            "channel": made["other"] + 101,
            "click_time": made["time"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            "is_attributed": made["fraud"].astype(int),
        }
    )
    names = {"account_id": "ip", "occurred_at": "click_time", "label": "is_attributed"}
    by_app = ("--threshold-by", "app", "--group", "channel")
    return write_files(folder, frame, Layout("events", ".csv.gz", names, ("is_attributed",), train_options=by_app))


def calls(folder: Path) -> TableFiles:
    """Write call records: semicolons, dates that begin with the day, telephone numbers, durations, TRUE and FALSE."""
    rng, made = make_events(22, accounts=70, others=80)
    seconds = np.where(made["fraud"], rng.integers(1, 40, len(made)), rng.integers(10, 900, len(made)))
    frame = pd.DataFrame(
        {
            "caller": [f"+4917{code * 7919 + 10_000_000}" for code in made["account"]],
            "callee": [f"+4930{code * 104_729 + 1_000_000}" for code in made["other"]],
            "start": made["time"].dt.strftime("%d/%m/%Y %H:%M:%S"),
            "duration_s": seconds,
            "direction": choose(rng, made["fraud"], ("out", "in"), ("out",)),
            "cell": [f"262-01-{code}" for code in rng.integers(1, 30, len(made))],
            "roaming": rng.random(len(made)) < 0.1,
            "fraud": np.where(made["fraud"], "TRUE", "FALSE"),
        }
    )
    names = {
        "account_id": "caller",
        "counterparty_id": "callee",
        "occurred_at": "start",
        "kind": "direction",
        "label": "fraud",
    }
    layout = Layout("events", ".csv", names, ("fraud",), reading=("--day-first",), write={"sep": ";"})
    return write_files(folder, frame, layout, made["time"])


def logins(folder: Path) -> TableFiles:
    """Write logins as JSON Lines: UUIDs, milliseconds, device and IP, true and false, words for the label."""
    rng, made = make_events(23, 1100, accounts=90, others=120)
    frame = pd.DataFrame(
        {
            "id": uuids(pd.Series(made.index), "login"),
            "user": uuids(made["account"], "user"),
            "ts": made["time"].astype("datetime64[ms]").astype("int64"),
            "device_id": uuids(made["other"], "device"),
            "ip": [f"203.0.{code % 7}.{code % 251}" for code in made["other"]],
            "country": choose(rng, made["fraud"], ("DE", "FR", "NA"), ("BR", "KP")),
            "user_agent": choose(rng, made["fraud"], ("Firefox/128.0", "Chrome/131.0 (X11)"), ("curl/8.5", "python")),
            "success": rng.random(len(made)) < np.where(made["fraud"], 0.3, 0.95),
            "rtt_ms": rng.lognormal(4, 0.5, len(made)).round(1),
            "outcome": np.where(made["fraud"], "account_takeover", "legitimate"),
        }
    )
    names = {"event_id": "id", "account_id": "user", "occurred_at": "ts", "label": "outcome"}
    return write_files(folder, frame, Layout("events", ".jsonl", names, ("outcome",)))


ACTIVITY = (
    UserTable("clicks", "event", clicks, refused=WITHOUT_IDS, on_spark=True),
    UserTable("calls", "event", calls, refused=WITHOUT_IDS),
    UserTable("logins", "event", logins),
)
