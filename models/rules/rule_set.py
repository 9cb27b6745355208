"""`RuleSet`: rules that override the decisions of a model, and which of them decides each record."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from fraudsieve._typing import Array, Record

from .lookups import IN_TEXT, TEXT, Lookups
from .rule import Rule

FOREVER = datetime.max.replace(tzinfo=UTC)

SAMPLE = "see http://shop.example.com/a or call 13800138000"


class _Current(NamedTuple):
    """Lookups of the rules that are in force from one time until another."""

    since: datetime
    until: datetime
    lookups: Lookups


class RuleSet:
    """Rules that override a model. They change the decision of a score, but not its probability.

    ``flag`` takes precedence over ``pass``. Among rules with the same action, the first decides. Rules for hosts or
    telephone numbers pass a message only if they cover all of its hosts, or all of its telephone numbers. An expired
    rule has no effect. Threads can share rules.

    Parameters
    ----------
    rules : sequence of Rule
    digest : str, default=None
        SHA-256 of the files from which the rules were read.
    files : sequence of Path, default=()
        These files.

    Attributes
    ----------
    rules : tuple of Rule
    fields : frozenset of str
        The fields of a record that the rules read.

    Raises
    ------
    ValueError
        If two rules have the same id, or a value is not a host or a telephone number.

    Examples
    --------
    >>> rules = RuleSet([Rule("bad-shops", "host", ["bad.example.com"], "flag", "fake shops")])
    >>> rules.match({"text": ["see http://pay.bad.example.com/1", "see you"]}, 2).tolist()
    [0, -1]
    """

    def __init__(self, rules: Sequence[Rule], *, digest: str | None = None, files: Sequence[Path] = ()) -> None:
        self.rules, self.digest, self.files = tuple(rules), digest, tuple(files)
        ids = [rule.id for rule in self.rules]
        repeated = next((name for name in ids if ids.count(name) > 1), None)
        if repeated is not None:
            raise ValueError(f"expected one rule per id, got several with {repeated!r}")
        self.fields = frozenset(TEXT if rule.field in IN_TEXT else rule.field for rule in self.rules)
        Lookups.of(self.rules, range(len(self.rules)))  # so that a bad value is found now, also of an expired rule
        self._current = self._lookups_at(datetime.now(UTC))
        self.match({TEXT: [SAMPLE]}, 1)  # compiles what a first record would wait for

    def __len__(self) -> int:
        return len(self.rules)

    def __repr__(self) -> str:
        return f"RuleSet({len(self)} rules; digest {str(self.digest)[:12]})"

    def expired(self, now: datetime | None = None) -> tuple[str, ...]:
        """Return the ids of expired rules.

        Parameters
        ----------
        now : datetime, default=None
            The time, with a time zone; None for the current time.

        Returns
        -------
        tuple of str
        """
        now = datetime.now(UTC) if now is None else now
        return tuple(rule.id for rule in self.rules if not rule.is_in_force(now))

    def match(self, columns: Mapping[str, Sequence[Any]], n: int, *, now: datetime | None = None) -> Array:
        """Return the rule that decides each record.

        Parameters
        ----------
        columns : mapping of str to sequence, each of length n
            The fields of the records; a missing field matches no rule.
        n : int
            Number of records.
        now : datetime, default=None
            The time at which rules must be in force, with a time zone; None for the current time.

        Returns
        -------
        ndarray of int64, shape (n,)
            Positions in ``rules``; -1 for none.
        """
        now, current = datetime.now(UTC) if now is None else now, self._current
        if not current.since <= now < current.until:
            current = self._current = self._lookups_at(now)
        return current.lookups.match(columns, n)

    def match_records(self, records: Sequence[Record], *, now: datetime | None = None) -> Array:
        """Return the rule that decides each record; see `match`.

        Parameters
        ----------
        records : sequence of dict
        now : datetime, default=None
            As for `match`.

        Returns
        -------
        ndarray of int64, shape (n_records,)
        """
        columns = {name: [record.get(name) for record in records] for name in self.fields}
        return self.match(columns, len(records), now=now)

    def _lookups_at(self, now: datetime) -> _Current:
        ends = [rule.end for rule in self.rules if rule.end is not None]
        in_force = [position for position, rule in enumerate(self.rules) if rule.is_in_force(now)]
        since = max((end for end in ends if end <= now), default=datetime.min.replace(tzinfo=UTC))
        until = min((end for end in ends if end > now), default=FOREVER)
        return _Current(since, until, Lookups.of(self.rules, in_force))
