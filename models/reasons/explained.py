"""The log-odds that reasons explain: those of one class against another."""

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model


def explained_classes(model: Model, odds: Array, of: str | None = None) -> tuple[Array, Array]:
    """Return the class to explain for each record, and the class that it is compared with.

    By default, the most probable crime is explained. It is compared with the legitimate class. The legitimate class
    itself, and a type of a model without one, is compared with the most probable other class.
    """
    check_class(model, of)
    classes = list(model.classes)
    clean = None if model.legitimate is None else classes.index(model.legitimate)
    if len(classes) == 2 and clean is not None:  # the usual model: each class is compared with the other
        position = 1 - clean if of is None else classes.index(of)
        return np.full(len(odds), position), np.full(len(odds), 1 - position)
    by_class = np.hstack([-odds, odds]) if len(classes) == 2 else odds.copy()
    given = None if of is None else np.full(len(odds), classes.index(of))
    explained = _most_probable(by_class, except_for=clean) if given is None else given
    against = _most_probable(by_class, except_for=explained)
    if clean is not None:
        against[explained != clean] = clean
    return explained, against


def _most_probable(by_class: Array, *, except_for: Array | int | None) -> Array:
    if except_for is not None:
        by_class = by_class.copy()
        by_class[np.arange(len(by_class)), except_for] = -np.inf
    return np.asarray(by_class.argmax(axis=1))


def check_class(model: Model, of: str | None) -> None:
    """Raise ValueError if the model has no such class; None means the most probable crime."""
    if of is not None and of not in model.classes:
        raise ValueError(f"reasons_of: expected one of {', '.join(model.classes)}, got another name.")


def output_signs(model: Model, explained: Array, against: Array) -> Array:
    """Return the signs with which the outputs of each record add up to the log-odds of a class against another.

    Two classes share one output. Several have one each, a term of the softmax: the difference of two terms is the
    log-odds of one class against the other. The shape is (n_records, n_outputs), and most signs are 0.
    """
    if len(model.classes) == 2:
        return np.where(explained == 1, 1.0, -1.0)[:, None]
    signs, rows = np.zeros((len(explained), len(model.classes))), np.arange(len(explained))
    signs[rows, explained], signs[rows, against] = 1.0, -1.0
    return signs
