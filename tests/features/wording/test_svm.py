"""The support vector machine on packed counts, beside scikit-learn's."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.wording import fit as module
from fraudsieve.features.wording.fit import NgramCounts, count_messages, count_ngrams, fit_svm
from tests.features.wording.matrices import matrix_of

ROWS = np.arange(120)[::-1][:90]


def random_counts(n_classes: int) -> tuple[NgramCounts, Array]:
    """Return the counts of texts of random letters, some of which depend on the class, and the classes of `ROWS`."""
    rng = np.random.default_rng(120)
    y = rng.integers(0, n_classes, 120)
    letters = np.array(list("abcdefgh中国人大"))
    texts = ["".join(letters[(rng.integers(0, 9, 15) + c) % len(letters)]) for c in y]
    return count_ngrams(pack(texts)), y[ROWS]


def fit(counts: NgramCounts, y: Array, n_outputs: int, *, C: float = 3.0, max_iter: int = 1000) -> tuple[Array, Array]:
    """Return the weights of the n-grams of `ROWS`, of which rare ones have none, and the intercepts."""
    messages = count_messages(counts, ROWS)
    weights = np.zeros((len(messages), 1 + n_outputs), np.float32)
    weights[:, 0] = np.where(messages > 1, np.log(91 / (1 + messages)) + 1, 0.0)
    intercept = fit_svm(counts, ROWS, y, weights, n_outputs, C=C, seed=5, max_iter=max_iter)
    return weights, intercept


@pytest.mark.parametrize("C", [0.1, 3.0])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_the_optimum_is_that_of_scikit_learn(n_classes: int, C: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOLERANCE", 1e-6)
    counts, y = random_counts(n_classes)
    if n_classes == 2:
        weights, intercept = fit(counts, y - 1, 1, C=C)
    else:
        weights, intercept = fit(counts, y, n_classes, C=C)
    idf = weights[:, 0]
    vectors = normalize(sparse.csr_matrix(matrix_of(counts)[ROWS].multiply(idf)))
    svm = LinearSVC(C=C, dual=True, tol=1e-8, max_iter=100_000).fit(vectors, y)
    np.testing.assert_allclose(weights[:, 1:].T, svm.coef_ * idf, atol=2e-4)
    np.testing.assert_allclose(intercept, svm.intercept_, atol=2e-4)


def test_the_idf_is_not_changed_and_rare_ngrams_get_no_weight() -> None:
    counts, y = random_counts(3)
    weights, _ = fit(counts, y, 3)
    rare = count_messages(counts, ROWS) < 2
    assert rare.any()
    assert not weights[rare].any()
    assert (weights[~rare, 0] > 1).all()
    assert weights[~rare, 1:].any(axis=0).all()


def test_an_output_without_or_with_all_rows_is_constant() -> None:
    counts, y = random_counts(2)
    weights, intercept = fit(counts, np.where(y == 1, 2, 0), 4)
    assert intercept[[1, 3]].tolist() == [-1, -1]
    assert not weights[:, [2, 4]].any()
    assert weights[:, [1, 3]].any(axis=0).all()
    _, intercept = fit(counts, np.zeros(len(ROWS), np.int64), 2)
    assert intercept.tolist() == [1, -1]


def test_the_passes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOLERANCE", 0.0)
    counts, y = random_counts(3)
    after_two, _ = fit(counts, y, 3, max_iter=2)
    after_many, _ = fit(counts, y, 3, max_iter=300)
    assert np.abs(after_two - after_many).max() > 0.01


def test_only_the_selected_texts_are_counted() -> None:
    counts = count_ngrams(pack(["a", "a", "b"]))
    of_a = count_ngrams(pack(["a"])).buckets
    expected = np.where(np.isin(counts.buckets, of_a), 2, 0)
    assert count_messages(counts, np.array([0, 1])).tolist() == expected.tolist()
