"""Scoring a file of messages, accounts or events: read, check, score, write, and keep what was set aside beside it."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.account_records import moment_column, spelled_out
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.campaign_batch import campaign_features
from fraudsieve.features.exceptions import SchemaError
from fraudsieve.features.label_times import known_from
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.messages import sender_history
from fraudsieve.features.schema import Source, read_table, write_rejected

from .inputs import Matrix, why_unscorable
from .predict import CHUNK, Scorer

__all__ = ["Scored", "end_of_events", "has_history", "known_labels", "score_file", "score_frame"]


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
    """

    output: Path
    rejected_output: Path | None
    scored: int
    rejected: int
    notes: tuple[str, ...]


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
    if isinstance(matrix, AccountMatrix) or looks_back(matrix):
        return pd.concat([ids, _with_history(scorer, records, events, labels, past)], axis=1)
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


def _with_history(
    scorer: Scorer,
    records: pd.DataFrame,
    events: pd.DataFrame | None,
    labels: pd.DataFrame | None,
    past: pd.DataFrame | None,
) -> pd.DataFrame:
    """Score in one go: the history of all records is computed at once."""
    matrix = scorer.model.matrix
    if isinstance(matrix, MessageMatrix):
        sender = None if events is None or not matrix.sender else sender_history(events, records, matrix.sender)
        campaign = None
        if matrix.campaigns is not None and "sent_at" in records:
            campaign = campaign_features(_sent(past, records), records, matrix.campaigns)
        why = np.array([why_unscorable(text) for text in records["text"]], object)
        return pd.DataFrame(scorer.score_rows(matrix.compute(records["text"].tolist(), sender, campaign), why))
    if labels is None and looks_at_labels(matrix):
        labels = _nothing_known(matrix)
    builder = AccountFeatures(events, subject=matrix.subject)
    builder.labels = labels if matrix.subject == "event" else None
    builder.account_labels = labels if matrix.subject == "account" else None
    builder.matrix_ = matrix
    rows = np.asarray(builder.transform(records), np.float64)
    moment = moment_column(records, matrix.subject) if matrix.timed else None
    seen = has_history(records, events, moment) if matrix.histories else None
    return pd.DataFrame(scorer.score_rows(rows, known=seen))


def _sent(past: pd.DataFrame | None, records: pd.DataFrame) -> pd.DataFrame:
    """Put messages that were sent before in front of those that are scored, each once."""
    if past is None:
        return records
    if "message_id" in records and "message_id" in past:
        records = records[~records["message_id"].isin(past["message_id"])]
    return pd.concat([past, records], ignore_index=True)


def looks_back(matrix: MessageMatrix) -> bool:
    """Tell whether a model of messages looks at what was before them.

    Parameters
    ----------
    matrix : MessageMatrix
        What is computed.

    Returns
    -------
    bool

    Examples
    --------
    >>> looks_back(MessageMatrix(None))
    False
    """
    return bool(matrix.sender) or matrix.campaigns is not None


def looks_at_labels(matrix: Matrix) -> bool:
    """Tell whether a model looks at what became known of events or accounts.

    Parameters
    ----------
    matrix : MessageMatrix or AccountMatrix
        What is computed.

    Returns
    -------
    bool

    Examples
    --------
    >>> looks_at_labels(AccountMatrix("account", ()))
    False
    """
    views = matrix.sender if isinstance(matrix, MessageMatrix) else matrix.histories
    network = None if isinstance(matrix, MessageMatrix) else matrix.network
    return any(view.needs_labels for view in views) or (network is not None and network.labels)


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

    Raises
    ------
    SchemaError
        When the table cannot be used.
    FileExistsError
        When the output would be written over the input.
    """
    output = Path(output)
    rejected_output = output.with_suffix(".rejected.parquet")
    for given in (source, events, labels, past):
        if _is_file(given) and Path(given).resolve() in (output.resolve(), rejected_output.resolve()):
            raise FileExistsError(f"{given}: the scores would be written over their input. Name another output.")
    subject = scorer.model.subject
    table = read_table(source, f"{subject}s")
    notes = list(table.notes)
    history = table.good if subject == "event" and events is None else _read_events(events, notes)
    matrix = scorer.model.matrix
    if history is None and isinstance(matrix, MessageMatrix) and matrix.sender:
        notes.append("the model looks at events, and none were given: every history is unknown")
    known = _known(scorer, labels, history, notes)
    records = table.good if subject != "account" else _with_moment(table.good, history, notes)
    before = _read_past(scorer, past, records, notes)
    scores = score_frame(scorer, records, progress, events=history, labels=known, past=before)
    for name in ("label", "decision", "status", "why"):
        scores[name] = scores[name].astype("str")
    output.parent.mkdir(parents=True, exist_ok=True)
    rejected_output.unlink(missing_ok=True)
    if len(table.rejected):
        write_rejected(table, rejected_output)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as staging:
        scores.to_parquet(Path(staging, output.name), index=False)
        os.replace(Path(staging, output.name), output)
    return Scored(
        output, rejected_output if len(table.rejected) else None, len(scores), len(table.rejected), tuple(notes)
    )


def _is_file(table: Source | None) -> TypeGuard[str | os.PathLike[str]]:
    return table is not None and not isinstance(table, pd.DataFrame)


def _known(scorer: Scorer, labels: Source | None, events: pd.DataFrame | None, notes: list[str]) -> pd.DataFrame | None:
    """Read what became known: from a table of labels, or from the table of events where it says so."""
    if not looks_at_labels(scorer.model.matrix):
        return None
    if labels is not None:
        table = read_table(labels, "labels").good
    elif events is not None and scorer.model.subject == "event" and {"label", "labelled_at"} <= set(events.columns):
        table = events[events["label"].notna()].rename(columns={"event_id": "subject_id"})
    else:
        notes.append("the model looks at labels, and none were given: nothing is known of anybody")
        return None
    found, said = known_labels(scorer, table, events)
    notes += said
    return found


def _read_events(events: Source | None, notes: list[str]) -> pd.DataFrame | None:
    if events is None:
        return None
    table = read_table(events, "events")
    notes += table.notes
    if len(table.rejected):
        notes.append(f"{len(table.rejected)} events cannot be used and are left out")
    return table.good


def _read_past(scorer: Scorer, past: Source | None, records: pd.DataFrame, notes: list[str]) -> pd.DataFrame | None:
    matrix = scorer.model.matrix
    if not isinstance(matrix, MessageMatrix) or matrix.campaigns is None:
        return None
    if "sent_at" not in records:
        notes.append("the model looks at campaigns, and messages have no sent_at: every campaign is unknown")
    elif past is None:
        notes.append("no messages that were sent before are given: campaigns are those of the messages at hand")
    else:
        table = read_table(past, "messages", require=("sent_at",))
        notes += table.notes
        if len(table.rejected):
            notes.append(f"{len(table.rejected)} messages of the past cannot be used and are left out")
        return _as_known(table.good, notes)
    return None


def _as_known(past: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Settle from when on labels count, as training does where it reads them."""
    if "labelled_at" not in past:
        return past
    times, said = known_from(past["labelled_at"])
    notes += said
    return past.assign(labelled_at=times)


