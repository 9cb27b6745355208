"""Tables in files of every format, damaged: bytes changed, cut in the middle, packed wrongly."""

import gzip
import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve.tables.formats.files import load
from fraudsieve.tables.reader import check_table, read_table
from tests.attack.changes import change_bytes
from tests.attack.outcomes import SECRET, Attempt, Outcome, judge

ENDINGS = ("csv", "jsonl", "parquet", "csv.gz", "jsonl.gz")
CELLS: tuple[Any, ...] = (
    f"hello {SECRET}", f'a "{SECRET}", b', f"line\n{SECRET}", f"{SECRET}\r", "", " ", None, "\x00", "\u202e" + SECRET,
    "\U0001f600", "免费领奖" + SECRET, "=1+1", "x" * 5000, '"', '""', ",", "NaN", "null", "[", "{}",
)  # fmt: skip
TIMES = ("2026-01-01T00:00:00Z", "2026-01-01", "yesterday", "", None, "1e999", "2262-04-11T23:47:16.854775808Z")


def prepare(folder: Path) -> Attempt:
    """Return a function that writes a table of messages, damages the file, and reads it."""
    return partial(_attempt, folder)


def _attempt(folder: Path, rng: np.random.Generator) -> Outcome:
    ending = ENDINGS[int(rng.integers(len(ENDINGS)))]
    frame = _frame(rng)
    content = _written(frame, ending)
    if rng.random() < 0.9:
        content = _damaged(content, ending, rng)
    file = folder / f"m.{ending}"
    file.write_bytes(content)
    return judge(lambda: reads_equally(file))


def _frame(rng: np.random.Generator) -> pd.DataFrame:
    n = int(rng.integers(1, 12))
    texts = [CELLS[int(rng.integers(len(CELLS)))] for _ in range(n)]
    times = [TIMES[int(rng.integers(len(TIMES)))] for _ in range(n)]
    ids = [f"{SECRET}-{rng.integers(n + 5)}" for _ in range(n)]
    return pd.DataFrame({"message_id": ids, "text": texts, "sent_at": times}, dtype=object)


def _written(frame: pd.DataFrame, ending: str) -> bytes:
    stream = io.BytesIO()
    if ending == "parquet":
        frame.to_parquet(stream, index=False)
    elif ending.startswith("csv"):
        frame.to_csv(stream, index=False)
    else:
        frame.to_json(stream, orient="records", lines=True, force_ascii=False)
    return gzip.compress(stream.getvalue(), mtime=0) if ending.endswith("gz") else stream.getvalue()


def _damaged(content: bytes, ending: str, rng: np.random.Generator) -> bytes:
    """Change the bytes of a file, or those inside its compression."""
    if ending.endswith("gz") and rng.random() < 0.5:
        inner = change_bytes(gzip.decompress(content), rng, likely=b'",\n\r{}[]:\\0')
        return gzip.compress(inner, mtime=0)
    return change_bytes(content, rng, likely=b'",\n\r{}[]:\\0')


def reads_equally(file: Path) -> bool:
    """Read a file twice and through a frame; return whether every row is accounted for and the results are equal."""
    table, again = read_table(file, "messages"), read_table(file, "messages")
    loaded = load(file)
    same = table.good.equals(again.good) and table.rejected.equals(again.rejected) and table.notes == again.notes
    complete = len(table.good) + len(table.rejected) == len(loaded.frame)
    notes = " ".join((*table.notes, *table.rejected["reason"]))
    if loaded.printed or loaded.broken:
        return same and complete and SECRET not in notes
    from_frame = check_table(loaded.frame, "messages")
    return same and complete and SECRET not in notes and from_frame.good.equals(table.good)
