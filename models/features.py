"""The features of a model in its folder: their declaration in the manifest, and the arrays of the wording model."""

import io
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.history import History, check_histories
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.network import Network
from fraudsieve.features.ngrams import BITS
from fraudsieve.features.wording import Wording

from .inputs import Matrix

__all__ = ["build_matrix", "describe_matrix", "wording_misfit"]


def describe_matrix(matrix: Matrix) -> dict[str, Any]:
    """Return the declaration of features in plain JSON types.

    Parameters
    ----------
    matrix : MessageMatrix or AccountMatrix
        What is computed.

    Returns
    -------
    dict

    Examples
    --------
    >>> describe_matrix(MessageMatrix(None))
    {'wording': None, 'sender': []}
    """
    if isinstance(matrix, MessageMatrix):
        wording = matrix.wording
        return {
            "wording": None if wording is None else {"classes": list(wording.classes), "bits": BITS},
            "sender": [history.to_dict() for history in matrix.sender],
        }
    return {
        "histories": [history.to_dict() for history in matrix.histories],
        "network": None if matrix.network is None else matrix.network.to_dict(),
        "numbers": list(matrix.numbers),
        "categories": {name: list(words) for name, words in matrix.categories.items()},
        "timed": matrix.timed,
    }


def build_matrix(subject: str, declared: Mapping[str, Any], files: Mapping[str, bytes]) -> Matrix:
    """Read what `describe_matrix` returned.

    Parameters
    ----------
    subject : {"message", "account", "event"}
        What the model scores.
    declared : mapping
        The declaration.
    files : mapping of str to bytes
        The content of the folder's files, of which ``wording.npz`` holds the arrays of the wording model.

    Returns
    -------
    MessageMatrix or AccountMatrix

    Raises
    ------
    KeyError, TypeError, ValueError
        If the declaration is none.

    Examples
    --------
    >>> build_matrix("account", describe_matrix(AccountMatrix("account", ())), {}).columns
    ('profile__age_days',)
    """
    if subject == "message":
        sender = check_histories([History.from_dict(view) for view in declared["sender"]])
        model = None if declared["wording"] is None else _read_wording(declared["wording"]["classes"], files)
        return MessageMatrix(model, sender)
    if subject not in ("account", "event"):
        raise ValueError("the subject is a message, an account or an event")
    matrix = AccountMatrix(
        "event" if subject == "event" else "account",
        check_histories([History.from_dict(view) for view in declared["histories"]]),
        None if declared["network"] is None else Network.from_dict(declared["network"]),
        timed=bool(declared["timed"]),
    )
    numbers, categories = declared["numbers"], declared["categories"].items()
    words = {str(name): tuple(map(str, seen)) for name, seen in categories}
    return replace(matrix, numbers=tuple(map(str, numbers)), categories=words)


def _read_wording(classes: list[str], files: Mapping[str, bytes]) -> Wording:
    with np.load(io.BytesIO(files["wording.npz"]), allow_pickle=False) as arrays:
        parts = arrays["buckets"], arrays["weights"], arrays["intercept"]
        return Wording(tuple(classes), *parts, float(arrays["scale"]))


def wording_misfit(wording: Wording, declared: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the arrays of the wording model, if anything: its kernel does not check their bounds.

    Parameters
    ----------
    wording : Wording
        The model.
    declared : mapping
        The declaration of the features.

    Returns
    -------
    str or None
    """
    buckets, n_outputs = wording.buckets, len(wording.classes)
    shapes = (buckets.ndim, wording.weights.shape, wording.intercept.shape)
    types = (buckets.dtype.name, wording.weights.dtype.name, wording.intercept.dtype.name)
    expected = (1, (len(buckets), 1 + n_outputs), (n_outputs,))
    if shapes != expected or types != ("int32", "float32", "float64") or not math.isfinite(wording.scale):
        return "the arrays of the wording model do not fit each other"
    ascending = (np.diff(buckets, prepend=-1, append=1 << BITS) > 0).all()
    if declared["wording"]["bits"] != BITS or not ascending:
        return f"the wording model does not know n-grams by {BITS} bits"
    return None