def _with_moment(accounts: pd.DataFrame, events: pd.DataFrame | None, notes: list[str]) -> pd.DataFrame:
    """Fill in the moments of accounts that have none: just after the last event, or now without events."""
    missing = accounts["as_of"].isna() if "as_of" in accounts else pd.Series(True, accounts.index)
    if not missing.any():
        return accounts
    last, note = end_of_events(events)
    notes += [note] if note else []
    notes.append(f"{int(missing.sum())} accounts have no as_of: they are looked at as of the end of the events")
    moments = pd.Series(last, accounts.index, "datetime64[us, UTC]")
    return accounts.assign(as_of=accounts["as_of"].where(~missing, moments) if "as_of" in accounts else moments)


def end_of_events(events: pd.DataFrame | None) -> tuple[pd.Timestamp, str | None]:
    """Return the moment just after the last event; what lies in the future (a wrong clock) does not move it.

    Parameters
    ----------
    events : DataFrame or None
        The events; without any it is now.

    Returns
    -------
    end : Timestamp
        In UTC.
    note : str or None
        How many events lie in the future, if any.
    """
    now = pd.Timestamp.now("UTC").as_unit("us")
    if events is None or events.empty:
        return now, None
    times = events["occurred_at"]
    future = times > now + pd.Timedelta(days=1)
    if future.all():
        return times.max() + pd.Timedelta(microseconds=1), None
    note = f"{int(future.sum())} events lie in the future: they count for no moment before them"
    return times[~future].max() + pd.Timedelta(microseconds=1), note if future.any() else None


def known_labels(scorer: Scorer, labels: pd.DataFrame, events: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """Return labels in the form that the history of a model looks at: of an event the latest, as in training.

    Parameters
    ----------
    scorer : Scorer
        The model.
    labels : DataFrame
        A checked table of labels; those without a time are left out.
    events : DataFrame or None
        The events; labels of events name them by ``event_id``.

    Returns
    -------
    known : DataFrame
        ``labelled_at``, ``is_fraud``, and ``account_id`` or the columns of the event.
    notes : list of str
        What was assumed.

    Raises
    ------
    SchemaError
        When labels are of events, and these have no ``event_id``.
    """
    if "labelled_at" not in labels:
        labels = labels.assign(labelled_at=pd.Series(pd.NaT, labels.index, "datetime64[us, UTC]"))
    found = labels[labels["labelled_at"].notna()]
    times, notes = known_from(found["labelled_at"])
    found = found.assign(labelled_at=times, is_fraud=(found["label"] != scorer.model.legitimate).to_numpy())
    if scorer.model.subject != "event":
        found = found[["subject_id", "labelled_at", "is_fraud"]]
        return found.rename(columns={"subject_id": "account_id"}), notes
    if events is None or "event_id" not in events:
        raise SchemaError("events", "column 'event_id' is missing, and labels name events by it", "Give it.")
    found = found[["subject_id", "labelled_at", "is_fraud"]]
    latest = found.sort_values("labelled_at", kind="stable").drop_duplicates("subject_id", keep="last")
    others = events[[name for name in events.columns if name not in found]]
    known = latest.rename(columns={"subject_id": "event_id"}).merge(others, on="event_id")
    if len(latest) > len(known):
        notes.append(f"{len(latest) - len(known)} labels are of no event here")
    return known, notes


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
    accounts, known = spelled_out(records["account_id"]), spelled_out(events["account_id"])
    if moment is None:
        return accounts.isin(known).to_numpy()
    return (accounts.map(events.groupby(known)["occurred_at"].min()) < records[moment]).to_numpy()
