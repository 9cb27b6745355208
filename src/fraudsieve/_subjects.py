"""What is scored: messages, accounts and events, with what code elsewhere needs to know of each."""

from enum import StrEnum
from typing import Final, Literal, Self

_COMMON: Final = ("account_id", "label", "labelled_at", "as_of", "source")


class Subject(StrEnum):
    """A type of records that models score; a string, its name. Its table is called the same with an s."""

    # The columns that may have its cutoff time, the first one that is there; those that are written with its score;
    # further ones; the word for what belongs together without a column for it; its part of a live history.
    MESSAGE = "message", ("sent_at",), ("message_id",), ("text", "recipient_id", "channel", "campaign"), "campaign"
    ACCOUNT = "account", ("as_of",), ("account_id", "as_of"), ("created_at",)
    EVENT = (
        "event",
        ("occurred_at", "as_of"),
        ("event_id", "account_id", "occurred_at"),
        ("kind", "counterparty_id", "amount", "device_id", "ip", "card_id"),
    )

    times: tuple[str, ...]
    ids: tuple[str, ...]
    fields: frozenset[str]
    unit: Literal["campaign", "account"]

    def __new__(
        cls,
        name: str,
        times: tuple[str, ...] = (),
        ids: tuple[str, ...] = (),
        others: tuple[str, ...] = (),
        unit: Literal["campaign", "account"] = "account",
    ) -> Self:
        """Return a member with its facts."""
        self = str.__new__(cls, name)
        self._value_, self.times, self.ids, self.unit = name, times, ids, unit
        self.fields = frozenset((*_COMMON, *times, *ids, *others))
        return self

    @property
    def id(self) -> str:
        """The column of its id."""
        return f"{self}_id"

    @property
    def time(self) -> str:
        """The column of the cutoff time in a table."""
        return self.times[0]

    @property
    def part(self) -> Literal["messages", "events"] | None:
        """The part of a live history to which a record belongs; None if it is no event."""
        return "messages" if self.has_text else "events" if self.is_event else None

    @property
    def has_text(self) -> bool:
        """Whether it is a text, with a text model, campaigns and a sender whose events are a history."""
        return self is Subject.MESSAGE

    @property
    def is_event(self) -> bool:
        """Whether its records are the history of later ones, with labels by their own id and an amount."""
        return self is Subject.EVENT

    @property
    def is_account(self) -> bool:
        """Whether it has no time of its own: an account as of any moment, which has an age, and events elsewhere."""
        return self is Subject.ACCOUNT
