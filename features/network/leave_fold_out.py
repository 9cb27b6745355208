"""Network features of labelled accounts, computed out of fold so that no count reveals the account's own label.

Leaving out the account's own label alone is not enough: in a group with 184 frauds that shares a device, a legitimate
account would count 184 frauds and a fraudulent one 183. Leaving out all labels of a fold does not leak.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.history.columns.table import Columns
from fraudsieve.tables.cells import STRING

from .declaration import Network
from .network_batch import CodedTables, network_columns


def network_out_of_fold(
    events: Columns, subjects: dict[str, Array], network: Network, labels: pd.DataFrame, *, n_folds: int
) -> Array:
    """Compute the network features of subjects, out of fold if their own label was known before the cutoff time.

    Parameters
    ----------
    events : pyarrow Table, DataFrame or mapping of str to array
        As for `network_features`.
    subjects : dict of str to ndarray, each of shape (n_records,)
        ``account_id`` and ``as_of``.
    network : Network
        The declaration.
    labels : DataFrame
        Labels of accounts, with ``account_id``, ``labelled_at`` and ``is_fraud``.
    n_folds : int
        Number of folds of accounts.

    Returns
    -------
    ndarray of float64, shape (n_records, n_columns)

    Examples
    --------
    Ann has a label of fraud before the cutoff time, and shares a card with Bob, who has none:

    >>> first, second, third = (pd.Timestamp(f"2026-05-0{day}") for day in (1, 2, 3))
    >>> events = pd.DataFrame({"account_id": ["ann", "bob"], "card_id": "c", "occurred_at": first})
    >>> labels = pd.DataFrame({"account_id": ["ann"], "labelled_at": second, "is_fraud": True})
    >>> subjects = {"account_id": np.array(["ann", "bob"], object), "as_of": np.array([third] * 2, "M8[us]")}
    >>> cards = Network("", ("card_id",))
    >>> features = network_out_of_fold(events, subjects, cards, labels, n_folds=2)
    >>> features[:, cards.columns.index("network__sharing_frauds_card_id")].tolist()
    [0.0, 1.0]
    """
    tables = CodedTables.read(events, subjects, network, labels)
    ids = pd.Series(subjects["account_id"], dtype=object).astype(STRING).to_numpy(object)
    labelled_ids = labels["account_id"].astype(STRING)
    is_labelled = _labelled_before(ids, subjects["as_of"], labelled_ids, labels["labelled_at"])
    accounts, account_of_row = np.unique(ids[is_labelled].astype(str), return_inverse=True)
    folds = np.random.default_rng(0).permutation(len(accounts)) % n_folds
    labelled_rows = np.flatnonzero(is_labelled)
    parts = [(np.flatnonzero(~is_labelled), np.arange(len(labels)))]
    for fold in np.unique(folds):
        is_other = ~labelled_ids.isin(accounts[folds == fold]).to_numpy()
        parts.append((labelled_rows[folds[account_of_row] == fold], np.flatnonzero(is_other)))
    return network_columns(network, tables, parts)


def _labelled_before(ids: Array, cutoffs: Array, labelled_ids: pd.Series, times: pd.Series) -> npt.NDArray[np.bool_]:
    first_times = pd.to_datetime(times, utc=True).groupby(labelled_ids.to_numpy()).min()
    return np.asarray(pd.Series(ids).map(first_times) < pd.to_datetime(cutoffs, utc=True))
