"""Counts of n-grams as matrices of other libraries."""

import numpy as np
from scipy import sparse

from fraudsieve.features.wording.fit import COUNT_BITS, COUNT_MASK, COUNT_VALUES, NgramCounts


def matrix_of(counts: NgramCounts) -> sparse.csr_array:
    values, columns = COUNT_VALUES[counts.packed & COUNT_MASK], (counts.packed >> COUNT_BITS).astype(np.int32)
    return sparse.csr_array((values, columns, counts.ends), shape=(len(counts), len(counts.buckets)))
