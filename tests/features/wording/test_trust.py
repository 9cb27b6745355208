"""Evidence of fraud is weighed by the share of the n-grams that are known, and its explanation agrees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from fraudsieve.features.wording.model import trusted_shares, weigh_by_known_share

KNOWN = np.array([1.0, 0.5, 0.0])


@pytest.mark.parametrize(("legitimate", "sign"), [(-1, 1.0), (0, -1.0)])
def test_evidence_of_fraud_is_weighed_by_a_power_of_the_known_share(legitimate: int, sign: float) -> None:
    odds = np.array([[3.0], [3.0], [3.0]])
    weighed = weigh_by_known_share(sign * odds, KNOWN, 4.0, legitimate)
    assert (sign * weighed).tolist() == [[3.0], [0.1875], [0.0]]


@pytest.mark.parametrize(("legitimate", "sign"), [(-1, 1.0), (0, -1.0)])
def test_unknown_text_keeps_what_speaks_for_the_legitimate_class(legitimate: int, sign: float) -> None:
    odds = sign * np.array([[-1.0], [-1.0], [-1.0]])
    assert weigh_by_known_share(odds, KNOWN, 4.0, legitimate).tolist() == odds.tolist()


def test_types_of_fraud_move_towards_the_legitimate_class_alike() -> None:
    odds = np.array([[4.0, 2.0, 3.5]] * 3)
    assert weigh_by_known_share(odds, KNOWN, 4.0, 1).tolist() == [
        [4.0, 2.0, 3.5],
        [2.125, 2.0, 1.625],
        [2.0, 2.0, 1.5],
    ]


def test_which_type_of_fraud_it_is_was_not_in_doubt() -> None:
    odds = np.array([[9.0, 0.0, 4.0]])
    weighed = weigh_by_known_share(odds, np.array([0.3]), 4.0, 1)
    assert weighed[0, 0] - weighed[0, 2] == pytest.approx(5.0)
    assert 0.0 < weighed[0, 0] < 0.1


@given(
    arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(-50, 50)),
    st.sampled_from([0.0, 1.0, 4.0]),
    st.data(),
)
def test_shares_say_what_the_log_odds_add_to_a_sum_of_weighed_ones(
    odds: NDArray[np.float64], trust: float, data: st.DataObject
) -> None:
    n_texts, n_outputs = odds.shape
    known = data.draw(arrays(np.float64, n_texts, elements=st.floats(0, 1)))
    signs = data.draw(arrays(np.float64, odds.shape, elements=st.sampled_from([-1.0, 0.0, 1.0])))
    legitimate = data.draw(st.integers(-1 if n_outputs == 1 else 0, n_outputs - 1))
    weighed = weigh_by_known_share(odds, known, trust, legitimate)
    shares = trusted_shares(signs, odds, known, trust, legitimate)
    assert (shares * odds).sum(axis=1) == pytest.approx((signs * weighed).sum(axis=1), abs=1e-9)


def test_without_a_legitimate_class_log_odds_keep_their_weight() -> None:
    odds = np.array([[4.0, 2.0, -1.0]] * 3)
    assert weigh_by_known_share(odds, KNOWN, 0.0, -1).tolist() == odds.tolist()
