"""Scoring a file of messages, accounts or events: score, write, and keep what was set aside beside it."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve._io import replace_file
from fraudsieve._typing import Array
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.account_records import as_strings, cutoff_column
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.campaign.batch import campaign_features
from fraudsieve.features.feature_matrix import account_matrix_of, message_matrix_of
from fraudsieve.features.message_records import why_unscorable
from fraudsieve.features.messages import sender_history
from fraudsieve.features.tables.reader import Source, write_rejected
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import CHUNK, Scorer

from .chunks import score_parts
from .inputs import looks_at_labels, read_beside, read_inputs, with_moment

__all__ = ["Scored", "feature_rows", "has_history", "score_file", "score_frame"]


@dataclass(frozen=True)
class Scored:
    """What became of a file; rows in = scored + rejected.

    Parameters
    ----------
    output : Path
        The scores.
    rejected_output : Path or None
        Rows set aside with their reasons, when there were any.
    scored, rejected : int
        Rows in each.
    notes : tuple of str
        What was assumed or changed.
    resumed : int, default=0
        Rows that a run before had done, which was cut off.
    """

    output: Path
    rejected_output: Path | None
    scored: int
    rejected: int
    notes: tuple[str, ...]
    resumed: int = 0


def score_frame(
    scorer: Scorer,
    records: pd.DataFrame,
    progress: Callable[[int, int], None] | None = None,
    *,
    events: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    past: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Score a frame of messages, accounts or events.

    Parameters
    ----------
    scorer : Scorer
        The model.
    records : DataFrame
        Messages (``message_id``, ``text``), accounts (``account_id``, ``as_of``) or events.
    progress : callable, default=None
        Called with the rows done and the rows in all.
    events : DataFrame, default=None
        The events that are their history.
    labels : DataFrame, default=None
        What became known of events or accounts: ``labelled_at``, ``is_fraud`` and the columns that name them.
    past : DataFrame, default=None
        Messages that were sent before, for models that look at campaigns; those that are scored count without it too.

    Returns
    -------
    DataFrame
        The ids of the records and the columns of `Scorer.score_columns`, in the order of the input.
    """
    matrix = scorer.model.matrix
    names = [name for name in IDS[scorer.model.subject] if name in records]
    ids = pd.DataFrame({name: records[name].to_numpy(object) for name in names})
    if scorer.model.subject != "message" or matrix.history_parts:
        rows = feature_rows(scorer.model, records, events=events, labels=labels, past=past)
        return pd.concat([ids, pd.DataFrame(scorer.score_rows(*rows))], axis=1)
    parts = []
    for start in range(0, len(records), CHUNK):
        part = records.iloc[start : start + CHUNK]
        parts.append(pd.DataFrame(scorer.score_columns({"text": part["text"].tolist()})))
        if progress is not None:
            progress(start + len(part), len(records))
    return pd.concat([ids, pd.concat(parts, ignore_index=True)], axis=1)


IDS = {
    "message": ("message_id",),
    "account": ("account_id", "as_of"),
    "event": ("event_id", "account_id", "occurred_at"),
}
"""The columns of a record that its score keeps."""


def feature_rows(
    model: Model,
    records: pd.DataFrame,
    *,
    events: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    past: pd.DataFrame | None = None,
) -> tuple[Array, Array | None, Array | None]:
    """Compute the feature rows of records in one go, with what was before them.

    Parameters
    ----------
    model : Model
        What is computed.
    records, events, labels, past
        As for `score_frame`.

    Returns
    -------
    rows : ndarray of float64, shape (n_records, n_columns)
        In the order of the model's columns.
    why : ndarray of object, shape (n_records,), or None
        What is wrong with a message, None where nothing is; None for accounts and events.
    known : ndarray of bool, shape (n_records,), or None
        Whether any event of the account was known; None for messages, and where the model looks at no events.
    """
    compute = _message_rows if model.subject == "message" else _account_rows
    return compute(model, records, events, labels, past)


_Rows: TypeAlias = tuple[Array, Array | None, Array | None]


def _message_rows(
    model: Model,
    records: pd.DataFrame,
    events: pd.DataFrame | None,
    labels: pd.DataFrame | None,
    past: pd.DataFrame | None,
) -> _Rows:
    matrix = message_matrix_of(model.matrix)
    sender = None if events is None or not matrix.sender else sender_history(events, records, matrix.sender)
    campaign = None
    if matrix.campaigns is not None and "sent_at" in records:
        campaign = campaign_features(_sent(past, records), records, matrix.campaigns)
    why = np.array([why_unscorable(text) for text in records["text"]], object)
    return matrix.compute(records["text"].tolist(), sender, campaign), why, None


def _account_rows(
    model: Model,
    records: pd.DataFrame,
    events: pd.DataFrame | None,
    labels: pd.DataFrame | None,
    past: pd.DataFrame | None,
) -> _Rows:
    matrix = account_matrix_of(model.matrix)
    if labels is None and looks_at_labels(matrix):
        labels = _nothing_known(matrix)
    builder = AccountFeatures(events, subject=matrix.subject)
    builder.labels = labels if matrix.subject == "event" else None
    builder.account_labels = labels if matrix.subject == "account" else None
    builder.matrix_ = matrix
    moment = cutoff_column(records, matrix.subject) if matrix.timed else None
    known = has_history(records, events, moment) if matrix.histories else None
    return np.asarray(builder.transform(records), np.float64), None, known


def _sent(past: pd.DataFrame | None, records: pd.DataFrame) -> pd.DataFrame:
    """Put messages that were sent before in front of those that are scored, each once."""
    if past is None:
        return records
    if "message_id" in records and "message_id" in past:
        records = records[~records["message_id"].isin(past["message_id"])]
    return pd.concat([past, records], ignore_index=True)


