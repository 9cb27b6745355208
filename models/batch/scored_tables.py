"""Tables that are read for scoring: records, events, labels and past messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from fraudsieve._translation import tr
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.history.declaration import ONE_KIND
from fraudsieve.features.label_trust import Trust, history_of_labels, join_labels, weights_of_own_labels
from fraudsieve.features.network.declaration import event_fields
from fraudsieve.models.artifact.folder import Model
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.label_values import LabelReader, read_labels_for, resolve_label_times, with_times
from fraudsieve.tables.reader import CheckedTable, check_ids, read_table
from fraudsieve.tables.source import Source, as_input


@dataclass(frozen=True)
class DefaultCutoff:
    """The cutoff time of the accounts of a run that have no ``as_of``. It is the same for all of them."""

    # The time; None if the records need none: they are not accounts, or the model uses no times.
    time: pd.Timestamp | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, model: Model, events: pd.DataFrame | None) -> Self:
        """Return the cutoff time for a model, from the events that it uses."""
        if not model.subject.is_account or not model.matrix.timed:
            return cls(None, ())
        time, note = end_of_events(events)
        has_events = events is not None and len(events)
        when = "as of the last event" if has_events else "as of the time of this run, since there are no events"
        return cls(time, (*([note] if note else []), f"accounts without as_of are scored {when}"))

    def fill(self, accounts: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Return the accounts, each with ``as_of``; and the notes, if one had none."""
        if self.time is None:
            return accounts, ()
        missing = accounts["as_of"].isna() if "as_of" in accounts else pd.Series(True, accounts.index)
        if not missing.any():
            return accounts, ()
        cutoffs = pd.Series(self.time, accounts.index, "datetime64[us, UTC]")
        filled = accounts["as_of"].where(~missing, cutoffs) if "as_of" in accounts else cutoffs
        return accounts.assign(as_of=filled), self.notes


def end_of_events(events: pd.DataFrame | None) -> tuple[pd.Timestamp, str | None]:
    """Return the time just after the last event, ignoring events in the future (from a wrong clock)."""
    now = pd.Timestamp.now("UTC").as_unit("us")
    if events is None or events.empty:
        return now, None
    times = events["occurred_at"]
    future = times > now + pd.Timedelta(days=1)
    if future.all():
        return times.max() + pd.Timedelta(microseconds=1), None
    note = f"{int(future.sum())} events are in the future: they are not part of the history"
    return times[~future].max() + pd.Timedelta(microseconds=1), note if future.any() else None


