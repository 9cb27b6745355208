"""Damaged event logs: see `tests.attack.logs`."""

from tests.attack.by_seed import generator_of
from tests.attack.logs import attempt

prepare = generator_of(attempt)
