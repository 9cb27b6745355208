"""Network features of accounts: shared counterparties and identifiers, and the labels of accounts that share them.

An account is linked to a counterparty, a device or a card from their first event together. Columns of an account s,
strictly before a cutoff time:

===================  ==========================================================================================
column               meaning
===================  ==========================================================================================
`degree`             number of values that s is linked to
`sharing`            number of links of other accounts to these values; `sharing_mean` and `sharing_max` per value
`sharing_known`      number of these accounts with a label; `sharing_frauds`: with a label of fraud
`sharing_rate`       ``(frauds + weight * rate) / (known + weight)``; `sharing_rate_max`: the maximum per value
`fans`               number of accounts with s as counterparty
`returned`           share of the counterparties that are fans too (family reciprocity)
`met_frauds`         number of counterparties with a label of fraud; `met_rate` as above
`fan_frauds`         number of fans with a label of fraud; `fan_rate` as above
`met_degree`         mean degree of the counterparties; `fan_degree`: mean degree of the fans
===================  ==========================================================================================

The last five rows exist for counterparties only, since only these are accounts. The label of s itself never counts.
A label of an account counts until its next one. Of contradicting labels of one account and time, fraud counts.

What is summed over neighbours costs time in proportion to their number, so it stops at hubs, in batch and live alike:

- An account with more than `max_degree` values at the cutoff time has `degree`, `fans`, `returned`, `fan_frauds` and
  `fan_rate`. The other columns, which are summed over its values, are NaN.
- An account with more than `max_degree` fans at the cutoff time has a `fan_degree` of NaN.
- A value that many accounts share is counted in full: `sharing` and its labels are exact, however many they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from fraudsieve._typing import JsonObject
from fraudsieve.features.history.declaration import EVERY_EVENT, WITHOUT_WINDOW, History, check_names, check_prior
from fraudsieve.features.record_fields import RecordField

SHARED = ("degree", "sharing", "sharing_mean", "sharing_max")
SHARED_LABELS = ("sharing_known", "sharing_frauds", "sharing_rate", "sharing_rate_max")
BETWEEN = ("fans", "returned", "met_degree", "fan_degree")
BETWEEN_LABELS = ("met_frauds", "met_rate", "fan_frauds", "fan_rate")


@dataclass(frozen=True)
class Network:
    """The declaration of the network features of an account.

    Parameters
    ----------
    counterparty : str, default="counterparty_id"
        Column that identifies another account; empty if there is none.
    identifiers : tuple of str, default=()
        Further columns that accounts share, such as ``"device_id"``.
    labels : bool, default=True
        Whether labels of accounts are used.
    prior : tuple of float, default=(0.05, 5.0)
        Fraud rate towards which rates from few labels are shrunk, and its weight, in labels.
    max_degree : int, default=1000
        Number of values, and of fans, above which an account is a hub. Sums over the neighbours of a hub are NaN; its
        own degree, its fans and their labels stay exact. This bounds the time to compute the features of an account.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type, or there is no column that accounts share.

    Examples
    --------
    >>> Network(labels=False).columns[:3]
    ('network__degree', 'network__sharing', 'network__sharing_mean')
    """

    counterparty: str = "counterparty_id"
    identifiers: tuple[str, ...] = ()
    labels: bool = True
    prior: tuple[float, float] = (0.05, 5.0)
    max_degree: int = 1000

    def __post_init__(self) -> None:
        check_names("identifiers", self.identifiers)
        check_prior(self.prior)
        if not isinstance(self.counterparty, str) or not isinstance(self.labels, bool):
            raise TypeError(f"Expected a string as counterparty and True or False as labels, got {self!r}.")
        if type(self.max_degree) is not int:
            raise TypeError(f"max_degree: expected a whole number, got {self.max_degree!r}.")
        if not 1 <= self.max_degree < 2**31:
            raise ValueError(f"max_degree: expected a whole number from 1 to {2**31 - 1}, got {self.max_degree!r}.")
        if self.counterparty in self.identifiers:
            raise ValueError("identifiers: expected columns other than the counterparty, got it twice.")
        if not self.counterparty and not self.identifiers:
            raise ValueError("Expected a counterparty or an identifier that accounts share, got neither.")

    @property
    def links(self) -> tuple[str, ...]:
        """The columns that link accounts."""
        return (self.counterparty, *self.identifiers) if self.counterparty else self.identifiers

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; those of an identifier end with its name."""
        return tuple(name for link in self.links for name in self.columns_of(link))

    def columns_of(self, link: str) -> tuple[str, ...]:
        """Return the names of the columns of one of `links`.

        Parameters
        ----------
        link : str
            Name of the column that links accounts.

        Returns
        -------
        tuple of str
        """
        names = SHARED + (SHARED_LABELS if self.labels else ())
        if link == self.counterparty:
            names += BETWEEN + (BETWEEN_LABELS if self.labels else ())
        ending = "" if link == self.counterparty else f"_{link}"
        return tuple(f"{'reciprocity' if name == 'returned' else 'network'}__{name}{ending}" for name in names)

    def to_dict(self) -> JsonObject:
        """Return the declaration in plain JSON types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, declared: Mapping[str, Any]) -> "Network":
        """Read a declaration from plain JSON types.

        Parameters
        ----------
        declared : mapping
            One key per parameter; missing keys have their defaults.

        Returns
        -------
        Network
        """
        values: JsonObject = {
            name: tuple(value) if isinstance(value, list) else value for name, value in declared.items()
        }
        return cls(**values)


class HistoryDeclaration(NamedTuple):
    """The feature views and the network that a feature matrix needs, or that a live state computes.

    Two declarations are compared part by part: columns of the same name may belong to another entity, night or prior.
    A matrix knows its declaration without building a state.
    """

    histories: tuple[History, ...]
    network: Network | None = None


def event_fields(views: Sequence[History], network: Network | None = None) -> tuple[RecordField, ...]:
    """Return the fields of an event that feature views and a network read, except its time, by name."""
    names = {name for view in views for name in view.fields} | set(network.links if network else ())
    amounts = {view.amount for view in views} & names
    return tuple(RecordField(name, "amount" if name in amounts else "id") for name in sorted(names))


def with_key(histories: Iterable[History], key: str) -> tuple[History, ...]:
    """Return feature views with an `order_key`; those that have one keep it."""
    return tuple(replace(view, order_key=view.order_key or key) for view in histories)


def status_views(views: Sequence[History]) -> tuple[History, ...]:
    """Return the feature views whose events decide whether a subject has history.

    These are the views of its own account. Without one, they are all views: one event of any of their entities is
    enough.
    """
    return tuple(view for view in views if view.is_of_account) or tuple(views)


def event_counts(views: Sequence[History]) -> tuple[History, ...]:
    """Return views that count the events which decide, as in a live state, whether a subject has history."""
    counts: dict[tuple[tuple[str, ...], tuple[str, ...], str], History] = {}
    for view in status_views(views):
        # A live state forgets an entity other than an account, unless a measure looks back without end.
        is_kept = view.entities == ("account_id",) or {*view.measures} & {*WITHOUT_WINDOW}
        window = "all" if is_kept else view.longest
        key, name = (view.entities, view.subjects, window), f"history_{len(counts)}"
        count = History(
            (window,), entity=view.entity, subject=view.subject, measures=("count",), name=name, max_events=EVERY_EVENT
        )
        counts.setdefault(key, count)
    return tuple(counts.values())
