"""Messages and accounts through every door."""

import pytest

from .cases import RecordProperty, check_door, walk_of
from .walk import Walk

pytestmark = [pytest.mark.slow, pytest.mark.walk]


@walk_of("message", "account")
def test_door(walk: Walk, door: str, record_property: RecordProperty) -> None:
    record_property("walk", check_door(walk, door))
