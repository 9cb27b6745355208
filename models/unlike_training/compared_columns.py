"""The columns that show whether a record is unlike the training records."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.models.trees.ensemble import Ensemble

MAX_COMPARED_COLUMNS: Final = 32
SHAPES: Final = ("length", "digits", "latin", "han", "blanks", "symbols", "other", "distinct", "upper")
SURPRISALS: Final = (
    *("unknown", "unknown_pinyin", "raw_char_mean", "raw_pair_mean", "folded_char_mean", "folded_pair_mean"),
    "raw_pair_worst",
)
OF_MESSAGES: Final = frozenset(f"shape__{name}" for name in SHAPES) | {f"surprisal__{name}" for name in SURPRISALS}


def compared_columns(matrix: FeatureMatrix, ensemble: Ensemble) -> tuple[str, ...]:
    """Return the columns that are compared with those of the training records.

    For messages these are the surprisal of the characters, the share of unknown n-grams, the length, and the shares of
    the scripts. The presence of a link, for example, does not count. For accounts and events they are the columns that
    the trees gain most from.
    """
    if matrix.subject.has_text:
        return tuple(name for name in matrix.columns if name in OF_MESSAGES)
    gains = ensemble.booster.feature_importance("gain")
    order = np.argsort(-gains, kind="stable")[:MAX_COMPARED_COLUMNS]
    return tuple(matrix.columns[at] for at in sorted(order) if gains[at] > 0)


def positions_of(names: Sequence[str], columns: Sequence[str]) -> Array:
    """Return the positions of the named columns; those that do not exist are left out."""
    at = {name: position for position, name in enumerate(columns)}
    return np.array([at[name] for name in names if name in at], np.int64)
