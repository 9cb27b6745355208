"""Tables that are read for scoring: records, events, labels and past messages."""

from dataclasses import dataclass

import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.tables.label_times import resolve_label_times
from fraudsieve.features.tables.reader import Source, read_table
from fraudsieve.models.artifact.folder import Model

__all__ = [
    "Inputs",
    "end_of_events",
    "known_labels",
    "looks_at_labels",
    "read_beside",
    "read_inputs",
    "with_moment",
]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Records to score, and the further tables that a model uses.

    Parameters
    ----------
    records : DataFrame
        Valid rows; every account has a cutoff time (``as_of``).
    rejected : DataFrame
        Rejected rows with reasons.
    events : DataFrame or None
        Event history of the records.
    labels : DataFrame or None
        Labels of events or accounts, from `known_labels`.
    past : DataFrame or None
        Messages sent before.
    notes : tuple of str
        Assumptions and changes.
    """

    records: pd.DataFrame
    rejected: pd.DataFrame
    events: pd.DataFrame | None
    labels: pd.DataFrame | None
    past: pd.DataFrame | None
    notes: tuple[str, ...]


def read_inputs(
    model: Model,
    source: Source,
    *,
    events: Source | None = None,
    labels: Source | None = None,
    past: Source | None = None,
    require: tuple[str, ...] = (),
) -> Inputs:
    """Read a table of records to score, and the further tables that the model uses.

    Parameters
    ----------
    model : Model
        The model.
    source : path or DataFrame
        Messages, accounts or events. Accounts without ``as_of`` are scored as of the last event.
    events : path or DataFrame, default=None
        Event history of the records. By default, scored events are their own history.
    labels : path or DataFrame, default=None
        Labels of events or accounts, for models that use labels.
    past : path or DataFrame, default=None
        Messages sent before, with labels if known, for models that use campaigns.
    require : tuple of str, default=()
        Further columns that the table must have.

    Returns
    -------
    Inputs

    Raises
    ------
    SchemaError
        If a table cannot be used.
    """
    table = read_table(source, f"{model.subject}s", require=require)
    notes = list(table.notes)
    history: pd.DataFrame | None = table.good
    if model.subject == "event" and events is None:
        known = _known(model, labels, history, notes)
    else:
        history, known, said = read_beside(model, events=events, labels=labels)
        notes += said
    records = table.good if model.subject != "account" else with_moment(table.good, history, notes)
    before = _read_past(model, past, records, notes)
    return Inputs(records, table.rejected, history, known, before, tuple(notes))


def read_beside(
    model: Model, *, events: Source | None, labels: Source | None
) -> tuple[pd.DataFrame | None, pd.DataFrame | None, list[str]]:
    """Read events and labels for a model.

    Parameters
    ----------
    model : Model
        The model.
    events, labels : path or DataFrame, or None
        As for `read_inputs`.

    Returns
    -------
    events, labels : DataFrame or None
        As in `Inputs`.
    notes : list of str
        Assumptions and changes.
    """
    notes: list[str] = []
    history = _read_events(events, notes)
    if history is None and model.subject == "message" and model.matrix.event_views:
        notes.append("the model uses events, but none were given: all records are scored without history")
    return history, _known(model, labels, history, notes), notes


def looks_at_labels(matrix: FeatureMatrix) -> bool:
    """Return whether a model uses labels of events or accounts.

    Parameters
    ----------
    matrix : MessageMatrix or AccountMatrix
        Features of the model.

    Returns
    -------
    bool

    Examples
    --------
    >>> from fraudsieve.features.account_matrix import AccountMatrix
    >>> looks_at_labels(AccountMatrix("account", ()))
    False
    """
    of_network = matrix.network is not None and matrix.network.labels
    return of_network or any(view.needs_labels for view in matrix.event_views)


def _known(model: Model, labels: Source | None, events: pd.DataFrame | None, notes: list[str]) -> pd.DataFrame | None:
    """Read labels from a table of labels, or from the table of events if it has them."""
    if not looks_at_labels(model.matrix):
        return None
    if labels is not None:
        table = read_table(labels, "labels").good
    elif events is not None and model.subject == "event" and {"label", "labelled_at"} <= set(events.columns):
        table = events[events["label"].notna()].rename(columns={"event_id": "subject_id"})
    else:
        notes.append("the model uses labels, but none were given: all records are scored without labels")
        return None
    found, said = known_labels(model, table, events)
    notes += said
    return found


def _read_events(events: Source | None, notes: list[str]) -> pd.DataFrame | None:
    if events is None:
        return None
    table = read_table(events, "events")
    notes += table.notes
    if len(table.rejected):
        notes.append(f"{len(table.rejected)} events were rejected and are ignored")
    return table.good


def _read_past(model: Model, past: Source | None, records: pd.DataFrame, notes: list[str]) -> pd.DataFrame | None:
    if model.matrix.campaigns is None:
        return None
    if "sent_at" not in records:
        notes.append("the model looks at campaigns, and messages have no sent_at: every campaign is unknown")
    elif past is None:
        notes.append("no messages that were sent before are given: campaigns are those of the messages at hand")
    else:
        table = read_table(past, "messages", require=("sent_at",))
        notes += table.notes
        if len(table.rejected):
            notes.append(f"{len(table.rejected)} past messages were rejected and are ignored")
        return _as_known(table.good, notes)
    return None


def _as_known(past: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Settle from when on labels count, as training does where it reads them."""
    if "labelled_at" not in past:
        return past
    times, said = resolve_label_times(past["labelled_at"])
    notes += said
    return past.assign(labelled_at=times)


