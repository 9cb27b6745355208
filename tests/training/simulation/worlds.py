"""Constants and tables that the tests of the simulated world share."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fraudsieve.training.simulation.world import World

START, LENGTH = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timedelta(days=120)
WELL_LABELLED: dict[str, Any] = {"missing_labels": 0.0, "wrong_labels": 0.0}


def labelled_messages(world: World) -> pd.DataFrame:
    return world.messages.merge(world.labels, left_on="message_id", right_on="subject_id", validate="1:1")


def fraud_accounts(world: World) -> list[str]:
    fraud = world.labels[world.labels["label"] != "legitimate"]
    return sorted(set(fraud["subject_id"]) & set(world.accounts["account_id"]))
