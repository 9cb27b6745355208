"""Reason codes: contributions to a score, in log-odds that add up to it.

The score of a class is a sum: the contributions of its columns (the log-odds that a column of the text model starts
boosting from, and the Shapley values of the trees), a base that all records share, and the change by calibration.
"""

from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.sentences.sentence import REST, sentence_of
from fraudsieve.models.sentences.techniques import techniques_of
from fraudsieve.models.sentences.values import Language, check_language
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.models.trees.shapley import shapley_values

__all__ = ["N_REASONS", "check_class", "contributions", "explain", "explained_classes", "output_of"]


N_REASONS = 5
"""How many reasons, and text spans of a message, are named by default."""


def contributions(ensemble: Ensemble, X: Array, output: int = 0) -> Array:
    """Return the contribution of each column to an output's uncalibrated log-odds, and last the base.

    A row's sum is its `Ensemble.log_odds`.

    Raises
    ------
    ValueError
        If the trees cannot be explained; see `read_trees`.

    Examples
    --------
    >>> import lightgbm as lgb
    >>> x, y = np.arange(8.0)[:, None], np.arange(8) > 3
    >>> settings = {"objective": "binary", "num_leaves": 2, "min_data_in_leaf": 1, "verbosity": -1}
    >>> ensemble = Ensemble(lgb.train(settings, lgb.Dataset(x, y), 3), (), np.array([0.5]))
    >>> bool(np.allclose(contributions(ensemble, x).sum(axis=1), ensemble.log_odds(x)[:, 0]))
    True
    """
    values = shapley_values(ensemble.trees, X, output)
    if ensemble.wording:
        column = ensemble.wording[output]
        values[:, column] += np.where(np.isnan(X[:, column]), 0.0, X[:, column])
    base = ensemble.trees.expected[output] + ensemble.base[output]
    return np.column_stack([values, np.full(len(X), base)])


def explained_classes(model: Model, odds: Array, of: str | None = None) -> Array:
    """Return the position of the class to explain for each record; by default the most probable crime.

    Raises
    ------
    ValueError
        If the model has no such class.
    """
    classes = list(model.classes)
    if of is not None:
        check_class(model, of)
        return np.full(len(odds), classes.index(of))
    by_class = np.hstack([-odds, odds]) if len(classes) == 2 else odds.copy()
    if model.legitimate is not None:
        by_class[:, classes.index(model.legitimate)] = -np.inf
    return np.asarray(by_class.argmax(axis=1))


def check_class(model: Model, of: str | None) -> None:
    """Raise ValueError if the model has no such class; None means the most probable crime."""
    if of is not None and of not in model.classes:
        raise ValueError(f"reasons_of: expected one of {', '.join(model.classes)}, got another name.")


def explain(
    model: Model, X: Array, odds: Array, *, n: int = N_REASONS, of: str | None = None, language: str = "en"
) -> list[dict[str, Any]]:
    """Return the reasons for the scores of records.

    Parameters
    ----------
    model : Model
        The model.
    X : ndarray of float64, shape (n_records, n_columns)
        Feature rows.
    odds : ndarray of float64, shape (n_records, n_outputs)
        Their calibrated log-odds.
    n : int, default=5
        Number of reasons that are named; the others are added up.
    of : str, default=None
        The class that is explained; None for the most probable crime.
    language : {"en", "zh"}, default="en"
        The language of the sentences.

    Returns
    -------
    list of dict
        For every record ``explained``, the class, its calibrated log-odds (with more than two classes, its term of the
        softmax) and its ``techniques`` of MITRE F3; and ``reasons``, a list of dicts with
        ``family``, ``cue``, ``direction`` (1 for the class, -1 against it, 0 for neither), ``log_odds`` and
        ``sentence``, which holds no text and no identifier of the record. The strongest come first. The last three have
        None as cue: ``rest`` (the reasons not named), ``base`` (the same for all records) and ``calibration``. All add
        up to the calibrated log-odds; without ``calibration``, to the uncalibrated ones.

    Raises
    ------
    ValueError
        If the model has no such class, trees that cannot be explained, or no sentences in the language.
    """
    known_language = check_language(language)
    classes = explained_classes(model, odds, of)
    explanations: list[dict[str, Any]] = [{} for _ in range(len(X))]
    for position in np.unique(classes).tolist():
        rows = np.flatnonzero(classes == position)
        output, sign = output_of(model, position)
        parts = sign * contributions(model.ensemble, X[rows], output)
        calibrated = sign * odds[rows, output]
        name = model.classes[position]
        explained = {"class": name, "techniques": techniques_of(name)}
        named = _rank_reasons(model, X[rows], parts, calibrated, n, known_language)
        for row, reasons, log_odds in zip(rows, named, calibrated, strict=True):
            explanations[row] = {"explained": {**explained, "log_odds": float(log_odds)}, "reasons": reasons}
    return explanations


def output_of(model: Model, position: int) -> tuple[int, float]:
    """Return the output of a class and a sign, which is -1 where the output is the log-odds of the other class."""
    return (0, 1.0 if position == 1 else -1.0) if len(model.classes) == 2 else (position, 1.0)


def _rank_reasons(
    model: Model, X: Array, parts: Array, calibrated: Array, n: int, language: Language
) -> list[list[dict[str, Any]]]:
    """Return the strongest reasons of each row, and the sum of the others."""
    columns, base = parts[:, :-1], parts[:, -1]
    order = np.argsort(-np.abs(columns), axis=1, kind="stable")[:, :n]
    strongest = np.take_along_axis(columns, order, axis=1)
    others = columns.copy()
    np.put_along_axis(others, order, 0.0, axis=1)
    sums = np.column_stack([others.sum(axis=1), base, calibrated - parts.sum(axis=1)])
    reasons = []
    for row, positions, values, last in zip(X, order.tolist(), strongest.tolist(), sums.tolist(), strict=True):
        named = [
            _of_column(model, position, float(row[position]), value, language)
            for position, value in zip(positions, values, strict=True)
            if value
        ]
        named += [_reason(name, None, value, REST[name][language]) for name, value in zip(REST, last, strict=True)]
        reasons.append(named)
    return reasons


def _of_column(model: Model, position: int, value: float, log_odds: float, language: Language) -> dict[str, Any]:
    """Return the reason that the value of a column is."""
    sentence = sentence_of(model.phrases[position], value, float(model.usual[position]), language)
    return _reason(*model.cues[position], log_odds, sentence)


def _reason(family: str, cue: str | None, log_odds: float, sentence: str) -> dict[str, Any]:
    direction = (log_odds > 0) - (log_odds < 0)
    return {"family": family, "cue": cue, "direction": direction, "log_odds": log_odds, "sentence": sentence}
