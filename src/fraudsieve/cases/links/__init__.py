"""Links between flagged actions: shared accounts and identifiers, similar texts, and proximity in time or address.

An action is its position in `Actions`, where actions are sorted by time. Those without a time (`NO_TIME`, the smallest
int64) come first. `Links` owns its arrays; nothing changes them.

``source``, ``target``, int64, shape (n_links,)
    The two actions of a link; the source comes first. A pair of actions may have links of several kinds.
``value``, int64
    In `Entries`: the number of what actions share, such as an account, and never -1. In `Links`: its position in
    ``shared``; -1 if the actions are only similar.
`Entries`: ``value``, ``action``, ``time``, ``role``, int64, shape (n_entries,)
    Sorted by value and then by action, so that times ascend within a value. Each source of links makes its own.
``offsets``, shape (n + 1,), with ``other`` or ``neighbours``
    What belongs to account or action ``i`` begins at ``offsets[i]`` and ends before ``offsets[i + 1]``. The other ends
    of an account are sorted by time, and the neighbours of an action by their positions.
``ends``, int64, shape (2, n_links)
    The accounts that a link by a shared account does not share; -1 if unknown.

Pairs of entries are made by two passes: the first finds where the window of each entry begins, and the second writes a
run of pairs for each. For a window of 10, and at most 2 earlier entries::

    position       0     1     2     3     4     5     6
    value          4     4     4     4     4     9     9
    time           .     0     5    12    14     2     3      the first has none
    starts         0     1     1     2     2     5     5      the first entry with a time that is in the window
    timed          0     0     1     1     2     0     1      how many of these come before the entry
    untimed        0     1     1     1     1     0     0      how many entries without a time come before it
    paired with    .     0  1, 0  2, 0  2, 3     .     5      those with a time first, the others while there is room
"""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .sources import find_links as find_links
    from .table import LINK_KINDS as LINK_KINDS
    from .table import Hubs as Hubs
    from .table import Links as Links

__getattr__, __dir__, __all__ = attach(__name__, __file__)
