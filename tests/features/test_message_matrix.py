"""The feature matrix of messages."""

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.features.cues.matrix import CUES, SHAPES
from fraudsieve.features.history.declaration import History
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import OBFUSCATIONS
from fraudsieve.features.text.pinyin import to_pinyin
from fraudsieve.features.wording.model import TextModel, hash_ngrams, weigh_by_known_share
from fraudsieve.features.wording.surprisal import SURPRISALS, CharacterModel, count_characters

ANYTHING = st.text(st.characters(exclude_categories=()))
TEXTS = ["", "WIN a priｚe", "see you", "\0\ud800", "恭喜中奖 13800000000", "раураl\u200b", "\u200b\u200b"]


def with_wording(n_outputs: int) -> MessageMatrix:
    rng = np.random.default_rng(0)
    buckets = np.unique(hash_ngrams(pack(["win a prize", "see you", "中奖"]))[0])
    weights = np.column_stack([rng.uniform(1, 5, len(buckets)), rng.normal(size=(len(buckets), n_outputs))])
    classes = ("spam",) if n_outputs == 1 else tuple(f"c{i}" for i in range(n_outputs))
    return MessageMatrix(TextModel(classes, buckets, weights.astype(np.float32), np.zeros(n_outputs), 1.0))


def with_all_parts() -> MessageMatrix:
    wording, seen = with_wording(4).wording, pack(["see you at six", "晚上见"])
    counts = CharacterModel(*count_characters(seen, np.arange(2)))
    return MessageMatrix(wording, pinyin=wording, characters=(counts, counts))


MATRICES = {"plain": MessageMatrix(None), "two classes": with_wording(1), "many classes": with_wording(4)}
MATRICES["all parts"] = with_all_parts()
matrices = pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())


@matrices
def test_column_names_are_unique(matrix: MessageMatrix) -> None:
    assert matrix.compute(TEXTS).shape == (len(TEXTS), len(matrix.columns))
    assert len(set(matrix.columns)) == len(matrix.columns)
    assert all(len(name.split("__")) == 2 for name in matrix.columns)


def test_columns_are_grouped_by_family() -> None:
    plain = (
        *(f"cues__{name}" for name in CUES),
        *(f"shape__{name}" for name in (*SHAPES, "upper")),
        *(f"obfuscation__{name}" for name in OBFUSCATIONS),
    )
    assert MATRICES["plain"].columns == plain
    assert MATRICES["two classes"].columns == ("wording__spam", "surprisal__unknown", *plain)
    wording = (*(f"wording__c{i}" for i in range(4)), "surprisal__unknown")
    assert MATRICES["many classes"].columns == (*wording, *plain)
    pinyin = (*(f"pinyin__c{i}" for i in range(4)), "surprisal__unknown_pinyin")
    odd = [f"surprisal__{form}_{name}" for form in ("raw", "folded") for name in SURPRISALS]
    assert MATRICES["all parts"].columns == (*wording, *pinyin, *odd, *plain)


@matrices
def test_a_batch_equals_its_texts_one_by_one_in_any_order(matrix: MessageMatrix) -> None:
    whole = matrix.compute(TEXTS)
    assert np.array_equal(whole, np.vstack([matrix.compute([text]) for text in TEXTS]))
    assert np.array_equal(matrix.compute(TEXTS[::-1]), whole[::-1])


@given(st.lists(ANYTHING, min_size=1, max_size=5))
def test_features_are_finite_and_do_not_depend_on_other_texts(texts: list[str]) -> None:
    matrix = MATRICES["all parts"]
    before = list(texts)
    whole = matrix.compute(texts)
    assert np.isfinite(whole).all()
    assert np.array_equal(whole, np.vstack([matrix.compute([text]) for text in texts]))
    assert texts == before


@matrices
def test_no_texts_have_no_rows(matrix: MessageMatrix) -> None:
    assert matrix.compute([]).shape == (0, len(matrix.columns))


