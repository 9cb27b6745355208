"""The distributions of the columns that moved most, in both tables, for the page to show side by side."""

import numpy as np

from fraudsieve._translation import tr
from fraudsieve._typing import Array
from fraudsieve.features.profile.custom_columns import UNSEEN
from fraudsieve.models.artifact.folder import Model
from fraudsieve.pages.words import format_number
from fraudsieve.training.monitoring.measures import BinShare

from .binning import Binning

MAX_DISTRIBUTIONS = 6
"""Columns whose distributions are kept: those that moved most."""
MAX_BINS = 10
"""Categories of a column that are counted separately; all others are counted together."""


def category_names(model: Model) -> list[tuple[str, ...]]:
    """Return the names of the categories of every column of categories; none where digests stand for them."""
    own = model.matrix.custom
    return [() if own.digest_key else tuple(names) for names in own.categories.values()]


def distribution(reference: Array, current: Array, names: tuple[str, ...] | None = None) -> tuple[BinShare, ...]:
    """Return the shares of both tables in each bin of a column, in the order of the values."""
    both = np.concatenate([reference, current])
    bins = Binning.of(reference[:, None], np.array([names is not None]))
    inside = [mask[:, 0] for mask in bins.inside(both[:, None])]
    shown = [
        BinShare(
            _words(both[mask], names),
            float(mask[: len(reference)].mean()),
            float(mask[len(reference) :].mean()),
        )
        for mask in inside
        if mask.any()
    ]
    if names is None or len(shown) <= MAX_BINS:
        return tuple(shown)
    shown.sort(key=lambda part: -max(part.reference, part.current))
    rest = shown[MAX_BINS:]
    others = BinShare(
        tr("all others", sense="bin"), sum(part.reference for part in rest), sum(part.current for part in rest)
    )
    return (*shown[:MAX_BINS], others)


def _words(values: Array, names: tuple[str, ...] | None) -> str:
    if np.isnan(values).all():
        return tr("missing", sense="bin")
    low, high = float(values.min()), float(values.max())
    if names is not None:
        return _name(low, names) if low == high else tr("rare categories", sense="bin")
    if low == high:
        return format_number(low)
    return tr("{low} to {high}", low=format_number(low), high=format_number(high))


def _name(code: float, names: tuple[str, ...]) -> str:
    if code == UNSEEN:
        return tr("not seen in training", sense="bin")
    return names[int(code)] if 0 <= code < len(names) else tr("category {code:g}", sense="bin", code=code)
