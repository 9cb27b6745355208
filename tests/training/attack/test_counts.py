"""Counting what is flagged when fraudulent and legitimate texts are obfuscated, with scores that look for words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from benchmarks.attack import summed
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.training.attack.recall import WAYS, AttackCounts, attack_counts, strict_threshold

FRAUD = ["free free", "free prize 555", "prize"]
HAM = ["dinner at 6", "see you"]


def score_word(word: str) -> Callable[[list[str]], npt.NDArray[Any]]:
    return lambda texts: np.array([float(word in text) for text in texts])


def counts_of(
    score: Callable[[list[str]], npt.NDArray[Any]], fraud: list[str], legitimate: npt.NDArray[Any]
) -> AttackCounts:
    """Attack some fraud, and always the same legitimate texts."""
    return attack_counts(score, [*fraud, *HAM], np.arange(len(fraud) + len(HAM)) < len(fraud), legitimate)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=300), st.sampled_from([0.0, 0.01, 0.05, 0.5]))
def test_no_more_than_the_rate_is_above_the_threshold(scores: list[float], rate: float) -> None:
    legitimate = np.array(scores)
    threshold = strict_threshold(legitimate, rate)
    assert (legitimate > threshold).mean() <= rate
    lower = legitimate[legitimate < threshold]
    if len(lower):  # any lower threshold exceeds the rate
        assert (legitimate > lower.max()).mean() > rate


def test_everything_below_the_threshold_is_missed() -> None:
    counts = counts_of(score_word("free"), FRAUD, np.zeros(50))
    assert (counts.rows, counts.clean) == (3, 2)
    assert counts.caught["spelled_digits", "strong"] == 2
    assert counts.changed["spelled_digits", "strong"] == 1
    assert counts.changed["homophone", "strong"] == 0
    assert counts.caught["symbols", "strong"] < 2
    assert counts_of(score_word("free"), FRAUD, np.ones(50)).clean == 0


def test_ties_with_the_threshold_and_nan_are_not_caught() -> None:
    assert counts_of(lambda texts: np.ones(len(texts)), FRAUD, np.ones(5)).clean == 0
    assert counts_of(lambda texts: np.full(len(texts), np.nan), FRAUD, np.ones(5)).clean == 0


def test_the_score_always_gets_all_texts_in_their_order() -> None:
    seen: list[int] = []

    def score(texts: list[str]) -> npt.NDArray[np.float64]:
        seen.append(len(texts))
        return np.zeros(len(texts))

    counts_of(score, FRAUD, np.zeros(5))
    assert seen == [5] * (len(WAYS) + 1)


def test_counts_of_folds_add_up() -> None:
    first, second = (counts_of(score_word("free"), texts, np.zeros(5)) for texts in (FRAUD[:1], FRAUD[1:]))
    both = summed(first, second)
    whole = counts_of(score_word("free"), FRAUD, np.zeros(5))
    assert (both.rows, both.clean, both.caught, both.changed) == (whole.rows, whole.clean, whole.caught, whole.changed)
    assert both.legitimate_rows == 2 * whole.legitimate_rows


def test_obfuscated_legitimate_texts_raise_the_threshold_that_few_of_them_exceed() -> None:
    def score_plain(texts: list[str]) -> npt.NDArray[np.float64]:
        """Fraud has 1; whatever has a sign that is rare in plain text has 2."""
        odd = np.array([not text.isascii() for text in texts])
        return np.where(odd, 2.0, [float("free" in text) for text in texts])

    key = ("zero_width", "medium")
    counts = attack_counts(score_plain, [*FRAUD, *HAM], np.arange(5) < 3, np.zeros(9), ways={key: WAYS[key]})
    assert (counts.caught[key], counts.flagged[key]) == (3, 2)  # all that is odd is flagged, legitimate or not
    assert counts.caught_alike[key] == 0


def test_nan_of_a_legitimate_text_is_no_threshold() -> None:
    assert strict_threshold(np.array([np.nan, 0.5, 0.2])) == 0.5
