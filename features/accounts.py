"""`AccountFeatures`: a scikit-learn transformer that computes the features of accounts or of events."""

import warnings
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from fraudsieve._precompiled import compile_kernels
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.columns.table import Columns
from fraudsieve.features.history.declaration import MEASURES, History, check_histories
from fraudsieve.features.network.declaration import Network, event_fields, with_key
from fraudsieve.features.network.network_batch import CodedTables, network_columns
from fraudsieve.features.profile.choice import FEW_VALUES, are_few_ids, choose_profile_columns
from fraudsieve.features.profile.dates import NEVER
from fraudsieve.features.profile.frames import as_strings, custom_values
from fraudsieve.tables.cells import STRING, nested_values
from fraudsieve.tables.values.moments import to_local

from .account_matrix import AccountMatrix
from .account_records import (
    as_microseconds,
    cutoff_column,
    cutoff_times,
    frequent_kinds,
    number_columns,
    subject_columns,
)
from .default_views import (
    default_histories,
    default_network,
    default_windows,
    identifier_columns,
    possible_measures,
    without_times,
)
from .history.history_batch import HistoryTables, fill_history_features
from .large_matrix import MatrixParts
from .messages import MessageFeatures, fit_texts
from .network.network_batch import network_features

PROFILE = "profile__"
"""Family of the columns of accounts and of the age of an account."""
UNTIMED = (
    "There are no times: neither as_of nor occurred_at of events. Only features that need no time are built: "
    "totals over all events, and the network."
)


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


