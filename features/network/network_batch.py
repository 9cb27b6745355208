"""The network of accounts from tables of events, labels and cutoff times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.columns.encoded_ids import code_ids
from fraudsieve.features.history.columns.table import Columns, ColumnTable

from .bulk import CodedLabels, CodedLinks, FullGraph
from .declaration import Network

NO_LABELS = CodedLabels(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.bool_))
Part: TypeAlias = tuple[Array, Array]
"""Indices of subjects, and of the labels that count for them."""


def network_features(
    events: Columns, subjects: Columns, network: Network | None = None, *, labels: Columns | None = None
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
        If a column is missing or has the wrong type, a time is missing, a label is neither True nor False, or the
        declaration needs labels and none are passed.

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
    tables = CodedTables.read(events, subjects, network, labels)
    return network_columns(network, tables, [(np.arange(len(tables.cutoffs)), np.arange(len(tables.labels.times)))])


@dataclass(frozen=True, eq=False)
class CodedTables:
    """Events, subjects and labels with their ids encoded as int32; -1 if missing. Equal ids have equal codes."""

    # The links of each column, one per event.
    links: dict[str, CodedLinks]
    # Labels of accounts, in the order of the table.
    labels: CodedLabels
    # Shape (n_subjects,). Their accounts.
    subjects: Array
    # Shape (n_subjects,). Their cutoff times.
    cutoffs: Array
    n_codes: int

    @classmethod
    def read(cls, events: Columns, subjects: Columns, network: Network, labels: Columns | None) -> "CodedTables":
        """Read and encode the tables of `network_features`."""
        if network.labels and labels is None:
            fix = "Pass labels, or declare Network(labels=False)."
            raise SchemaError("labels", "the network needs labels of accounts, and none were given", fix)
        event_table, subject_table = (
            ColumnTable(events, name="events").without_repeats(),
            ColumnTable(subjects, name="subjects"),
        )
        label_table = ColumnTable({} if labels is None else labels, name="labels")
        (times, _), (cutoffs, _) = event_table.times("occurred_at"), subject_table.times("as_of")
        ids = [subject_table.ids("account_id"), *(event_table.ids(name) for name in ("account_id", *network.links))]
        if network.labels:
            ids.append(label_table.ids("account_id"))
        (subject_codes, accounts, *values), n_codes = code_ids(ids)
        account_labels = NO_LABELS
        if network.labels:
            account_labels = CodedLabels(
                values.pop(), label_table.times("labelled_at")[0], label_table.frauds("is_fraud")[0]
            )
        columns = zip(network.links, values, strict=True)
        links = {name: CodedLinks(accounts, codes_of_values, times) for name, codes_of_values in columns}
        return cls(links, account_labels, subject_codes, cutoffs, n_codes)


def network_columns(network: Network, tables: CodedTables, parts: Sequence[Part]) -> Array:
    """Compute the columns of subjects, each part of them with labels of its own.

    Returns NaN for subjects of no part.
    """
    out, first = np.full((len(tables.cutoffs), len(network.columns)), np.nan), 0
    for name, links in tables.links.items():
        graph, stop = FullGraph(network, name, links, tables.n_codes), first + len(network.columns_of(name))
        for rows, label_rows in parts:
            labels = CodedLabels(*(column[label_rows] for column in tables.labels))
            out[rows, first:stop] = graph.columns(labels, tables.subjects[rows], tables.cutoffs[rows])
        first = stop
    return out
