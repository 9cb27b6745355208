"""Tables that are read for scoring: records, events, labels and past messages."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.label_trust import Trust, label_as_of, labels_that_counted, weights_of_own_labels
from fraudsieve.features.tables.formats.loaded import ReadOptions
from fraudsieve.features.tables.label_times import resolve_label_times
from fraudsieve.features.tables.label_values import LabelReader, read_labels_for
from fraudsieve.features.tables.reader import CheckedTable, read_table
from fraudsieve.features.tables.source import Source, as_input
from fraudsieve.models.artifact.folder import Model

__all__ = [
    "Inputs",
    "end_of_events",
    "fill_cutoff_times",
    "label_reader",
    "prepare_labels",
    "read_history",
    "read_inputs",
    "trust_of_model",
    "uses_labels",
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
        Labels of events or accounts, from `prepare_labels`.
    past : DataFrame or None
        Earlier messages.
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
        Earlier messages, with labels if available, for models that use campaigns.
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
    table = read_table(as_input(source, options_of_model(model)), f"{model.subject}s", require=require)
    notes = list(table.notes)
    history: pd.DataFrame | None = table.good
    if model.subject == "event" and events is None:
        label_rows = _read_labels(model, labels, history, notes)
    else:
        history, label_rows, new_notes = read_history(model, events=events, labels=labels)
        notes += new_notes
    records = table.good if model.subject != "account" else fill_cutoff_times(table.good, history, notes)
    past_messages = _read_past(model, past, table, notes)
    return Inputs(records, table.rejected, history, label_rows, past_messages, tuple(notes))


def read_history(
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
    options = options_of_model(model)
    history = _read_events(None if events is None else as_input(events, options), notes)
    if history is None and model.subject == "message" and model.matrix.event_views:
        notes.append("the model uses events, but none were given: all records are scored without history")
    return history, _read_labels(model, labels, history, notes), notes


def options_of_model(model: Model) -> ReadOptions:
    """Return how the tables of a model were read in its training, as far as it concerns the names of columns.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    ReadOptions
        Without encoding and separator, which belong to a file. Columns that were named for labels may be missing.
    """
    data = _data_section(model)
    return ReadOptions(data.get("columns") or {}, day_first=bool(data.get("day_first")), labels_optional=True)


def trust_of_model(model: Model) -> Trust:
    """Return the weights of the sources of labels in the training of a model.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    Trust
    """
    data = _data_section(model)
    return Trust(data.get("trust") or {}, data.get("default_trust"))


def _data_section(model: Model) -> dict[str, Any]:
    """Return the section ``data`` of the recipe that a model was trained with; empty without a recipe."""
    return (model.training.get("recipe") or {}).get("data") or {}


def uses_labels(matrix: FeatureMatrix) -> bool:
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
    >>> uses_labels(AccountMatrix("account", ()))
    False
    """
    in_network = matrix.network is not None and matrix.network.labels
    return in_network or any(view.needs_labels for view in matrix.event_views)


def label_reader(model: Model) -> LabelReader:
    """Return a reader of labels that reads them as those that a model was trained on.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    callable
        As `read_labels`.
    """
    read_as = model.training.get("label_classes") or {}
    return partial(read_labels_for, read_as=read_as, classes=model.classes, legitimate=model.legitimate)


def _read_labels(
    model: Model, labels: Source | None, events: pd.DataFrame | None, notes: list[str]
) -> pd.DataFrame | None:
    """Read labels from a table of labels, or from the table of events if it has them."""
    if not uses_labels(model.matrix):
        return None
    if labels is not None:
        table = _good_rows(as_input(labels, options_of_model(model)), "labels", notes)
    elif events is not None and model.subject == "event" and {"label", "labelled_at"} <= set(events.columns):
        table = events[events["label"].notna()].rename(columns={"event_id": "subject_id"})
    else:
        notes.append("the model uses labels, but none were given: all records are scored without labels")
        return None
    prepared, new_notes = prepare_labels(model, table, events)
    notes += new_notes
    return prepared


def _read_events(events: Source | None, notes: list[str]) -> pd.DataFrame | None:
    return None if events is None else _good_rows(events, "events", notes)


def _good_rows(source: Source, name: str, notes: list[str]) -> pd.DataFrame:
    """Read a further table, and note what was assumed and how many rows were rejected."""
    table = read_table(source, name)
    notes += table.notes
    if len(table.rejected):
        notes.append(f"{len(table.rejected)} {name} were rejected and are ignored")
    return table.good