def _nothing_known(matrix: AccountMatrix) -> pd.DataFrame:
    names = {name for view in matrix.histories for name in view.entities} | {"account_id"}
    empty = {name: pd.Series([], dtype="str") for name in names}
    times = pd.Series([], dtype="datetime64[us, UTC]")
    return pd.DataFrame(empty | {"labelled_at": times, "is_fraud": pd.Series([], dtype=bool)})


def score_file(
    scorer: Scorer,
    source: Source,
    output: str | Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    events: Source | None = None,
    labels: Source | None = None,
    past: Source | None = None,
) -> Scored:
    """Score a file of messages, accounts or events into a Parquet file.

    A Parquet file is read and written part by part where the score of a record depends on no other record: in bounded
    memory beside the events, and a call that was killed goes on where it was. Read whole, and begun anew, are: messages
    where the model looks at campaigns; events that are their own history; accounts without events; other files.

    Parameters
    ----------
    scorer : Scorer
        The model.
    source : path or DataFrame
        A table of what the model scores. Accounts without ``as_of`` are looked at after the last event.
    output : str or Path
        The Parquet file to write, whole or not at all; rejected rows go beside it, into ``<name>.rejected.parquet``.
    progress : callable, default=None
        Called with the rows done and the rows in all.
    events : path or DataFrame, default=None
        The events that are the history of what is scored. Events that are scored themselves are their own by default.
    labels : path or DataFrame, default=None
        What became known of events or accounts, for models that look at it.
    past : path or DataFrame, default=None
        Messages that were sent before, with what became known of them (``label``, ``labelled_at``), for models that
        look at campaigns.

    Returns
    -------
    Scored
        Where the scores are, and how many rows were scored and rejected.

    Raises
    ------
    SchemaError
        When the table cannot be used.
    FileExistsError
        When the output would be written over the input.
    BusyError
        When another process is writing the same output.
    """
    output = Path(output)
    rejected_output = output.with_suffix(".rejected.parquet")
    for given in (source, events, labels, past):
        if _is_file(given) and Path(given).resolve() in (output.resolve(), rejected_output.resolve()):
            raise FileExistsError(f"{given}: the scores would be written over their input. Name another output.")
    if _is_file(source) and _by_part(scorer.model, Path(source), events, labels):
        return _score_by_part(scorer, Path(source), output, rejected_output, progress, events=events, labels=labels)
    read = read_inputs(scorer.model, source, events=events, labels=labels, past=past)
    scores = score_frame(scorer, read.records, progress, events=read.events, labels=read.labels, past=read.past)
    scores = _written(scores)
    output.parent.mkdir(parents=True, exist_ok=True)
    rejected_output.unlink(missing_ok=True)
    if len(read.rejected):
        write_rejected(read.rejected, rejected_output)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as staging:
        scores.to_parquet(Path(staging, output.name), index=False)
        replace_file(Path(staging, output.name), output)
    return Scored(output, rejected_output if len(read.rejected) else None, len(scores), len(read.rejected), read.notes)


def _by_part(model: Model, source: Path, events: Source | None, labels: Source | None) -> bool:
    """Tell whether a record's score depends on no other, and all files can be told from others."""
    matrix = model.matrix
    are_files = all(one is None or _is_file(one) for one in (events, labels))
    if not are_files or not source.name.lower().endswith(".parquet"):
        return False
    if model.subject == "message":
        return matrix.campaigns is None
    # Without events accounts are looked at as of now, and events are their own history.
    alone = not matrix.timed or (model.subject == "event" and not matrix.history_parts)
    return alone or events is not None


def _score_by_part(
    scorer: Scorer,
    source: Path,
    output: Path,
    rejected_output: Path,
    progress: Callable[[int, int], None] | None,
    **beside: Any,
) -> Scored:
    history, known, notes = read_beside(scorer.model, **beside)

    def score(good: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        said: list[str] = []
        records = with_moment(good, history, said) if scorer.model.subject == "account" else good
        return _written(score_frame(scorer, records, events=history, labels=known)), said

    files = {name: Path(file) for name, file in beside.items() if file is not None}
    done = score_parts(scorer, score, source, output, rejected_output, progress, beside=files)
    rejected = rejected_output if done.rejected else None
    return Scored(output, rejected, done.scored, done.rejected, (*notes, *done.notes), done.resumed)


def _written(scores: pd.DataFrame) -> pd.DataFrame:
    """Return scores in the types of the file, which do not depend on what is missing."""
    return scores.astype(dict.fromkeys(("label", "decision", "status", "why"), "str"))


def _is_file(table: Source | None) -> TypeGuard[str | os.PathLike[str]]:
    return table is not None and not isinstance(table, pd.DataFrame)


def has_history(records: pd.DataFrame, events: pd.DataFrame | None, moment: str | None) -> npt.NDArray[np.bool_]:
    """Tell which records have an event of their account before them.

    Parameters
    ----------
    records : DataFrame
        Accounts or events.
    events : DataFrame or None
        The events.
    moment : str or None
        The column of moments; None where there are no times.

    Returns
    -------
    ndarray of bool, shape (n_records,)
    """
    if events is None or not len(events):
        return np.zeros(len(records), np.bool_)
    accounts, known = as_strings(records["account_id"]), as_strings(events["account_id"])
    if moment is None:
        return accounts.isin(known).to_numpy()
    return (accounts.map(events.groupby(known)["occurred_at"].min()) < records[moment]).to_numpy()
