"""The declaration of the history features: models with equal declarations can share a live state."""

from typing import NamedTuple

from .history.declaration import History
from .network.declaration import Network

__all__ = ["HistoryDeclaration"]


class HistoryDeclaration(NamedTuple):
    """The feature views and the network that a feature matrix needs, or that a live state computes.

    Two declarations are compared part by part: columns of the same name may belong to another entity, night or prior.
    A matrix knows its declaration without building a state.

    Attributes
    ----------
    histories : tuple of History
        The feature views, in the order of their columns.
    network : Network or None
        The network; None for no network.

    Examples
    --------
    >>> HistoryDeclaration((History(("1h",)),)) == HistoryDeclaration((History(("1h",), night=(1, 2)),))
    False
    """

    histories: tuple[History, ...]
    network: Network | None = None
