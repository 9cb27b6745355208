"""The reader of records for a live state: events, labels of events and labels of accounts.

Records that arrive and records from a log are read by the same functions.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from fraudsieve._typing import Record
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.tables.values.reading import EXPECTED, read_category, read_id, read_is_fraud, read_number

from .declaration import ONE_KIND, History
from .records import delivery_id, entity_key, id_digest, label_kind, required_time
from .timeline import PreparedRecord, ViewState, bits_of, signed

RecordType: TypeAlias = Literal["events", "labels", "account_labels"]
Pairs: TypeAlias = Callable[[Record], list[tuple[str, int, int]]]

CAMPAIGN = ("campaign", "labelled")
"""Events with one of these ids are bands of messages or of labels of messages, and do not need an account."""
TIME_FIELDS: dict[RecordType, str] = {
    "events": "occurred_at",
    "labels": "labelled_at",
    "account_labels": "labelled_at",
}
NO_ACCOUNT = f"account_id: {EXPECTED['id']}, the field is missing"


def read_record(
    record: Record, record_type: RecordType, views: Sequence[ViewState], pairs: Pairs | None
) -> PreparedRecord:
    """Read a record without checking its time."""
    time = required_time(record.get(TIME_FIELDS[record_type]), TIME_FIELDS[record_type], zone_of(views))
    if record_type == "events":
        return _read_event(record, time, views, pairs)
    if record_type == "labels":
        return _read_label(record, time, views)
    account = id_digest(record.get("account_id"), "account_id")
    is_fraud = read_is_fraud(record.get("is_fraud"), "is_fraud")
    if not account:
        raise RejectedRecordError(NO_ACCOUNT)
    return PreparedRecord(time, [], [], (account, is_fraud), 0, is_label=True)


def zone_of(views: Sequence[ViewState]) -> str:
    """Return the time zone of records for some views, which is that of the first."""
    return views[0].history.time_zone if views else "UTC"


def _read_event(event: Record, time: int, views: Sequence[ViewState], pairs: Pairs | None) -> PreparedRecord:
    read_number(event.get("amount"), "amount")  # checked for every state, so that all models accept the same events
    sent, labelled = (read_id(event.get(name), name) for name in CAMPAIGN)
    is_label, is_band = labelled is not None, (sent, labelled) != (None, None)
    if not is_band and read_id(event.get("account_id"), "account_id") is None:
        raise RejectedRecordError(NO_ACCOUNT)
    keys = [(view, entity_key(event, view.history.entities)) for view in views]
    identifier = delivery_id(event, "event")
    row_id = 0 if is_label else identifier
    rows = [(view.events, key, view.row(event, time, row_id)) for view, key in keys if key is not None]
    # The bands of a message share its id, and all of them count.
    links = pairs(event) if pairs else []
    return PreparedRecord(time, rows, links, None, 0 if is_band else identifier, is_label=is_label)


def _read_label(label: Record, time: int, views: Sequence[ViewState]) -> PreparedRecord:
    is_fraud = read_is_fraud(label.get("is_fraud"), "is_fraud")
    # What a live state counts of a label has no event_id, by which it would be a repeat once it is counted again.
    name = "event_id" if "event_id" in label else "subject_id"
    row = [time, 0, bits_of(float(is_fraud)), signed(id_digest(label.get(name), name))]
    keys = [(view, entity_key(label, view.history.entities)) for view in views if view.history.needs_labels]
    rows = [(view.labels, key, row) for view, key in keys if key is not None]
    return PreparedRecord(time, rows, [], None, delivery_id(label, label_kind(is_fraud), time), is_label=True)


def check_labelled_entity(label: Record, histories: Sequence[History]) -> None:
    """Raise RejectedRecordError if a label has no entity of a view, also if no view counts labels."""
    counting = [history.entities for history in histories if history.needs_labels]
    entities = {*counting} or {history.entities for history in histories} or {("account_id",)}
    if not any(entity_key(label, names) for names in sorted(entities)):
        fields = sorted({name for names in entities for name in names})
        raise RejectedRecordError(f"{', '.join(fields)}: expected the labelled entity, all fields are missing")


def read_bands(message: Record, views: Sequence[ViewState]) -> PreparedRecord:
    """Read a message, or its label, with the list of its bands as one record, without checking its time.

    A message counts once per id, a label of a message once per id, time and class. Its bands differ in their keys
    alone.
    """
    name = CAMPAIGN["labelled" in message]
    band = {**message, name: message[name][0]}
    first = read_record(band, "events", views, None)
    kind = read_category(message.get("kind"), "kind") or ONE_KIND
    identifier = delivery_id(message, *((label_kind(kind), first.time) if first.is_label else ("message",)))
    entities = {view.events: view.history.entities for view in views}
    bands = [{**band, name: key} for key in message[name][1:]]
    keyed = ((pool, entity_key(one, entities[pool]), row) for one in bands for pool, _, row in first.rows)
    rows = [*first.rows, *((pool, key, row) for pool, key, row in keyed if key is not None)]
    return first._replace(rows=rows, identifier=identifier, n_events=len(message[name]))
