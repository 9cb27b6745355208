"""Fitting models of legitimate characters, and measuring the texts that they are fitted on out of fold."""

import numpy as np
import numpy.typing as npt

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, select_texts

from .surprisal import SURPRISALS, CharacterModel, count_characters

__all__ = ["surprisal_out_of_fold"]


def surprisal_out_of_fold(
    texts: CodePoints, legitimate: npt.NDArray[np.bool_], folds: Array
) -> tuple[CharacterModel, Array]:
    """Count the characters of legitimate texts, and measure every text by the counts of the other folds.

    Parameters
    ----------
    texts : CodePoints
        Texts.
    legitimate : ndarray of bool, shape (n_texts,)
        Which are counted.
    folds : ndarray of int, shape (n_texts,)
        The fold of each.

    Returns
    -------
    model : CharacterModel
        Of all legitimate texts.
    surprisal : ndarray of float64, shape (n_texts, 6)
        As from `CharacterModel.surprisal`, out of fold.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> texts, legitimate = pack(["ab", "ab", "xy"]), np.array([True, True, False])
    >>> model, found = surprisal_out_of_fold(texts, legitimate, np.array([0, 1, 1]))
    >>> int(model.pairs.sum()), bool(found[2, 0] > found[0, 0])
    (4, True)
    """
    model = CharacterModel(*count_characters(texts, np.flatnonzero(legitimate)))
    found = np.empty((len(texts), len(SURPRISALS)))
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        others = model.without(*count_characters(texts, rows[legitimate[rows]]))
        found[rows] = others.surprisal(select_texts(texts, rows))
    return model, found
