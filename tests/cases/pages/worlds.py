"""Cases to draw: a ring with devices and texts, a large collector, a campaign of messages, and many small rings."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fraudsieve.cases import Cases, find_cases

START = pd.Timestamp("2026-05-01 08:00", tz="UTC")
REASONS = ("history__sent_7d_count", "cues__links")


def ring(name: str, size: int, *, seed: int = 0) -> pd.DataFrame:
    """Return payments of a ring to one collector, some of them passed on, some from shared devices."""
    rng = np.random.default_rng(seed)
    payers = [f"{name}-payer-{k}" for k in range(size)]
    frame = pd.DataFrame({"action_id": [f"{name}-{k}" for k in range(size)], "account_id": payers})
    frame["counterparty_id"] = f"{name}-collector"
    onward = np.arange(size) % 5 == 4
    frame.loc[onward, "account_id"] = f"{name}-collector"
    frame.loc[onward, "counterparty_id"] = f"{name}-mule"
    frame["device_id"] = [f"{name}-device-{k // 3}" if k % 2 else None for k in range(size)]
    frame["occurred_at"] = START + pd.to_timedelta(np.sort(rng.random(size) * min(size, 60) / 5), unit="D")
    frame["amount"] = rng.integers(50, 900, size).astype(float)
    return described(frame.assign(kind="transfer"), rng)


def campaign(name: str, size: int) -> pd.DataFrame:
    """Return near-duplicate messages of different senders with one telephone number."""
    rng = np.random.default_rng(size)
    frame = pd.DataFrame({"action_id": [f"{name}-{k}" for k in range(size)]})
    frame["account_id"] = [f"{name}-sender-{k}" for k in range(size)]
    frame["text"] = [f"Parcel {k} is held at the office, call 138 0013 8000 and pay the fee today" for k in range(size)]
    frame["occurred_at"] = START + pd.to_timedelta(np.arange(size) * 37, unit="min")
    return described(frame.assign(kind="message"), rng)


def described(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return actions with scores, types and reasons."""
    reasons = rng.choice(REASONS, len(frame))
    return frame.assign(
        probability=rng.uniform(0.5, 0.99, len(frame)).round(3),
        type="investment scam",
        reason=reasons,
        reason_sentence=np.where(reasons == REASONS[1], "The text has 2 links", "9 payments in 7 days"),
    )


def cases_of(parts: Sequence[pd.DataFrame], confirmed: int = 0) -> Cases:
    """Return the cases of flagged actions; the first of them are confirmed, in turn as fraud and as legitimate."""
    frame = pd.concat(parts, ignore_index=True)
    labels = pd.DataFrame({"action_id": frame["action_id"].head(confirmed)})
    labels = labels.assign(is_fraud=np.arange(len(labels)) % 2 == 0, labelled_at=START)
    return find_cases(frame, key=b"a key", labels=labels if confirmed else None)


def three_cases() -> Cases:
    """Return cases of 5 payments, of 200 payments, and of 12 messages."""
    return cases_of([ring("small", 5), ring("large", 200, seed=1), campaign("parcel", 12)], confirmed=3)


def many_cases(n: int = 500, size: int = 3) -> Cases:
    """Return rings of payments."""
    return cases_of([ring(f"ring-{k}", 2 + k % size, seed=k) for k in range(n)])
