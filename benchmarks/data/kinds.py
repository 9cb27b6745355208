"""What a data set declares: a set of messages by its columns, a set of accounts by its split and published protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data.folds import Fold, Rows
from benchmarks.data.location import load_messages
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups

__all__ = ["LEGITIMATE", "AccountSet", "Matrices", "MessageSet", "Published", "Scheme", "Task", "fraud_or_legitimate"]

LEGITIMATE = "ham"
"""The legitimate class of the message sets; fbs_sms has none."""
Matrices: TypeAlias = tuple[Any, Any]
"""Columns of the training rows and of the test rows of a fold: arrays or frames."""


@dataclass(frozen=True)
class MessageSet:
    """A set of labelled messages.

    Parameters
    ----------
    name : str
        The name of its file.
    language : str
        ``en``, ``zh``, or empty for many.
    schemes : tuple of str, default=()
        Names of its splits, as from `schemes_of`, or ``given``.
    benchmarks : frozenset of str, default=frozenset()
        Which benchmarks take it: ``detection``, ``contest``, ``attack``, ``refit``, ``unlike``, ``unlike_source``.
    ahead : tuple of str, default=()
        Schemes on which fraudsieve claims to be ahead of the better peer, not only not behind.
    bound : float, default=0.0
        Lower bound of fraudsieve's macro-F1 on the given split.
    chat_of : str, default=""
        Of legitimate chat: the set whose models are tested on it.
    legitimate : str, default=LEGITIMATE
        The legitimate class in the file.
    near_duplicates : bool, default=False
        Whether near-duplicates are a campaign.
    place : int, default=100
        Position in reports; sets of one position are in the order of their files, and in it.
    """

    name: str
    language: str
    schemes: tuple[str, ...] = ()
    benchmarks: frozenset[str] = frozenset()
    ahead: tuple[str, ...] = ()
    bound: float = 0.0
    chat_of: str = ""
    legitimate: str = LEGITIMATE
    near_duplicates: bool = False
    place: int = 100

    def load(self) -> pd.DataFrame:
        """Read the messages; the legitimate class is `LEGITIMATE`, whatever it is in the file."""
        table = load_messages(self.name)
        if self.legitimate != LEGITIMATE:
            table["label"] = table["label"].replace(self.legitimate, LEGITIMATE)
        if self.near_duplicates:
            table["campaign"] = near_duplicate_groups(table["text"].tolist())
        return table


def fraud_or_legitimate(table: pd.DataFrame) -> pd.DataFrame:
    """Return messages with an id, their text and one of two labels, for training by the library.

    Examples
    --------
    >>> fraud_or_legitimate(pd.DataFrame({"text": ["a", "b"], "label": ["smishing", "ham"]}))["label"].tolist()
    ['fraud', 'ham']
    """
    labels = np.where(table["label"] == LEGITIMATE, LEGITIMATE, "fraud").astype(object)
    ids = np.arange(len(table)).astype(str)
    return pd.DataFrame({"message_id": ids, "text": table["text"], "label": labels})


@dataclass(frozen=True, eq=False)
class Task:
    """Labelled accounts or events of one set as a newcomer has them, and the rows of a split.

    Parameters
    ----------
    subject : {"account", "event"}
        What a row is.
    rows : DataFrame
        The accounts with ``account_id`` and ``as_of``, or the events; with ``label`` (1, 0, missing if unlabelled).
    train, test : ndarray of int64
        Positions of rows with a label.
    protocol : str
        How the rows were chosen.
    events : DataFrame, default=None
        The events of accounts; of events these are the rows themselves.
    further : sequence of pairs of ndarray of int64, default=()
        Training and test rows of the further splits of a set that is published with several.
    """

    subject: str
    rows: pd.DataFrame
    train: Rows
    test: Rows
    protocol: str
    events: pd.DataFrame | None = None
    further: Sequence[tuple[Rows, Rows]] = ()

    @property
    def splits(self) -> list["Task"]:
        """The task of each split, this one first."""
        return [self, *(replace(self, train=train, test=test, further=()) for train, test in self.further)]

    @property
    def truth(self) -> NDArray[np.float64]:
        """The labels of all rows; NaN if unlabelled."""
        return self.rows["label"].to_numpy(np.float64, na_value=np.nan)

    @property
    def history(self) -> pd.DataFrame | None:
        """The events that columns are made of, if there are any."""
        return self.rows if self.subject == "event" else self.events


@dataclass(frozen=True, eq=False)
class Scheme:
    """One split of a published protocol, and fraudsieve's columns and settings for it.

    Parameters
    ----------
    name : str
        First part of the names of figures; empty if there is one scheme.
    folds : sequence of Fold
        The rows.
    columns : callable
        Returns fraudsieve's columns for a fold.
    settings : mapping
        Parameters of `FraudClassifier`.
    metrics : sequence of str
        Names of metrics, of `METRICS` or of the protocol's own.
    published : mapping of str to float, default={}
        Values of others by metric, if the inputs were the same.
    bounds : mapping of str to float, default={}
        What fraudsieve is held to, by metric.
    test_share : float, default=0.0
        Test rows over training rows, for the standard error of the difference over several folds; 0 for none.
    """

    name: str
    folds: Sequence[Fold]
    columns: Callable[[Fold], Matrices]
    settings: Mapping[str, Any]
    metrics: Sequence[str]
    published: Mapping[str, float] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)
    test_share: float = 0.0


@dataclass(frozen=True, eq=False)
class Published:
    """A published protocol of a set of accounts.

    Parameters
    ----------
    y : ndarray of int64, shape (n_rows,)
        1 for fraud.
    counts : DataFrame of shape (n_rows, n_columns)
        The peer's columns.
    schemes : sequence of Scheme
        The splits.
    text : str
        Description of the procedure.
    rows : int
        Rows of the set that were used.
    counts_text : str, default=""
        What the peer's columns are; empty if `text` says it.
    metrics : mapping of str to callable, default={}
        Metrics of this protocol alone: called with test rows and their scores.
    """

    y: NDArray[np.int64]
    counts: pd.DataFrame
    schemes: Sequence[Scheme]
    text: str
    rows: int
    counts_text: str = ""
    metrics: Mapping[str, Callable[[Rows, NDArray[np.floating[Any]]], float]] = field(default_factory=dict)


@dataclass(frozen=True)
class AccountSet:
    """A set of accounts or events.

    Parameters
    ----------
    name : str
        The name of its folder.
    task : callable
        Returns the tables and the default split.
    published : callable, default=None
        Returns the published protocol.
    dated_events : callable, default=None
        Returns events with named labels in order of time, and a note: for the evaluation of accounts kept apart.
    place : int, default=100
        Position in reports; sets of one position are in the order of their files.
    """

    name: str
    task: Callable[[], Task]
    published: Callable[[], Published] | None = None
    dated_events: Callable[[], tuple[pd.DataFrame, str]] | None = None
    place: int = 100
