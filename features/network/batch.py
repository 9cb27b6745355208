"""The network of accounts in batches: tables of events, labels and moments in, a row a subject out."""

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
    """Compute the network of every subject, strictly before its moment.

    Parameters
    ----------
    events : pyarrow Table, DataFrame or mapping of str to array
        ``account_id``, ``occurred_at`` and the columns that link accounts, in any order.
    subjects : pyarrow Table, DataFrame or mapping of str to array
        ``account_id`` and ``as_of``.
    network : Network, default=None
        The declaration; None stands for ``Network()``, without labels where there are none.
    labels : pyarrow Table, DataFrame or mapping of str to array, default=None
        Labels of accounts: ``account_id``, ``labelled_at`` and ``is_fraud``.

    Returns
    -------
    ndarray of float64, shape (n_subjects, n_columns)
        A row a subject, in their order, and a column for each of ``network.columns``.

    Raises
    ------
    TypeError, ValueError
        If a column is missing or of the wrong type, a time is missing, or the labels that are declared are not there.

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
        fix = "Give labels, or declare Network(labels=False)."
        raise SchemaError("labels", "the network looks at labels of accounts, and there are none", fix)
    log, asked = SourceTable("events", events), SourceTable("subjects", subjects)
    known = SourceTable("labels", {} if labels is None else labels)
    times, moments = log.moments("occurred_at"), asked.moments("as_of")
    columns = [log.ids("account_id"), asked.ids("account_id"), *(log.ids(name) for name in network.links)]
    if network.labels:
        columns.append(known.ids("account_id"))
    cuts = np.cumsum([len(ids) for ids in columns])[:-1]
    accounts, whom, *others = np.split(code_ids(columns), cuts)  # numbered alike, whatever the column
    who = others.pop() if network.labels else np.empty(0, np.int32)
    links = {}
    for name, values in zip(network.links, others, strict=True):
        is_other = (values != accounts) | (name != network.counterparty)  # nobody is its own counterparty
        links[name] = Links.of_events(accounts, np.where(is_other, values, -1), times)
    found = AccountLabels(who, np.empty(0, np.int64), np.empty(0))
    if network.labels:
        found = AccountLabels(who, known.moments("labelled_at"), known.amounts("is_fraud"))
    return network_columns(network, links, found, whom, moments)