class TableHistory(NamedTuple):
    """The history of the records of a table."""

    events: pd.DataFrame | None = None
    # Labels of events or accounts: `labelled_at`, `is_fraud`, and `account_id` or the columns of the event.
    labels: pd.DataFrame | None = None
    # Messages, those of the table among them; None for those of the table alone.
    messages: pd.DataFrame | None = None
    # Instead of messages, the bands of those that count, as for `band_features`.
    bands: pd.DataFrame | None = None

    @classmethod
    def of(
        cls,
        model: Model,
        records: pd.DataFrame,
        events: pd.DataFrame | None,
        known_labels: pd.DataFrame | None,
        history: pd.DataFrame | None,
    ) -> "TableHistory":
        """Return the tables of `read_inputs`, of which `history` holds earlier records of the model's own type."""
        everything = with_scored(model, history, records)
        if model.subject.is_event:
            return cls(everything, known_labels)
        return cls(events, known_labels, everything)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Records to score, and the further tables that a model uses."""

    # Valid rows; every account has a cutoff time (`as_of`) if the model uses times.
    records: pd.DataFrame
    rejected: pd.DataFrame
    # Events, labels and earlier messages.
    history: TableHistory
    notes: tuple[str, ...]
    # Columns of the records as they were given.
    kept: pd.DataFrame | None = None


def read_inputs(
    model: Model,
    source: Source,
    *,
    events: Source | None = None,
    known_labels: Source | None = None,
    history: Source | None = None,
    require: tuple[str, ...] = (),
    keep: Sequence[str] = (),
) -> Inputs:
    """Read a table of records to score, and the further tables that the model uses."""
    given, notes = usable_tables(model, {"events": events, "known_labels": known_labels, "history": history})
    events, known_labels, history = given.values()
    if model.subject.is_account and model.matrix.history_parts:  # by it, events and labels name accounts
        require = (*require, "account_id")
    options = options_of_model(model)
    if options.kinds and (scored_kind := score_kind(model)):  # of a table with another name than those of the training
        options = replace(options, kinds={**options.kinds, "": scored_kind})
    table = read_table(as_input(source, options), f"{model.subject}s", require=require, keep=keep)
    notes += table.notes
    if model.subject.is_event:
        past = None if history is None else as_input(history, options_of_model(model))
        past_events: pd.DataFrame | None = with_scored(model, _read_events(past, notes), table.good)
        label_rows = _read_labels(model, known_labels, past_events, notes)
    else:
        past_events, label_rows, new_notes = read_history(model, events=events, known_labels=known_labels)
        notes += new_notes
    scored, kept, kind = table.good, table.kept, score_kind(model)
    if kind is not None:
        scored = of_kind(scored, kind)
        kept = None if kept is None else kept.loc[scored.index].reset_index(drop=True)
        others = len(table.good) - len(scored)
        note = tr("{n} events of other kinds than {kind!r} are history, and have no score", n=others, kind=kind)
        notes += [note] if others else []
    records, cutoff_notes = DefaultCutoff.of(model, past_events).fill(scored.reset_index(drop=True))
    notes += cutoff_notes
    past_messages = _read_past(model, history, table, notes)
    known = TableHistory(past_events, label_rows, past_messages)
    return Inputs(records, table.rejected, known, tuple(notes), kept)


def score_kind(model: Model) -> str | None:
    """Return the kind of events that a model scores; None if it scores all."""
    kind: str | None = _section(model, "data").get("score_kind")
    return kind


def of_kind(events: pd.DataFrame, kind: str | None) -> pd.DataFrame:
    """Return the events of a kind; of None all."""
    if kind is None:
        return events
    kinds = events["kind"].fillna(ONE_KIND) if "kind" in events else pd.Series(ONE_KIND, events.index)
    chosen = events[(kinds == kind).to_numpy(bool)]
    if chosen.empty:
        problem = f"no event has the kind {kind!r}, of {kinds.nunique()} kinds that there are"
        raise SchemaError("events", problem, "Correct --score-kind, or give events of this kind.")
    return chosen


def with_scored(model: Model, past: pd.DataFrame | None, scored: pd.DataFrame) -> pd.DataFrame:
    """Return earlier records and those that are scored, which are history of later ones: a row of both counts once.

    Rows with one id are the same, and that of the earlier table counts. Rows without are the same if the history reads
    the same from them; they count as often as in the table that has more of them.
    """
    if past is None:
        return scored
    check_ids([past, scored], options_of_model(model).kinds)
    both, key = pd.concat([past, scored], ignore_index=True), model.subject.id
    ids = both[key] if key in past and key in scored else pd.Series(None, both.index, object)
    has_id = ids.notna().to_numpy(np.bool_)
    is_repeat = has_id & ids.duplicated().to_numpy()
    names = ["occurred_at", *(field.name for field in event_fields(model.matrix.event_views, model.matrix.network))]
    if model.subject.has_text:
        names = ["text", "sent_at", "account_id", "recipient_id"]
    rows = both[~has_id].reindex(columns=names).assign(part=np.flatnonzero(~has_id) >= len(past))
    number = rows.groupby([*rows], dropna=False, sort=False).cumcount()  # among the equal rows of its table
    is_repeat[~has_id] = rows.assign(part=number).duplicated()
    return both[~is_repeat].reset_index(drop=True)


def read_history(
    model: Model, *, events: Source | None, known_labels: Source | None
) -> tuple[pd.DataFrame | None, pd.DataFrame | None, list[str]]:
    """Read events and labels for a model."""
    notes: list[str] = []
    options = options_of_model(model)
    history = _read_events(None if events is None else as_input(events, options), notes)
    if history is None and model.subject.has_text and model.matrix.event_views:
        notes.append(tr("the model uses events, but none were given: all records are scored without history"))
    return history, _read_labels(model, known_labels, history, notes), notes


def check_usable(models: Sequence[Model], given: Mapping[str, Source | None]) -> None:
    """Check that a model can use each table that is given, besides the records themselves."""
    for name, table in given.items():
        reasons = [_why_useless(model, name) for model in models]
        if table is not None and all(reasons) and not any(_does_without(model, name) for model in models):
            option = f"--{name.replace('_', '-')}"
            raise SchemaError(option, f"the model cannot use this table: {reasons[0]}", f"Leave out {option}.")


def usable_tables(model: Model, given: Mapping[str, Source | None]) -> tuple[dict[str, Source | None], list[str]]:
    """Return the tables that a model reads, None for others, and notes about tables that it does without.

    Training may find that a history does not help. Which tables a job gives does not depend on that.
    """
    check_usable([model], given)
    unread = [name for name, table in given.items() if table is not None and _does_without(model, name)]
    used = {name: None if name in unread else table for name, table in given.items()}
    names = [name.replace("_", "-") for name in unread]
    return used, [tr("--{name} is not read: the model has no features of events", name=name) for name in names]


def _does_without(model: Model, name: str) -> bool:
    """Return whether a table is part of a history that a model of accounts or of events does not have."""
    past = {"account": "events", "event": "history"}.get(model.subject)
    return past is not None and name in (past, "known_labels") and not model.matrix.history_parts


def _why_useless(model: Model, name: str) -> str:
    """Return why a model cannot use a table; empty if it can."""
    matrix, subject = model.matrix, model.subject
    if name == "known_labels":
        return "" if uses_labels(matrix) else "it has no features of labels"
    if name not in ("events", "history"):
        return f"it scores {subject}s"
    if name == "events" and subject.is_event:
        return "its events are the records, and earlier ones are --history"
    if name == "history" and not subject.is_event:
        return "" if matrix.campaigns is not None else f"it has no features of earlier {subject}s"
    return "" if "events" in matrix.history_parts else "it has no features of events"


def columns_used(model: Model) -> dict[str, list[str]]:
    """Return the columns that a model has learned from, by the name of their table."""
    matrix = model.matrix
    used = {f"{model.subject}s": [field.name for field in matrix.fields if field.trained]}
    if "events" in matrix.history_parts:
        of_events = [field.name for field in event_fields(matrix.event_views, matrix.network)]
        used["events"] = list(dict.fromkeys([*used.get("events", ()), *of_events]))
    return used


def options_of_model(model: Model) -> ReadOptions:
    """Return the options with which the tables of a model were read in its training, as far as they concern columns.

    The result is without separator, sheet and row of the header, which belong to a file, as the encoding does: the one
    of the training is only the first choice. Columns that were named for labels may be missing, and the columns that
    are categories of the model stay words.
    """
    data, declared = _section(model, "data"), _section(model, "history").get("categories") or ()
    categories = {name: f"{model.subject}s.{name}" for name in model.matrix.custom.categories}
    return ReadOptions(
        data.get("columns") or {},
        day_first=data.get("day_first"),
        decimal=data.get("decimal"),
        time_zone=data.get("time_zone"),
        time_unit=data.get("time_unit"),
        time_start=data.get("time_start"),
        kinds=data.get("kinds") or {},
        labels_optional=True,
        categories=tuple(column for name, column in categories.items() if name in declared),
        dates=tuple(f"{model.subject}s.{date.name}" for date in model.matrix.custom.dates),
        texts=tuple(f"{model.subject}s.{name}" for name in model.matrix.custom.texts),
        words=tuple(column for name, column in categories.items() if name not in declared),
        read_as=model.training.get("read_as") or {},
    )


def trust_of_model(model: Model) -> Trust:
    """Return the weights of the sources of labels in the training of a model."""
    data = _section(model, "data")
    return Trust(data.get("trust") or {}, data.get("default_trust"))


def _section(model: Model, name: str) -> JsonObject:
    """Return a section of the recipe that a model was trained with; empty without a recipe."""
    return (model.training.get("recipe") or {}).get(name) or {}


def uses_labels(matrix: FeatureMatrix) -> bool:
    """Return whether a model uses labels of events or accounts."""
    in_network = matrix.network is not None and matrix.network.labels
    return in_network or any(view.needs_labels for view in matrix.event_views)


def label_reader(model: Model) -> LabelReader:
    """Return a reader of labels that reads them as those that a model was trained on.

    It is called as `read_labels` is.
    """
    read_as = model.training.get("label_classes") or {}
    return partial(read_labels_for, read_as=read_as, classes=model.classes, legitimate=model.legitimate)


def _read_labels(
    model: Model, labels: Source | None, events: pd.DataFrame | None, notes: list[str]
) -> pd.DataFrame | None:
    """Read labels from a table of labels, and from the table of events if it has them."""
    if not uses_labels(model.matrix):
        return None
    table = None if labels is None else _read_good(as_input(labels, options_of_model(model)), "labels", notes)
    have_own = model.subject.is_event and events is not None and {"label", "labelled_at"} <= set(events.columns)
    if table is None and not have_own:
        notes.append(tr("the model uses labels, but none were given: all records are scored without labels"))
        return None
    if model.subject.is_event:
        return _labels_of_events(model, table, events, notes)
    return None if table is None else _labels_of_accounts(model, table, notes)


def _read_events(events: Source | None, notes: list[str]) -> pd.DataFrame | None:
    return None if events is None else _read_good(events, "events", notes).good


def _read_good(source: Source, name: str, notes: list[str], require: tuple[str, ...] = ()) -> CheckedTable:
    """Read a further table, and note what was assumed and how many rows were rejected."""
    table = read_table(source, name, require=require)
    notes += table.notes
    if len(table.rejected):
        notes.append(tr("{n} {records} were rejected and are ignored", n=len(table.rejected), records=tr(name)))
    return table


def _read_past(model: Model, past: Source | None, scored: CheckedTable, notes: list[str]) -> pd.DataFrame | None:
    if model.matrix.campaigns is None:
        return None
    if "sent_at" not in scored.good:
        notes.append(tr("the model uses campaigns, but the messages have no sent_at: every campaign is unknown"))
        return None
    messages = scored.good
    if past is None:
        notes.append(tr("no earlier messages were given: campaigns are computed from the scored messages only"))
    else:
        table = _read_good(as_input(past, options_of_model(model)), "messages", notes, require=("sent_at",))
        # Row numbers would make messages of the two tables look like one.
        earlier = table.good.drop(columns="message_id") if scored.numbered or table.numbered else table.good
        messages = with_scored(model, earlier, scored.good)
    return _with_label_times(_with_trusted(model, _with_classes(model, messages, notes)), notes)


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


def _labels_of_events(
    model: Model, labels: CheckedTable | None, events: pd.DataFrame | None, notes: list[str]
) -> pd.DataFrame:
    """Return the labels of events that count, with their times: its own if the table of labels has none of an event."""
    if events is None or (labels is not None and "event_id" not in events):
        raise SchemaError("events", "column 'event_id' is missing: labels refer to events by it", "Add the column.")
    # Read separately: the table may have 0 and 1 where the events have the words of the training.
    frame = _with_classes(model, with_times(events), notes)
    labels = None if labels is None else replace(labels, good=_with_classes(model, labels.good, notes))
    meaning = trust_of_model(model), model.legitimate
    frame = join_labels(frame, labels, "event_id", meaning[0], legitimate=meaning[1])
    n_unmatched = 0 if labels is None else int((~labels.good["subject_id"].isin(frame["event_id"])).sum())
    if n_unmatched:
        notes.append(tr("{n} labels refer to events that are not in the table", n=n_unmatched))
    known, time_notes = history_of_labels(frame, labels, "event_id", *meaning)
    notes += time_notes
    return known


def _labels_of_accounts(model: Model, labels: CheckedTable, notes: list[str]) -> pd.DataFrame:
    """Return all labels of accounts that counted from their time on: the network uses the latest before each cutoff."""
    labels = replace(labels, good=_with_classes(model, labels.good, notes))
    known, time_notes = history_of_labels(None, labels, "account_id", trust_of_model(model), model.legitimate)
    notes += time_notes
    return known[["account_id", "labelled_at", "is_fraud"]]
