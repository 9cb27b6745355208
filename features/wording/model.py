"""The text model: per-class log-odds of a text, from a linear model over its hashed n-grams.

A few known n-grams are weak evidence: at full weight, a filter trained on advertisements flags ordinary chat. But a
lack of evidence of fraud is not evidence of fraud. So the lead of fraud over the legitimate class is multiplied by a
power of the known share, and a text that speaks for the legitimate class keeps its log-odds, or unknown text would get
even odds. Which type of fraud it is was not in doubt: all types move alike.

    log-odds      legitimate 1     gambling 5    loans 4       the lead is 4; the weight of the evidence .25
    weighed       legitimate 1     gambling 2    loans 1       the lead is 1
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

from .linear_scores import aligned_rows, linear_scores, rank_table

T = TypeVar("T")


_arrays: WeakValueDictionary[int, Array] = WeakValueDictionary()


TRUST: Final = 4.0
"""The exponent for models with a legitimate class: higher values flag less ordinary chat at equal recall."""
USUAL: Final = 0.95
"""The share of the training texts whose known share is not above the usual one. A set of a few hundred texts knows few
n-grams of any text; without this, evidence of fraud would lose most of its weight there."""
LEAST_SHARE: Final = 0.05
"""The lowest usual share: below it, hardly any n-gram occurs in two texts."""


def weigh_by_known_share(log_odds: Array, known_share: Array, trust: float, legitimate: int) -> Array:
    """Weigh the evidence of fraud in log-odds by a power of the share of n-grams that the model knows."""
    if not trust:
        return log_odds.copy()
    weights = known_share**trust
    if log_odds.shape[1] == 1:
        return np.asarray(np.where(_is_fraud(log_odds, legitimate), weights[:, None] * log_odds, log_odds))
    base = log_odds[:, legitimate]
    lost = (1.0 - weights) * np.maximum(log_odds.max(axis=1) - base, 0.0)
    weighed = log_odds - lost[:, None]
    weighed[:, legitimate] = base
    return np.asarray(weighed)


def trusted_shares(shares: Array, log_odds: Array, known_share: Array, trust: float, legitimate: int) -> Array:
    """Return the shares of log-odds in a sum of weighed log-odds, which says what an n-gram adds to that sum."""
    if not trust:
        return shares
    weights = known_share**trust
    if log_odds.shape[1] == 1:
        return shares * np.where(_is_fraud(log_odds, legitimate), weights[:, None], 1.0)
    texts, highest = np.arange(len(log_odds)), log_odds.argmax(axis=1)
    moved = (1.0 - weights) * (shares.sum(axis=1) - shares[:, legitimate])
    trusted = shares.copy()
    trusted[texts, highest] -= moved
    trusted[:, legitimate] += moved
    return trusted


def _is_fraud(log_odds: Array, legitimate: int) -> Array:
    """Return whether the log-odds of one output speak for fraud; the output may be that of the legitimate class."""
    return np.asarray(log_odds < 0 if legitimate == 0 else log_odds > 0)


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