def test_columns_have_the_values_of_their_names() -> None:
    matrix = MATRICES["two classes"]

    def value(text: str, name: str) -> float:
        return float(matrix.compute([text])[0, matrix.columns.index(name)])

    assert value("WIN it", "shape__upper") == 0.5
    assert value("win it", "shape__upper") == 0
    assert value("f\u200bre\u200be", "obfuscation__invisible") == 0.5
    assert value("ｆree", "obfuscation__compat") == 0.25
    assert value("①2", "obfuscation__enclosed") == 0.5
    assert value("eé", "obfuscation__mark") == 0.5
    assert value("аb", "obfuscation__lookalike") == 0.5
    assert value("\u200b", "obfuscation__invisible") == 1  # nothing is left: the length counts as one
    assert value("１２３４５６７", "cues__long_numbers") == 1
    assert value("win a prize", "surprisal__unknown") == 0
    assert value("###", "surprisal__unknown") == 1
    assert value("", "surprisal__unknown") == 1


def test_obfuscation_raises_surprisal_of_the_raw_text_only() -> None:
    matrix = MATRICES["all parts"]
    plain, disguised = matrix.compute(["see you at six", "ｓｅｅ you аt six"])
    changed = {name for name, one, other in zip(matrix.columns, plain, disguised, strict=True) if one != other}
    assert changed == {
        "obfuscation__compat",
        "obfuscation__lookalike",
        *(f"surprisal__raw_{name}" for name in SURPRISALS),
    }


def test_obfuscation_changes_obfuscation_columns_only() -> None:
    matrix = MATRICES["many classes"]
    plain, disguised = matrix.compute(["win a free prize", "ＷＩＮ\u200b А frее рrizé"])
    changed = {name for name, one, other in zip(matrix.columns, plain, disguised, strict=True) if one != other}
    assert changed == {"obfuscation__compat", "obfuscation__invisible", "obfuscation__lookalike", "obfuscation__mark"}


def test_brands_and_raw_texts_reach_the_cues() -> None:
    text = "paypa1.com 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    for matrix, n in ((MessageMatrix(None), 0), (MessageMatrix(None, lists=CustomLists.of(brands=("paypal",))), 1)):
        row = dict(zip(matrix.columns, matrix.compute([text])[0], strict=True))
        assert (row["cues__lookalike_brands"], row["cues__bitcoin"]) == (n, 1)


def test_compute_joins_all_blocks() -> None:
    matrix = MATRICES["many classes"]
    assert matrix.wording is not None
    raw = pack(TEXTS)
    folded, plain = MessageMatrix.plain(raw)
    log_odds, known = matrix.wording.log_odds(folded)
    learnt = [weigh_by_known_share(log_odds, known, matrix.wording.trust, matrix.wording.legitimate), 1 - known]
    assert np.array_equal(np.column_stack([*learnt, plain]), matrix.compute(TEXTS))
    whole = MATRICES["all parts"]
    assert whole.pinyin is not None
    pinyin_log_odds, known = whole.pinyin.log_odds(to_pinyin(folded))
    heard = weigh_by_known_share(pinyin_log_odds, known, whole.pinyin.trust, whole.pinyin.legitimate)
    odd = [model.surprisal(form) for model, form in zip(whole.characters, (raw, folded), strict=True)]
    assert np.array_equal(
        np.column_stack([*learnt, heard, 1 - known, *odd, plain]),
        whole.compute(TEXTS),
    )


@matrices
def test_a_matrix_is_frozen_and_pickles(matrix: MessageMatrix) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        matrix.wording = None  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(matrix))
    assert again.columns == matrix.columns
    assert np.array_equal(again.compute(TEXTS), matrix.compute(TEXTS))


@pytest.mark.slow
def test_scoring_imports_no_training_library() -> None:
    script = (
        "import sys; from fraudsieve.features import MessageMatrix; MessageMatrix(None).compute(['a'])\n"
        "print(*{'sklearn', 'pandas', 'joblib', 'pyarrow', 'mlflow'} & set(sys.modules))"  # scipy comes with numba
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("blank", [None, "", " "])
def test_a_blank_sender_is_missing_as_in_a_table(blank: str | None) -> None:
    matrix = MessageMatrix(None, sender=(History(windows=("7d",), measures=("count",)),))
    record = {"text": "hello", "account_id": blank, "sent_at": "2026-05-01T00:00:00Z"}
    counts = matrix.rows([record, record | {"account_id": "ann"}], matrix.new_state()).X[:, -1]
    np.testing.assert_array_equal(counts, [np.nan, 0.0])
