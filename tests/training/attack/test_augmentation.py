"""Obfuscated copies to train on."""

import numpy as np

from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.pinyin import to_pinyin
from fraudsieve.training.attack import augmentation as module
from fraudsieve.training.attack.augmentation import augment, obfuscated_copies

CHINESE = ["恭喜您中奖了请加微信领取红包"] * 200
ENGLISH = ["claim your free prize now, call 0800 123"] * 200


def test_copies_are_the_same_for_a_seed_and_differ_from_the_text() -> None:
    for texts in (CHINESE, ENGLISH):
        copies = obfuscated_copies(texts, texts, seed=1)
        assert copies == obfuscated_copies(texts, texts, seed=1)
        assert copies != obfuscated_copies(texts, texts, seed=2)
        assert np.mean([copy != text for copy, text in zip(copies, texts, strict=True)]) > 0.9


def test_homophones_keep_the_sound_and_symbols_keep_the_text() -> None:
    copies = obfuscated_copies(CHINESE, CHINESE, seed=0)
    same_sound = [pinyin == to_pinyin(pack(CHINESE[:1])).unpack()[0] for pinyin in to_pinyin(pack(copies)).unpack()]
    marks = "".join(map(chr, module.SYMBOLS))
    cleared = [copy.translate(dict.fromkeys(map(ord, marks))) == CHINESE[0] for copy in copies]
    assert 0.35 < np.mean(same_sound) < 0.65
    assert 0.1 < np.mean(cleared) < 0.4


def test_digits_and_marks_of_english_stay_and_letters_come_from_the_corpus() -> None:
    copies = obfuscated_copies(ENGLISH, ["qqqq"], seed=0)
    for copy in copies:
        assert [char for char in copy if char.isdigit()] == list("0800123")
        assert set(copy) <= set(ENGLISH[0]) | {"q"} | set(map(chr, module.SYMBOLS))
    assert any("q" in copy for copy in copies)


def test_only_fraud_is_copied() -> None:
    texts = [*CHINESE[:50], *ENGLISH[:50]]
    is_fraud = np.arange(100) < 50
    copies = augment(texts, is_fraud, share=1.0)
    assert copies.texts[:100] == texts
    assert copies.rows.tolist() == [*range(100), *range(50)]
    half = augment(texts, is_fraud)
    assert 10 < len(half.texts) - 100 < 40
    assert augment(texts, ~is_fraud & is_fraud).texts == texts
    assert augment(texts, is_fraud, share=0.0).rows.tolist() == list(range(100))


def test_only_messages_with_chinese_characters_are_copied() -> None:
    texts = [ENGLISH[0], "", CHINESE[0], "\ud800", "call 0800 微"]
    assert augment(texts, np.ones(5, bool), share=1.0).rows.tolist() == [0, 1, 2, 3, 4, 2, 4]


def test_empty_and_unusual_texts() -> None:
    assert obfuscated_copies(["", "\ud800", "123"], [""]) == ["", "\ud800", "123"]