def _read_past(model: Model, past: Source | None, scored: CheckedTable, notes: list[str]) -> pd.DataFrame | None:
    if model.matrix.campaigns is None:
        return None
    if "sent_at" not in scored.good:
        notes.append("the model uses campaigns, but the messages have no sent_at: every campaign is unknown")
    elif past is None:
        notes.append("no earlier messages were given: campaigns are computed from the scored messages only")
    else:
        table = read_table(as_input(past, options_of_model(model)), "messages", require=("sent_at",))
        notes += table.notes
        if len(table.rejected):
            notes.append(f"{len(table.rejected)} past messages were rejected and are ignored")
        # Row numbers would make messages of the two tables look like one.
        messages = table.good.drop(columns="message_id") if scored.numbered or table.numbered else table.good
        return _with_label_times(_with_trusted(model, _with_classes(model, messages, notes)), notes)
    return None


def _with_classes(model: Model, labelled: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Replace labels by their classes, as in training."""
    if "label" not in labelled:
        return labelled
    reading = label_reader(model)(labelled["label"])
    notes += reading.notes
    return labelled.assign(label=reading.apply(labelled["label"]))


def _with_trusted(model: Model, past: pd.DataFrame) -> pd.DataFrame:
    """Remove the labels of sources with weight 0, as in training."""
    trust = trust_of_model(model)
    if "label" not in past or not trust.declared:
        return past
    names = [name for name in ("label", "labelled_at") if name in past]
    counts = weights_of_own_labels(past, trust) != 0
    return past.assign(**{name: past[name].where(counts) for name in names})


def _with_label_times(past: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Resolve the times from which labels count, as in training."""
    if "labelled_at" not in past:
        return past
    times, new_notes = resolve_label_times(past["labelled_at"])
    notes += new_notes
    return past.assign(labelled_at=times)


def fill_cutoff_times(accounts: pd.DataFrame, events: pd.DataFrame | None, notes: list[str]) -> pd.DataFrame:
    """Fill in missing cutoff times of accounts: just after the last event, or now without events.

    Parameters
    ----------
    accounts : DataFrame
        The accounts.
    events : DataFrame or None
        The events.
    notes : list of str
        The assumptions are appended to it.

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
    cutoffs = pd.Series(last, accounts.index, "datetime64[us, UTC]")
    return accounts.assign(as_of=accounts["as_of"].where(~missing, cutoffs) if "as_of" in accounts else cutoffs)


def end_of_events(events: pd.DataFrame | None) -> tuple[pd.Timestamp, str | None]:
    """Return the time just after the last event, ignoring events in the future (from a wrong clock).

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


def prepare_labels(model: Model, labels: pd.DataFrame, events: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """Prepare labels for the model's history, with the trust in their sources that it was trained with.

    Of several labels of an event the one that counts is kept, and of an account all those that counted from their time
    on, since its network looks up the latest before each cutoff time.

    Parameters
    ----------
    model : Model
        The model.
    labels : DataFrame
        A checked table of labels; those without a time are ignored.
    events : DataFrame or None
        The events; labels of events refer to them by ``event_id``.

    Returns
    -------
    prepared : DataFrame
        ``labelled_at``, ``is_fraud``, and ``account_id`` or the columns of the event.
    notes : list of str
        Assumptions.

    Raises
    ------
    SchemaError
        If the labels are of events, but the events have no ``event_id``; or if a source has no weight.
    """
    notes: list[str] = []
    labels, trust = _with_classes(model, labels, notes), trust_of_model(model)
    of_events = model.subject == "event"
    counting = label_as_of(labels, trust=trust).reset_index() if of_events else labels_that_counted(labels, trust=trust)
    timed = counting[counting["labelled_at"].notna()]
    times, time_notes = resolve_label_times(timed["labelled_at"])
    notes += time_notes
    timed = timed[["subject_id"]].assign(labelled_at=times, is_fraud=(timed["label"] != model.legitimate).to_numpy())
    if not of_events:
        return timed.rename(columns={"subject_id": "account_id"}), notes
    if events is None or "event_id" not in events:
        raise SchemaError("events", "column 'event_id' is missing: labels refer to events by it", "Add the column.")
    others = events[[name for name in events.columns if name not in timed]]
    prepared = timed.rename(columns={"subject_id": "event_id"}).merge(others, on="event_id")
    if len(timed) > len(prepared):
        notes.append(f"{len(timed) - len(prepared)} labels refer to events that are not in the table")
    return prepared, notes
