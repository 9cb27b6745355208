"""Compiled kernels of the network: sorted series per account and value in shared arrays, updates, and columns.

The links of one column are a `Graph`: its nodes, a `Series` of links, and a `Series` of steps, which are counts over
time. `NetworkGraph` owns a live graph, which grows: when a kernel finds too little room, it stops and says how much it
lacks. `FullGraph` builds a packed graph for a batch, to which nothing is added.

Nodes
    An account or a value is a node, numbered from 0. An account and a value with the same id are one node, with series
    of both kinds: a counterparty is an account. -1 stands for an id that no node has.
``spans``, int32, shape (n_nodes, n_kinds, 2)
    Where the series of a node and a kind begins in ``times`` and ``items``, and its size, which may be 0.
``times``, int64; ``items``, int32 for links and int64 for steps
    Entries of all series, in microseconds since 1970. Within a series, times ascend; the entries of one time are in no
    order. What no series holds has no meaning.
``blocks``, int64, shape (32,)
    Of a live graph: the first free block of each size, -1 if there is none; at `TAIL`, the end of all blocks.
Links, of the kinds `VALUES` and `ACCOUNTS`
    The items are nodes: the values of an account, and the accounts of a value. A pair stands once in each, with the
    same time, that of its earliest event.
Steps, of the kinds `LABELS`, `LABELLED` and `RETURNED`
    The items of `LABELS` are 1 for fraud and 0 otherwise. Those of the others are totals from their time on. In a live
    graph, the times of a series are distinct. In a packed one, the last of several entries at one time counts.

A series has a block for the next power of two of its size. An insertion into a full block moves it to a larger one::

    times   | 10  20  40   . |  7 | 15  30 |  .   .   .          node 0: start 0, size 3; node 1: 4, 1; node 2: 5, 2
    insert 12 for node 0                                         there is room for a fourth entry
    times   | 10  12  20  40 |  7 | 15  30 |  .   .   .
    insert 9 for node 1                                          1 entry fills its block: from 4 to the end, at 7
    times   | 10  12  20  40 | -1 | 15  30 |  7   9 |  .         the free block holds where the next free one begins
    blocks    size 1: 4, size 2: -1, TAIL: 9

The accounts of a value and the values of an account are both stored, so that each can be searched by time. Counting the
accounts that shared a value before a cutoff time takes one bisection, however many there are (`count_before`). Needs
only NumPy and Numba.
"""
