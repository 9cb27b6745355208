"""Raw n-grams: those with characters that folding changes although they are ordinary, where they help."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features import MessageFeatures
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes, styled_characters
from fraudsieve.features.wording.attribution import character_weights
from fraudsieve.features.wording.fit import COUNT_VALUES, campaign_folds, count_ngrams, out_of_fold
from fraudsieve.features.wording.model import TextModel, hash_ngrams, linear_scores
from fraudsieve.models import FraudClassifier, Model, Scorer, write_model
from fraudsieve.models.reasons.request import explain_text
from tests.features.wording.matrices import matrix_of
from tests.features.wording.test_ngrams import BEGIN, bucket, ngrams

STYLED = st.text(st.sampled_from("abAB，,。中 \n\t　Ａ①１*"), max_size=12)
TEXTS = ["FREE prize", "free Prize，now", "", "see you", "A", "，", "Ｆree", "中奖。\n领取"]


def is_raw(gram: tuple[int, ...]) -> bool:
    styled = styled_characters()
    return any(code < BEGIN and styled[code] for code in gram)


@given(st.lists(STYLED, min_size=1, max_size=4))
def test_they_are_the_ngrams_of_the_raw_text_with_a_styled_character(texts: list[str]) -> None:
    raw = pack(texts)
    folded = fold_codes(raw)[0]
    buckets, ends = hash_ngrams(folded, raw)
    for i, (text, plain) in enumerate(zip(texts, folded.unpack(), strict=True)):
        of_folded, own = 4 * len(plain), buckets[ends[i] : ends[i + 1]].tolist()
        assert Counter(own[:of_folded]) == Counter(map(bucket, ngrams(plain)))
        assert Counter(own[of_folded:]) == Counter(bucket(gram) for gram in ngrams(text) if is_raw(gram))


@given(st.text(max_size=30))
def test_no_folded_text_has_one(text: str) -> None:
    folded = fold_codes(pack([text]))[0]
    assert len(hash_ngrams(folded, folded)[0]) == 4 * len(folded.codes)


def raw_model(n_outputs: int) -> TextModel:
    """Return a model with random weights of the n-grams of `TEXTS`."""
    raw, rng = pack(TEXTS), np.random.default_rng(n_outputs)
    buckets = np.unique(hash_ngrams(fold_codes(raw)[0], raw)[0])
    weights = np.column_stack([rng.uniform(1, 5, len(buckets)), rng.normal(size=(len(buckets), n_outputs))])
    classes = tuple(f"class {i}" for i in range(n_outputs))
    return TextModel(classes, buckets, weights.astype(np.float32), np.zeros(n_outputs), 1.0, has_raw=True)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_scores_are_those_of_the_counts(n_outputs: int) -> None:
    model, raw = raw_model(n_outputs), pack(TEXTS)
    folded = fold_codes(raw)[0]
    scores, known = linear_scores(folded, model.table, model.rows, n_outputs, raw)
    counts = count_ngrams(folded, raw=raw)
    assert counts.buckets.tolist() == model.buckets.tolist()
    matrix = matrix_of(counts).toarray()
    assert set(np.unique(matrix)) <= set(COUNT_VALUES.tolist())
    lengths = np.linalg.norm(matrix * model.weights[:, 0], axis=1)
    expected = (matrix @ model.weights[:, 1:]) / np.maximum(lengths, 1e-9)[:, None]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert known.tolist() == [1.0 if text else 0.0 for text in folded.unpack()]
    np.testing.assert_array_equal(model.log_odds(folded, raw)[0], scores)
    without = replace(model, has_raw=False).log_odds(folded, raw)[0]
    np.testing.assert_array_equal(without, model.log_odds(folded)[0])
    assert np.abs(without - scores).max() > 0.1


def test_the_known_share_is_that_of_folded_ngrams() -> None:
    folded_only = np.unique(hash_ngrams(pack(["ab"]))[0])
    model = TextModel(("a",), folded_only, np.ones((len(folded_only), 2), np.float32), np.zeros(1), 1.0, has_raw=True)
    assert model.log_odds(pack(["ab"]), pack(["AB"]))[1].tolist() == [1.0]


def test_characters_of_folded_and_of_raw_texts_add_up_to_the_score() -> None:
    model, raw = raw_model(1), pack(TEXTS)
    folded = fold_codes(raw)[0]
    weights = character_weights(model, folded, np.ones((len(TEXTS), 1)), raw)
    of_folded, of_raw = np.split(weights, [len(folded.codes)])
    sums = [
        part[text.offsets[i] : text.offsets[i + 1]].sum()
        for i in range(len(TEXTS))
        for text, part in ((folded, of_folded), (raw, of_raw))
    ]
    np.testing.assert_allclose(np.reshape(sums, (-1, 2)).sum(axis=1), model.log_odds(folded, raw)[0][:, 0], atol=1e-6)
    lower = TEXTS.index("see you")
    assert not of_raw[raw.offsets[lower] : raw.offsets[lower + 1]].any()


def test_a_raw_ngram_counts_for_its_own_characters() -> None:
    only = np.array([bucket("oW")], np.int32)
    model = TextModel(("a",), only, np.ones((1, 2), np.float32), np.zeros(1), 1.0, has_raw=True)
    assert character_weights(model, pack(["now"]), np.ones((1, 1)), pack(["noW"])).tolist() == [0, 0, 0, 0, 0.5, 0.5]


def shouted(n: int) -> tuple[list[str], Array]:
    """Return texts of random words, and labels that only capital letters tell."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    words = [" ".join(rng.choice(["see", "you", "at", "home", "now", "call", "free"], 5)) for _ in range(n)]
    return [text.upper() if label else text for text, label in zip(words, y, strict=True)], y


