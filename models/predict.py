"""`Scorer`: load a model folder, score records. It needs NumPy, LightGBM and Numba, and nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast, overload

import numpy as np
import numpy.typing as npt

from fraudsieve.features.fold import fold_text

from .artifact import Model, read_model
from .calibration import log_sigmoid, probabilities

__all__ = ["Scorer", "fraud_probability"]

Array = npt.NDArray[Any]
Record = Mapping[str, Any]
Score = dict[str, Any]

CHUNK = 16_384
"""Messages scored at a time: bounds the memory of a batch."""
FEW = 64
"""Up to so many rows one thread is faster than waking the others."""


class Scorer:
    """Scores records with a model folder.

    A record that cannot be scored is not scored: its ``status`` is ``unscorable`` and ``why`` names the field. Fields
    that the model does not use are ignored. One record, many and columns give the same scores to the last bit.

    Parameters
    ----------
    model : Model
        From `read_model`; `Scorer.load` does both.

    Examples
    --------
    ::

        scorer = Scorer.load("fraudsieve-model")
        scorer.score({"text": "Your parcel is held, pay the fee at ..."})["probability"]
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    @classmethod
    def load(cls, folder: str | Path, *, digest: str | None = None) -> Self:
        """Check a model folder and load it.

        Parameters
        ----------
        folder : str or Path
            The model folder.
        digest : str, default=None
            The SHA-256 of its manifest, when only that model will do.

        Returns
        -------
        Scorer

        Raises
        ------
        ArtifactError
            When the folder is not whole, not of this version or not the one asked for.
        """
        return cls(read_model(folder, digest=digest))

    @overload
    def score(self, records: Record) -> Score: ...

    @overload
    def score(self, records: Sequence[Record]) -> list[Score]: ...

    def score(self, records: Record | Sequence[Record]) -> Score | list[Score]:
        """Score one record or many.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            Each with a field ``text``.

        Returns
        -------
        dict or list of dict
            ``probability`` (of fraud, calibrated; None when the model knows no legitimate class), ``label`` (the
            likeliest class), ``probabilities`` (of every class), ``decision`` (``flag`` or ``pass``; None without an
            operating point), ``false_positive_rate`` (of the strictest operating point that the score reaches),
            ``status`` (``ok`` or ``unscorable``), ``why`` and ``model`` (name and digest).

        Raises
        ------
        TypeError
            When the input is not a record or a list of records.
        """
        if isinstance(records, Mapping):
            return self._score_records([records])[0]
        if not isinstance(records, list | tuple):
            raise TypeError(f"Expected a dict or a list of dicts, got {type(records).__name__}.")
        wrong = next((i for i, record in enumerate(records) if not isinstance(record, Mapping)), None)
        if wrong is not None:
            raise TypeError(f"Expected a dict as record, got {type(records[wrong]).__name__} at position {wrong}.")
        return self._score_records(records)

    def score_columns(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, Array]:
        """Score records given as columns.

        Parameters
        ----------
        columns : mapping of str to sequence, each of length n_records
            With a column ``text``.

        Returns
        -------
        dict of str to ndarray, each of shape (n_records,)
            ``probability``, ``label``, ``decision``, ``false_positive_rate``, ``status``, ``why``, and
            ``probability__<class>`` for every class. NaN and None where a record is unscorable.

        Raises
        ------
        KeyError
            When there is no column ``text``.
        TypeError
            When that column is one string, and not a sequence of them.
        """
        if "text" not in columns:
            raise KeyError(f"Expected a column 'text'; the columns are {sorted(map(str, columns))}.")
        if isinstance(columns["text"], str):
            raise TypeError("Expected a sequence of texts as column 'text', got one str. Put it in a list.")
        texts = list(columns["text"])
        why = np.array([_why_unscorable(text) for text in texts], object)
        odds = np.full((len(texts), len(self.model.ensemble.base)), np.nan)
        good = np.flatnonzero(why == None)  # noqa: E711 - compares every element
        for start in range(0, len(good), CHUNK):
            rows = good[start : start + CHUNK]
            odds[rows] = self.log_odds([texts[i] for i in rows])
        return self._describe(odds, why)

    def log_odds(self, texts: Sequence[str]) -> Array:
        """Return calibrated log-odds.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Scorable texts.

        Returns
        -------
        ndarray of float64, shape (n_texts, n_outputs)
            One output for two classes, one a class for more.
        """
        model = self.model
        rows = model.matrix.compute(texts)
        threads = 1 if len(rows) <= FEW else 0
        return model.calibration.apply(model.ensemble.log_odds(rows, n_threads=threads))

    def _describe(self, odds: Array, why: Array) -> dict[str, Array]:
        """Turn log-odds into the columns of a score."""
        model = self.model
        scored = why == None  # noqa: E711 - compares every element
        classes = probabilities(odds)
        label = np.full(len(odds), None, object)
        label[scored] = np.array(model.classes, object)[classes[scored].argmax(axis=1)]
        fraud = fraud_probability(odds, model.classes, model.legitimate)
        decision = np.full(len(odds), None, object)
        if model.points:
            decision[scored] = np.where(fraud[scored] >= model.points[0].threshold, "flag", "pass")
        columns = {
            "probability": fraud,
            "label": label,
            "decision": decision,
            "false_positive_rate": self._reached(fraud),
            "status": np.where(scored, "ok", "unscorable").astype(object),
            "why": why,
        }
        return columns | {f"probability__{name}": classes[:, k] for k, name in enumerate(model.classes)}

    def _reached(self, fraud: Array) -> Array:
        """Return the false-positive rate of the strictest operating point that each score reaches, else NaN."""
        reached = np.full(len(fraud), np.nan)
        for point in sorted(self.model.points, key=lambda point: point.threshold):
            reached[fraud >= point.threshold] = point.false_positive_rate
        return reached

    def _score_records(self, records: Sequence[Record]) -> list[Score]:
        columns = self.score_columns({"text": [record.get("text") for record in records]})
        model = {"name": self.model.name, "digest": self.model.digest}
        classes = [(name, columns.pop(f"probability__{name}")) for name in self.model.classes]
        scores = []
        for i in range(len(records)):
            score = {name: _plain(values[i]) for name, values in columns.items()}
            score["probabilities"] = {name: _plain(values[i]) for name, values in classes}
            scores.append(score | {"model": model})
        return scores


