"""All links of flagged actions, from every source."""

import numpy as np
import pandas as pd

from fraudsieve.cases.actions import Actions
from fraudsieve.cases.settings import CaseSettings

from .accounts import account_links
from .identifiers import identifier_links
from .nearby import address_links, sign_up_links
from .table import HARD, Hubs, Links, concatenate_links
from .texts import text_links, wording_links


def find_links(
    actions: Actions,
    settings: CaseSettings,
    *,
    key: bytes,
    unflagged: pd.DataFrame | None = None,
    context: pd.DataFrame | None = None,
) -> tuple[Links, Hubs]:
    """Find the links between flagged actions.

    Parameters
    ----------
    actions : Actions
        The flagged actions.
    settings : CaseSettings
        Weights and windows.
    key : bytes
        A secret of 1 to 64 bytes, for the digests of identifiers.
    unflagged : DataFrame, default=None
        Records that are not flagged, which show how common an identifier is.
    context : DataFrame, default=None
        Events of accounts, whose identifiers count as those of the flagged actions of the account.

    Returns
    -------
    links : Links
        Sorted by source, target and kind.
    hubs : Hubs
        Accounts, identifiers and address ranges that too many records share.

    Examples
    --------
    >>> frame = pd.DataFrame({"action_id": ["a", "b"], "account_id": ["ann", "ann"]})
    >>> links, hubs = find_links(Actions.from_frame(frame), CaseSettings(), key=b"a key")
    >>> links.source.tolist(), links.target.tolist(), len(hubs.value)
    ([0], [1], 0)
    """
    by_account, account_hubs = account_links(actions, settings)
    by_identifier, identifier_hubs = identifier_links(actions, settings, key, unflagged, context)
    by_address, address_hubs = address_links(actions, settings, key)
    soft = [text_links(actions, settings), wording_links(actions, settings), sign_up_links(actions, settings)]
    links = concatenate_links([by_account, by_identifier, by_address, *soft])
    all_hubs = (account_hubs, identifier_hubs, address_hubs)
    names = ("value", "actions", "accounts", "unflagged")
    hubs = Hubs(*(np.concatenate([getattr(part, name) for part in all_hubs]) for name in names))
    return _less_across_kinds(links, actions, settings), hubs


def _less_across_kinds(links: Links, actions: Actions, settings: CaseSettings) -> Links:
    """Weigh soft links less where the actions are of different kinds, such as a payment and a transfer."""
    if "kind" not in actions.frame:
        return links
    kind = pd.factorize(actions.frame["kind"])[0]
    across = (kind[links.source] != kind[links.target]) & (links.kind != HARD)
    weight = np.where(across, links.weight * settings.across_kinds, links.weight)
    return Links(links.source, links.target, links.kind, weight, links.value, links.strength, links.shared)
