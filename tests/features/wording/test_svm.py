"""The support vector machine on packed counts: the bits of scikit-learn's."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.wording import svm as module
from fraudsieve.features.wording.counts import count_ngrams
from fraudsieve.features.wording.svm import count_messages, fit_svm


def random_texts(n: int, n_classes: int) -> tuple[list[str], np.ndarray]:
    """Return texts of random letters, some of which depend on the class."""
    rng = np.random.default_rng(n)
    y = rng.integers(0, n_classes, n)
    letters = np.array(list("abcdefgh中国人大"))
    return ["".join(letters[(rng.integers(0, 9, 15) + c) % len(letters)]) for c in y], y


@pytest.mark.slow
@pytest.mark.parametrize("max_iter", [1, 7, 1000])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("C", "max_scaled"), [(0.1, 1 << 24), (3.0, 1 << 24), (3.0, 0)])
def test_coefficients_have_the_bits_of_scikit_learn(
    n_classes: int, C: float, max_scaled: int, max_iter: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SCALED", max_scaled)
    texts, y = random_texts(120, n_classes)
    counts = count_ngrams(pack(texts))
    rows = np.arange(120)[::-1][:90]
    messages = count_messages(counts, rows)
    idf = np.where(messages > 1, np.log(91 / (1 + messages)) + 1, 0.0)
    coef = fit_svm(counts, rows, idf, y[rows], C=C, seed=5, max_iter=max_iter)
    vectors = normalize(sparse.csr_matrix(counts.matrix()[rows].multiply(idf)))
    svm = LinearSVC(C=C, random_state=5, dual=True, max_iter=max_iter)
    if max_iter < 1000:
        with pytest.warns(match="Liblinear failed to converge"):
            svm.fit(vectors, y[rows])
    else:
        svm.fit(vectors, y[rows])
    np.testing.assert_array_equal(coef[:, :-1], svm.coef_)
    np.testing.assert_array_equal(coef[:, -1], svm.intercept_)


def test_only_the_selected_texts_are_counted() -> None:
    counts = count_ngrams(pack(["a", "a", "b"]))
    of_a = count_ngrams(pack(["a"])).buckets
    expected = np.where(np.isin(counts.buckets, of_a), 2, 0)
    assert count_messages(counts, np.array([0, 1])).tolist() == expected.tolist()
