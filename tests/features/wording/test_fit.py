"""Fitting the text model: comparison with scikit-learn, and out-of-fold training scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.svm import LinearSVC

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.wording import fit
from fraudsieve.features.wording.fit import (
    campaign_folds,
    campaign_weights,
    count_ngrams,
    fit_text_model,
    out_of_fold,
    softmax_loss,
)
from fraudsieve.features.wording.model import TextModel, hash_ngrams
from tests.messages import refused

TOPICS = {
    "spam": ["win", "prize", "cash", "now", "free"],
    "ham": ["see", "you", "at", "home", "tonight"],
    "loan": ["borrow", "rate", "bank"],
}


def topical(n: int, names: tuple[str, ...] = ("ham", "spam"), seed: int = 0) -> tuple[CodePoints, Array]:
    """Return texts whose words usually indicate their class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(names), n)
    y[: len(names)] = np.arange(len(names))
    every = sorted(set().union(*TOPICS.values()))
    texts = [" ".join([*rng.choice(TOPICS[names[c]], 2), *rng.choice(every, 3)]) for c in y]
    return pack(texts), y


def random_tokens(n: int, seed: int = 0) -> tuple[list[str], Array]:
    """Return random texts with random labels, which cannot be learned."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return ["".join(row) for row in rng.choice(letters, (n, 20)).tolist()], rng.integers(0, 2, n)


def fit_out_of_fold(
    texts: CodePoints, y: Array, groups: Array, n_classes: int = 2, *, n_folds: int = 5, min_messages: int = 1
) -> tuple[TextModel, Array, Array]:
    classes = tuple(f"c{i}" for i in range(n_classes))
    folds = campaign_folds(y, groups, n_folds, 0)
    return out_of_fold(texts, y, classes, groups, folds, C=3.0, min_messages=min_messages, random_state=0, n_jobs=None)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_every_campaign_weighs_the_same(groups: list[int]) -> None:
    weights = campaign_weights(np.array(groups))
    totals = [weights[np.array(groups) == group].sum() for group in set(groups)]
    assert totals == pytest.approx([totals[0]] * len(totals))
    assert weights.mean() == pytest.approx(1)


def test_loss_of_one_column_equals_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    log_odds, y = rng.normal(0, 5, (200, 1)), rng.integers(0, 2, 200)
    probability = 1 / (1 + np.exp(-log_odds[:, 0]))
    assert softmax_loss(log_odds, y).mean() == pytest.approx(log_loss(y, probability))


def test_loss_of_many_columns_equals_scipy_and_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    log_odds, y = rng.normal(0, 5, (200, 4)), rng.integers(0, 4, 200)
    log_probability = log_softmax(log_odds, axis=1)
    assert softmax_loss(log_odds, y) == pytest.approx(-log_probability[np.arange(200), y])
    assert softmax_loss(log_odds, y).mean() == pytest.approx(log_loss(y, np.exp(log_probability)))


def test_loss_of_two_columns_equals_that_of_their_difference() -> None:
    log_odds, y = np.array([[1.0, 3.0], [0.5, -2.0]]), np.array([1, 1])
    assert softmax_loss(log_odds, y) == pytest.approx(softmax_loss(np.diff(log_odds, axis=1), y))


def test_loss_of_extreme_log_odds_is_finite() -> None:
    assert softmax_loss(np.array([[1e4], [-1e4]]), np.array([0, 0])).tolist() == [1e4, 0]
    assert softmax_loss(np.array([[1e4, 0, 0], [0, 0, 1e4]]), np.array([0, 1])).tolist() == [0, 1e4]


@pytest.mark.parametrize("names", [("ham", "spam"), ("ham", "loan", "spam")])
@pytest.mark.parametrize("min_messages", [1, 3])
def test_margins_equal_scikit_learn(names: tuple[str, ...], min_messages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "TOLERANCE", 1e-4)
    texts, y = topical(80, names)
    wording = fit_text_model(
        count_ngrams(texts), y, names, C=2.0, min_messages=min_messages, random_state=0, max_iter=1000
    )
    vectorizer = TfidfVectorizer(
        analyzer=lambda text: hash_ngrams(pack([text]))[0].tolist(), sublinear_tf=True, min_df=min_messages
    )
    vectors = vectorizer.fit_transform(texts.unpack())
    margins = LinearSVC(C=2.0, tol=1e-6).fit(vectors, y).decision_function(vectors).reshape(len(y), -1)
    assert wording.log_odds(texts)[0] == pytest.approx(margins, abs=1e-3)
    assert wording.buckets.tolist() == sorted(vectorizer.vocabulary_)
    assert wording.classes == (names if len(names) > 2 else ("spam",))
    assert wording.scale == 1
    assert wording.weights.dtype == np.float32
    assert (np.diff(wording.buckets) > 0).all()


def test_the_only_output_of_two_classes_is_for_the_second() -> None:
    texts, y = topical(80)
    wording = fit_text_model(count_ngrams(texts), y, ("ham", "spam"), C=1.0, min_messages=1, random_state=0)
    log_odds, _ = wording.log_odds(pack(["win prize cash", "see you at home"]))
    assert log_odds[0, 0] > 0 > log_odds[1, 0]


@pytest.mark.parametrize("only", [0, 1])
def test_one_class_of_two_present_gives_a_constant(only: int) -> None:
    texts = pack(["aa", "ab"])
    wording = fit_text_model(
        count_ngrams(texts), np.full(2, only), ("ham", "spam"), C=1.0, min_messages=1, random_state=0
    )
    assert wording.classes == ("spam",)
    assert wording.log_odds(texts)[0].ravel().tolist() == [2.0 * only - 1] * 2


@pytest.mark.parametrize("present", [[0], [2], [0, 2], [1, 2], [0, 1, 3]])
def test_absent_classes_of_many_never_win(present: list[int]) -> None:
    texts, which = topical(60, ("ham", "loan", "spam")[: len(present)])
    y = np.array(present)[which]
    wording = fit_text_model(count_ngrams(texts), y, ("a", "b", "c", "d"), C=1.0, min_messages=1, random_state=0)
    log_odds, _ = wording.log_odds(texts)
    absent = [c for c in range(4) if c not in present]
    assert log_odds.shape == (60, 4)
    assert (log_odds[:, absent] == -1).all()
    assert set(log_odds.argmax(axis=1).tolist()) <= set(present)
    assert (log_odds.argmax(axis=1) == y).mean() > 0.9


@pytest.mark.parametrize("n_classes", [2, 3])
def test_texts_without_common_ngrams_give_a_model_without_ngrams(n_classes: int) -> None:
    texts = pack(list("中国人民大学"))
    y = np.arange(6) % n_classes
    wording, log_odds, known = fit_out_of_fold(texts, y, np.arange(6), n_classes, n_folds=2, min_messages=2)
    assert len(wording.buckets) == 0
    assert np.isfinite(log_odds).all()
    assert not known.any()


def test_few_passes_of_the_solver_do_not_warn() -> None:
    texts, y = topical(80)
    fit_text_model(count_ngrams(texts), y, ("a", "b"), C=1e6, min_messages=1, random_state=0, max_iter=1)


@pytest.mark.parametrize("min_messages", [1, 2])
def test_training_scores_do_not_depend_on_their_own_labels(min_messages: int) -> None:
    texts, y = random_tokens(400)
    packed = pack(texts)
    wording, log_odds, _ = fit_out_of_fold(packed, y, np.arange(400), min_messages=min_messages)
    in_fold, _ = wording.log_odds(packed)
    assert roc_auc_score(y, in_fold[:, 0]) > 0.9
    assert 0.35 < roc_auc_score(y, log_odds[:, 0]) < 0.65


def test_a_copy_in_another_fold_leaks_unless_campaigns_are_whole() -> None:
    texts, y = random_tokens(150)
    packed, y = pack(texts * 2), np.tile(y, 2)
    _, leaking, _ = fit_out_of_fold(packed, y, np.arange(300))
    _, honest, _ = fit_out_of_fold(packed, y, np.tile(np.arange(150), 2))
    assert roc_auc_score(y, leaking[:, 0]) > 0.8
    assert 0.35 < roc_auc_score(y, honest[:, 0]) < 0.65


@pytest.mark.parametrize("names", [("ham", "spam"), ("ham", "loan", "spam")])
def test_every_row_is_scored_by_the_model_of_the_other_folds(names: tuple[str, ...]) -> None:
    texts, y = topical(60, names)
    groups = np.arange(60) // 2
    wording, log_odds, known = fit_out_of_fold(texts, y, groups, len(names), n_folds=3)
    counts, strings = count_ngrams(texts), texts.unpack()
    folds = campaign_folds(y, groups, 3, 0)
    classes = tuple(f"c{i}" for i in range(len(names)))
    for fold in range(3):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        model = fit_text_model(counts, y, classes, C=3.0, min_messages=1, random_state=0, rows=train)
        margins, share = model.log_odds(pack([strings[i] for i in test]))
        assert np.array_equal(log_odds[test], wording.scale * margins)
        assert np.array_equal(known[test], share)
    whole = fit_text_model(counts, y, classes, C=3.0, min_messages=1, random_state=0)
    assert np.array_equal(wording.weights, whole.weights)


@pytest.mark.parametrize("names", [("ham", "spam"), ("ham", "loan", "spam")])
def test_the_scale_maximises_the_likelihood_of_the_labels(names: tuple[str, ...]) -> None:
    texts, y = topical(120, names)
    groups = np.minimum(np.arange(120), 100)
    wording, log_odds, _ = fit_out_of_fold(texts, y, groups, len(names))
    assert wording.scale > 0

    def loss(factor: float) -> float:
        return float(np.average(softmax_loss(factor * log_odds, y), weights=campaign_weights(groups)))

    assert loss(1) <= min(loss(0.97), loss(1.03))


def test_the_scale_of_an_uninformative_model_is_positive_and_small() -> None:
    texts, y = random_tokens(200)
    wording, _, _ = fit_out_of_fold(pack(texts), y, np.arange(200))
    assert 0 < wording.scale < 1


def test_a_class_seen_once_is_absent_where_it_is_scored() -> None:
    texts, y = topical(40)
    y[7] = 2
    wording, log_odds, _ = fit_out_of_fold(texts, y, np.arange(40), 3)
    assert log_odds[7, 2] == -wording.scale
    assert wording.classes == ("c0", "c1", "c2")
    assert np.isfinite(log_odds).all()


def test_fewer_campaigns_than_folds_are_enough_and_one_is_not() -> None:
    texts, y = topical(30)
    _, log_odds, _ = fit_out_of_fold(texts, y, y, n_folds=5)
    assert np.isfinite(log_odds).all()
    with refused(ValueError):
        fit_out_of_fold(texts, y, np.zeros(30), n_folds=5)


def test_fitting_is_deterministic() -> None:
    texts, y = topical(60, ("ham", "loan", "spam"))
    one, odds_one, known_one = fit_out_of_fold(texts, y, np.arange(60), 3)
    two, odds_two, known_two = fit_out_of_fold(texts, y, np.arange(60), 3)
    assert np.array_equal(odds_one, odds_two)
    assert np.array_equal(known_one, known_two)
    assert np.array_equal(one.weights, two.weights)
    assert one.scale == two.scale
