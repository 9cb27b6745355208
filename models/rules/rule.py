"""A rule: values of a field that are always flagged or always passed, with a reason and an optional end."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as with_options
from datetime import MINYEAR, UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias

from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.tables.values.reading import read_id

Action: TypeAlias = Literal["flag", "pass"]

HOST: Final = "host"
"""The hosts of links and e-mail addresses in the text of a message."""
TELEPHONE: Final = "telephone"
"""The telephone numbers in the text of a message."""
_USUAL: Final = (HOST, TELEPHONE, "account_id", "recipient_id", "counterparty_id", "device_id", "card_id", "ip")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Rule:
    """A rule that overrides the decision of the model on records with certain values.

    Parameters
    ----------
    id : str
        Its name in scores, metrics and reports: 1 to 64 letters, digits, dots, dashes and underscores.
    field : str
        The field of a record that holds an identifier, such as ``account_id``; or ``host`` or ``telephone``, for what
        the text of a message contains.
    values : sequence of (str or int)
        The identifiers, hosts or telephone numbers.
    action : {"flag", "pass"}
        The decision on a record that has one of the values.
    reason : str
        The reason, for people who read the score.
    until : datetime.date or datetime.datetime, default=None
        The last day of the rule, in UTC, or the time at which it ends. None if it does not end.

    Raises
    ------
    ValueError
        If a parameter is invalid.

    Examples
    --------
    >>> rule = Rule("mules", "account_id", ["a1", 77], "flag", "known mule accounts", date(2026, 12, 31))
    >>> rule.is_in_force(datetime(2026, 12, 31, 23, tzinfo=UTC)), rule.is_in_force(datetime(2027, 1, 1, tzinfo=UTC))
    (True, False)
    """

    id: str
    field: str
    values: Sequence[str | int] = with_options(repr=False)  # identifiers do not belong into a log
    action: Action
    reason: str
    until: date | datetime | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise ValueError("id: expected 1 to 64 letters, digits, dots, dashes and underscores")
        if not isinstance(self.field, str) or not self.field:
            raise ValueError("field: expected the name of a field")
        if self.field not in _USUAL and (near := get_close_matches(self.field, _USUAL, 1, 0.8)):
            raise ValueError(f"field: expected a field such as {near[0]!r}, got {self.field!r}")
        if self.action not in ("flag", "pass"):
            raise ValueError("action: expected flag or pass")
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise ValueError("reason: expected a text")
        if self.until is not None and not isinstance(self.until, date):
            raise ValueError("until: expected a date or a time, such as 2026-12-31")
        object.__setattr__(self, "values", tuple(map(self._value, range(len(self.values)), self.values)))

    def _value(self, position: int, value: str | int) -> str:
        """Return a value as an identifier; the error does not quote it."""
        try:
            parsed = read_id(value, f"values, position {position}")
        except RejectedRecordError as error:
            raise ValueError(str(error)) from None
        if parsed is None:
            raise ValueError(f"values, position {position}: expected an identifier, got a blank")
        return parsed

    @property
    def end(self) -> datetime | None:
        """The time from which the rule is expired, in UTC; None if it never expires."""
        if self.until is None:
            return None
        try:
            if not isinstance(self.until, datetime):
                return datetime(self.until.year, self.until.month, self.until.day, tzinfo=UTC) + timedelta(days=1)
            return self.until.replace(tzinfo=self.until.tzinfo or UTC).astimezone(UTC)
        except OverflowError:  # 9999-12-31 often means "never"; the year 1 in another time zone is past as well
            return datetime.max.replace(tzinfo=UTC) if self.until.year > MINYEAR else datetime.min.replace(tzinfo=UTC)

    def is_in_force(self, now: datetime) -> bool:
        """Return whether the rule is in force at a time, which must have a time zone."""
        return self.end is None or now < self.end
