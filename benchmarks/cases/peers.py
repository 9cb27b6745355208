"""What others would do: every action alone, components of accounts, and an afternoon's script with Leiden."""

import re
from typing import Final

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from benchmarks.cases.sets import FlaggedSet
from fraudsieve._microseconds import DAY
from fraudsieve._typing import Array
from fraudsieve.cases import Actions, partition_actions

__all__ = ["event_peers", "text_peers"]

ACCOUNT_RESOLUTION: Final = {"amlsim_10k": 0.2, "hi_small": 0.02, "true": 0.2, "noisy": 0.1, "noisy_between": 0.1}
TIME_CPM: Final = {
    "amlsim_10k": (10.0, 0.05),
    "hi_small": (4.0, 0.005),
    "true": (5.0, 0.01),
    "noisy": (5.0, 0.02),
    "noisy_between": (10.0, 0.02),
}
"""Days and resolution of the script, which were chosen on these very sets: figures of the peers are optimistic."""
TFIDF_COSINE: Final = 0.36
TOKEN: Final = re.compile(
    r"bc1[a-z0-9]{25,60}|\b[13][a-km-zA-HJ-NP-Z1-9]{25,34}\b|[a-z2-7]{16,56}\.onion|[\w.+-]+@[\w-]+\.[\w.]+"
    r"|https?://[^\s\[\]<>\"']+"
)


def event_peers(flagged: FlaggedSet, seed: int) -> dict[str, Array]:
    """Partition events as the peers do.

    Parameters
    ----------
    flagged : FlaggedSet
        Events.
    seed : int
        Seed of Leiden.

    Returns
    -------
    dict of str to ndarray of int64, shape (n_actions,)
        The case of each action, in the order of `Actions.from_frame`.
    """
    actions = Actions.from_frame(flagged.actions)
    key = flagged.name if flagged.name in TIME_CPM else flagged.protocol
    return {
        "none": np.arange(len(actions)),
        "components": connected_components(_account_graph(actions), directed=False)[1][actions.account],
        "cpm_accounts": _cpm_accounts(actions, ACCOUNT_RESOLUTION[key], seed),
        "time_cpm": _time_cpm(actions, *TIME_CPM[key], seed),
    }


def text_peers(flagged: FlaggedSet) -> dict[str, Array]:
    """Partition chats by shared tokens, and by the similarity of TF-IDF vectors, in components.

    Parameters
    ----------
    flagged : FlaggedSet
        Chats.

    Returns
    -------
    dict of str to ndarray of int64, shape (n_actions,)
    """
    texts = Actions.from_frame(flagged.actions).frame["text"]
    return {"none": np.arange(len(texts)), "tokens": _tokens(texts), "tfidf": _tfidf(texts)}


def _account_graph(actions: Actions) -> sp.csr_matrix:
    between = actions.counterparty >= 0
    ends = (actions.account[between], actions.counterparty[between])
    half = sp.coo_matrix((np.ones(between.sum()), ends), (len(actions.names),) * 2).tocsr()
    graph = (half + half.T).tolil()
    graph.setdiag(0)
    graph = graph.tocsr()
    graph.eliminate_zeros()
    return graph


def _cpm_accounts(actions: Actions, resolution: float, seed: int) -> Array:
    graph = _account_graph(actions)
    case = partition_actions(graph, actions.names, resolution=resolution, seed=seed).case
    return case[actions.account]


def _time_cpm(actions: Actions, days: float, resolution: float, seed: int) -> Array:
    """Link events that share an account in time, less where one is sent before the other comes in; then Leiden."""
    n = len(actions)
    own = pd.DataFrame({"account": actions.account, "event": np.arange(n), "sends": True, "time": actions.time})
    other = own.assign(account=actions.counterparty, sends=False)
    entries = pd.concat([own, other[other["account"] >= 0]])
    pairs = entries.merge(entries, on="account")
    apart = (pairs["time_y"] - pairs["time_x"]) / DAY
    pairs = pairs[(pairs["event_x"] < pairs["event_y"]) & (apart <= days)]
    apart = apart[pairs.index]
    weight = (1 - apart / (2 * days)) * np.where(pairs["sends_x"] & ~pairs["sends_y"] & (apart > 0), 0.3, 1.0)
    half = sp.coo_matrix((weight, (pairs["event_x"], pairs["event_y"])), (n, n)).tocsr()
    ids = actions.frame["action_id"].to_numpy(object)
    return partition_actions(half + half.T, ids, resolution=resolution, seed=seed).case


def _tokens(texts: pd.Series) -> Array:
    found = [
        (chat, token)
        for chat, text in enumerate(texts)
        for token in {part.rstrip(".,;:!?)") for part in TOKEN.findall(text)}
    ]
    chats = np.array([chat for chat, _ in found], np.int64)
    codes = pd.factorize(np.array([token for _, token in found], object))[0]
    shared = sp.csr_matrix((np.ones(len(chats)), (chats, codes)), (len(texts), int(codes.max(initial=0)) + 1))
    return np.asarray(connected_components(shared @ shared.T, directed=False)[1])


def _tfidf(texts: pd.Series) -> Array:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    vectors = vectorizer.fit_transform(texts.to_numpy(object))
    return np.asarray(connected_components((vectors @ vectors.T) > TFIDF_COSINE, directed=False)[1])
