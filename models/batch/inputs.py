"""What is read to score a table: its records, their events, what became known, and what was sent before."""

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
    """Records to be scored, and what a model looks at beside them.

    Parameters
    ----------
    records : DataFrame
        The good rows; every account has a moment (``as_of``).
    rejected : DataFrame
        Rows set aside, with their reasons.
    events : DataFrame or None
        Their history.
    labels : DataFrame or None
        What became known of events or accounts, as `known_labels` gives it.
    past : DataFrame or None
        Messages that were sent before.
    notes : tuple of str
        What was assumed or changed.
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
    """Read a table of what a model scores, and the tables beside it.

    Parameters
    ----------
    model : Model
        What is scored.
    source : path or DataFrame
        Messages, accounts or events. Accounts without ``as_of`` are looked at after the last event.
    events : path or DataFrame, default=None
        The events that are the history of what is scored. Events that are scored themselves are their own by default.
    labels : path or DataFrame, default=None
        What became known of events or accounts, for models that look at it.
    past : path or DataFrame, default=None
        Messages that were sent before, with what became known of them, for models that look at campaigns.
    require : tuple of str, default=()
        Further columns that the table must have.

    Returns
    -------
    Inputs

    Raises
    ------
    SchemaError
        When a table cannot be used.
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
    """Read the tables beside what a model scores.

    Parameters
    ----------
    model : Model
        What is scored.
    events, labels : path or DataFrame, or None
        As for `read_inputs`.

    Returns
    -------
    events, labels : DataFrame or None
        As in `Inputs`.
    notes : list of str
        What was assumed or changed.
    """
    notes: list[str] = []
    history = _read_events(events, notes)
    if history is None and model.subject == "message" and model.matrix.event_views:
        notes.append("the model looks at events, and none were given: every history is unknown")
    return history, _known(model, labels, history, notes), notes


def looks_at_labels(matrix: FeatureMatrix) -> bool:
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
    >>> from fraudsieve.features.account_matrix import AccountMatrix
    >>> looks_at_labels(AccountMatrix("account", ()))
    False
    """
    of_network = matrix.network is not None and matrix.network.labels
    return of_network or any(view.needs_labels for view in matrix.event_views)


def _known(model: Model, labels: Source | None, events: pd.DataFrame | None, notes: list[str]) -> pd.DataFrame | None:
    """Read what became known: from a table of labels, or from the table of events where it says so."""
    if not looks_at_labels(model.matrix):
        return None
    if labels is not None:
        table = read_table(labels, "labels").good
    elif events is not None and model.subject == "event" and {"label", "labelled_at"} <= set(events.columns):
        table = events[events["label"].notna()].rename(columns={"event_id": "subject_id"})
    else:
        notes.append("the model looks at labels, and none were given: nothing is known of anybody")
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
        notes.append(f"{len(table.rejected)} events cannot be used and are left out")
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
            notes.append(f"{len(table.rejected)} messages of the past cannot be used and are left out")
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
    """Fill in the moments of accounts that have none: just after the last event, or now without events.

    Parameters
    ----------
    accounts : DataFrame
        The accounts.
    events : DataFrame or None
        The events.
    notes : list of str
        Where it is told what was assumed.

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
    notes.append("accounts without as_of are looked at as of the end of the events")
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


def known_labels(model: Model, labels: pd.DataFrame, events: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """Return labels in the form that the history of a model looks at: of an event the latest, as in training.

    Parameters
    ----------
    model : Model
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
    times, notes = resolve_label_times(found["labelled_at"])
    found = found.assign(labelled_at=times, is_fraud=(found["label"] != model.legitimate).to_numpy())
    if model.subject != "event":
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
