"""Words instead of names in the code."""

import pytest

from fraudsieve.features import MessageFeatures
from fraudsieve.pages.words import NAMES, feature_words, format_number, names_in_words, point_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("volume__count_1h_transfer", "volume: count in 1 hour transfer"),
        ("value__std_30d", "value: standard deviation in 30 days"),
        ("profile__z_index", "profile: z-score index"),
        ("wording__spam", "text model: spam"),
        ("unlike_training", "unlike training"),
        ("shape__other", "shape of the text: characters of other scripts"),
        ("surprisal__raw_pair_worst", "surprisal: pairs of characters, the most unusual stretch"),
        ("surprisal__folded_char_std", "surprisal: characters of the normalised text, standard deviation"),
    ],
)
def test_a_feature(name: str, words: str) -> None:
    assert feature_words(name) == words


def test_names_that_have_words_of_their_own_are_columns_of_messages() -> None:
    columns = {*MessageFeatures().fit(["Pay the fee", "明天见"], ["spam", "ham"]).get_feature_names_out()}
    assert {*NAMES} - columns == set()


def test_other_names_in_a_sentence_stay() -> None:
    assert names_in_words("label_weight of sender__count: high") == "label_weight of sender: count: high"


def test_points() -> None:
    assert point_words("false_positive_rate_1e-05") == "0.001 % false positives"
    assert point_words("cost") == "lowest cost"
    assert point_words("my_own") == "my own"


@pytest.mark.parametrize(
    ("value", "text"), [(0.3, "0.3"), (1234567.0, "1,234,567"), (18.449, "18.45"), (-2000.0, "-2,000")]
)
def test_numbers(value: float, text: str) -> None:
    assert format_number(value) == text
