"""What accounts have in common: shared counterparties and identifiers, and what was known of those who share them.

An account is linked to a counterparty, a device or a card from its first event with it on. Of an account s as of a
moment, strictly before it:

===================  =======================================================================================
column               what it says
===================  =======================================================================================
`degree`             how many values s is linked to
`sharing`            links of other accounts to these, in all; `sharing_mean` and `sharing_max` by value
`sharing_known`      how many of these accounts had a label, and `sharing_frauds` how many were confirmed as fraud
`sharing_rate`       ``(frauds + weight * rate) / (known + weight)``; `sharing_rate_max` the highest of a value
`fans`               how many accounts have s as counterparty
`returned`           the share of counterparties that are fans too (family reciprocity)
`met_frauds`         counterparties that were confirmed as fraud; `met_rate` as above
`fan_frauds`         fans that were confirmed as fraud; `fan_rate` as above
`met_degree`         the mean degree of the counterparties; `fan_degree` that of the fans
===================  =======================================================================================

The last four lines are of counterparties alone: only these are accounts. The label of s itself never counts. All is
done by sorting and prefix counts: see `network_graph`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fraudsieve.features.history.measures import check_names, check_prior

__all__ = ["Network"]

SHARED = ("degree", "sharing", "sharing_mean", "sharing_max")
SHARED_LABELS = ("sharing_known", "sharing_frauds", "sharing_rate", "sharing_rate_max")
BETWEEN = ("fans", "returned", "met_degree", "fan_degree")
BETWEEN_LABELS = ("met_frauds", "met_rate", "fan_frauds", "fan_rate")


@dataclass(frozen=True)
class Network:
    """The declaration of what is computed of an account's network.

    Parameters
    ----------
    counterparty : str, default="counterparty_id"
        The column that names another account; empty where there is none.
    identifiers : tuple of str, default=()
        Further columns that accounts share, such as ``"device_id"``.
    labels : bool, default=True
        Whether labels of accounts are looked at.
    prior : tuple of float, default=(0.05, 5.0)
        The rate of fraud that few labels are shrunk to, and how many labels it weighs.

    Raises
    ------
    TypeError, ValueError
        If a part is of the wrong type, or there is nothing that accounts could share.

    Examples
    --------
    >>> Network(labels=False).columns[:3]
    ('network__degree', 'network__sharing', 'network__sharing_mean')
    """

    counterparty: str = "counterparty_id"
    identifiers: tuple[str, ...] = ()
    labels: bool = True
    prior: tuple[float, float] = (0.05, 5.0)

    def __post_init__(self) -> None:
        check_names("identifiers", self.identifiers)
        check_prior(self.prior)
        if not isinstance(self.counterparty, str) or not isinstance(self.labels, bool):
            raise TypeError(f"counterparty is a string and labels is True or False; got {self!r}.")
        if not self.counterparty and not self.identifiers:
            raise ValueError("A network needs a counterparty or an identifier that accounts share.")

    @property
    def links(self) -> tuple[str, ...]:
        """The columns that link accounts."""
        return (self.counterparty, *self.identifiers) if self.counterparty else self.identifiers

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; those of an identifier end in its name."""
        return tuple(name for link in self.links for name in self.columns_of(link))

    def columns_of(self, link: str) -> tuple[str, ...]:
        """Return the names of the columns of one link.

        Parameters
        ----------
        link : str
            One of `links`.

        Returns
        -------
        tuple of str
        """
        names = SHARED + (SHARED_LABELS if self.labels else ())
        if link == self.counterparty:
            names += BETWEEN + (BETWEEN_LABELS if self.labels else ())
        ending = "" if link == self.counterparty else f"_{link}"
        return tuple(f"{'reciprocity' if name == 'returned' else 'network'}__{name}{ending}" for name in names)

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration in plain JSON types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, declared: Mapping[str, Any]) -> "Network":
        """Read a declaration from plain JSON types.

        Parameters
        ----------
        declared : mapping
            A key a parameter; what is not there has its default.

        Returns
        -------
        Network
        """
        parts: dict[str, Any] = {
            name: tuple(part) if isinstance(part, list) else part for name, part in declared.items()
        }
        return cls(**parts)
