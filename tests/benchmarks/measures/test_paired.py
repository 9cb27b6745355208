"""Paired differences over folds."""

import math

import numpy as np
import pytest
from benchmarks.measures.paired import paired_figures


def test_paired_differences() -> None:
    own, theirs = np.array([0.9, 0.8, 0.7, 0.9]), np.array([0.8, 0.8, 0.6, 0.7])
    figures = paired_figures("random", "svm", own, theirs, folds=2)
    deviation = np.std([0.1, 0.0, 0.1, 0.2], ddof=1)
    assert figures["random.vs_svm.mean"] == pytest.approx(0.1)
    assert figures["random.vs_svm.se"] == pytest.approx(deviation / 2)
    assert figures["random.vs_svm.se_corrected"] == pytest.approx(deviation * math.sqrt(1 / 4 + 1))


def test_one_fold_has_no_error() -> None:
    assert set(paired_figures("s", "p", np.array([0.9]), np.array([0.8]), folds=5)) == {"s.vs_p.mean"}
