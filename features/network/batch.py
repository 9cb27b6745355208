"""The network of accounts from tables of events, labels and cutoff times."""

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.batch import SourceTable, TableLike, code_ids

from .declaration import Network
from .graph import AccountLabels, Links, network_columns

__all__ = ["network_features"]


def network_features(
    events: TableLike, subjects: TableLike, network: Network | None = None, *, labels: TableLike | None = None
) -> Array:
    """Compute the network features of subjects, strictly before their cutoff times.

    Parameters
    ----------
    events : pyarrow Table, DataFrame or mapping of str to array
        Events with ``account_id``, ``occurred_at`` and the columns that link accounts, in any order. If there is a
        column ``event_id``, only the first row of each id counts.
    subjects : pyarrow Table, DataFrame or mapping of str to array
        Subjects with ``account_id`` and ``as_of``.
    network : Network, default=None
        The declaration; None is ``Network()``, with labels only if labels are passed.
    labels : pyarrow Table, DataFrame or mapping of str to array, default=None
        Labels of accounts, with ``account_id``, ``labelled_at`` and ``is_fraud``.

    Returns
    -------
    ndarray of float64, shape (n_subjects, n_columns)
        One row per subject, in their order, and one column for each of ``network.columns``.

    Raises
    ------
    TypeError, ValueError
        If a column is missing or has the wrong type, a time is missing, or the declaration needs labels and none are
        passed.

    Examples
    --------
    >>> import pandas as pd
    >>> events = pd.DataFrame({
    ...     "account_id": ["ann", "bob"], "counterparty_id": ["eve", "eve"],
    ...     "occurred_at": pd.to_datetime(["2026-05-01", "2026-05-02"]),
    ... })
    >>> subjects = pd.DataFrame({"account_id": ["ann", "eve"], "as_of": pd.to_datetime(["2026-05-03"] * 2)})
    >>> columns = Network(labels=False).columns
    >>> network_features(events, subjects, Network(labels=False))[:, columns.index("network__fans")].tolist()
    [0.0, 2.0]
    """
    network = Network(labels=labels is not None) if network is None else network
    if network.labels and labels is None:
        fix = "Pass labels, or declare Network(labels=False)."
        raise SchemaError("labels", "the network needs labels of accounts, and none were given", fix)
    event_table, subject_table = SourceTable("events", events).without_repeats(), SourceTable("subjects", subjects)
    label_table = SourceTable("labels", {} if labels is None else labels)
    times, cutoffs = event_table.times("occurred_at"), subject_table.times("as_of")
    account_ids = [event_table.ids("account_id"), subject_table.ids("account_id")]
    columns = [*account_ids, *(event_table.ids(name) for name in network.links)]
    if network.labels:
        columns.append(label_table.ids("account_id"))
    stops = np.cumsum([len(ids) for ids in columns])[:-1]
    accounts, subject_accounts, *codes = np.split(code_ids(columns), stops)  # equal ids of any columns are equal codes
    labelled_accounts = codes.pop() if network.labels else np.empty(0, np.int32)
    links = {}
    for name, values in zip(network.links, codes, strict=True):
        is_other = (values != accounts) | (name != network.counterparty)  # an account is never its own counterparty
        links[name] = Links.of_events(accounts, np.where(is_other, values, -1), times)
    account_labels = AccountLabels(labelled_accounts, np.empty(0, np.int64), np.empty(0))
    if network.labels:
        label_times, frauds = label_table.times("labelled_at"), label_table.amounts("is_fraud")
        account_labels = AccountLabels(labelled_accounts, label_times, frauds)
    return network_columns(network, links, account_labels, subject_accounts, cutoffs)
