"""Attribution: weights of characters add up to the score, and are merged into disjoint text spans."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import LETTER_DIGITS, RESEMBLED, SEPARATORS, SPELLED, fold_codes, fold_text
from fraudsieve.features.wording.attribution import character_weights, source_positions, spans
from fraudsieve.features.wording.model import TextModel, hash_ngrams, linear_scores

SEEN = ["win a prize now", "see you at six", "恭喜中奖 加微信", "a" * 150, "ab"]
TEXTS = [*SEEN, "", "a", "x", "ab", "win", "###", "win a prize win a prize", "中奖了吗", "a" * 400, "prize\x00"]
# Characters that folding changes, removes or joins, among letters.
LETTER_OF = dict(zip(LETTER_DIGITS, RESEMBLED, strict=True))
ODD = st.text(st.sampled_from("ab中奖1二" + SPELLED + SEPARATORS + " Ａé①ﬁ㎏\u200b\u0301\ud800謝＊𝟘"), max_size=40)


ALL = np.ones((1, 1))


def model(n_outputs: int) -> TextModel:
    rng = np.random.default_rng(n_outputs)
    buckets = np.unique(hash_ngrams(pack(SEEN))[0])
    buckets = buckets[rng.random(len(buckets)) < 0.8]
    weights = np.column_stack([rng.uniform(1, 5, len(buckets)), rng.normal(size=(len(buckets), n_outputs))])
    classes = tuple(f"class {i}" for i in range(n_outputs))
    return TextModel(classes, buckets, weights.astype(np.float32), rng.normal(size=n_outputs), 0.7)


@pytest.mark.slow
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_characters_add_up_to_the_score_before_scaling(n_outputs: int) -> None:
    wording, texts = model(n_outputs), pack(TEXTS)
    margins, known = linear_scores(texts, wording.table, wording.rows, len(wording.intercept))
    log_odds, _ = wording.log_odds(texts)
    assert (known > 0).sum() >= 9
    for output in range(n_outputs):
        weights = character_weights(wording, texts, np.eye(n_outputs)[[output] * len(texts)])
        for place, (first, last) in enumerate(zip(texts.offsets[:-1], texts.offsets[1:], strict=True)):
            total = weights[first:last].sum()
            assert total == pytest.approx(margins[place, output], rel=1e-12, abs=1e-12)
            scaled = wording.scale * (total + wording.intercept[output])
            assert scaled == pytest.approx(log_odds[place, output], rel=1e-12)


def test_an_ngram_is_divided_among_the_characters_that_it_covers() -> None:
    texts = pack(["xxaxx"])

    def of(word: str, *shorter: str) -> TextModel:
        """Return a model of the n-grams of a word that the shorter words do not have."""
        buckets = np.intersect1d(hash_ngrams(pack([word]))[0], hash_ngrams(texts)[0])
        buckets = np.setdiff1d(buckets, hash_ngrams(pack(shorter))[0])
        assert len(buckets) == 1
        return TextModel(("c",), buckets, np.array([[1.0, 6.0]], np.float32), np.zeros(1), 1.0)

    assert character_weights(of("xax", "xa", "ax"), texts, ALL).tolist() == [0, 2, 2, 2, 0]
    # "xx" occurs twice: half of the contribution for each, half of that for each character.
    assert character_weights(of("bxxb", "x"), texts, ALL) == pytest.approx([1.5, 1.5, 0, 1.5, 1.5])
    # With a start or end mark, the letter gets everything.
    assert character_weights(of("xb", "bxb"), texts, ALL).tolist() == [6, 0, 0, 0, 0]
    assert character_weights(of("bx", "bxb"), texts, ALL).tolist() == [0, 0, 0, 0, 6]


def test_a_model_without_ngrams_has_no_weights() -> None:
    empty = TextModel(("c",), np.empty(0, np.int32), np.empty((0, 2), np.float32), np.ones(1), 1.0)
    assert character_weights(empty, pack(["abc"]), ALL).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ｆr\u200bеe ①", [0, 1, 3, 4, 5, 6]),
        ("加*微 信", [0, 2, 3, 4]),
        ("加 微 信 号", [0, 2, 4, 6]),
        ("call 一三八零零零", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("a  \n b", [0, 1, 5]),
        ("ﬁx", [0, 0, 1]),
        ("", []),
    ],
)
def test_folded_characters_are_traced_back(text: str, expected: list[int]) -> None:
    found = source_positions(text, fold_codes(pack([text]))[0].codes)
    assert found is not None
    assert found.tolist() == expected


@given(st.one_of(st.text(max_size=40), ODD, st.text(st.sampled_from("abo0135.*-/ "), max_size=40)))
def test_every_folded_character_comes_from_one_that_folds_to_it(text: str) -> None:
    folded = fold_codes(pack([text]))[0]
    found = source_positions(text, folded.codes)
    assert found is not None
    assert (np.diff(found) >= 0).all()
    for char, place in zip(folded.unpack()[0], found.tolist(), strict=True):
        alone = fold_text(text[place])
        assert char in alone or (alone in SPELLED and char.isdigit()) or LETTER_OF.get(alone) == char
    # Folding removes only blanks and signs between two characters, never a letter.
    for first, last in zip(found[:-1].tolist(), found[1:].tolist(), strict=True):
        assert not any(char.isalnum() for char in fold_text(text[first + 1 : last]))


def test_a_different_text_cannot_be_traced_back() -> None:
    assert source_positions("abc", pack(["abd"]).codes) is None
    assert source_positions("", pack(["a"]).codes) is None


def test_spans_are_disjoint_and_ordered_by_weight() -> None:
    weights = np.array([0.1, 2.0, 0.0, 3.0, -0.1, -4.0, -2.5, 0.2, 1.75, 0.0])
    assert spans(weights, 9) == [(5, 7, -6.5), (1, 4, 5.0), (8, 9, 1.75)]
    assert spans(weights, 2) == [(5, 7, -6.5), (1, 4, 5.0)]
    assert spans(weights, 0) == []
    assert spans(np.zeros(4), 3) == spans(np.zeros(0), 3) == []


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(0, 6))
def test_the_weight_of_a_span_is_the_sum_of_its_characters(values: list[int], n: int) -> None:
    weights = np.array(values, float)
    found = spans(weights, n)
    seen = np.zeros(len(weights), int)
    for first, last, weight in found:
        seen[first:last] += 1
        assert weight == weights[first:last].sum()
        assert (np.sign(weights[first:last]) * np.sign(weight) >= 0).all()
        assert weights[first] != 0 != weights[last - 1]
    assert seen.max(initial=0) <= 1
    assert [abs(weight) for *_, weight in found] == sorted((abs(weight) for *_, weight in found), reverse=True)
    assert len(found) <= n
