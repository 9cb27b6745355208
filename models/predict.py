"""`Scorer`: load a model folder, score records. It needs NumPy, LightGBM and Numba, and nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, cast, overload

import numpy as np
import numpy.typing as npt

from fraudsieve.features.campaign_history import campaign_events
from fraudsieve.features.history_live import HistoryState
from fraudsieve.features.history_records import Refused, records_of
from fraudsieve.features.message_matrix import MessageMatrix

from .artifact import Model, read_model
from .calibration import log_sigmoid, probabilities
from .inputs import Events, account_rows, message_history, state_of, why_unscorable

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

        state = scorer.new_state()  # a model of accounts or events, live
        state.update({"account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z", "kind": "transfer", "amount": 90})
        scorer.score({"account_id": "ann", "as_of": "2026-05-01T11:00:00Z"}, history=state)
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

    def new_state(self, *, lateness: str = "1d") -> HistoryState:
        """Return an empty live state with the history that the model needs.

        Parameters
        ----------
        lateness : str, default="1d"
            As for `HistoryState`.

        Returns
        -------
        HistoryState
        """
        return self.model.matrix.new_state(lateness=lateness)

    def observe(
        self, state: HistoryState, messages: Record | Sequence[Record], *, now: datetime | None = None
    ) -> tuple[Refused, ...]:
        """Tell a live state of messages, for the campaigns that later ones belong to.

        Score a message first and tell of it then, or at any time: none sees itself.

        Parameters
        ----------
        state : HistoryState
            From `new_state`.
        messages : dict, or list or tuple of dict
            Each with ``text`` and ``sent_at``; ``message_id``, ``account_id`` and ``recipient_id`` where known. One
            with ``label`` and ``labelled_at`` says what became known of a message that the state was told of.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        tuple of Refused
            What was set aside, by its position, and why. Nothing is done for a model that does not look at campaigns.

        Raises
        ------
        TypeError
            When that is no record or list of records.
        """
        matrix, refused = self.model.matrix, []
        if not isinstance(matrix, MessageMatrix) or matrix.campaigns is None:
            return ()
        for place, message in enumerate(records_of(messages)):
            wrong = why_unscorable(message.get("text"))
            told = () if wrong else state.update(campaign_events([message], matrix.campaigns), now=now)
            if wrong or told:
                refused.append(Refused(place, wrong or told[0].reason.replace("occurred_at", "sent_at")))
        return tuple(refused)

    @overload
    def score(self, records: Record, *, history: Events | None = None) -> Score: ...

    @overload
    def score(self, records: Sequence[Record], *, history: Events | None = None) -> list[Score]: ...

    def score(self, records: Record | Sequence[Record], *, history: Events | None = None) -> Score | list[Score]:
        """Score one record or many.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            A message has ``text``, and ``account_id`` and ``sent_at`` where the model looks at senders. An account has
            ``account_id`` and ``as_of``; an event what an event has; both the columns that the model was trained on.
        history : HistoryState, list of dict, or dict of lists, default=None
            What is known of the accounts: a live state from `new_state`, events, or a dict with ``events``, ``labels``,
            ``account_labels`` and ``messages`` (sent before, as `observe` takes them). Only what was before a record's
            moment counts.

        Returns
        -------
        dict or list of dict
            ``probability`` (of fraud, calibrated; None when the model knows no legitimate class), ``label`` (the
            likeliest class), ``probabilities`` (of every class), ``decision`` (``flag`` or ``pass``; None without an
            operating point), ``false_positive_rate`` (of the strictest operating point that the score reaches),
            ``status`` (``ok``, ``no_history`` where no event of the account was known, or ``unscorable``), ``why`` and
            ``model`` (name and digest).

        Raises
        ------
        TypeError
            When the input is not a record or a list of records.
        ValueError
            When the history is not one that the model can use.
        """
        if isinstance(records, Mapping):
            return self._score_records([records], history)[0]
        if not isinstance(records, list | tuple):
            raise TypeError(f"Expected a dict or a list of dicts, got {type(records).__name__}.")
        wrong = next((i for i, record in enumerate(records) if not isinstance(record, Mapping)), None)
        if wrong is not None:
            raise TypeError(f"Expected a dict as record, got {type(records[wrong]).__name__} at position {wrong}.")
        return self._score_records(records, history)

    def score_columns(self, columns: Mapping[str, Sequence[Any]], *, history: Events | None = None) -> dict[str, Array]:
        """Score records given as columns.

        Parameters
        ----------
        columns : mapping of str to sequence, each of length n_records
            As the fields of the records of `score`.
        history : HistoryState, list of dict, or dict of lists, default=None
            As for `score`.

        Returns
        -------
        dict of str to ndarray, each of shape (n_records,)
            ``probability``, ``label``, ``decision``, ``false_positive_rate``, ``status``, ``why``, and
            ``probability__<class>`` for every class. NaN and None where a record is unscorable.

        Raises
        ------
        KeyError
            When there is no column ``text``, or ``account_id`` for a model of accounts or events.
        TypeError
            When that column is one string, and not a sequence of them.
        ValueError
            When the history is not one that the model can use.
        """
        matrix = self.model.matrix
        needed = "text" if isinstance(matrix, MessageMatrix) else "account_id"
        if needed not in columns:
            raise KeyError(f"Expected a column {needed!r}; the columns are {sorted(map(str, columns))}.")
        if isinstance(columns[needed], str):
            raise TypeError(f"Expected a sequence as column {needed!r}, got one str. Put it in a list.")
        if isinstance(matrix, MessageMatrix):
            return self._score_messages(matrix, columns, history)
        rows, known, why = account_rows(matrix, columns, state_of(matrix, history))
        return self.score_rows(rows, why, known if matrix.histories else None)

    def score_rows(self, rows: Array, why: Array | None = None, known: Array | None = None) -> dict[str, Array]:
        """Score feature rows, as a builder makes them.

        Parameters
        ----------
        rows : ndarray of float64, shape (n_records, n_columns)
            In the order of the model's columns.
        why : ndarray of object, shape (n_records,), default=None
            What is wrong with a record, None where nothing is; None for no such record.
        known : ndarray of bool, shape (n_records,), default=None
            Whether any event of the account was known; None where that is not told.

        Returns
        -------
        dict of str to ndarray, each of shape (n_records,)
            As from `score_columns`.

        Raises
        ------
        ValueError
            When the rows have another number of columns than the model.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self.model.matrix.columns):
            expected = len(self.model.matrix.columns)
            raise ValueError(f"Expected rows of {expected} columns, got an array of shape {rows.shape}.")
        why = np.full(len(rows), None, object) if why is None else why
        odds = np.full((len(rows), len(self.model.ensemble.base)), np.nan)
        good = np.flatnonzero(why == None)  # noqa: E711 - compares every element
        if len(good):
            odds[good] = self._odds_of(rows[good])
        return self._describe(odds, why, known)

    def _score_messages(
        self, matrix: MessageMatrix, columns: Mapping[str, Sequence[Any]], history: Events | None
    ) -> dict[str, Array]:
        texts = list(columns["text"])
        why = np.array([why_unscorable(text) for text in texts], object)
        sender = campaign = None
        if matrix.sender or matrix.campaigns:
            sender, campaign, wrong = message_history(matrix, {**columns, "text": texts}, state_of(matrix, history))
            why = np.where(why == None, wrong, why)  # noqa: E711
        odds = np.full((len(texts), len(self.model.ensemble.base)), np.nan)
        good = np.flatnonzero(why == None)  # noqa: E711
        for start in range(0, len(good), CHUNK):
            rows = good[start : start + CHUNK]
            known = [None if block is None else block[rows] for block in (sender, campaign)]
            odds[rows] = self.log_odds([texts[i] for i in rows], *known)
        return self._describe(odds, why)

    def log_odds(self, texts: Sequence[str], sender: Array | None = None, campaign: Array | None = None) -> Array:
        """Return calibrated log-odds of messages.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Scorable texts.
        sender : ndarray of float64, shape (n_texts, n_sender), default=None
            The history of the senders; None for unknown.
        campaign : ndarray of float64, shape (n_texts, n_campaign), default=None
            What was known of near-duplicates; None for unknown.

        Returns
        -------
        ndarray of float64, shape (n_texts, n_outputs)
            One output for two classes, one a class for more.

        Raises
        ------
        TypeError
            When the model is not one of messages.
        """
        if not isinstance(self.model.matrix, MessageMatrix):
            raise TypeError(f"Expected a model of messages, got one of {self.model.subject}s.")
        return self._odds_of(self.model.matrix.compute(texts, sender, campaign))

    def _odds_of(self, rows: Array) -> Array:
        threads = 1 if len(rows) <= FEW else 0
        return self.model.calibration.apply(self.model.ensemble.log_odds(rows, n_threads=threads))

    def _describe(self, odds: Array, why: Array, known: Array | None = None) -> dict[str, Array]:
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
        status = np.where(scored, "ok", "unscorable").astype(object)
        if known is not None:
            status[scored & ~known] = "no_history"
        columns = {
            "probability": fraud,
            "label": label,
            "decision": decision,
            "false_positive_rate": self._reached(fraud),
            "status": status,
            "why": why,
        }
        return columns | {f"probability__{name}": classes[:, k] for k, name in enumerate(model.classes)}

    def _reached(self, fraud: Array) -> Array:
        """Return the false-positive rate of the strictest operating point that each score reaches, else NaN."""
        reached = np.full(len(fraud), np.nan)
        for point in sorted(self.model.points, key=lambda point: point.threshold):
            reached[fraud >= point.threshold] = point.false_positive_rate
        return reached

    def _score_records(self, records: Sequence[Record], history: Events | None) -> list[Score]:
        matrix = self.model.matrix
        if isinstance(matrix, MessageMatrix):
            names = ("text", "account_id", "sent_at")
            columns = self._score_messages(matrix, {n: [record.get(n) for record in records] for n in names}, history)
        else:
            rows, known, why = matrix.compute(records, state_of(matrix, history))
            columns = self.score_rows(rows, why, known if matrix.histories else None)
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


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: None for NaN."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if cast(bool, value != value) else value
