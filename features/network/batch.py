"""The network of accounts from tables of events, labels and cutoff times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.batch import SourceTable, TableLike, code_ids

from .declaration import Network
from .graph import NetworkGraph, in_time_order

__all__ = ["CodedTables", "network_columns", "network_features"]

Part: TypeAlias = tuple[Array, Array]
"""Indices of subjects, and of the labels that count for them."""


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
    return network_columns(network, tables, [(np.arange(len(tables.cutoffs)), np.arange(len(tables.label_times)))])


@dataclass(frozen=True, eq=False)
class CodedTables:
    """Events, subjects and labels with their ids encoded as integers; 0 if missing. Equal ids have equal codes.

    Parameters
    ----------
    times : ndarray of int64, shape (n_events,)
        Times of the events, ascending.
    accounts : ndarray of uint64, shape (n_events,)
    values : dict of str to ndarray of uint64, each of shape (n_events,)
        Values of the columns that link accounts.
    subjects : ndarray of uint64, shape (n_subjects,)
    cutoffs : ndarray of int64, shape (n_subjects,)
    labelled : ndarray of uint64, shape (n_labels,)
    label_times : ndarray of int64, shape (n_labels,)
    frauds : ndarray of bool, shape (n_labels,)
    """

    times: Array
    accounts: Array
    values: dict[str, Array]
    subjects: Array
    cutoffs: Array
    labelled: Array
    label_times: Array
    frauds: Array

    @classmethod
    def read(cls, events: TableLike, subjects: TableLike, network: Network, labels: TableLike | None) -> "CodedTables":
        """Read and encode the tables that `network_features` takes."""
        if network.labels and labels is None:
            fix = "Pass labels, or declare Network(labels=False)."
            raise SchemaError("labels", "the network needs labels of accounts, and none were given", fix)
        event_table, subject_table = SourceTable("events", events).without_repeats(), SourceTable("subjects", subjects)
        label_table = SourceTable("labels", {} if labels is None else labels)
        times, cutoffs = event_table.times("occurred_at"), subject_table.times("as_of")
        ids = [event_table.ids(name) for name in ("account_id", *network.links)] + [subject_table.ids("account_id")]
        label_times, frauds = np.empty(0, np.int64), np.empty(0, np.bool_)
        if network.labels:
            ids.append(label_table.ids("account_id"))
            label_times, frauds = label_table.times("labelled_at"), _frauds(label_table)
        codes = (code_ids(ids).astype(np.int64) + 1).view(np.uint64)
        accounts, *columns = np.split(codes, np.cumsum([len(column) for column in ids])[:-1])
        labelled = columns.pop() if network.labels else np.empty(0, np.uint64)
        subject_accounts = columns.pop()
        times, accounts, *columns = in_time_order(times, accounts, *columns)
        values = dict(zip(network.links, columns, strict=True))
        return cls(times, accounts, values, subject_accounts, cutoffs, labelled, label_times, frauds)


def _frauds(labels: SourceTable) -> Array:
    frauds = labels.amounts("is_fraud")
    n_invalid = int(np.count_nonzero((frauds != 0) & (frauds != 1)))
    if n_invalid:
        problem = f"'is_fraud': expected True or False, got another value in {n_invalid} rows"
        raise SchemaError("labels", problem, "Remove these rows, or correct them.")
    return frauds.astype(np.bool_)


def network_columns(network: Network, tables: CodedTables, parts: Sequence[Part]) -> Array:
    """Compute the columns of subjects, each part of them with labels of its own.

    Parameters
    ----------
    network : Network
        The declaration.
    tables : CodedTables
        The tables.
    parts : sequence of tuple of ndarray
        Indices of subjects, and of the labels that count for them.

    Returns
    -------
    ndarray of float64, shape (n_subjects, n_columns)
        NaN for subjects of no part.
    """
    out, first = np.full((len(tables.cutoffs), len(network.columns)), np.nan), 0
    for name, values in tables.values.items():
        links = NetworkGraph(network, name)
        links.link(tables.accounts, values, tables.times)
        n_columns = len(network.columns_of(name))
        for number, (rows, label_rows) in enumerate(parts):
            graph = links if number == len(parts) - 1 else links.copy()
            graph.label(*(column[label_rows] for column in (tables.labelled, tables.label_times, tables.frauds)))
            block = np.empty((len(rows), n_columns))
            graph.fill(tables.subjects[rows], tables.cutoffs[rows], block, 0)
            out[rows, first : first + n_columns] = block
        first += n_columns
    return out
