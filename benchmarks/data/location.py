"""The benchmark data: their location, and the error if they are missing."""

import os
from pathlib import Path

import pandas as pd

__all__ = ["DATA_VARIABLE", "MissingDataError", "data_folder", "load_accounts", "load_messages", "load_rings"]

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
    """Return ``FRAUDSIEVE_DATA`` if set, otherwise ``../shared/data`` next to the checkout; it may not exist."""
    named = os.environ.get(DATA_VARIABLE, "")
    return Path(named) if named else _ROOT.parent / "shared" / "data"


def load_messages(name: str) -> pd.DataFrame:
    """Read the messages of a set such as ``fbs_sms``, with at least ``text`` and ``label``."""
    return _read(name, data_folder() / "messages" / f"{name}.parquet")


def load_accounts(name: str, table: str = "events") -> pd.DataFrame:
    """Read ``events`` of an account set, or ``accounts`` or ``edges`` if it has them."""
    return _read(name, data_folder() / "accounts" / name / f"{table}.parquet")


def load_rings(name: str, table: str) -> pd.DataFrame:
    """Read a table of a set of flagged actions with true rings."""
    return _read(name, data_folder() / "rings" / name / f"{table}.parquet")


def _read(name: str, path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise MissingDataError(name, path)
    return pd.read_parquet(path)
