"""Our cases of a flagged set."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from benchmarks.cases.sets import FlaggedSet
from fraudsieve._typing import Array
from fraudsieve.cases import Actions, CaseSettings, partition_actions
from fraudsieve.cases.links import Links, find_links

__all__ = ["FlaggedLinks", "link_set"]

KEY = b"benchmark"


@dataclass(frozen=True, eq=False)
class FlaggedLinks:
    """A flagged set with its links, to be cut with several seeds."""

    set: FlaggedSet
    settings: CaseSettings
    actions: Actions
    links: Links

    @cached_property
    def rings(self) -> Array:
        """The ring of each action, in the order of the actions; None if it is in none."""
        rings = self.set.rings.reindex(self.actions.frame["action_id"])
        return rings.astype(object).where(rings.notna(), None).to_numpy()

    @cached_property
    def graph(self) -> sp.csr_matrix:
        """The weights of the links."""
        return self.links.graph(len(self.actions))

    def cases(self, seed: int) -> Array:
        """Return the case of each action."""
        ids = self.actions.frame["action_id"].to_numpy(object)
        return partition_actions(self.graph, ids, resolution=self.settings.resolution, seed=seed).case

    def oracle(self) -> Array:
        """Return the components of the links inside rings: what no choice of weights can exceed."""
        ring = self.rings[self.links.source]
        inside = (ring == self.rings[self.links.target]) & np.array([name is not None for name in ring], bool)
        graph = self.links[np.flatnonzero(inside)].graph(len(self.actions))
        return np.asarray(sp.csgraph.connected_components(graph, directed=False)[1])


def link_set(flagged: FlaggedSet, settings: CaseSettings) -> FlaggedLinks:
    """Link the actions of a set.

    Parameters
    ----------
    flagged : FlaggedSet
        The set.
    settings : CaseSettings
        The settings, with the unit of time of the set.

    Returns
    -------
    FlaggedLinks
    """
    actions = Actions.from_frame(flagged.actions)
    return FlaggedLinks(flagged, settings, actions, find_links(actions, settings, key=KEY)[0])