@pytest.mark.parametrize("helps", [True, False])
def test_they_are_used_where_scores_out_of_fold_are_better(helps: bool) -> None:
    texts, y = shouted(200)
    if not helps:
        texts = [text.lower() + ("!" if label else "?") for text, label in zip(texts, y, strict=True)]
        texts = [text.capitalize() if row % 2 else text for row, text in enumerate(texts)]
    raw = pack(texts)
    folded = fold_codes(raw)[0]
    settings: dict[str, Any] = {"C": 3.0, "min_messages": 2, "random_state": 0, "n_jobs": None}
    folds = campaign_folds(y, np.arange(200), 3, 0)
    fits: list[int] = []
    model, log_odds, _ = out_of_fold(
        folded, y, ("a", "b"), np.arange(200), folds, raw=raw, on_fit=lambda: fits.append(1), **settings
    )
    assert model.has_raw is helps
    assert len(fits) == 2 * (3 + 1)
    assert ((log_odds[:, 0] > 0) == (y == 1)).mean() > 0.95
    assert not out_of_fold(folded, y, ("a", "b"), np.arange(200), folds, **settings)[0].has_raw


@pytest.mark.slow
def test_a_model_with_them_is_written_read_and_explained(tmp_path: Path) -> None:
    texts, y = shouted(200)
    labels = np.array(["legitimate", "fraud"], object)[y]
    features = MessageFeatures(n_folds=3).set_output(transform="pandas")
    rows = features.fit_transform(texts, labels, groups=np.arange(200))
    fitted = FraudClassifier(n_rounds=5, n_jobs=1).fit(rows, labels)
    model = Model("raw", ("fraud", "legitimate"), "legitimate", features.matrix_, fitted.ensemble_, fitted.calibration_)
    write_model(model, tmp_path / "model")
    scorer = Scorer.load(tmp_path / "model")
    assert scorer.model.matrix.text_models["wording"].has_raw
    others = [*filter(None, TEXTS), "CALL me at home", "call me at home"]
    odds = scorer.log_odds(others)
    np.testing.assert_array_equal(odds, Scorer(model).log_odds(others))
    assert odds[-2, 0] < odds[-1, 0] - 1  # of the legitimate class
    computed = model.matrix.rows([{"text": text} for text in others])
    start = computed.X[:, model.ensemble.wording[0]]
    assert computed.texts is not None
    for text, spans, expected in zip(others, explain_text(model, others, computed.texts, odds), start, strict=True):
        assert abs(sum(span["log_odds"] for span in spans)) == pytest.approx(abs(expected), abs=1e-9)
        assert all(text[span["start"] : span["stop"]] == span["text"] for span in spans[:-1])
