"""The benchmark data: their location, and the error if they are missing."""

import os
from pathlib import Path

import pandas as pd

__all__ = ["DATA_VARIABLE", "MissingDataError", "data_folder", "load_accounts", "load_messages"]

DATA_VARIABLE = "FRAUDSIEVE_DATA"
_ROOT = Path(__file__).resolve().parents[2]


class MissingDataError(FileNotFoundError):
    """A data set of the benchmarks is not on this machine.

    Parameters
    ----------
    name : str
        Name of the data set.
    path : Path
        Expected location.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        super().__init__(
            f"Skipped {name}: {path.name} is not in {path.parent}. "
            f"Set {DATA_VARIABLE} to the folder that holds messages/ and accounts/."
        )


def data_folder() -> Path:
    """Return the folder of the benchmark data.

    Returns
    -------
    Path
        ``FRAUDSIEVE_DATA`` if set, otherwise ``../shared/data`` next to the checkout. It may not exist.
    """
    named = os.environ.get(DATA_VARIABLE, "")
    return Path(named) if named else _ROOT.parent / "shared" / "data"


def load_messages(name: str) -> pd.DataFrame:
    """Read one table of messages.

    Parameters
    ----------
    name : str
        The data set, such as ``fbs_sms``.

    Returns
    -------
    DataFrame of shape (n_messages, n_columns)
        With at least ``text`` and ``label``.

    Raises
    ------
    MissingDataError
        If the file does not exist.
    """
    path = data_folder() / "messages" / f"{name}.parquet"
    if not path.is_file():
        raise MissingDataError(name, path)
    return pd.read_parquet(path)


def load_accounts(name: str, table: str = "events") -> pd.DataFrame:
    """Read one table of an account set.

    Parameters
    ----------
    name : str
        The data set, such as ``wikipedia_bans``.
    table : str, default="events"
        ``events``, or ``accounts`` or ``edges`` if the set has them.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns)

    Raises
    ------
    MissingDataError
        If the file does not exist.
    """
    path = data_folder() / "accounts" / name / f"{table}.parquet"
    if not path.is_file():
        raise MissingDataError(name, path)
    return pd.read_parquet(path)
