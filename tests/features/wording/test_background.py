"""The background of surprisal: everyday Chinese text."""

import runpy
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from fraudsieve.features import MessageFeatures
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.features.wording.surprisal import (
    BEGIN,
    SURPRISALS,
    TABLE,
    CharacterModel,
    chinese_background,
    count_characters,
    count_pairs,
    surprisal_out_of_fold,
)

SCRIPT = Path(__file__).parents[3] / "scripts" / "tables" / "background.py"
EVERYDAY = ["不知道为什么", "今天天气很好", "我们都觉得还不错", "你什么时候回来"]
OBFUSCATED = ["卜知道为甚麽", "吟天兲气佷好", "莪们嘟觉得還不措", "妳什庅时候囬来"]
SPAM = ["恭喜您中奖了，点击领取", "贷款不看征信，当天放款", "加微信领红包", "代开发票，价格优惠"]
PAIR_MEAN = SURPRISALS.index("pair_mean")


def test_pairs_add_up_as_the_characters_of_texts_do() -> None:
    texts = ["不知道", "不好", "好"]
    pairs = [pair for text in texts for pair in zip([BEGIN, *map(ord, text)], map(ord, text), strict=False)]
    before, code = np.array(pairs, np.uint32).T
    chars, found = count_pairs(before, code, np.full(len(pairs), 7, np.uint32))
    expected_chars, expected = count_characters(pack(texts), np.arange(3))
    np.testing.assert_array_equal(found, 7 * expected)
    # The last character of a text is the first of no pair.
    assert chars.sum() == 7 * (expected_chars.sum() - 3)
    assert (chars <= 7 * expected_chars).all()


@pytest.mark.parametrize("form", ["raw", "folded"])
def test_everyday_text_is_more_probable_than_obfuscated_text(form: str) -> None:
    raw, folded = chinese_background()
    usual, other = pack(EVERYDAY), pack(OBFUSCATED)
    if form == "folded":
        usual, other = fold_codes(usual)[0], fold_codes(other)[0]
    model = raw if form == "raw" else folded
    assert (model.surprisal(usual)[:, PAIR_MEAN] + 0.5 < model.surprisal(other)[:, PAIR_MEAN]).all()


def test_the_folded_form_knows_folded_characters_alone() -> None:
    raw, folded = chinese_background()
    wide, narrow, unseen = pack(["，"]), pack([","]), pack(["\u0b95"])
    assert (raw.surprisal(wide) < raw.surprisal(narrow))[0, 0]
    assert folded.surprisal(wide)[0, 0] == folded.surprisal(unseen)[0, 0]
    assert folded.surprisal(narrow)[0, 0] < raw.surprisal(wide)[0, 0]
    assert raw.pairs.sum() == folded.pairs.sum()


def test_it_is_added_to_the_models_of_every_fold() -> None:
    texts, folds = pack(EVERYDAY), np.array([0, 1, 0, 1])
    background = chinese_background()[0]
    model, found = surprisal_out_of_fold(texts, np.ones(4, np.bool_), folds, background)
    np.testing.assert_array_equal(model.chars - background.chars, count_characters(texts, np.arange(4))[0])
    others = CharacterModel(*count_characters(texts, np.array([1, 3]))).plus(background.chars, background.pairs)
    np.testing.assert_array_equal(found[0], others.surprisal(texts)[0])


def counted(texts: list[str], pinyin: bool | None = None, legitimate: str = "ham") -> int:
    """Return how many characters the model of legitimate text has counted."""
    features = MessageFeatures(n_folds=2, pinyin=pinyin, legitimate=legitimate)
    features.fit(texts, ["spam"] * 4 + ["ham"] * (len(texts) - 4))
    return int(features.matrix_.characters[0].chars.sum())


@pytest.mark.parametrize("pinyin", [None, False])
def test_legitimate_chinese_messages_have_the_background_and_others_have_none(pinyin: bool | None) -> None:
    assert counted([*SPAM, *EVERYDAY], pinyin=pinyin) > 200_000
    english = ["win a prize", "free cash", "claim it now", "verify now", "see you", "dinner?", "at six", "ok then"]
    assert counted(english, pinyin=pinyin) < 200
    assert counted([*SPAM, *EVERYDAY], pinyin=pinyin, legitimate="neither") < 200


def test_rebuilding_gives_the_stored_table() -> None:
    pytest.importorskip("snownlp", reason="snownlp of fraudsieve[tables] is not installed")
    built = runpy.run_path(str(SCRIPT))["build"]()
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        if str(stored["source"]) != f"snownlp {version('snownlp')}":
            pytest.skip("snownlp is of another version than the table: run scripts/tables/background.py")
        assert all(np.array_equal(built[name], stored[name]) for name in stored.files)
