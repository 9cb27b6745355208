"""The network of accounts whose own labels are known: without any label that tells of the own, not even by a total.

Of a group that shares a device, what is known of the others is the total but for oneself: 184 frauds for who is none,
183 for who is one. Leaving oneself out gives the label away; leaving out all labels of a fold does not.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.history.batch import TableLike

from .batch import network_features
from .declaration import Network

__all__ = ["network_out_of_fold"]


def network_out_of_fold(
    events: TableLike, asked: dict[str, Array], network: Network, labels: pd.DataFrame, *, n_folds: int
) -> Array:
    """Compute the network of records, out of fold for those whose own label was known before their moment.

    Parameters
    ----------
    events : pyarrow Table, DataFrame or mapping of str to array
        As for `network_features`.
    asked : dict of str to ndarray, each of shape (n_records,)
        ``account_id`` and ``as_of``.
    network : Network
        The declaration.
    labels : DataFrame
        ``account_id``, ``labelled_at`` and ``is_fraud`` of accounts.
    n_folds : int
        Folds of accounts.

    Returns
    -------
    ndarray of float64, shape (n_records, n_columns)

    Examples
    --------
    Ann is known as a fraud before she is asked about, and Bob is not; both share a card:

    >>> first, second, third = (pd.Timestamp(f"2026-05-0{day}") for day in (1, 2, 3))
    >>> events = pd.DataFrame({"account_id": ["ann", "bob"], "card_id": "c", "occurred_at": first})
    >>> labels = pd.DataFrame({"account_id": ["ann"], "labelled_at": second, "is_fraud": True})
    >>> asked = {"account_id": np.array(["ann", "bob"], object), "as_of": np.array([third] * 2, "M8[us]")}
    >>> cards = Network("", ("card_id",))
    >>> found = network_out_of_fold(events, asked, cards, labels, n_folds=2)
    >>> found[:, cards.columns.index("network__sharing_frauds_card_id")].tolist()
    [0.0, 1.0]
    """
    out = network_features(events, asked, network, labels=labels)
    ids = pd.Series(asked["account_id"], dtype=object).astype("str").to_numpy(object)
    labelled = labels["account_id"].astype("str")
    own = _known_before(ids, asked["as_of"], labelled, labels["labelled_at"])
    names, places = np.unique(ids[own].astype(str), return_inverse=True)
    folds = np.random.default_rng(0).permutation(len(names)) % n_folds
    rows = np.flatnonzero(own)
    for fold in np.unique(folds):
        part = rows[folds[places] == fold]
        shown = labels[~labelled.isin(names[folds == fold]).to_numpy()]
        out[part] = network_features(
            events, {name: cells[part] for name, cells in asked.items()}, network, labels=shown
        )
    return out


def _known_before(ids: Array, moments: Array, labelled: pd.Series, times: pd.Series) -> npt.NDArray[np.bool_]:
    first = pd.to_datetime(times, utc=True).groupby(labelled.to_numpy()).min()
    known = pd.Series(ids).map(first)
    return np.asarray(known < pd.to_datetime(moments, utc=True))
