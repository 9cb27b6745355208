"""Reason codes: contributions to a score, in log-odds that add up to it.

The reasons explain the log-odds of one class against another: of a type of fraud against the legitimate class. They are
a sum: the contributions of the columns (the log-odds that a column of the text model starts boosting from, and the
Shapley values of the trees), a base that all records share, and the change by calibration.

Columns that say the same are one reason. The text model has a column for each class, and none of them has a meaning
alone: their sum shows whether the wording resembles the class. Without Chinese characters, the pinyin of a text is the
text itself, and belongs to its wording. The columns of surprisal are one measure, of characters and pairs.

In a file of scores, each part of a reason has a column, and all reasons are a column of JSON.
"""

import json
from typing import Final

import numpy as np

from fraudsieve._translation import Language, check_language
from fraudsieve._typing import Array, JsonObject
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.scoring.scores import deciding_thresholds, fraud_probability, reached
from fraudsieve.models.sentences.phrases import REST, resemblance, sentence_of
from fraudsieve.models.sentences.templates import techniques_of
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.models.trees.shapley import shapley_values

from .explained import explained_classes, output_signs

TEXT_MODELS: Final = ("wording", "pinyin")
SURPRISAL: Final = "surprisal"
PINYIN_SURPRISAL: Final = "surprisal__unknown_pinyin"
"""Surprisal of the pinyin, which has no separate sentence: its n-grams are those of the text, unless that is
Chinese."""
HAN: Final = "shape__han"
NONE: Final = np.zeros(0, np.int64)
EXPLAINED_AT_ONCE: Final = 4096
"""Rows that are explained in one call: the contributions of all their columns are in memory."""

N_REASONS = 5
"""Number of reasons, and of text spans of a message, that are named by default."""


def contributions(ensemble: Ensemble, X: Array, output: int = 0) -> Array:
    """Return the contribution of each column to an output's uncalibrated log-odds, and last the base.

    A row's sum is its `Ensemble.log_odds`.
    """
    values = shapley_values(ensemble.trees, X, output)
    if ensemble.wording:
        column = ensemble.wording[output]
        values[:, column] += np.where(np.isnan(X[:, column]), 0.0, X[:, column])
    base = ensemble.trees.expected[output] + ensemble.base[output]
    return np.column_stack([values, np.full(len(X), base)])


def explain(
    model: Model, X: Array, odds: Array, *, n: int = N_REASONS, of: str | None = None, language: str = "en"
) -> list[JsonObject]:
    """Return the reasons for the scores of records.

    Parameters
    ----------
    model : Model
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
        For every record ``explained``: the class, the class that it is ``against`` (legitimate, if that is not the
        explained one), its calibrated ``log_odds`` against that class, and its ``techniques`` of MITRE F3. And
        ``reasons``, a list of dicts with ``family``, ``cue``, ``direction`` (1 for the class, -1 against it, 0 for
        neither), ``log_odds`` and ``sentence``, which holds no text and no identifier of the record. The strongest are
        named, those for the decision first, and at least one of them if there is any. The last three have None as cue:
        ``rest`` (the reasons not named), ``base`` (the same for all records) and ``calibration``. All add up to the
        calibrated log-odds; without ``calibration``, to the uncalibrated ones.

    Raises
    ------
    ValueError
        If the model has no such class, trees that cannot be explained, or no sentences in the language.
    """
    known_language = check_language(language)
    classes, against = explained_classes(model, odds, of)
    directions = _decided_directions(model, odds, X, classes)
    signs = output_signs(model, classes, against)
    calibrated = (np.where(signs, odds, 0.0) * signs).sum(axis=1)
    parts = np.zeros((len(X), X.shape[1] + 1))
    for output in np.flatnonzero(signs.any(axis=0)).tolist():
        rows = np.flatnonzero(signs[:, output])
        parts[rows] += signs[rows, output, None] * contributions(model.ensemble, X[rows], output)
    names, others = ([model.classes[position] for position in of_rows.tolist()] for of_rows in (classes, against))
    columns, each = merge_columns(model, X, parts[:, :-1]), np.arange(len(X))[:, None]
    order = _strongest(columns, directions, n)
    strongest = columns[each, order]
    columns[each, order] = 0.0
    sums = np.column_stack([columns.sum(axis=1), parts[:, -1], calibrated - parts.sum(axis=1)])
    explanations = []
    by_row = zip(names, others, calibrated.tolist(), X, order.tolist(), strongest.tolist(), sums.tolist(), strict=True)
    for name, other, log_odds, row, positions, values, last in by_row:
        reasons = [
            _of_column(model, name, position, float(row[position]), value, known_language)
            for position, value in zip(positions, values, strict=True)
            if value
        ]
        reasons += [
            _reason(part, None, value, REST[part][known_language]) for part, value in zip(REST, last, strict=True)
        ]
        explained = {"class": name, "against": other, "techniques": techniques_of(name), "log_odds": log_odds}
        explanations.append({"explained": explained, "reasons": reasons})
    return explanations


