"""Columns that are one reason together: those of the text model, of its pinyin, and of surprisal."""

from typing import Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model

__all__ = ["TEXT_MODELS", "merge_columns"]

TEXT_MODELS: Final = ("wording", "pinyin")
SURPRISAL: Final = "surprisal"
PINYIN_SURPRISAL: Final = (SURPRISAL, "unknown_pinyin")
"""Surprisal of the pinyin, which has no separate sentence: its n-grams are those of the text, unless that is
Chinese."""
HAN: Final = ("shape", "han")
NONE: Final = np.zeros(0, np.int64)


def merge_columns(model: Model, X: Array, contributions: Array) -> Array:
    """Return contributions in which one column of each group has the sum of its group, and the others have 0.

    The sums of rows stay the same.
    """
    wording, pinyin, surprisal = (model.families.get(name, NONE) for name in (*TEXT_MODELS, SURPRISAL))
    named = surprisal
    if PINYIN_SURPRISAL in model.cues:
        named = surprisal[surprisal != model.cues.index(PINYIN_SURPRISAL)]
    merged = contributions.copy()
    for group in (wording, pinyin):
        if len(group) > 1:
            _move(merged, group, group[np.zeros(len(X), np.int64)])
    if len(named):
        _move(merged, surprisal, named[np.abs(merged[:, named]).argmax(axis=1)])
    if len(wording) and len(pinyin) and HAN in model.cues:
        moved = np.where(X[:, model.cues.index(HAN)] == 0, merged[:, pinyin[0]], 0.0)  # what is not Chinese
        merged[:, wording[0]] += moved
        merged[:, pinyin[0]] -= moved
    return merged


def _move(contributions: Array, group: Array, targets: Array) -> None:
    """Move the contributions of a group of columns to one of them in each row."""
    sums = np.ascontiguousarray(contributions[:, group]).sum(axis=1)  # a row has one sum in any batch
    contributions[:, group] = 0.0
    contributions[np.arange(len(contributions)), targets] = sums
