"""The text model: per-class log-odds of a text, from a linear model over its hashed n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

from .linear_scores import aligned_rows, linear_scores, rank_table
from .trust import weigh_by_known_share

T = TypeVar("T")


_arrays: WeakValueDictionary[int, Array] = WeakValueDictionary()


def remember_unnamed(rows: Array) -> Array:
    """Remember that an array has wording columns, as long as it exists, and return it."""
    _arrays[id(rows)] = rows
    return rows


def is_unnamed(rows: Any) -> bool:
    """Return whether these rows are an array that was remembered."""
    return _arrays.get(id(rows)) is rows


def output_classes(classes: Sequence[T]) -> Sequence[T]:
    """Return the classes that have an output of their own."""
    return classes[1:] if len(classes) == 2 else classes


@dataclass(frozen=True)
class TextModel:
    """A linear model of the texts of each class.

    Parameters
    ----------
    classes : tuple of str, length n_outputs
        The class of each output. A model of two classes has one output, for the second class.
    buckets : ndarray of int32, shape (n_kept,)
        The n-gram buckets that have weights, ascending.
    weights : ndarray of float32, shape (n_kept, 1 + n_outputs)
        The inverse document frequency, and its product with the coefficient of each output.
    intercept : ndarray of float64, shape (n_outputs,)
        Added to the scores of `linear_scores`.
    scale : float
        Factor that converts margins to log-odds; a single number, so that it does not change their order.
    trust : float, default=0.0
        Exponent of the known share by which evidence of fraud is weighted as a feature; 0 for full weight.
    legitimate : int, default=-1
        The output of the legitimate class; -1 if it is the class of two that has no output.
    has_raw : bool, default=False
        Whether raw n-grams have weights too: see `hash_ngrams`.
    usual_share : float, default=1.0
        The known share above which evidence of fraud has its full weight: hardly any training text, out of fold, is
        known better.

    Attributes
    ----------
    rows : ndarray of float32, shape (n_kept, 1 + n_outputs or more)
        The weights, as laid out by `aligned_rows`.

    Examples
    --------
    >>> import numpy as np
    >>> from fraudsieve.features.text.codepoints import pack
    >>> model = TextModel(("spam",), np.empty(0, np.int32), np.empty((0, 2), np.float32), np.array([1.0]), 0.5)
    >>> model.log_odds(pack(["a"]))[0].tolist()  # no n-gram has a weight: the intercept alone
    [[0.5]]
    """

    classes: tuple[str, ...]
    buckets: Array
    weights: Array
    intercept: Array
    scale: float
    trust: float = 0.0
    legitimate: int = -1
    has_raw: bool = False
    usual_share: float = 1.0
    rows: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Other forms are rejected later, by the reader of the model folder.
        if self.weights.ndim == 2 and self.weights.dtype == np.float32:
            columns = self.weights.shape[1]
            object.__setattr__(self, "rows", aligned_rows(self.weights))
            object.__setattr__(self, "weights", self.rows[:, :columns])  # one copy in memory

    def __reduce__(self) -> tuple[type["TextModel"], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self) if field.init)

    @cached_property
    def table(self) -> Array:
        """The look-up table from buckets to rows, built at first use."""
        return rank_table(self.buckets)

    def log_odds(self, texts: CodePoints, raw: CodePoints | None = None) -> tuple[Array, Array]:
        """Score folded texts.

        Parameters
        ----------
        texts : CodePoints
            Folded texts.
        raw : CodePoints, default=None
            The same texts before folding, which only a model with raw n-grams reads.

        Returns
        -------
        log_odds : ndarray of float64, shape (n_texts, n_outputs)
            Natural logarithms. With more than two classes they are the terms of a softmax.
        known_share : ndarray of float64, shape (n_texts,)
            Share of the n-grams of each folded text that the model knows.
        """
        raw = raw if self.has_raw else None
        margins, known_share = linear_scores(texts, self.table, self.rows, len(self.intercept), raw)
        margins += self.intercept
        margins *= self.scale
        return margins, known_share

    def weigh(self, log_odds: Array, known_share: Array) -> Array:
        """Return what the log-odds count as a feature: evidence of fraud by the share of n-grams that are known."""
        return weigh_by_known_share(log_odds, self.familiarity(known_share), self.trust, self.legitimate)

    def familiarity(self, known_share: Array) -> Array:
        """Return the known share as a part of the usual one, at most 1."""
        return np.minimum(known_share / self.usual_share, 1.0)
