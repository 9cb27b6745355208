"""Lookup of the rules that records match: per field, for all records at once, however many rules there are."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.features.cues.links import measure_links
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.tables.values.reading import read_id

from .hosts import HostTable, normalise_hosts
from .rule import HOST, TELEPHONE, Action, Rule
from .telephones import TelephoneTable, find_telephones, normalise_telephones

Key = TypeVar("Key", bound=Hashable)
TEXT = "text"
IN_TEXT = (HOST, TELEPHONE)
NONE = np.empty(0, np.int64)
ACTIONS: tuple[Action, ...] = ("flag", "pass")
"""Actions in the order of precedence."""


class Lookups(NamedTuple):
    """Tables of rules. Of the rules that a record matches, the one with the lowest rank decides."""

    # Shape (n_rules + 1,). Position of the rule of each rank; -1 for the rank of no rule.
    order: Array
    # For each field, the rank of every identifier.
    ids: Mapping[str, dict[str | None, int]]
    # For each action, the ranks of hosts and telephone numbers.
    hosts: Mapping[Action, HostTable]
    telephones: Mapping[Action, TelephoneTable]

    @classmethod
    def of(cls, rules: Sequence[Rule], positions: Iterable[int]) -> Self:
        """Build the tables of the rules at the given positions."""
        order = sorted(positions, key=lambda position: (ACTIONS.index(rules[position].action), position))
        ids: dict[str, dict[str | None, int]] = {}
        hosts: dict[Action, dict[str, int]] = {action: {} for action in ACTIONS}
        telephones: dict[Action, dict[int, int]] = {action: {} for action in ACTIONS}
        for rank, position in enumerate(order):
            rule = rules[position]
            values = [str(value) for value in rule.values]
            if rule.field == HOST:
                _add(hosts[rule.action], _normalised(normalise_hosts, rule, values), rank)
            elif rule.field == TELEPHONE:
                _add(telephones[rule.action], _normalised(normalise_telephones, rule, values), rank)
            else:
                _add(ids.setdefault(rule.field, {}), values, rank)
        return cls(
            np.array([*order, -1], np.int64),
            ids,
            {action: HostTable.of(table) for action, table in hosts.items() if table},
            {action: TelephoneTable.of(table) for action, table in telephones.items() if table},
        )

    def match(self, columns: Mapping[str, Sequence[Any]], n: int) -> Array:
        """Return the position of the rule that decides each of n records; -1 for none."""
        no_rule = len(self.order) - 1
        ranks = np.full(n, no_rule, np.int64)
        for field, table in self.ids.items():
            if field in columns:
                of_ids: Iterable[int] = map(table.get, _as_ids(columns[field]), repeat(no_rule))
                ranks = np.minimum(ranks, np.fromiter(of_ids, np.int64, n))
        if TEXT in columns and (self.hosts or self.telephones):
            ranks = np.minimum(ranks, self._in_texts(fold_codes(pack(_as_texts(columns[TEXT])))[0], no_rule))
        return self.order[ranks]

    def _in_texts(self, texts: CodePoints, no_rule: int) -> Array:
        ranks = np.full(len(texts), no_rule, np.int64)
        spans = measure_links(texts)[1] if self.hosts else np.empty((0, 4), np.int64)
        if len(spans):  # few messages have a host
            for action, hosts in self.hosts.items():
                found = hosts.ranks_of(texts, spans, no_rule)
                ranks = np.minimum(ranks, _of_texts(action, spans[:, 0], found, len(texts), no_rule))
        text, numbers = find_telephones(texts) if self.telephones else (NONE, NONE)
        if len(text):
            for action, telephones in self.telephones.items():
                found = telephones.ranks_of(numbers, no_rule)
                ranks = np.minimum(ranks, _of_texts(action, text, found, len(texts), no_rule))
        return ranks


def _of_texts(action: Action, text: Array, ranks: Array, n: int, no_rule: int) -> Array:
    """Return the rank for each of n texts from the ranks of what it contains.

    One host is enough to flag. To pass, all of them must be known: else a known host beside any other would let a
    message through.
    """
    lowest, highest = np.full(n, no_rule, np.int64), np.zeros(n, np.int64)
    np.minimum.at(lowest, text, ranks)
    np.maximum.at(highest, text, ranks)
    if action == "pass":
        lowest[highest == no_rule] = no_rule
    return lowest


def _add(table: dict[Key, int], values: Sequence[Key], rank: int) -> None:
    for value in values:
        table.setdefault(value, rank)


def _normalised(normalise: Callable[[Sequence[str]], list[Key]], rule: Rule, values: Sequence[str]) -> list[Key]:
    try:
        return normalise(values) if values else []
    except ValueError as error:
        raise ValueError(f"{rule.id}: {error}") from None


def _as_ids(values: Sequence[Any]) -> list[str | None]:
    """Normalise identifiers as in rules; None for a value that is not an identifier."""
    try:
        return list(map(str.strip, values))
    except TypeError:  # not all are strings
        return [_as_id(value) for value in values]


def _as_id(value: Any) -> str | None:
    try:
        return read_id(value, "")
    except RejectedRecordError:
        return None


def _as_texts(values: Sequence[Any]) -> list[str]:
    return [value if isinstance(value, str) else "" for value in values]
