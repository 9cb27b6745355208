"""`AccountFeatures`: the builder that a scikit-learn user fits on accounts, or on events."""

import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.batch import history_features
from fraudsieve.features.history.declaration import History, check_histories
from fraudsieve.features.network.batch import network_features
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.leave_fold_out import network_out_of_fold

from .account_matrix import AccountMatrix, Subject
from .account_records import (
    NEVER,
    NOT_PROFILE,
    as_microseconds,
    as_strings,
    category_column,
    cutoff_column,
    cutoff_times,
    frequent_kinds,
    number_column,
    required_column,
    subject_columns,
)
from .default_views import default_histories, default_network, without_times

__all__ = ["UNTIMED", "AccountFeatures"]


UNTIMED = (
    "There are no times, neither as_of nor occurred_at of events, so only what needs no time is built: totals over all "
    "events, and the network."
)


class AccountFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn accounts, or events, into a feature matrix: their history as of a moment, and what they say themselves.

    Families of columns: ``volume``, ``value``, ``counterparties``, ``rhythm``, ``novelty`` (see `History`),
    ``reciprocity`` and ``network`` (see `Network`), and ``profile``: the age of the account and the further columns of
    the records, words by tables that belong to the builder.

    Parameters
    ----------
    events : DataFrame, default=None
        The events: ``account_id``, ``occurred_at``, ``kind`` and what the histories need. Without ``occurred_at`` what
        needs no time is built, and a warning says so. None for no history at all.
    accounts : DataFrame, default=None
        Profiles: ``account_id``, ``created_at`` and further columns, joined to the records.
    labels : DataFrame, default=None
        What became known of events (``labelled_at``, ``is_fraud`` and the columns that name their entities), for the
        measures of labels.
    account_labels : DataFrame, default=None
        What became known of accounts (``account_id``, ``labelled_at``, ``is_fraud``), for the network.
    subject : {"account", "event"}, default="account"
        What a row of X is.
    history : History or sequence of History, default=None
        The views; None for those that the events allow.
    network : Network or False, default=None
        The network; None for what the events allow where the subject is an account, and nothing for an event. False
        for none.
    exclude : sequence of str, default=()
        Columns of the records that are not used.
    min_category_rows : int, default=5
        A word found in fewer rows is one that was not seen.
    n_folds : int, default=5
        Folds of the network's rates in training, where labels have no times.

    Attributes
    ----------
    matrix_ : AccountMatrix
        What `transform` computes; it is written into the model folder.

    Examples
    --------
    >>> events = pd.DataFrame({"account_id": ["ann", "ann", "bob"], "kind": "pay", "amount": [5.0, 7.0, 1.0],
    ...     "occurred_at": pd.to_datetime(["2026-05-01 10:00", "2026-05-01 10:30", "2026-05-01 10:00"])})
    >>> subjects = pd.DataFrame({"account_id": ["ann", "bob"], "as_of": pd.to_datetime(["2026-05-01 11:00"] * 2)})
    >>> features = AccountFeatures(events, history=History(("1d",), measures=("count", "mean"))).fit(subjects)
    >>> features.transform(subjects)[:, :2].tolist()
    [[2.0, 6.0], [1.0, 1.0]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "events": [pd.DataFrame, None],
        "accounts": [pd.DataFrame, None],
        "labels": [pd.DataFrame, None],
        "account_labels": [pd.DataFrame, None],
        "subject": [StrOptions({"account", "event"})],
        "history": [History, list, tuple, None],
        "network": [Network, "boolean", None],
        "exclude": ["array-like"],
        "min_category_rows": [Interval(Integral, 1, None, closed="left")],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        events: pd.DataFrame | None = None,
        *,
        accounts: pd.DataFrame | None = None,
        labels: pd.DataFrame | None = None,
        account_labels: pd.DataFrame | None = None,
        subject: str = "account",
        history: History | Sequence[History] | None = None,
        network: Network | bool | None = None,
        exclude: Sequence[str] = (),
        min_category_rows: int = 5,
        n_folds: int = 5,
    ) -> None:
        self.events = events
        self.accounts = accounts
        self.labels = labels
        self.account_labels = account_labels
        self.subject = subject
        self.history = history
        self.network = network
        self.exclude = exclude
        self.min_category_rows = min_category_rows
        self.n_folds = n_folds

    def fit(self, X: Any, y: Any = None) -> Self:
        """Settle which columns there are, and learn the tables of the categories.

        Parameters
        ----------
        X : DataFrame, or sequence of ids, length n_records
            ``account_id`` and ``as_of`` (an event: ``occurred_at``) and further columns.
        y : ignored
            Not used.

        Returns
        -------
        AccountFeatures
            The fitted builder.

        Raises
        ------
        ValueError
            When a column is missing, or there is no record.
        TypeError
            When a column is of the wrong type.
        """
        self._validate_params()
        records = self._records(X)
        timed = cutoff_column(records, self._subject) is not None and (
            self.events is None or "occurred_at" in self.events
        )
        if not timed:
            self._say_untimed()
        histories, network = self._declared(timed)
        numbers, words = self._own_columns(records)
        self.matrix_ = AccountMatrix(
            self._subject,
            histories,
            network,
            tuple(numbers),
            {name: self._seen(column) for name, column in words.items()},
            timed,
        )
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit, and return the training matrix, as `transform_out_of_fold` computes it.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        ndarray of float64 or DataFrame, shape (n_records, n_columns)
        """
        return self.fit(X, y).transform_out_of_fold(X)

    def transform_out_of_fold(self, X: Any) -> Array:
        """Compute the feature matrix of labelled records, to train on or to test with: none sees its own label.

        The network of a record whose account's label was known before its moment is taken without the labels of a
        fifth of the accounts, its own among them (`n_folds`). Other records are as `transform` has them.

        Parameters
        ----------
        X : DataFrame, or sequence of ids, length n_records
            As in `fit`.

        Returns
        -------
        ndarray of float64, shape (n_records, n_columns)
        """
        check_is_fitted(self, "matrix_")
        return self._compute(self._records(X), apart=True)

    def transform(self, X: Any) -> Any:
        """Compute the feature matrix of records.

        Parameters
        ----------
        X : DataFrame, or sequence of ids, length n_records
            As in `fit`.

        Returns
        -------
        ndarray of float64 or DataFrame, shape (n_records, n_columns)
        """
        check_is_fitted(self, "matrix_")
        return self._compute(self._records(X))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : ignored
            The names do not depend on the input's.

        Returns
        -------
        ndarray of str objects, shape (n_columns,)
        """
        check_is_fitted(self, "matrix_")
        return np.asarray(self.matrix_.columns, object)

    def _records(self, X: Any) -> pd.DataFrame:
        """Return the records as a frame, with what the table of accounts says of them."""
        if isinstance(X, pd.DataFrame):
            records = X.reset_index(drop=True)
        elif getattr(X, "ndim", 1) != 1:
            raise ValueError(f"Expected a DataFrame or one id a record (1 dimension), got {X.ndim} dimensions.")
        else:
            records = pd.DataFrame({"account_id": pd.Series(list(X))})
        if "account_id" not in records:
            raise ValueError(
                f"Expected a column 'account_id'; the frame has {[str(name) for name in records.columns]}."
            )
        if not len(records):
            raise ValueError("Found 0 records; at least 1 is required.")
        if "as_of" in records and records["as_of"].isna().all():
            records = records.drop(columns="as_of")
        if self.accounts is None:
            return records
        profiles = self.accounts.assign(account_id=as_strings(self.accounts["account_id"]))
        twice = int(profiles["account_id"].duplicated().sum())
        if twice:
            raise SchemaError("accounts", f"{twice} rows have an account_id that is there already", "Give each once.")
        new = [name for name in profiles.columns if name == "account_id" or name not in records]
        return records.assign(account_id=as_strings(records["account_id"])).merge(
            profiles[new], on="account_id", how="left"
        )

    def _say_untimed(self) -> None:
        if self.subject == "event":
            raise ValueError("subjects: column 'occurred_at' is missing; the history of an event is as of its time.")
        warnings.warn(UNTIMED, UserWarning, stacklevel=3)

    def _declared(self, timed: bool) -> tuple[tuple[History, ...], Network | None]:
        """Return the views and the network: as they were declared, else what the events allow."""
        if self.events is None:
            return (), None
        columns = [str(name) for name in self.events.columns]
        if self.history is None:
            kinds = frequent_kinds(self.events) if "kind" in columns else ()
            of_events = self.labels is not None and timed
            histories = default_histories(columns, subject=self.subject, kinds=kinds, labels=of_events)
        else:
            histories = check_histories(self.history)
        network = self.network if isinstance(self.network, Network) else None
        if self.network in (None, True) and self.subject == "account":
            network = default_network(columns, labels=self.account_labels is not None)
        return histories if timed else tuple(without_times(history) for history in histories), network

    def _own_columns(self, records: pd.DataFrame) -> tuple[list[str], dict[str, pd.Series]]:
        """Tell the further columns of the records apart: numbers, and words."""
        numbers: list[str] = []
        words: dict[str, pd.Series] = {}
        left_out = NOT_PROFILE | set(self.exclude) | ({"amount"} if self.subject == "account" else set())
        for name in (str(column) for column in records.columns if column not in left_out):
            column = records[name]
            if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
                numbers.append(name)
            elif not pd.api.types.is_datetime64_any_dtype(column):
                words[name] = column
        return numbers, words

    def _seen(self, column: pd.Series) -> tuple[str, ...]:
        """Return the words of a column, the most frequent first."""
        counts = pd.Series(category_column(column)).value_counts(sort=False)
        kept = counts[counts >= self.min_category_rows]
        return tuple(str(word) for word in sorted(kept.index, key=lambda word: (-kept[word], word)))

    def _compute(self, records: pd.DataFrame, *, apart: bool = False) -> Array:
        matrix = self.matrix_
        moments = cutoff_times(records, matrix.subject) if matrix.timed else np.ones(len(records), np.int64)
        parts = [np.empty((len(records), 0))]
        if matrix.histories or matrix.network:
            events, asked = self._timed_events(), subject_columns(records, moments, matrix)
            if matrix.histories:
                parts.append(history_features(events, asked, matrix.histories, labels=self.labels))
            if matrix.network is not None:
                parts.append(self._network(matrix.network, events, asked, apart))
        created = as_microseconds(records["created_at"]) if "created_at" in records else np.full(len(records), NEVER)
        numbers = {name: number_column(records, name) for name in matrix.numbers}
        words = {name: category_column(required_column(records, name)) for name in matrix.categories}
        return np.hstack([*parts, matrix.own(moments, created, numbers, words)])

    def _timed_events(self) -> pd.DataFrame:
        if self.events is None:
            raise SchemaError("events", "the model looks at events, and none were given", "Give them.")
        events = self.events
        return events if self.matrix_.timed else events.assign(occurred_at=np.zeros(len(events), "M8[us]"))

    def _network(self, network: Network, events: Any, asked: Any, apart: bool) -> Array:
        labels = self.account_labels if network.labels else None
        if labels is not None and not self.matrix_.timed:
            labels = labels.assign(labelled_at=np.zeros(len(labels), "M8[us]"))
        if apart and labels is not None:
            return network_out_of_fold(events, asked, network, labels, n_folds=self.n_folds)
        return network_features(events, asked, network, labels=labels)

    @property
    def _subject(self) -> Subject:
        return "event" if self.subject == "event" else "account"

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags
