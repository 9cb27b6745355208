"""Counts of pairs of characters in everyday Chinese text, which are added to those of legitimate training messages.

Some thousand messages hold a small part of the pairs of Chinese. Measured against them alone, everyday text about
anything else is as improbable as an obfuscated text, and models flag both (``python -m benchmarks.transfer``).
``scripts/tables/background.py`` builds the table.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes

from .surprisal import BEGIN, CharacterModel, count_pairs

__all__ = ["chinese_background"]

TABLE = files("fraudsieve.features.wording") / "data" / "background.npz"


@cache
def chinese_background() -> tuple[CharacterModel, CharacterModel]:
    """Return the counts of everyday Chinese text.

    Returns
    -------
    raw, folded : CharacterModel
        For raw and for folded texts.

    Examples
    --------
    >>> raw, folded = chinese_background()
    >>> usual, homophone = raw.surprisal(pack(["不知道", "不织道"]))
    >>> bool((usual < homophone).all())
    True
    """
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        before, code, times = stored["before"], stored["code"], stored["times"].astype(np.uint32)
    raw = CharacterModel(*count_pairs(before, code, times))
    return raw, CharacterModel(*count_pairs(_folded(before), _folded(code), times))


def _folded(codes: Array) -> Array:
    """Fold characters one at a time; those that do not become one character stay as they are."""
    kinds, position = np.unique(codes, return_inverse=True)
    folded = fold_codes(pack([chr(code) if code < BEGIN else "" for code in kinds.tolist()]))[0]
    is_one = np.diff(folded.offsets) == 1
    kinds[is_one] = folded.codes[folded.offsets[:-1][is_one]]
    return np.asarray(kinds[position])