@dataclass(repr=False, eq=False)
class AccountFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Compute the feature matrix of accounts or events: their history up to a cutoff time, and their profile.

    Families of columns: ``volume``, ``value``, ``counterparties``, ``rhythm``, ``novelty`` (see `History`),
    ``reciprocity`` and ``network`` (see `Network`), and ``profile``: the age of the account and the further columns of
    the records. Categories are encoded as integers, by the frequencies in training.

    Parameters
    ----------
    events : DataFrame, default=None
        Events with ``account_id``, ``occurred_at``, ``kind`` and the columns that the feature views need. Without
        ``occurred_at``, only features that need no time are built, with a warning. None for no history.
    accounts : DataFrame, default=None
        Profiles with ``account_id``, ``created_at`` and further columns, joined to the records.
    labels : DataFrame, default=None
        Labels of events (``labelled_at``, ``is_fraud`` and the entity columns), for the measures of labels.
    account_labels : DataFrame, default=None
        Labels of accounts (``account_id``, ``labelled_at``, ``is_fraud``), for the network.
    subject : {"account", "event"}, default="account"
        What the rows of X are.
    history : History or sequence of History, default=None
        The feature views; None for the default views of the columns of the events.
    network : Network or bool, default=None
        The network. None or True is the default network of the columns of the events for accounts, and no network for
        events; False is no network.
    exclude : sequence of str, default=()
        Columns of the records that are not used, and columns of the events that the default feature views do not use.
    min_category_rows : int, default=5
        Categories with fewer rows in training are encoded as unseen.
    categories : sequence of str, default=()
        Columns of strings that are always categories. Other columns of strings are left out if they are
        identifiers of many values (such as ``device_id`` and ``ip``), look like persons, or have too many distinct
        values to be categories.
    texts : sequence of str, default=()
        Columns of texts, such as a remark, each with the features of a message: at most four. They need `y`.
    legitimate : str, default="legitimate"
        As for `MessageFeatures`.
    later_dates : sequence of str, default=()
        Columns of dates that are known though they are later than the record, such as a departure. Of other columns of
        dates, a later one is missing, since it was not known then.
    digest_categories : bool, default=False
        Whether the model keeps keyed digests of the categories instead of their values. The key is part of the model.
    n_folds : int, default=5
        Number of folds of accounts in `transform_out_of_fold`.
    time_zone : str, default="UTC"
        Zone of the hours and days of the records and of the default feature views.
    order_key : str, default=""
        The `History.order_key` of the feature views that have none.

    Attributes
    ----------
    matrix_ : AccountMatrix
        The declaration of the fitted matrix, which is written into the model folder.
    notes_ : tuple of str
        Columns that are left out, with the reason, and columns whose values the model keeps.

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
        "categories": ["array-like"],
        "later_dates": ["array-like"],
        "texts": ["array-like"],
        "legitimate": [str],
        "digest_categories": ["boolean"],
        "min_category_rows": [Interval(Integral, 1, None, closed="left")],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "time_zone": [str],
        "order_key": [str],
    }

    events: pd.DataFrame | None = None
    _: KW_ONLY
    accounts: pd.DataFrame | None = None
    labels: pd.DataFrame | None = None
    account_labels: pd.DataFrame | None = None
    subject: str = "account"
    history: History | Sequence[History] | None = None
    network: Network | bool | None = None
    exclude: Sequence[str] = ()
    min_category_rows: int = 5
    categories: Sequence[str] = ()
    texts: Sequence[str] = ()
    legitimate: str = "legitimate"
    later_dates: Sequence[str] = ()
    digest_categories: bool = False
    n_folds: int = 5
    time_zone: str = "UTC"
    order_key: str = ""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Determine the columns, and learn the categories.

        Parameters
        ----------
        X : DataFrame, or sequence of ids, length n_records
            Records with ``account_id``, ``as_of`` (for events ``occurred_at``) and further columns.
        y : ignored
            Not used.

        Returns
        -------
        AccountFeatures
            The fitted transformer.

        Raises
        ------
        ValueError
            If a column is missing, or there are no records.
        TypeError
            If a column has the wrong type.
        """
        self._fit(X, y)
        return self

    def _fit(self, X: Any, y: Any) -> Array:
        """Fit, and return the columns of the texts out of fold."""
        self._validate_params()
        records = self._records(X)
        timed = cutoff_column(records, self._subject) is not None and (
            self.events is None or "occurred_at" in self.events
        )
        if not timed:
            self._warn_untimed()
        histories, network = self._declare_views(timed)
        if histories:
            compile_kernels("account")
        excluded = {*self.exclude, *self.texts} | ({"amount"} if self._subject.is_account else set())
        others = AccountMatrix(self._subject, histories, network, timed=timed).columns
        used_names = {name.removeprefix(PROFILE) for name in others if name.startswith(PROFILE)}
        columns = choose_profile_columns(records, exclude=excluded, declared=self.categories, used_names=used_names)
        columns = columns if timed else columns.without_births()
        _check_amounts(histories, columns.categories)
        cutoffs = cutoff_times(records, self._subject) if timed else np.full(len(records), NEVER)
        custom = columns.learn(
            records,
            self.min_category_rows,
            cutoffs,
            digested=self.digest_categories,
            zone=self.time_zone,
            later=self.later_dates,
        )
        of_texts = np.empty((len(records), 0))
        if len(self.texts):
            if y is None:
                raise ValueError("texts: expected y, since a text model is fitted on labels. Pass y, or no texts.")
            builder = MessageFeatures(n_folds=self.n_folds, legitimate=self.legitimate)
            texts, of_texts = fit_texts(builder, records, self.texts, y)
            custom = replace(custom, texts=texts)
        self.matrix_ = AccountMatrix(self._subject, histories, network, custom, timed, self.time_zone)
        read = {field.name for field in event_fields(histories, network)}  # an identifier of a view is not left out
        left_out = {name: reason for name, reason in columns.left_out.items() if name not in read}
        self.notes_ = columns._replace(left_out=left_out).notes(custom, records, cutoffs)
        return of_texts

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit, and return the training matrix as computed by `transform_out_of_fold`.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        ndarray of float64 or DataFrame, shape (n_records, n_columns)
        """
        of_texts, out = self._fit(X, y), self.transform_out_of_fold(X)
        out[:, out.shape[1] - of_texts.shape[1] :] = of_texts
        return out

    def transform_out_of_fold(self, X: Any) -> Array:
        """Compute the feature matrix of labelled records, for training and testing, without their own labels.

        If the label of a record's account was known before the cutoff time, its network features are computed without
        the labels of the account's fold (`n_folds`). Other records are the same as in `transform`.

        Parameters
        ----------
        X : DataFrame, or sequence of ids, length n_records
            As in `fit`.

        Returns
        -------
        ndarray of float64, shape (n_records, n_columns)
        """
        check_is_fitted(self, "matrix_")
        return self._compute(self._records(X), out_of_fold=True)

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
            Not used.

        Returns
        -------
        ndarray of str objects, shape (n_columns,)
        """
        check_is_fitted(self, "matrix_")
        return np.asarray(self.matrix_.columns, object)

    def _records(self, X: Any) -> pd.DataFrame:
        """Return the records as a DataFrame, joined with the table of accounts."""
        if isinstance(X, pd.DataFrame):
            records = X.reset_index(drop=True)
        elif getattr(X, "ndim", 1) != 1:
            raise ValueError(f"Expected a DataFrame or one id per record (1 dimension), got {X.ndim} dimensions.")
        else:
            records = pd.DataFrame({"account_id": pd.Series(list(X))})
        if "account_id" not in records:
            raise ValueError(f"Expected a column 'account_id', got {[str(name) for name in records.columns]}.")
        if not len(records):
            raise ValueError("Found 0 records; at least 1 is required.")
        if "as_of" in records and records["as_of"].isna().all():
            records = records.drop(columns="as_of")
        if self.accounts is None:
            return records
        profiles = self.accounts.assign(account_id=as_strings(self.accounts["account_id"]))
        profiles = profiles[profiles["account_id"].notna()]  # a merge would join missing ids
        n_repeated = int(profiles["account_id"].duplicated().sum())
        if n_repeated:
            problem = f"{n_repeated} rows repeat an account_id of an earlier row"
            raise SchemaError("accounts", problem, "Keep one row per account.")
        new = [name for name in profiles.columns if name == "account_id" or name not in records]
        return records.assign(account_id=as_strings(records["account_id"])).merge(
            profiles[new], on="account_id", how="left"
        )

    def _warn_untimed(self) -> None:
        if self._subject.is_event:
            raise ValueError("subjects: column 'occurred_at' is missing, the cutoff time of an event. Add the column.")
        warnings.warn(UNTIMED, UserWarning, stacklevel=4)

    def _declare_views(self, timed: bool) -> tuple[tuple[History, ...], Network | None]:
        """Return the feature views and the network that were passed, or the defaults for the events."""
        if self.events is None:
            return (), None
        all_columns = [str(name) for name in self.events.columns]
        columns = [name for name in all_columns if name not in self.exclude and not _are_kinds(name, self.events)]
        if self.history is None:
            histories = self._default_histories(columns, timed)
        else:
            histories = tuple(_possible(view, all_columns) for view in check_histories(self.history))
        histories = with_key(histories, self.order_key)
        network = self.network if isinstance(self.network, Network) else None
        if self.network in (None, True) and self._subject.is_account:
            network = default_network(columns, labels=self.account_labels is not None)
        return histories if timed else tuple(without_times(history) for history in histories), network

    def _default_histories(self, columns: list[str], timed: bool) -> tuple[History, ...]:
        events: Any = self.events
        windows = History().windows
        if timed:
            windows = default_windows(to_local(as_microseconds(events["occurred_at"]), self.time_zone))
        return default_histories(
            columns,
            subject=self.subject,
            kinds=frequent_kinds(events) if "kind" in columns else (),
            labels=self.labels is not None and timed,
            numbers=tuple(name for name in number_columns(events) if name in columns),
            windows=windows,
            time_zone=self.time_zone,
        )

    def _compute(self, records: pd.DataFrame, *, out_of_fold: bool = False) -> Array:
        matrix, cutoffs = self.matrix_, self._cutoffs(records)
        widths = [len(view.columns) for view in matrix.histories]
        widths += [] if matrix.network is None else [len(matrix.network.columns)]
        parts = MatrixParts(len(records), [*widths, len(matrix.columns) - sum(widths)])
        if matrix.histories or matrix.network:
            events, subjects = self._timed_events(), subject_columns(records, cutoffs, matrix)
            if matrix.histories:
                tables = HistoryTables.read(events, subjects, self.labels)
                fill_history_features(tables, matrix.histories, parts)
            if matrix.network is not None:
                parts[-2][:] = self._network_features(matrix.network, events, subjects, out_of_fold=out_of_fold)
        has_age = matrix.subject.is_account and "created_at" in records  # that of an event is not its account's
        created = as_microseconds(records["created_at"]) if has_age else np.full(len(records), NEVER)
        custom = matrix.custom.compute(custom_values(records, matrix.custom), matrix.custom_cutoffs(cutoffs))
        parts[-1][:] = matrix.record_columns(cutoffs, created, custom)
        return parts.joined()

    def _cutoffs(self, records: pd.DataFrame) -> Array:
        matrix = self.matrix_
        return cutoff_times(records, matrix.subject) if matrix.timed else np.ones(len(records), np.int64)

    def _timed_events(self) -> pd.DataFrame:
        if self.events is None:
            raise SchemaError("events", "the model needs events, and none were given", "Pass events.")
        events = self.events
        return events if self.matrix_.timed else events.assign(occurred_at=np.zeros(len(events), "M8[us]"))

    def _network_features(self, network: Network, events: Any, subjects: Any, *, out_of_fold: bool) -> Array:
        labels = self.account_labels if network.labels else None
        if labels is not None and not self.matrix_.timed:
            labels = labels.assign(labelled_at=np.zeros(len(labels), "M8[us]"))
        if out_of_fold and labels is not None:
            return network_out_of_fold(events, subjects, network, labels, n_folds=self.n_folds)
        return network_features(events, subjects, network, labels=labels)

    @property
    def _subject(self) -> Subject:
        return Subject(self.subject)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def _are_kinds(name: str, events: pd.DataFrame) -> bool:
    """Return whether ids are so few, as those of an office, that what all accounts do with one says nothing of it."""
    return (
        bool(identifier_columns([name])) and not nested_values(events[name]) and are_few_ids(events[name], FEW_VALUES)
    )


def _check_amounts(histories: Sequence[History], categories: Sequence[str]) -> None:
    """Raise SchemaError if a column is a category of the records and the amount of a feature view."""
    both = sorted({view.amount for view in histories} & {*categories})
    if both:
        problem = f"column {both[0]!r} is declared as a category and as the amount of a feature view"
        raise SchemaError("events", problem, "Declare it as one of them.")


def _possible(view: History, columns: Sequence[str]) -> History:
    """Return a view that leaves its measures to the default, with those that the columns allow."""
    if view.measures != MEASURES:
        return view
    possible = possible_measures(columns, amount=view.amount, counterparty=view.counterparty)
    return replace(view, measures=possible)
