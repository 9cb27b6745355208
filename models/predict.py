"""`Scorer`: load a model folder and score records. It needs only NumPy, LightGBM and Numba."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self, TypedDict, TypeVar, Unpack, overload

import numpy as np

from fraudsieve._typing import Array, Record
from fraudsieve.exceptions import RecordError, RejectedRecordError
from fraudsieve.features.account_matrix import message_matrix_of
from fraudsieve.features.history.records import RejectedRecord, as_records
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.artifact.folder import Model, model_line, model_table
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.fields import apply_policy, check_unknown, model_fields
from fraudsieve.models.reasons.reason_codes import reason_columns
from fraudsieve.models.reasons.request import ReasonRequest, count_reasons
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.models.scoring.observers import ScoredChunk, ScoreObserver
from fraudsieve.models.scoring.samples import warm_records
from fraudsieve.models.scoring.score_fields import Score, join_fields
from fraudsieve.models.scoring.scores import Scores, calibrated_log_odds, score_features

from .fields import Batch, Columns, Policy, check_records, columns_of, lists_of, records_of
from .given_history import Events, observe_messages, resolve_history
from .verification import load_model


class ScoreOptions(TypedDict, total=False):
    """The keyword arguments of `Scorer.score`."""

    history: Events | None
    reasons: bool | int
    reasons_of: str | None
    language: str
    evidence: ScoreObserver | None


CHUNK = 16_384
"""Records per chunk; it bounds the memory of a call."""


T = TypeVar("T")
MISSPELT: Final = 0.85
"""Likeness from which a field is taken for a misspelt one: about one letter in seven."""


class Scorer:
    """Score records with a model folder.

    A record that cannot be scored has the ``status`` ``unscorable``, and ``why`` names the field. Fields that the model
    does not use are ignored. One record, many records and columns give the same scores to the last bit.
    Threads can share a scorer, but not a live state.

    Parameters
    ----------
    model : Model
        From `read_model`; `Scorer.load` does both.
    policy : Policy, default=None
        What to do with a field that is missing, unknown or of the wrong type; None for the policy of the model.
    n_threads : int, default=1
        Threads of LightGBM for many records, 0 for all cores. If several threads score at the same time, use
        the same number for all scorers of the process. LightGBM has one number for the whole process: if another
        scorer changes it during a prediction, LightGBM writes beyond its buffers and the process ends.
    rules : RuleSet, default=None
        Rules that override the decisions of the model. The attribute can be set at any time.

    Examples
    --------
    ::

        scorer = Scorer.load("fraudsieve-model")
        scorer.score({"text": "Your parcel is held, pay the fee at ..."})["probability"]

        state = scorer.new_state()  # a model of accounts or events, live
        state.update({"account_id": "ann", "occurred_at": "2026-05-01T10:00:00Z", "kind": "transfer", "amount": 90})
        scorer.score({"account_id": "ann", "as_of": "2026-05-01T11:00:00Z"}, history=state)
    """

    def __init__(
        self, model: Model, *, policy: Policy | None = None, n_threads: int = 1, rules: RuleSet | None = None
    ) -> None:
        self.model, self.rules = model, rules
        self.policy = model.policy if policy is None else policy
        self.n_threads = n_threads
        self._fields = model_fields(model.matrix)
        optional = [field for field in model.matrix.fields if not field.required and field.instead_of is None]
        kinds = "id", "time", "amount"
        self._of_history = frozenset(field.name for field in optional if field.kind in kinds) - {"created_at"}
        self._given = model.given[f"{model.subject}s"]

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        digest: str | None = None,
        policy: Policy | None = None,
        n_threads: int = 1,
        rules: RuleSet | None = None,
    ) -> Self:
        """Check a model folder as `verify` does, and load it. The check ends with scoring sample records.

        Parameters
        ----------
        folder : str or Path
            A model folder, a saved MLflow model or, with MLflow installed, an address such as
            ``models:/fraudsieve@champion``.
        digest : str, default=None
            The SHA-256 of its manifest, to accept only that model.
        policy, n_threads, rules
            As for `Scorer`.

        Returns
        -------
        Scorer

        Raises
        ------
        ArtifactError
            If a file is missing or changed, the version or the digest is not the expected one, or the scores or reasons
            of sample records are not finite.
        """
        model = load_model(model_folder(folder), digest=digest)
        return cls(model, policy=policy, n_threads=n_threads, rules=rules)

    def __repr__(self) -> str:
        return f"Scorer({model_line(self.model)})"

    def _repr_html_(self) -> str:
        return model_table("Scorer", self.model)

    def warm_up(self, *, reasons: bool = True) -> Self:
        """Score sample records, so that everything is compiled and in memory before the first real one.

        Parameters
        ----------
        reasons : bool, default=True
            Whether reasons will be requested.

        Returns
        -------
        Scorer
            This scorer.
        """
        records, history = warm_records(self.model.matrix, rare=True)
        request = ReasonRequest(self.model, 1, None) if reasons else None
        for events in (None, history):
            for batch in (records[:1], records):
                self._score_records(batch, events, request)
        return self

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
    ) -> tuple[RejectedRecord, ...]:
        """Add messages to a live state, for the campaigns of later messages.

        A message may be scored before or after it is added, because it does not count itself.

        Parameters
        ----------
        state : HistoryState
            From `new_state`.
        messages : dict, or list or tuple of dict
            Each with ``text`` and ``sent_at``, and ``message_id``, ``account_id`` and ``recipient_id`` if available.
            One with ``label`` and ``labelled_at`` labels a message that was added before.
        now : datetime, default=None
            As for `HistoryState.update`.

        Returns
        -------
        tuple of RejectedRecord
            Rejected messages by position, with the reason. Nothing happens if the model has no campaigns.

        Raises
        ------
        TypeError
            If it is not a record or a list of records.
        """
        given = self.model.given["messages"]
        sent = [given.rename_or_keep(message) for message in as_records(messages)]
        return observe_messages(self.model.matrix, state, sent, now=now)

    @overload
    def score(self, records: Record, **options: Unpack[ScoreOptions]) -> Score: ...

    @overload
    def score(self, records: Sequence[Record], **options: Unpack[ScoreOptions]) -> list[Score]: ...

    def score(
        self,
        records: Record | Sequence[Record],
        *,
        history: Events | None = None,
        reasons: bool | int = False,
        reasons_of: str | None = None,
        language: str = "en",
        evidence: ScoreObserver | None = None,
    ) -> Score | list[Score]:
        """Score one record or many.

        Parameters
        ----------
        records : dict, or list or tuple of dict
            A message has ``text``, and ``account_id`` and ``sent_at`` if the model has a history of senders. An account
            has ``account_id`` and ``as_of``, an event the fields of the table of events. Both have the columns that the
            model was trained on.
        history : HistoryState, list of dict, or dict of lists, default=None
            The history of the accounts: a live state from `new_state`, events, or a dict with ``events``, ``labels``,
            ``account_labels`` and ``messages`` (earlier ones, as for `observe`). Only entries before a record's
            cutoff time count.
        reasons : bool or int, default=False
            Whether to explain the score: True for the strongest five reasons and text spans, or their number.
        reasons_of : str, default=None
            The class that is explained; None for the most probable crime.
        language : {"en", "zh"}, default="en"
            The language of the sentences of the reasons.
        evidence : EvidenceLog, default=None
            The log that records how the scores were computed, before they are returned.

        Returns
        -------
        dict or list of dict
            ``probability`` (of fraud, calibrated; None if the model has no legitimate class), ``label`` (the most
            probable class), ``probabilities`` (of all classes), ``decision`` (``flag`` or ``pass``; None without an
            operating point), ``false_positive_rate`` (of the strictest operating point that the score reaches),
            ``status`` (``ok``, ``no_history`` if the account has no earlier event, or ``unscorable``), ``why``,
            ``unlike_training`` (the share of training records that are less unfamiliar; 0.999 is very unusual)
            and ``model`` (name, digest). With thresholds by a column also ``threshold_of``: the value whose threshold
            decides. With rules also ``rule`` (id, action and reason of the rule that decided, or None) and
            ``model_decision``. With reasons also ``explained`` and ``reasons``, as from `explain`, and for a message
            ``text_spans``, as from `explain_text`; None and empty if the record is unscorable. A recorded score has
            ``evidence``: the log, and the number of the record.

        Raises
        ------
        EvidenceError
            If the evidence cannot be written.
        TypeError
            If the input is not a record or a list of records.
        ValueError
            If the model cannot use the history, or the reasons are not a valid number, class or language.
        RecordError
            If the policy rejects a field.
        """
        request = None if reasons is False else ReasonRequest(self.model, count_reasons(reasons), reasons_of, language)
        if isinstance(records, Mapping):
            return self._score_records([records], history, request, evidence)[0]
        check_records(records)
        return self._score_records(records, history, request, evidence)

    def score_columns(self, columns: Columns | Batch | Any, *, history: Events | None = None) -> dict[str, Array]:
        """Score records given as columns.

        Parameters
        ----------
        columns : mapping of str to sequence, each of length n_records; or table
            The fields of the records of `score`. A table or a record batch of PyArrow, or a frame of pandas or Polars,
            is read by its columns; none of these libraries is imported.
        history : HistoryState, list of dict, or dict of lists, default=None
            As for `score`.

        Returns
        -------
        dict of str to ndarray, each of shape (n_records,)
            ``probability``, ``label``, ``decision``, ``false_positive_rate``, ``status``, ``why``,
            ``unlike_training``, and ``probability__<class>`` for every class. NaN and None if a record is unscorable.
            With thresholds by a column also ``threshold_of``. With rules also ``rule``, ``rule_reason`` and
            ``model_decision``.

        Raises
        ------
        KeyError
            If there is no column ``text``, or ``account_id`` for a model of accounts or events.
        TypeError
            If these are not columns, or a column that is read is not a sequence (a string is not one).
        ValueError
            If columns that are read differ in length, or the model cannot use the history.
        RecordError
            If the policy rejects a field.
        """
        columns = _read_given(self._given.rename, columns_of(columns), "columns")
        key = self._fields.key
        if key not in columns:
            raise KeyError(f"Expected a column {key!r}; the columns are {sorted(map(str, columns))}.")
        check_unknown(columns, "columns", self.policy, self._fields, self.rules)
        records = records_of(columns, [key, *(set(self._fields.checks) - {key})])
        records = records if self._given.counted is None else self.read_given(records)
        rules, n_done, parts = self.rules, 0, list[dict[str, Array]]()
        read = {} if rules is None else lists_of(columns, rules.fields)
        for chunk, scores in self._chunks(records, history):
            given = {name: values[n_done : n_done + len(chunk)] for name, values in read.items()}
            parts.append(scores.to_columns(rules, None if rules is None else rules.match(given, len(chunk))))
            n_done += len(chunk)
        return (
            parts[0] if len(parts) == 1 else {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}
        )

    def score_rows(
        self,
        rows: Array,
        why: Array | None = None,
        has_history: Array | None = None,
        *,
        reasons: int = 0,
        language: str = "en",
    ) -> dict[str, Array]:
        """Score feature rows from a builder. Rules are not applied, because the rows do not contain their fields.

        Parameters
        ----------
        rows : ndarray of float64, shape (n_records, n_columns)
            In the order of the model's columns.
        why : ndarray of object, shape (n_records,), default=None
            Why a record is unscorable, None where it can be scored; None if all can be.
        has_history : ndarray of bool, shape (n_records,), default=None
            Whether the account has an event; None if the model uses no events.
        reasons : int, default=0
            How many reasons to add to each record, as from `reason_columns`.
        language : {"en", "zh"}, default="en"
            The language of their sentences.

        Returns
        -------
        dict of str to ndarray, each of shape (n_records,)
            As from `score_columns`.

        Raises
        ------
        ValueError
            If the rows have another number of columns than the model.
        """
        expected = len(self.model.matrix.columns)
        if rows.ndim != 2 or rows.shape[1] != expected:
            raise ValueError(f"Expected rows of {expected} columns, got an array of shape {rows.shape}.")
        features = FeatureRows(rows, np.full(len(rows), None, object) if why is None else why, has_history)
        scores = score_features(self.model, self.policy, features, self.n_threads)
        known = scores.log_odds, scores.features.why
        extra = reason_columns(self.model, rows, *known, n=reasons, language=language) if reasons else {}
        return scores.to_columns() | extra

    def log_odds(self, texts: Sequence[str], sender: Array | None = None, campaign: Array | None = None) -> Array:
        """Return calibrated log-odds of messages.

        Parameters
        ----------
        texts : sequence of str, length n_texts
            Scorable texts.
        sender : ndarray of float64, shape (n_texts, n_sender), default=None
            The history of the senders; None for unknown.
        campaign : ndarray of float64, shape (n_texts, n_campaign), default=None
            The counts of near-duplicates; None for unknown.

        Returns
        -------
        ndarray of float64, shape (n_texts, n_outputs)
            One output for two classes, one per class for more.

        Raises
        ------
        TypeError
            If it is not a model of messages.
        """
        rows = message_matrix_of(self.model.matrix).compute(texts, sender, campaign)
        return calibrated_log_odds(self.model, rows, self.n_threads)

    def read_given(self, records: Any) -> Any:
        """Return a record, or records, as fraudsieve reads them: they may be as in the tables of the training.

        What is no record stays as it is.
        """
        if not self._given:
            return records
        if isinstance(records, Mapping):
            return _read_given(self._given.read, records, "record 0")
        return [
            _read_given(self._given.read, record, f"record {place}") if isinstance(record, Mapping) else record
            for place, record in enumerate(records)
        ]

    def _chunks(self, records: Sequence[Record], history: Events | None) -> Iterator[tuple[Sequence[Record], Scores]]:
        """Yield records and their scores, chunk by chunk; at least one chunk."""
        if self.policy.changes_fields:
            records = [apply_policy(record, at, self.policy, self._fields) for at, record in enumerate(records)]
        matrix, state = self.model.matrix, resolve_history(self.model.matrix, history, self.model.given)
        for start in range(0, max(len(records), 1), CHUNK):
            chunk = records[start : start + CHUNK]
            yield chunk, score_features(self.model, self.policy, matrix.rows(chunk, state), self.n_threads)

    def _score_records(
        self,
        records: Sequence[Record],
        history: Events | None,
        request: ReasonRequest | None,
        evidence: ScoreObserver | None = None,
    ) -> list[Score]:
        rules = self.rules  # another thread may replace them
        records = self.read_given(records)
        for position, record in enumerate(records):
            check_unknown(record, f"record {position}", self.policy, self._fields, rules)
        answers: list[Score] = []
        for chunk, scores in self._chunks(records, history):
            given = records[len(answers) : len(answers) + len(chunk)]  # rules read the records as they were passed
            new = scores.to_records(rules, None if rules is None else rules.match_records(given))
            if request is not None:
                explained = request.explain(chunk, scores.features, scores.log_odds)
                new = [join_fields(score, reasons) for score, reasons in zip(new, explained, strict=True)]
            if evidence is not None:
                asked = {} if request is None else request.to_record()
                new = evidence.add(ScoredChunk(scores, chunk, new, history, asked))
            if self._of_history and self.policy.missing != "missing":  # then it stands for a missing value
                new = [_with_missing(score, self._of_history, record) for score, record in zip(new, given, strict=True)]
            answers += new
        return answers


def _with_missing(score: Score, needed: frozenset[str], record: Record) -> Score:
    """Return a score that names the needed fields that a record does not have, and fields that may be meant."""
    absent = needed - record.keys()
    if not absent:
        return score
    others = [str(name) for name in record.keys() - needed]
    near = [(name, get_close_matches(name, others, 1, MISSPELT)) for name in sorted(absent)]
    return join_fields(score, {"missing": [f"{name} (not {found[0]!r})" if found else name for name, found in near]})


def _read_given(read: Callable[[Any], T], record: Any, origin: str) -> T:
    try:
        return read(record)
    except RejectedRecordError as error:
        raise RecordError(origin, str(error), "Correct it.") from None
