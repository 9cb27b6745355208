"""Packed counts of n-grams, against a dictionary."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.wording import fit as module
from fraudsieve.features.wording.fit import COUNT_BITS, COUNT_MASK, count_ngrams
from fraudsieve.features.wording.model import MAX_TIMES, hash_ngrams

TEXTS = st.lists(st.text("ab中", max_size=150), min_size=1, max_size=5)


def expected(texts: list[str], min_messages: int) -> list[dict[int, int]]:
    """Return the number of times of each bucket that is kept, text by text."""
    rows = [Counter(hash_ngrams(pack([text]))[0].tolist()) for text in texts]
    messages = Counter(bucket for row in rows for bucket in row)
    return [{b: min(n, MAX_TIMES) for b, n in row.items() if messages[b] >= min_messages} for row in rows]


@pytest.mark.slow
@example(["a" * 99, "a" * 100, "a" * 101, "a" * 1000], 1, 1)
@example(["", "", "ab"], 2, 1)
@given(TEXTS, st.integers(1, 3), st.integers(1, 200))
def test_counts_equal_a_dictionary(texts: list[str], min_messages: int, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        counts = count_ngrams(pack(texts), min_messages)
    rows = np.split(counts.packed, counts.ends[1:-1])
    found = [
        dict(zip(counts.buckets[row >> COUNT_BITS].tolist(), (row & COUNT_MASK).tolist(), strict=True)) for row in rows
    ]
    assert found == expected(texts, min(min_messages, len(texts)))
    assert all((np.diff(row.astype(np.int64)) > 0).all() for row in rows)
    assert len(np.unique(counts.packed >> COUNT_BITS)) == len(counts.buckets)
