"""Workers of Toloka with ten numbers each, and which of them worked on the same tasks; some were banned."""

from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks.columns.declared import MANY_FRAUDS, rows_of
from benchmarks.data.folds import Fold, Rows
from benchmarks.data.kinds import AccountSet, Published, Scheme, Task
from benchmarks.data.location import load_accounts

__all__ = ["SETS", "published", "with_link_means"]

SPLITS: Final = ("split_1", "split_2", "split_3", "split_4", "split_5")
NUMBERS: Final = tuple(f"x{number}" for number in range(10))
_PROTOCOL = (
    "The five splits of the file (50 % to train on, 25 % to test on, the validation rows left out), the number of the "
    "split as seed of ours. Columns of both: the ten numbers of a worker, the number of linked workers, and the means "
    "of the ten numbers over the linked ones, and over those that are linked to these. Settings of ours are those of "
    "s_ffsd; nothing was chosen here. Published .838 ROC AUC (graph network)."
)
METRICS: Final = ("roc_auc", "average_precision")


def _task() -> Task:
    """Was this worker banned? Ready columns without times; the five splits of the file."""
    accounts = load_accounts("tolokers", "accounts")
    rows = with_link_means(accounts, load_accounts("tolokers", "edges"))
    rows = rows.assign(account_id=accounts["account_id"], label=_banned(accounts).astype("int8"))
    first, *further = _splits(accounts)
    protocol = "The splits of the file, validation left out; the ten numbers, and their means over linked workers."
    return Task("account", rows, *first, protocol, further=further)


def published() -> Published:
    """Find banned workers from their numbers and the workers that they are linked to."""
    accounts = load_accounts("tolokers", "accounts")
    columns = with_link_means(accounts, load_accounts("tolokers", "edges"))
    folds = [Fold(*split, (number,), repeat=number) for number, split in enumerate(_splits(accounts))]
    scheme = Scheme("", folds, rows_of(columns), MANY_FRAUDS, METRICS, {"roc_auc": 0.838}, test_share=0.5)
    return Published(_banned(accounts), columns, [scheme], _PROTOCOL, len(accounts), "the same columns")


def with_link_means(accounts: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of accounts, their degree, and means over accounts that are one and two links away.

    An edge names two rows of the accounts, in any order. An account without links has means of 0.

    Examples
    --------
    >>> accounts = pd.DataFrame({name: [1.0, 2.0, 6.0] for name in NUMBERS})
    >>> columns = with_link_means(accounts, pd.DataFrame({"a": [0, 1], "b": [1, 2]}))
    >>> columns[["x0", "degree", "near_x0", "far_x0"]].iloc[1].tolist()
    [2.0, 2.0, 3.5, 2.0]
    """
    numbers = accounts[list(NUMBERS)].to_numpy(np.float64)
    ends = np.concatenate([edges["a"], edges["b"]]), np.concatenate([edges["b"], edges["a"]])
    linked = sparse.csr_array((np.ones(len(ends[0])), ends), shape=(len(accounts), len(accounts)))
    degree = linked.sum(axis=1)[:, None]
    near = linked @ numbers / np.maximum(degree, 1)
    far = linked @ near / np.maximum(degree, 1)
    names = [*NUMBERS, "degree", *(f"{hop}_{name}" for hop in ("near", "far") for name in NUMBERS)]
    return pd.DataFrame(np.hstack([numbers, degree, near, far]), columns=names)


def _splits(accounts: pd.DataFrame) -> list[tuple[Rows, Rows]]:
    return [(np.flatnonzero(accounts[name] == "train"), np.flatnonzero(accounts[name] == "test")) for name in SPLITS]


def _banned(accounts: pd.DataFrame) -> Rows:
    return np.asarray(accounts["label"] == "banned", np.int64)


SETS: Final = (AccountSet("tolokers", _task, published, place=7),)
