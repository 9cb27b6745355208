"""Fitting character models of legitimate text, and out-of-fold surprisal of their training texts."""

import numpy as np
import numpy.typing as npt

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, select_texts

from .surprisal import SURPRISALS, CharacterModel, count_characters

__all__ = ["surprisal_out_of_fold"]


def surprisal_out_of_fold(
    texts: CodePoints,
    legitimate: npt.NDArray[np.bool_],
    folds: Array,
    background: CharacterModel | None = None,
) -> tuple[CharacterModel, Array]:
    """Fit a character model of legitimate texts, and compute the surprisal of all texts out of fold.

    Parameters
    ----------
    texts : CodePoints
    legitimate : ndarray of bool, shape (n_texts,)
        Whether a text is legitimate.
    folds : ndarray of int, shape (n_texts,)
        Fold of each text.
    background : CharacterModel, default=None
        Counts of other legitimate text, which are added to those of the texts.

    Returns
    -------
    model : CharacterModel
        Fitted on all legitimate texts, and the background.
    surprisal : ndarray of float64, shape (n_texts, 6)
        As from `CharacterModel.surprisal`, out of fold.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> texts, legitimate = pack(["ab", "ab", "xy"]), np.array([True, True, False])
    >>> model, surprisal = surprisal_out_of_fold(texts, legitimate, np.array([0, 1, 1]))
    >>> int(model.pairs.sum()), bool(surprisal[2, 0] > surprisal[0, 0])
    (4, True)
    """
    model = CharacterModel(*count_characters(texts, np.flatnonzero(legitimate)))
    model = model if background is None else model.plus(background.chars, background.pairs)
    surprisal = np.empty((len(texts), len(SURPRISALS)))
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        others = model.without(*count_characters(texts, rows[legitimate[rows]]))
        surprisal[rows] = others.surprisal(select_texts(texts, rows))
    return model, surprisal
