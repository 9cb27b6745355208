"""The wording model: per-class log-odds of a text, from a linear model over its hashed n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

from .ngrams import aligned_rows, linear_scores, rank_table

__all__ = ["TRUST", "TextModel", "as_known", "output_classes"]


TRUST: Final = 4.0
"""The power for models with a legitimate class: higher ones leave ordinary chat alone at equal recall."""
T = TypeVar("T")


def output_classes(classes: Sequence[T]) -> Sequence[T]:
    """Return the classes that have an output of their own.

    Parameters
    ----------
    classes : sequence
        All classes, sorted.

    Returns
    -------
    sequence
        The second of two, whose log-odds say all; else every class.

    Examples
    --------
    >>> output_classes(("ham", "spam")), output_classes(("ham", "scam", "spam"))
    (('spam',), ('ham', 'scam', 'spam'))
    """
    return classes[1:] if len(classes) == 2 else classes


@dataclass(frozen=True)
class TextModel:
    """A linear model of what each class's messages say.

    Parameters
    ----------
    classes : tuple of str, length n_outputs
        The class of each output. A model of two classes has one output, for the second class.
    buckets : ndarray of int32, shape (n_kept,)
        The n-gram buckets that have weights, ascending.
    weights : ndarray of float32, shape (n_kept, 1 + n_outputs)
        Inverse document frequency, then that times the coefficient for each output.
    intercept : ndarray of float64, shape (n_outputs,)
        Added to the scores of `linear_scores`.
    scale : float
        Turns margins into log-odds; one number, so that it cannot change their order.
    trust : float, default=0.0
        The power of the known share of a text that its log-odds are weighed by, as a feature; 0 for full weight.

    Attributes
    ----------
    rows : ndarray of float32, shape (n_kept, 1 + n_outputs or more)
        The weights as `aligned_rows` lays them.

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
    rows: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.weights.ndim == 2 and self.weights.dtype == np.float32:  # whoever read them checks their form later
            columns = self.weights.shape[1]
            object.__setattr__(self, "rows", aligned_rows(self.weights))
            object.__setattr__(self, "weights", self.rows[:, :columns])  # one copy in memory

    def __reduce__(self) -> tuple[type["TextModel"], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, one.name) for one in fields(self) if one.init)

    @cached_property
    def table(self) -> Array:
        """The look-up table from buckets to rows, made when it is first asked for."""
        return rank_table(self.buckets)

    def log_odds(self, texts: CodePoints) -> tuple[Array, Array]:
        """Score folded texts.

        Parameters
        ----------
        texts : CodePoints
            Folded texts.

        Returns
        -------
        log_odds : ndarray of float64, shape (n_texts, n_outputs)
            Natural logarithms. With more than two classes they are the terms of a softmax.
        known : ndarray of float64, shape (n_texts,)
            The share of a text's n-grams that the model knows.
        """
        margins, known = linear_scores(texts, self.table, self.rows, len(self.intercept))
        margins += self.intercept
        margins *= self.scale
        return margins, known


def as_known(log_odds: Array, known: Array, trust: float) -> Array:
    """Weigh log-odds by how much of a text they rest on: those of a text that is hardly known say little.

    The few n-grams of another kind of message that a model knows are no evidence at full weight, with which a
    filter that has learnt from advertisements flags ordinary chat. Where there is no legitimate class, and types alone
    are told apart, nothing speaks for a text's being none of them, and full weight it is.

    Parameters
    ----------
    log_odds : ndarray of float64, shape (n_texts, n_outputs)
        From `TextModel.log_odds`.
    known : ndarray of float64, shape (n_texts,)
        The share of a text's n-grams that the model knows.
    trust : float
        The power of the share that they are multiplied by.

    Returns
    -------
    ndarray of float64, shape (n_texts, n_outputs)

    Examples
    --------
    >>> as_known(np.array([[2.0], [2.0]]), np.array([1.0, 0.5]), TRUST).tolist()
    [[2.0], [0.125]]
    """
    return np.asarray(log_odds * (known**trust)[:, None]) if trust else log_odds
