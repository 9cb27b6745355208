"""Columns of cues, by their names."""

from collections.abc import Sequence

from fraudsieve._typing import Array
from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.features.cues.matrix import CUES, NO_LISTS, SHAPES, cues_and_shape
from fraudsieve.features.text.codepoints import pack

NAMES = (*CUES, *SHAPES)


def columns(texts: Sequence[str], names: Sequence[str], lists: CustomLists = NO_LISTS) -> Array:
    """Return the named columns of folded texts."""
    return cues_and_shape(pack(texts), lists=lists)[:, [NAMES.index(name) for name in names]]