def with_moment(accounts: pd.DataFrame, events: pd.DataFrame | None, notes: list[str]) -> pd.DataFrame:
    """Fill in missing cutoff times of accounts: just after the last event, or now without events.

    Parameters
    ----------
    accounts : DataFrame
        The accounts.
    events : DataFrame or None
        The events.
    notes : list of str
        Receives the assumptions.

    Returns
    -------
    DataFrame
        The accounts, each with ``as_of``.
    """
    missing = accounts["as_of"].isna() if "as_of" in accounts else pd.Series(True, accounts.index)
    if not missing.any():
        return accounts
    last, note = end_of_events(events)
    notes += [note] if note else []
    notes.append("accounts without as_of are scored as of the last event")
    moments = pd.Series(last, accounts.index, "datetime64[us, UTC]")
    return accounts.assign(as_of=accounts["as_of"].where(~missing, moments) if "as_of" in accounts else moments)


def end_of_events(events: pd.DataFrame | None) -> tuple[pd.Timestamp, str | None]:
    """Return the time just after the last event; events in the future (a wrong clock) do not count.

    Parameters
    ----------
    events : DataFrame or None
        The events; without events the result is now.

    Returns
    -------
    end : Timestamp
        In UTC.
    note : str or None
        Number of events in the future, if any.
    """
    now = pd.Timestamp.now("UTC").as_unit("us")
    if events is None or events.empty:
        return now, None
    times = events["occurred_at"]
    future = times > now + pd.Timedelta(days=1)
    if future.all():
        return times.max() + pd.Timedelta(microseconds=1), None
    note = f"{int(future.sum())} events are in the future: they are not part of the history"
    return times[~future].max() + pd.Timedelta(microseconds=1), note if future.any() else None


def known_labels(model: Model, labels: pd.DataFrame, events: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """Return labels in the form of the model's history: the latest of each event, as in training.

    Parameters
    ----------
    model : Model
        The model.
    labels : DataFrame
        A checked table of labels; those without a time are ignored.
    events : DataFrame or None
        The events; labels of events name them by ``event_id``.

    Returns
    -------
    known : DataFrame
        ``labelled_at``, ``is_fraud``, and ``account_id`` or the columns of the event.
    notes : list of str
        Assumptions.

    Raises
    ------
    SchemaError
        If labels are of events, and these have no ``event_id``.
    """
    if "labelled_at" not in labels:
        labels = labels.assign(labelled_at=pd.Series(pd.NaT, labels.index, "datetime64[us, UTC]"))
    found = labels[labels["labelled_at"].notna()]
    times, notes = resolve_label_times(found["labelled_at"])
    found = found.assign(labelled_at=times, is_fraud=(found["label"] != model.legitimate).to_numpy())
    if model.subject != "event":
        found = found[["subject_id", "labelled_at", "is_fraud"]]
        return found.rename(columns={"subject_id": "account_id"}), notes
    if events is None or "event_id" not in events:
        raise SchemaError("events", "column 'event_id' is missing: labels refer to events by it", "Add the column.")
    found = found[["subject_id", "labelled_at", "is_fraud"]]
    latest = found.sort_values("labelled_at", kind="stable").drop_duplicates("subject_id", keep="last")
    others = events[[name for name in events.columns if name not in found]]
    known = latest.rename(columns={"subject_id": "event_id"}).merge(others, on="event_id")
    if len(latest) > len(known):
        notes.append(f"{len(latest) - len(known)} labels refer to events that are not in the table")
    return known, notes
