"""The network of accounts, computed by Spark's workers in two rounds of questions.

A row is a fact of a node: a link, a label, or a question. Between the rounds, rows go to the bucket of the node that
they are about, so no bucket needs the neighbours of neighbours (`features.network.kernels.updates` draws the rounds).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, GroupedData
from pyspark.sql import functions as F

from fraudsieve._typing import Array
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.kernels.nodes import number_nodes
from fraudsieve.features.network.kernels.series import START, Series
from fraudsieve.features.network.kernels.updates import (
    ACCOUNTS,
    LABEL,
    N_ACCOUNTS,
    N_RETURNED,
    N_VALUES,
    OF_ACCOUNT,
    OF_FAN,
    OF_VALUE,
    TOTAL,
    VALUES,
    Graph,
    fill_from_answers,
    fill_states,
    rules_of,
)
from fraudsieve.features.network.network_batch import (
    NO_ENTRIES,
    CodedLabels,
    NodeEntries,
    add_up,
    join_series,
    label_changes,
    returned_links,
    sort_labels,
)

from .bucket_features import FRAUD, TIME, block_column, match_rows, read_block
from .history_frames import BUCKET, CUTOFF, Step, bucket_of
from .spark_columns import of_name

NODE, FACT, AT, OTHER, NUMBERS = "node", "fact", "at", "other", "numbers"
"""Columns of facts: a node, what the row says, a time in microseconds, another node, and numbers as bytes."""
LINKS_TO, LINKED_FROM, LEGITIMATE, IS_FRAUD, QUESTION, CHANGE = range(OF_FAN + 1, OF_FAN + 7)
"""What a row says, unless it is a question to an account, to its value or to its fan, or the answer."""
N_NUMBERS = 5
FACTS = f"{NODE} string, {FACT} byte, {AT} long, {OTHER} string, {NUMBERS} binary"
"""The types of these columns, for Spark."""


class NodeFacts:
    """The rows of a bucket, with nodes as numbers."""

    def __init__(self, rows: pa.Table) -> None:
        coded = pa.chunked_array([*rows[NODE].chunks, *rows[OTHER].chunks], pa.string()).combine_chunks()
        coded = coded.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self.names, self.nodes, self.others = coded.dictionary, codes[: len(rows)], codes[len(rows) :]
        self.facts, self.times = rows[FACT].to_numpy(), rows[AT].to_numpy()
        self._rows = rows

    def entries(self, fact: int, items: Array | None = None) -> NodeEntries:
        """Return the rows of a fact as entries, with the other node as item, or with other items."""
        chosen = self.facts == fact
        items = self.others[chosen] if items is None else items
        return NodeEntries(self.nodes[chosen], self.times[chosen], items)

    def labels(self) -> NodeEntries:
        """Return the labels, sorted."""
        chosen = (self.facts == LEGITIMATE) | (self.facts == IS_FRAUD)
        labels = CodedLabels(self.nodes[chosen], self.times[chosen], self.facts[chosen] == IS_FRAUD)
        return sort_labels(labels, len(self.names))

    def numbers(self, chosen: Array) -> Array:
        """Return the numbers of some rows, shape (n_rows, N_NUMBERS)."""
        return read_block(self._rows[NUMBERS].filter(pa.array(chosen)), N_NUMBERS).view(np.int64)

    def links(self) -> Series:
        """Return the links of nodes, and those to them."""
        n = len(self.names)
        return join_series([self.entries(fact).sorted(n) for fact in (LINKS_TO, LINKED_FROM)], n)

    def states(self, links: Series, steps: tuple[NodeEntries, ...], nodes: Array, times: Array) -> Array:
        """Return what `fill_states` says of nodes, from links and three kinds of steps."""
        graph = Graph(number_nodes(0), links, join_series(steps, len(self.names)))
        out = np.empty((len(nodes), N_NUMBERS), np.int64)
        fill_states(graph, nodes, times, out)
        return out

    def table(self, nodes: Array, facts: Array, times: Array, others: Array, numbers: Array) -> pa.Table:
        """Return rows about nodes; another node of -1 is none."""
        of_others = self.names.take(pa.array(others, mask=others < 0))
        columns = [self.names.take(pa.array(nodes)), pa.array(facts, pa.int8()), pa.array(times), of_others]
        return pa.table([*columns, block_column(numbers.view(np.float64))], [NODE, FACT, AT, OTHER, NUMBERS])


@dataclass(frozen=True)
class AskNeighbours:
    """Count the neighbours of accounts before the times of questions, and ask each of them: the first round."""

    network: Network
    # The column that links accounts.
    name: str

    def as_function(self) -> Callable[[pa.Table], pa.Table]:
        """Return a function of one table: Spark counts the parameters of what it calls, and ``self`` too."""
        return lambda rows: self.ask(rows)

    def ask(self, rows: pa.Table) -> pa.Table:
        """Return the questions, and the changes of the labels of values."""
        facts, rules = NodeFacts(rows), rules_of(self.network, self.name)
        links, labels, n = facts.links(), facts.labels(), len(facts.names)
        returned = returned_links(links, n) if rules.between else NO_ENTRIES
        asked = facts.entries(QUESTION)
        nodes, times = np.unique(np.array([asked.nodes, asked.times]), axis=1)
        nodes = nodes.astype(np.int32)
        states = facts.states(links, (labels, NO_ENTRIES, returned), nodes, times)
        parts = [(nodes, np.full(len(nodes), OF_ACCOUNT), times, nodes, states)]
        for kind, fact, column in ((VALUES, OF_VALUE, N_VALUES), (ACCOUNTS, OF_FAN, N_ACCOUNTS)):
            counts = np.where(states[:, column] <= rules.max_degree, states[:, column], 0)
            question, neighbours = _neighbours(links, kind, nodes, counts)
            parts.append((neighbours, np.full(len(question), fact), times[question], nodes[question], states[question]))
        changes = label_changes(links, labels, n)
        numbers = np.repeat(changes.items[:, None], N_NUMBERS, axis=1)
        no_other = np.full(len(numbers), -1, np.int32)
        parts.append((changes.nodes, np.full(len(numbers), CHANGE), changes.times, no_other, numbers))
        return facts.table(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _neighbours(links: Series, kind: np.int64, nodes: Array, counts: Array) -> tuple[Array, Array]:
    """Return the first neighbours of nodes, and the place of the node of each."""
    place = np.repeat(np.arange(len(nodes)), counts)
    first = links.spans[nodes, kind, START] - (np.cumsum(counts) - counts)
    return place, links.items[np.arange(len(place)) + first[place]]


def answer_questions(rows: pa.Table) -> pa.Table:
    """Answer questions from the facts of the nodes that are asked: the second round. The node is then who asked."""
    facts = NodeFacts(rows)
    n, is_change, is_asked = len(facts.names), facts.facts == CHANGE, facts.facts <= OF_FAN
    totals = add_up(facts.entries(CHANGE, facts.numbers(is_change)[:, 0]), n)
    kinds, times, asked = facts.facts[is_asked], facts.times[is_asked], facts.numbers(is_asked)
    found = facts.states(facts.links(), (facts.labels(), totals, NO_ENTRIES), facts.nodes[is_asked], times)
    is_value = kinds == OF_VALUE
    found[is_value, N_ACCOUNTS] -= 1  # without the account itself
    found[is_value, TOTAL] -= asked[is_value, LABEL]
    of_account = [N_VALUES, N_ACCOUNTS, N_RETURNED]  # what the first round has counted
    found[np.ix_(kinds == OF_ACCOUNT, of_account)] = asked[np.ix_(kinds == OF_ACCOUNT, of_account)]
    return facts.table(facts.others[is_asked], kinds, times, facts.others[is_asked], found)


@dataclass(frozen=True)
class NetworkColumns:
    """Compute the columns of the network of subjects from answers."""

    network: Network
    name: str
    # The column of the subjects with their accounts.
    account: str

    def __call__(self, subjects: pa.Table, rows: pa.Table) -> Array:
        """Return the columns; those of a subject without an account are those of an account without links."""
        places, owners, n = match_rows(subjects, (self.account, CUTOFF), rows, (NODE, AT))
        order = np.argsort(owners, kind="stable")
        starts = np.searchsorted(owners[order], np.arange(n + 2))
        answers = read_block(rows[NUMBERS], N_NUMBERS).view(np.int64)[order]
        out = np.empty((n + 1, len(self.network.columns_of(self.name))))
        fill_from_answers(starts, rows[FACT].to_numpy()[order], answers, rules_of(self.network, self.name), out)
        return out[places]


def network_steps(
    network: Network, subjects: DataFrame, account: str, events: DataFrame, labels: DataFrame | None, n: int
) -> list[Step]:
    """Return the steps of a network, of n buckets; without labels, none is known.

    Subjects have their accounts in a column of `with_keys`, and their cutoff times in `CUTOFF`.
    """
    of_account, of_event = of_name(account), of_name("id:account_id")
    asking = subjects.where(of_account.isNotNull() & of_name(CUTOFF).isNotNull())
    shared = [_facts(asking, of_account, F.lit(QUESTION), of_name(CUTOFF))]
    if labels is not None:
        fact = F.when(of_name(FRAUD) == 1, IS_FRAUD).otherwise(LEGITIMATE)
        shared.append(_facts(labels.where(of_event.isNotNull()), of_event, fact, of_name(TIME)))
    steps = []
    for name in network.links:
        other, between = of_name(f"id:{name}"), name == network.counterparty
        links = events.where(of_event.isNotNull() & other.isNotNull())
        links = links.where(of_event != other) if between else links
        links = links.groupBy(of_event.alias(NODE), other.alias(OTHER)).agg(F.min(TIME).alias(AT))
        ends = of_name(NODE), of_name(OTHER)
        to_values = _facts(links, ends[0], F.lit(LINKS_TO), of_name(AT), ends[1])
        to_accounts = _facts(links, ends[1], F.lit(LINKED_FROM), of_name(AT), ends[0])
        # Both ways only between accounts: an identifier has no values and no label.
        first = [to_values, *shared, *([to_accounts] if between else [])]
        asked = _in_buckets(first, n).applyInArrow(AskNeighbours(network, name).as_function(), FACTS)
        second = [asked, to_accounts, *([to_values, *shared[1:]] if between else [])]
        answers = _in_buckets(second, n).applyInArrow(answer_questions, FACTS)
        rows = answers.withColumn(BUCKET, bucket_of([of_name(NODE)], n))
        steps.append(Step(NetworkColumns(network, name, account), rows, (account,)))
    return steps


def _facts(frame: DataFrame, node: Column, fact: Column, at: Column, other: Column | None = None) -> DataFrame:
    columns = node, fact, at, F.lit(None) if other is None else other, F.lit(None)
    types = [column.split() for column in FACTS.split(", ")]
    typed = zip(columns, types, strict=True)
    return frame.select(*(column.cast(kind).alias(name) for column, (name, kind) in typed))


def _in_buckets(facts: list[DataFrame], n: int) -> GroupedData:
    """Return facts by the bucket of their node."""
    rows = reduce(DataFrame.union, facts)
    return rows.withColumn(BUCKET, bucket_of([of_name(NODE)], n)).groupBy(BUCKET)