def fraud_probability(log_odds: Array, classes: Sequence[str], legitimate: str | None) -> Array:
    """Return the probability that a record is any crime.

    Parameters
    ----------
    log_odds : ndarray, shape (n_rows, n_outputs)
        One output for two classes, one a class for more.
    classes : sequence of str
        The classes, sorted.
    legitimate : str or None
        The class that is no crime.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        NaN when there is no legitimate class.

    Examples
    --------
    >>> fraud_probability(np.array([[0.0, 0.0, 0.0]]), ["ham", "scam", "spam"], "ham").round(3).tolist()
    [0.667]
    """
    if legitimate is None:
        return np.full(len(log_odds), np.nan)
    clean = list(classes).index(legitimate)
    if len(classes) == 2:
        return np.exp(log_sigmoid(log_odds[:, 0] if clean == 0 else -log_odds[:, 0]))
    crimes = np.delete(probabilities(log_odds), clean, axis=1)
    return np.asarray(np.minimum(crimes.sum(axis=1), 1.0))  # a sum of shares may be one and a last bit


def _why_unscorable(text: Any) -> str | None:
    """Say what is wrong with a text, in words that hold none of it."""
    if not isinstance(text, str):
        if text is None or (isinstance(text, float) and text != text):
            return "text: expected a string, the field is missing"
        return f"text: expected a string, got {type(text).__name__}"
    # Only characters that do not print can leave nothing after folding.
    seen = text if text.isprintable() else fold_text(text)
    return None if seen.strip() else "text: expected a message, got only blanks"


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: None for NaN."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if cast(bool, value != value) else value
