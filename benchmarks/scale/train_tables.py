"""Made-up tables of any size for the scale of `train`: messages resampled with changes, and events."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fraudsieve._microseconds import DAY
from fraudsieve.features.text.codepoints import pack
from fraudsieve.training.simulation import simulate

__all__ = ["write_events", "write_messages"]

PART = 100_000
DAYS = 120
START = np.datetime64("2026-01-01", "us")
LATIN = np.array(list("eeeeeetttttaaaaooooiiinnnsssrrhhllddccuummffppggwwyybvkxjqz"))
HAN = np.array([chr(code) for code in range(0x4E00, 0x4E00 + 3000)])
FRAUD_SHARE = 0.01
"""Of the accounts of events."""


def write_messages(folder: Path, n_messages: int, *, seed: int = 0) -> None:
    """Write messages of a simulated world, as fraud or legitimate, resampled with other digits, names and times.

    Parameters
    ----------
    folder : Path
        Gets one Parquet file per 100,000 messages.
    n_messages : int
        Number of messages.
    seed : int, default=0
        Seed of the generator.
    """
    rng = np.random.default_rng(seed)
    world = simulate(seed=seed, n_accounts=6000)
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    base = world.messages.assign(label=world.messages["message_id"].map(labels)).dropna(subset=["label"])
    folder.mkdir()
    for number, first in enumerate(range(0, n_messages, PART)):
        rows = rng.integers(0, len(base), min(PART, n_messages - first))
        drawn = base.iloc[rows]
        jitter = rng.integers(0, 2 * DAY, len(rows)).astype("m8[us]")
        table = pa.table(
            {
                "message_id": [f"m{first + row}" for row in range(len(rows))],
                "text": _changed(drawn["text"].tolist(), rng),
                "account_id": pa.array(drawn["account_id"]),
                "sent_at": pa.array(drawn["sent_at"].to_numpy("M8[us]") + jitter, pa.timestamp("us", "UTC")),
                "label": np.where(drawn["label"] == "legitimate", "legitimate", "fraud"),
            }
        )
        pq.write_table(table, folder / f"{number:04d}.parquet")


def _changed(texts: list[str], rng: np.random.Generator) -> list[str]:
    """Replace digits, and add two names that few other messages have."""
    packed = pack(texts)
    is_digit = (packed.codes >= ord("0")) & (packed.codes <= ord("9"))
    packed.codes[is_digit] = rng.integers(ord("0"), ord("9") + 1, int(is_digit.sum()))
    chinese = np.maximum.reduceat(packed.codes, packed.offsets[:-1]) > 0x2E80
    names = [_names(rng, len(texts), HAN, 3), _names(rng, len(texts), LATIN, 7)]
    first, second = ([names[not is_chinese][row] for row, is_chinese in enumerate(chinese)], names[1][::-1])
    return [f"{a} {text} {b}" for a, text, b in zip(first, packed.unpack(), second, strict=True)]


def _names(rng: np.random.Generator, n: int, letters: np.ndarray, length: int) -> list[str]:
    return ["".join(row) for row in letters[rng.integers(0, len(letters), (n, length))]]


def write_events(folder: Path, n_events: int, *, seed: int = 0) -> None:
    """Write labelled events: accounts of a Zipf distribution, and fraud that pays more and at night.

    Parameters
    ----------
    folder : Path
        Gets one Parquet file per 100,000 events.
    n_events : int
        Number of events.
    seed : int, default=0
        Seed of the generator.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir()
    weights = np.cumsum(1.0 / np.arange(10, n_events // 5 + 20) ** 0.8)
    frauds = rng.random(len(weights)) < FRAUD_SHARE
    for number, first in enumerate(range(0, n_events, PART)):
        n = min(PART, n_events - first)
        senders, recipients = (np.searchsorted(weights, rng.random(n) * weights[-1]) for _ in range(2))
        is_fraud = frauds[senders] & (rng.random(n) < 0.5)
        seconds = rng.integers(0, DAYS * DAY, n)
        table = pa.table(
            {
                "event_id": [f"e{first + row}" for row in range(n)],
                "account_id": np.char.add("a", senders.astype(str)),
                "counterparty_id": np.char.add("a", recipients.astype(str)),
                "occurred_at": pa.array(START + seconds.astype("m8[us]"), pa.timestamp("us", "UTC")),
                "kind": rng.choice(["pay", "withdraw"], n, p=[0.8, 0.2]),
                "amount": rng.lognormal(3 + is_fraud, 1, n).round(2),
                "label": np.where(is_fraud, "fraud", "legitimate"),
            }
        )
        pq.write_table(table, folder / f"{number:04d}.parquet")
