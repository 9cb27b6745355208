"""The declaration of the network."""

from typing import Any

import pytest

from fraudsieve.features.network.declaration import Network
from tests.messages import refused

from .logs import NETWORK


def test_declarations() -> None:
    assert Network.from_dict(NETWORK.to_dict()) == NETWORK
    assert len(set(NETWORK.columns)) == len(NETWORK.columns) == 8 + 8 + 8
    assert len(Network(labels=False).columns) == 4 + 4


def test_wrong_parameters_are_rejected() -> None:
    with pytest.raises(ValueError, match="Expected a counterparty or an identifier"):
        Network("")
    with pytest.raises(ValueError, match="other than the counterparty, got it twice"):
        Network(identifiers=("counterparty_id",))
    with refused(TypeError):
        Network(labels=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (2**31, ValueError), (1.5, TypeError), (True, TypeError), (None, TypeError)]
)
def test_the_maximum_degree_is_a_whole_number(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="max_degree: expected a whole number"):
        Network(max_degree=value)
