"""Fitting character models of legitimate text, and out-of-fold surprisal of their training texts.

Counts of pairs of characters in everyday Chinese text are added to those of legitimate training messages: some thousand
messages hold a small part of the pairs of Chinese. Measured against them alone, everyday text about anything else is as
improbable as an obfuscated text, and models flag both (``python -m benchmarks.transfer``).
``scripts/tables/background.py`` builds the table.
"""

from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack, select_texts
from fraudsieve.features.text.fold import fold_codes

from .surprisal import BEGIN, SURPRISALS, CharacterModel, count_characters, count_pairs

TABLE = files("fraudsieve.features.wording") / "data" / "background.npz"


def surprisal_out_of_fold(
    texts: CodePoints,
    legitimate: npt.NDArray[np.bool_],
    folds: Array,
    background: CharacterModel | None = None,
) -> tuple[CharacterModel, Array]:
    """Fit a character model of legitimate texts, and compute the surprisal of all texts out of fold."""
    model = CharacterModel(*count_characters(texts, np.flatnonzero(legitimate)))
    model = model if background is None else model.plus(background.chars, background.pairs)
    surprisal = np.empty((len(texts), len(SURPRISALS)))
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        others = model.without(*count_characters(texts, rows[legitimate[rows]]))
        surprisal[rows] = others.surprisal(select_texts(texts, rows))
    return model, surprisal


@cache
def chinese_background() -> tuple[CharacterModel, CharacterModel]:
    """Return the counts of everyday Chinese text."""
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
