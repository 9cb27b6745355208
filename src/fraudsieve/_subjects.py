"""What is scored, once: messages, accounts and events, with the columns that their records have."""

from dataclasses import dataclass
from typing import Final, Literal

_COMMON: Final = ("account_id", "label", "labelled_at", "as_of", "source")


@dataclass(frozen=True)
class Subject:
    """A type of records that models score."""

    # Its table is called the same with an s, its id with _id.
    name: str
    # The columns that may have the cutoff time of a record: the first one that is there. In a table, it is the first.
    times: tuple[str, ...]
    # The columns that are written with a score.
    ids: tuple[str, ...]
    # All other columns that a record may have.
    others: tuple[str, ...]
    # The word for what belongs together without a column for it.
    unit: Literal["campaign", "account"] = "account"
    # The part of a live history to which a record belongs; None if it is no event.
    part: Literal["messages", "events"] | None = None

    @property
    def id(self) -> str:
        """The column of its id."""
        return f"{self.name}_id"

    @property
    def time(self) -> str:
        """The column of the cutoff time in a table."""
        return self.times[0]

    @property
    def fields(self) -> frozenset[str]:
        """All columns that a record may have."""
        return frozenset((*_COMMON, *self.times, *self.ids, *self.others))


_MESSAGE: Final = ("text", "recipient_id", "channel", "campaign")
_EVENT: Final = ("kind", "counterparty_id", "amount", "device_id", "ip", "card_id")
SUBJECTS: Final = {
    "message": Subject("message", ("sent_at",), ("message_id",), _MESSAGE, "campaign", "messages"),
    "account": Subject("account", ("as_of",), ("account_id", "as_of"), ("created_at",)),
    "event": Subject(
        "event", ("occurred_at", "as_of"), ("event_id", "account_id", "occurred_at"), _EVENT, part="events"
    ),
}
"""By name."""
