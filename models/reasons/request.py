"""Reasons as a caller asks for them: how many, of which class, of the records that can be scored."""

from collections.abc import Mapping, Sequence
from typing import Any

from fraudsieve._typing import Array
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.models.artifact.folder import Model

from .reason_codes import N_REASONS, check_class, explain
from .text_spans import explain_text

__all__ = ["ReasonRequest", "count_reasons"]


def count_reasons(reasons: bool | int) -> int:
    """Return how many reasons are meant.

    Parameters
    ----------
    reasons : bool or int
        True for as many as are usual.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        When it is no number of reasons.

    Examples
    --------
    >>> count_reasons(True), count_reasons(3)
    (5, 3)
    """
    if reasons is True:
        return N_REASONS
    if not isinstance(reasons, int) or reasons < 0:
        raise ValueError(f"reasons: expected True, False or a whole number from 0 on, got {reasons!r}.")
    return int(reasons)


class ReasonRequest:
    """The reasons of some records, told part by part.

    Parameters
    ----------
    model : Model
        The model.
    records : sequence of mapping
        The records.
    n : int
        How many reasons, and pieces, are named.
    of : str or None
        The class that is explained; None for the likeliest of those that are a crime.

    Attributes
    ----------
    told : list of dict
        Of every record what `explain` says and, of a message, ``text_spans``.

    Raises
    ------
    ValueError
        When the model has no such class.
    """

    def __init__(self, model: Model, records: Sequence[Mapping[Any, Any]], n: int, of: str | None) -> None:
        check_class(model, of)
        self.model, self.records, self.n, self.of = model, records, n, of
        self.is_message = isinstance(model.matrix, MessageMatrix)
        self.told: list[dict[str, Any]] = [
            {"explained": None, "reasons": []} | ({"text_spans": []} if self.is_message else {}) for _ in records
        ]

    def tell(self, rows: Array, X: Array, odds: Array) -> None:
        """Fill in the reasons of some records.

        Parameters
        ----------
        rows : ndarray of int64, shape (n_rows,)
            Their positions.
        X : ndarray of float64, shape (n_rows, n_columns)
            Their feature rows.
        odds : ndarray of float64, shape (n_rows, n_outputs)
            Their calibrated log-odds.
        """
        places = rows.tolist()
        for place, said in zip(places, explain(self.model, X, odds, n=self.n, of=self.of), strict=True):
            self.told[place] |= said
        if self.is_message:
            texts = [self.records[place]["text"] for place in places]
            for place, found in zip(places, explain_text(self.model, texts, odds, n=self.n, of=self.of), strict=True):
                self.told[place]["text_spans"] = found
