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
    """Compute the network features of subjects, out of fold if their own label was known before the cutoff time."""
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
