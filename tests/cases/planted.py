"""Flagged actions with planted rings, bridges and hubs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["START", "planted_rings"]

START = pd.Timestamp("2026-01-01", tz="UTC")


def planted_rings(sizes: Sequence[int], *, bridges: int = 0, hub: int = 0, seed: int = 0) -> pd.DataFrame:
    """Return rings whose actions all go to one collector within two days, a column ``ring`` says which.

    Parameters
    ----------
    sizes : sequence of int
        Number of actions of each ring.
    bridges : int, default=0
        Rings that share a payer with the next one.
    hub : int, default=0
        Further actions, of which each shares an account with all the others.
    seed : int, default=0
        Seed of the times.
    """
    rng, rows = np.random.default_rng(seed), []
    for ring, size in enumerate(sizes):
        for k in range(size):
            payer = f"payer-{ring}-{k}"
            if k == 0 and 0 < ring <= bridges:
                payer = f"payer-{ring - 1}-0"
            moment = START + pd.Timedelta(days=float(rng.random() * 2))
            rows.append((f"a-{ring}-{k}", payer, f"collector-{ring}", moment, ring))
    for k in range(hub):
        rows.append((f"h-{k}", "bank", f"payee-{k}", START + pd.Timedelta(minutes=k), -1))
    columns = ["action_id", "account_id", "counterparty_id", "occurred_at", "ring"]
    return pd.DataFrame(rows, columns=columns).assign(kind="transfer")
