"""The history in a store as tables, up to any offset: its rows as they were sent, without the live fold.

A message is a row of the events: the keys of its bands are in the column ``campaign``, and its id in ``event_id``.

A score at an offset counts the rows up to that offset that are strictly before its cutoff time. All rows of a store
before the cutoff time are the same history, unless one of them came later and shares an id with the scored record. So
most scores need no history of their own, and others can share one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Record
from fraudsieve.features.campaign.campaign_batch import keys_of_bands
from fraudsieve.features.campaign.over_time import N_BANDS
from fraudsieve.features.label_trust import history_of_labels
from fraudsieve.features.network.declaration import event_fields
from fraudsieve.live.contents import COUNTED, numbered_records
from fraudsieve.live.labels import LabelRules
from fraudsieve.live.session import reach
from fraudsieve.live.store.event_store import EventStore
from fraudsieve.live.store.facts import StoreFacts
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import TableHistory, trust_of_model, uses_labels
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.label_values import with_times
from fraudsieve.tables.reader import CheckedTable

ANY_TIME: Final = np.iinfo(np.int64).max
"""The cutoff time of records of a model without times: every row counts."""
OF_MESSAGES: Final = ("campaign", "sender_id", "recipient_id")
ALL: Final = pd.Index(["all"])
"""The key of every row and record of a model with a network, which looks beyond the ids of a record."""
NONE: Final = np.iinfo(np.int64).max
"""The offset of the first row if there is none; it is also that of a history with all rows."""


class IdLinks(NamedTuple):
    """The ids by which rows or records are linked, as codes: one entry for each id of each owner."""

    codes: Array
    owners: Array


class LinkedRows(NamedTuple):
    """Rows, or scored records: their offsets, their times or cutoff times, and their links."""

    offsets: Array
    times: Array
    links: IdLinks


def links_of(columns: Iterable[Array], keys: pd.Index) -> IdLinks:
    """Return the links of rows by the ids in some columns; ids that are not among the keys link nothing."""
    codes = [keys.get_indexer(pd.Index(column, dtype=object)) for column in columns]
    owners = [np.arange(len(column)) for column in codes]
    together = np.concatenate(codes or [np.empty(0, np.int64)])
    linked = together >= 0
    return IdLinks(together[linked], np.concatenate(owners or [np.empty(0, np.int64)])[linked])


def first_later(rows: LinkedRows, scores: LinkedRows) -> Array:
    """Return the offset of the first row that came after each score, is before its cutoff time, and shares an id."""
    out = np.full(len(scores.offsets), NONE)
    owners = rows.links.owners
    if not len(owners):
        return out
    order = np.lexsort((rows.offsets[owners], rows.links.codes))
    codes, offsets, times = rows.links.codes[order], rows.offsets[owners[order]], rows.times[owners[order]]
    asked, span = scores.links.owners, int(offsets.max()) + 2
    places = scores.links.codes * span + np.minimum(scores.offsets[asked], span - 1)
    begin = np.searchsorted(codes * span + offsets, places, "right")
    end = np.searchsorted(codes, scores.links.codes, "right")
    earliest = pd.Series(times[::-1]).groupby(codes[::-1], sort=False).cummin().to_numpy()[::-1]
    is_late = begin < end
    is_late[is_late] = earliest[begin[is_late]] < scores.times[asked[is_late]]
    for place in np.flatnonzero(is_late).tolist():  # few: those whose history differs
        later = times[begin[place] : end[place]] < scores.times[asked[place]]
        out[asked[place]] = min(out[asked[place]], offsets[begin[place] + int(np.argmax(later))])
    return out


def choose_offsets(offsets: Array, limits: Array) -> Array:
    """Return the offset with whose history each score is computed: from its own on, and before its limit.

    Those without a limit have the history of all rows. For the others, there are as few offsets as possible.
    """
    chosen, newest = np.full(len(offsets), NONE), -1
    for place in np.argsort(limits, kind="stable").tolist():
        if limits[place] == NONE:
            break
        newest = newest if newest >= offsets[place] else int(limits[place]) - 1
        chosen[place] = newest
    return chosen


@dataclass(frozen=True, eq=False)
class StoredHistory:
    """The events and labels of a store."""

    model: Model
    # In order of their offsets, which are in the column `offset`. Messages are among the events.
    events: pd.DataFrame
    labels: pd.DataFrame
    # The subjects of whose labels a state counted something.
    counted: set[str]
    facts: StoreFacts

    @cached_property
    def keys(self) -> pd.Index:
        """The ids that link rows and records."""
        if self.model.matrix.network is not None:
            return ALL
        ids = np.concatenate([*self._ids_of_events, np.empty(0, object)])
        keys: pd.Index = pd.Index(ids[pd.notna(ids)], dtype=object).unique()
        return keys

    @cached_property
    def event_rows(self) -> LinkedRows:
        """The events and messages, linked by the ids that feature views count by."""
        links = self._links(self.events, self._ids_of_events)
        return LinkedRows(_integers(self.events["offset"]), _integers(self.events["occurred_at"]), links)

    @cached_property
    def label_rows(self) -> LinkedRows:
        """The labels, linked by the ids of their events, since the first time of the labels of their subject.

        A label can change what counts since then: an earlier label that it replaces counts no more.
        """
        since = self.labels.groupby("subject_id")["labelled_at"].transform("min")
        links = self._links(self.labels, []) if self.model.matrix.network is not None else self._links_of_labels()
        return LinkedRows(_integers(self.labels["offset"]), _integers(since), links)

    def records(self, places: pd.DataFrame, records: pd.DataFrame) -> LinkedRows:
        """Return scored records as rows: their offsets, cutoff times and links."""
        matrix = self.model.matrix
        missing = ANY_TIME if not matrix.timed else np.iinfo(np.int64).min
        cutoffs = places["as_of"].astype("Int64").fillna(missing).to_numpy(np.int64)
        offsets = places["offset"].astype("Int64").fillna(NONE).to_numpy(np.int64)
        names = {name for view in matrix.event_views for name in view.subjects}
        ids = [records[name].to_numpy(object) for name in sorted(names) if name in records]
        if matrix.campaigns is not None and len(records):
            ids += [*keys_of_bands(records["text"].tolist()).T]
        links = self._links(records, ids)
        return LinkedRows(offsets, cutoffs, links._replace(owners=records.index.to_numpy(np.int64)[links.owners]))

    def is_kept(self, cutoffs: Array) -> Array:
        """Return for which cutoff times the store still has all rows that the model reads."""
        before, length = self.facts.dropped_before, reach(self.model.matrix.new_state())
        if before is None or not self.model.matrix.history_parts:
            return np.ones(len(cutoffs), np.bool_)
        if length is None:
            return np.zeros(len(cutoffs), np.bool_)
        since = np.maximum(cutoffs, np.iinfo(np.int64).min + length) - length
        lost = np.sort(_integers(self.labels["labelled_at"])[self._lost_labels(before)])
        n_lost = np.searchsorted(lost, cutoffs) - np.searchsorted(lost, since)
        return np.asarray((since >= before) & (n_lost == 0))

    def until(self, events_until: int, labels_until: int, codes: Array | None = None) -> TableHistory:
        """Return the events and the labels up to their offsets, of the events that some keys link; None for all."""
        if not self.model.matrix.history_parts:
            return TableHistory()
        is_chosen = (self.events["offset"] <= events_until).to_numpy()
        if codes is not None:
            links, is_linked = self.event_rows.links, np.zeros(len(self.events), np.bool_)
            is_linked[links.owners[np.isin(links.codes, codes)]] = True
            is_chosen = is_chosen & is_linked
        events = self.events[is_chosen]
        labels = self.labels[self.labels["offset"] <= labels_until]
        is_message = events["campaign"].notna()
        bands = self._bands(events[is_message], labels)
        events = events[~is_message].reset_index(drop=True)
        return TableHistory(events, self._known(events, labels), bands=bands)

    @cached_property
    def _ids_of_events(self) -> list[Array]:
        """The columns of ids that link events and messages."""
        names = {name for view in self.model.matrix.event_views for name in view.entities}
        keys = np.full((len(self.events), N_BANDS), None)
        is_message = self.events["campaign"].notna().to_numpy()
        if self.model.matrix.campaigns is not None and is_message.any():
            keys[is_message] = np.array(self.events.loc[is_message, "campaign"].tolist(), np.uint64).astype(str)
        return [*(self.events[name].to_numpy(object) for name in sorted(names)), *keys.T]

    def _links(self, frame: pd.DataFrame, ids: list[Array]) -> IdLinks:
        if self.model.matrix.network is not None:
            return IdLinks(np.zeros(len(frame), np.int64), np.arange(len(frame)))
        return links_of(ids, self.keys)

    def _links_of_labels(self) -> IdLinks:
        events = self._events_of_labels()
        labelled = pd.DataFrame({"label": np.arange(len(events)), "event": events})[events >= 0]
        by_event = pd.DataFrame(self.event_rows.links._asdict())
        linked = labelled.merge(by_event, left_on="event", right_on="owners")
        return IdLinks(linked["codes"].to_numpy(np.int64), linked["label"].to_numpy(np.int64))

    def _events_of_labels(self) -> Array:
        """Return the position of the event or message of each label, -1 if it is not in the store."""
        is_subject = self.events["campaign"].notna() == (self.model.subject.has_text)
        ids = self.events.loc[is_subject, "event_id"].dropna().drop_duplicates()
        places = pd.Index(ids, dtype=object).get_indexer(pd.Index(self.labels["subject_id"], dtype=object))
        return np.where(places < 0, -1, ids.index.to_numpy(np.int64)[places] if len(ids) else -1)

    def _lost_labels(self, before: int) -> Array:
        """Return which labels are of an event or a message that counted, and that may lack it or an earlier label."""
        if self.model.subject.is_account:
            return np.zeros(len(self.labels), np.bool_)
        times = np.append(_integers(self.events["occurred_at"]), np.iinfo(np.int64).min)  # the last: not in the store
        is_old = times[self._events_of_labels()] < before
        return is_old & self.labels["subject_id"].isin(self.counted).to_numpy(np.bool_)

    def _known(self, events: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame | None:
        """Return the labels that count, as `predict` has them."""
        if labels.empty or self.model.subject.has_text or not uses_labels(self.model.matrix):
            return None
        return self._history_of_labels(events if self.model.subject.is_event else None, labels)

    def _history_of_labels(self, records: pd.DataFrame | None, labels: pd.DataFrame) -> pd.DataFrame:
        subject = "account_id" if records is None else "event_id"
        joined, table = None if records is None else with_times(records), CheckedTable(labels, labels[:0])
        return history_of_labels(joined, table, subject, trust_of_model(self.model), self.model.legitimate)[0]

    def _bands(self, messages: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame | None:
        """Return the bands of messages and of their labels."""
        campaigns = self.model.matrix.campaigns
        if campaigns is None:
            return None
        sent = messages[["campaign", "sender_id", "recipient_id", "occurred_at", "event_id"]]
        parts = [sent.explode("campaign").astype({"campaign": STRING})]
        if campaigns.types:
            names = {"campaign": "labelled", "label": "kind", "labelled_at": "occurred_at", "event_id": "subject_id"}
            labelled = self._history_of_labels(messages, labels)[[*names]].rename(columns=names)
            parts.append(labelled.explode("labelled").astype({"labelled": STRING}))
        return pd.concat(parts, ignore_index=True)


def read_stored_history(store: EventStore, model: Model) -> StoredHistory:
    """Read the events and messages of a store, and the labels of what a model scores; nothing if it uses no history."""
    parts: defaultdict[str, list[Record]] = defaultdict(list)
    counted: set[str] = set()
    for offset, part, record in numbered_records(store) if model.matrix.history_parts else ():
        if part == COUNTED:
            counted |= {record["subject_id"]} if "subject_id" in record else set()
        elif part == "labels" and record["of"] == model.subject:
            parts[part].append({**record, "offset": offset})
        elif part != "labels":
            parts["events"].append({"occurred_at": record.get("sent_at"), **record, "offset": offset})
    facts = store.facts
    names = {field.name for field in event_fields(model.matrix.event_views, model.matrix.network)}
    columns = dict.fromkeys(("event_id", "account_id", "kind", *OF_MESSAGES))
    columns |= dict.fromkeys(sorted(names | {*facts.ids, *facts.amounts}))
    events = _table(parts["events"], [*columns], "occurred_at")
    labels = _table(parts["labels"], ["subject_id", "label", "source"], "labelled_at")
    rules = LabelRules(model)
    classes = {name: rules.class_of(name) for name in labels["label"].unique()}
    labels = labels.assign(label=labels["label"].map(classes)).dropna(subset=["label"]).reset_index(drop=True)
    return StoredHistory(model, events, labels, counted, facts)


def _table(records: Sequence[Record], columns: Sequence[str], time: str) -> pd.DataFrame:
    frame = pd.DataFrame(records, columns=[*columns, time, "offset"])
    times = pd.to_datetime(frame[time]).astype("datetime64[us]").dt.tz_localize("UTC")
    frame[time], frame["offset"] = times, frame["offset"].astype(np.int64)
    return frame


def _integers(column: pd.Series) -> Array:
    """Return a column of numbers, or of times as microseconds since 1970."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return np.asarray(column.dt.tz_convert(None), "datetime64[us]").astype(np.int64)
    return np.asarray(column, np.int64)
