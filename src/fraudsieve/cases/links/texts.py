"""Links by text: near-duplicates, and phrases that few texts share."""

import re
from typing import Final

import numpy as np
import scipy.sparse as sp

from fraudsieve._typing import Array
from fraudsieve.cases.actions import Actions
from fraudsieve.cases.settings import CaseSettings
from fraudsieve.features.campaign.fingerprints import N_HASHES, ROWS_PER_BAND, SIMILAR, fingerprints
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes

from .pairs import Entries, pair_entries, time_decay, within_window
from .table import LINK_KINDS, Links

NEAREST: Final = 8
PHRASE: Final = 5
"""Words of a phrase; each Chinese character is a word."""
WORDS: Final = re.compile(r"[㐀-䶿一-鿿]|\w+|[^\w\s]")
MAX_TEXTS: Final = 64
"""Phrases in more texts are common, or the texts are near-duplicates anyway. This bounds the time."""
MIN_SIMILARITY: Final = 0.05


def text_links(actions: Actions, settings: CaseSettings) -> Links:
    """Link near-duplicate texts.

    The strength is the estimated Jaccard similarity of their 3-grams, at least .6.
    """
    rows = _with_text(actions)
    if not len(rows):
        return _links(actions, settings, rows, rows, np.empty(0), "text")
    prints = fingerprints(fold_codes(pack(actions.frame["text"].iloc[rows].tolist()))[0])
    window = settings.identifier_window
    pairs = []
    for band in range(0, N_HASHES, ROWS_PER_BAND):
        columns = np.ascontiguousarray(prints[:, band : band + ROWS_PER_BAND])
        key = np.unique(columns.view(f"V{columns.itemsize * ROWS_PER_BAND}").ravel(), return_inverse=True)[1]
        entries = Entries.sort(key.astype(np.int64), np.arange(len(rows)), actions.time[rows])
        first, second = pair_entries(entries, window, NEAREST)
        pairs.append(entries.action[first] * len(rows) + entries.action[second])
    first, second = np.divmod(np.unique(np.concatenate(pairs)), len(rows))
    similar = np.array([], np.float64)
    if len(first):
        chunks = np.array_split(np.arange(len(first)), len(first) // 100_000 + 1)
        similar = np.concatenate([(prints[first[c]] == prints[second[c]]).mean(axis=1) for c in chunks])
    kept = similar >= SIMILAR
    return _links(actions, settings, rows[first[kept]], rows[second[kept]], similar[kept], "text")


def wording_links(actions: Actions, settings: CaseSettings) -> Links:
    """Link texts that share phrases of five words, weighted by how few texts have them.

    The strength is the cosine of the TF-IDF vectors of phrases in 2 to 64 texts.
    """
    rows = _with_text(actions)
    phrases = _phrase_matrix(actions.frame["text"].iloc[rows].tolist()) if len(rows) else sp.csr_matrix((0, 0))
    similar = sp.triu(phrases @ phrases.T, k=1).tocoo()
    first, second = rows[similar.row], rows[similar.col]
    is_near = within_window(actions.time[first], actions.time[second], settings.identifier_window)
    kept = (similar.data >= MIN_SIMILARITY) & is_near
    return _links(actions, settings, first[kept], second[kept], similar.data[kept], "wording")


def _with_text(actions: Actions) -> Array:
    if "text" not in actions.frame:
        return np.empty(0, np.int64)
    return np.flatnonzero(actions.frame["text"].notna())


def _phrase_matrix(texts: list[str]) -> sp.csr_matrix:
    """Return TF-IDF vectors of unit length over the phrases that 2 to 64 texts share."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        token_pattern=WORDS.pattern,
        ngram_range=(PHRASE, PHRASE),
        n_features=2**30,
        alternate_sign=False,
        norm=None,
        dtype=np.float64,
    )
    counts = vectorizer.transform(texts)
    columns, index = np.unique(counts.indices, return_inverse=True)
    n_texts = np.bincount(index, minlength=len(columns))
    idf = np.where((n_texts > 1) & (n_texts <= MAX_TEXTS), np.log(len(texts) / np.maximum(n_texts, 1)) + 1, 0.0)
    data = (1 + np.log(counts.data)) * idf[index]
    weights = sp.csr_matrix((data, index, counts.indptr), (len(texts), len(columns)))
    weights.eliminate_zeros()
    norms = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    return sp.diags(1 / np.maximum(norms, 1e-12)) @ weights


def _links(actions: Actions, settings: CaseSettings, first: Array, second: Array, similar: Array, kind: str) -> Links:
    source, target = np.minimum(first, second), np.maximum(first, second)
    decay = time_decay(actions.time[source], actions.time[target], settings.identifier_window, settings.half_life)
    weight = getattr(settings, kind) * similar * decay
    code, none = np.full(len(source), LINK_KINDS.index(kind)), np.full(len(source), -1)
    return Links(source, target, code, weight, none, similar, np.empty(0, object))
