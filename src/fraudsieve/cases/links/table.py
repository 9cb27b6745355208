"""Links between flagged actions, and the hubs that link nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp

from fraudsieve._typing import Array

LINK_KINDS: Final = (
    "same_sender",
    "same_recipient",
    "onward",
    "against",
    "identifier",
    "text",
    "wording",
    "address_range",
    "sign_up",
)
"""The kinds of links, in the order of their codes: the first four are shared accounts, by what the account does."""
HARD: Final = LINK_KINDS.index("identifier")


@dataclass(frozen=True, eq=False)
class Links:
    """Links between actions; two actions may have several.

    Parameters
    ----------
    source, target : ndarray of int64, shape (n_links,)
        Positions of the earlier and the later action.
    kind : ndarray of int64, shape (n_links,)
        Code of `LINK_KINDS`.
    weight : ndarray of float64, shape (n_links,)
        Weight of the link after decay.
    value : ndarray of int64, shape (n_links,)
        Position in `shared`; -1 if the evidence is a similarity.
    strength : ndarray of float64, shape (n_links,)
        The similarity of texts, or the number of further accounts that link the other ends of both actions.
    shared : ndarray of object, shape (n_values,)
        The shared value: the id of an account, or the kind and the keyed digest of an identifier.
    """

    source: Array
    target: Array
    kind: Array
    weight: Array
    value: Array
    strength: Array
    shared: Array

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Array) -> "Links":
        columns = (self.source, self.target, self.kind, self.weight, self.value, self.strength)
        source, target, kind, weight, value, strength = (column[rows] for column in columns)
        return Links(source, target, kind, weight, value, strength, self.shared)

    def graph(self, n_actions: int) -> sp.csr_matrix:
        """Return the symmetric matrix of weights; several links between two actions are added up.

        Parameters
        ----------
        n_actions : int
            Number of actions.

        Returns
        -------
        csr_matrix of float64, shape (n_actions, n_actions)
        """
        half = sp.coo_matrix((self.weight, (self.source, self.target)), (n_actions, n_actions)).tocsr()
        return half + half.T


@dataclass(frozen=True, eq=False)
class Hubs:
    """Values that too many records share, and that therefore link nothing.

    Parameters
    ----------
    value : ndarray of object, shape (n_hubs,)
        As in `Links.shared`.
    actions, accounts : ndarray of int64, shape (n_hubs,)
        Numbers of flagged actions and of accounts that share the value.
    unflagged : ndarray of int64, shape (n_hubs,)
        Number of given records that are not flagged and have the value.
    """

    value: Array
    actions: Array
    accounts: Array
    unflagged: Array


def concatenate_links(parts: Sequence[Links]) -> Links:
    """Return the links of several sources as one table, without links of weight zero.

    They are sorted by source, target and kind.
    """
    shifts = np.cumsum([0, *(len(part.shared) for part in parts[:-1])])
    values = [np.where(part.value < 0, -1, part.value + shift) for part, shift in zip(parts, shifts, strict=True)]
    source, target, kind, weight, strength = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("source", "target", "kind", "weight", "strength")
    )
    order = np.lexsort((kind, target, source))
    order = order[weight[order] > 0]
    all_values = np.concatenate([part.shared for part in parts])
    return Links(source, target, kind, weight, np.concatenate(values), strength, all_values)[order]
