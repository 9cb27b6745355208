"""Reasons as columns of a file of scores: one column for each part, and all of them as JSON."""

import json
from typing import Any, Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model

from .reason_codes import explain

__all__ = ["reason_columns"]

EXPLAINED_AT_ONCE: Final = 4096
"""Rows that are explained in one call: the contributions of all their columns are in memory."""


def reason_columns(
    model: Model, X: Array, odds: Array, why: Array, *, n: int, language: str = "en"
) -> dict[str, Array]:
    """Return the strongest reasons of records.

    Returns ``explained``, the class; for each reason ``reason_1`` (the name of the feature), ``reason_1_log_odds`` and
    ``reason_1_sentence``; and ``reasons``, everything that `explain` returns, as JSON. None without a score.

    Raises
    ------
    ValueError
        If there are no sentences in the language.
    """
    names = [f"reason_{k}{part}" for k in range(1, n + 1) for part in ("", "_log_odds", "_sentence")]
    columns = {name: np.full(len(X), None, object) for name in ("explained", *names, "reasons")}
    rows = np.flatnonzero(why == None)  # noqa: E711 - compares every element
    for start in range(0, len(rows), EXPLAINED_AT_ONCE):
        part = rows[start : start + EXPLAINED_AT_ONCE]
        explanations = explain(model, X[part], odds[part], n=n, language=language)
        for row, explanation in zip(part.tolist(), explanations, strict=True):
            for name, value in _cells(explanation).items():
                columns[name][row] = value
    return columns


def _cells(explanation: dict[str, Any]) -> dict[str, Any]:
    """Return the cells of one record; it may have fewer reasons than columns."""
    cells = {"explained": explanation["explained"]["class"], "reasons": json.dumps(explanation, ensure_ascii=False)}
    named = [reason for reason in explanation["reasons"] if reason["cue"] is not None]
    for k, reason in enumerate(named, 1):
        cells[f"reason_{k}"] = f"{reason['family']}__{reason['cue']}"
        cells[f"reason_{k}_log_odds"] = reason["log_odds"]
        cells[f"reason_{k}_sentence"] = reason["sentence"]
    return cells