def _decided_directions(model: Model, odds: Array, X: Array, explained: Array) -> Array:
    """Return 1 where the decision is for the explained class, and -1 where it is against it."""
    if model.legitimate is None:
        return np.ones(len(odds))
    fraud = fraud_probability(odds, model.classes, model.legitimate)
    flagged = reached(fraud, deciding_thresholds(model, X))
    return np.where(flagged == (explained != model.classes.index(model.legitimate)), 1.0, -1.0)


def _strongest(columns: Array, directions: Array, n: int) -> Array:
    """Return the positions of the n strongest columns of each row, those in the direction of the decision first.

    If none of the n has that direction, the strongest that has it takes the place of the last.
    """
    rows = np.arange(len(columns))[:, None]
    order = np.argsort(-np.abs(columns), axis=1, kind="stable")
    supports = columns[rows, order] * directions[:, None] > 0
    if 0 < n < columns.shape[1]:
        first = supports.argmax(axis=1)
        late = np.flatnonzero(first >= n)
        order[late, n - 1], supports[late, n - 1] = order[late, first[late]], True
    order, supports = order[:, :n], supports[:, :n]
    return order[rows, np.argsort(~supports, axis=1, kind="stable")]


def _of_column(model: Model, name: str, position: int, value: float, log_odds: float, language: Language) -> JsonObject:
    """Return the reason for the value of a column, or for all columns of a text model together."""
    family, cue = model.cues[position]
    phrase = model.phrases[position]
    if family in TEXT_MODELS:
        return _reason(family, name, log_odds, resemblance(phrase, family, name, log_odds, language))
    return _reason(family, cue, log_odds, sentence_of(phrase, value, model.usual[position], language))


def _reason(family: str, cue: str | None, log_odds: float, sentence: str) -> JsonObject:
    direction = (log_odds > 0) - (log_odds < 0)
    return {"family": family, "cue": cue, "direction": direction, "log_odds": log_odds, "sentence": sentence}


def merge_columns(model: Model, X: Array, contributions: Array) -> Array:
    """Return contributions in which one column of each group has the sum of its group, and the others have 0.

    The sums of rows stay the same.
    """
    merged = contributions.copy()
    for text in model.texts:
        wording, pinyin, surprisal = (text.get(name, NONE) for name in (*TEXT_MODELS, SURPRISAL))
        named = np.setdiff1d(surprisal, text.get(PINYIN_SURPRISAL, NONE))
        for group in (wording, pinyin):
            if len(group) > 1:
                _move(merged, group, group[np.zeros(len(X), np.int64)])
        if len(named):
            _move(merged, surprisal, named[np.abs(merged[:, named]).argmax(axis=1)])
        if len(wording) and len(pinyin) and HAN in text:
            moved = np.where(X[:, text[HAN][0]] == 0, merged[:, pinyin[0]], 0.0)  # what is not Chinese
            merged[:, wording[0]] += moved
            merged[:, pinyin[0]] -= moved
    return merged


def _move(contributions: Array, group: Array, targets: Array) -> None:
    """Move the contributions of a group of columns to one of them in each row."""
    sums = np.ascontiguousarray(contributions[:, group]).sum(axis=1)  # a row has one sum in any batch
    contributions[:, group] = 0.0
    contributions[np.arange(len(contributions)), targets] = sums


def reason_columns(
    model: Model, X: Array, odds: Array, why: Array, *, n: int, language: str = "en"
) -> dict[str, Array]:
    """Return the strongest reasons of records.

    Returns ``explained``, the class; for each reason ``reason_1`` (the name of the feature), ``reason_1_log_odds`` and
    ``reason_1_sentence``; and ``reasons``, everything that `explain` returns, as JSON. None without a score.
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


def _cells(explanation: JsonObject) -> JsonObject:
    """Return the cells of one record; it may have fewer reasons than columns."""
    cells = {"explained": explanation["explained"]["class"], "reasons": json.dumps(explanation, ensure_ascii=False)}
    named = [reason for reason in explanation["reasons"] if reason["cue"] is not None]
    for k, reason in enumerate(named, 1):
        cells[f"reason_{k}"] = f"{reason['family']}__{reason['cue']}"
        cells[f"reason_{k}_log_odds"] = reason["log_odds"]
        cells[f"reason_{k}_sentence"] = reason["sentence"]
    return cells
