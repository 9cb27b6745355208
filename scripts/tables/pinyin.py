"""Build ``features/text/data/pinyin.npz``: the toneless Mandarin syllable of every Chinese character.

Run ``python scripts/tables/pinyin.py`` in the root of the repository, with ``pip install "fraudsieve[tables]"``.
Scoring reads the file and does not need the package. If a character has several readings, the first one, which is the
most common, is used.

Source: pypinyin (MIT), whose table is derived from Unihan and other dictionaries; its version is stored.
"""

import sys
import unicodedata
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pypinyin.constants import PINYIN_DICT

TABLE = Path(__file__).parents[2] / "features" / "text" / "data" / "pinyin.npz"


def toneless(readings: str) -> str:
    """Return the first of several readings without its tone, with v for ü, as in input methods."""
    letters = unicodedata.normalize("NFD", readings.split(",")[0])
    kept = "".join(c for c in letters if not unicodedata.combining(c) or c == "\u0308")
    return unicodedata.normalize("NFC", kept).replace("ü", "v").replace("ê", "e")


def build() -> dict[str, np.ndarray]:
    """Return the arrays of the table: characters, the number of their syllable, and the syllables."""
    codes = np.array(sorted(PINYIN_DICT), np.uint32)
    readings = [toneless(PINYIN_DICT[int(code)]) for code in codes]
    syllables = sorted(set(readings))
    indices = {syllable: index for index, syllable in enumerate(syllables)}
    return {
        "code": codes,
        "syllable": np.array([indices[reading] for reading in readings], np.uint16),
        "syllables": np.array(syllables),
        "source": np.array(f"pypinyin {version('pypinyin')}"),
    }


if __name__ == "__main__":
    table = build()
    np.savez_compressed(TABLE, **table)
    sys.stdout.write(f"{table['source']}: {len(table['code'])} characters, {len(table['syllables'])} syllables\n")
