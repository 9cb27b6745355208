"""Bodies of events, labels and messages with any values: see `tests.attack.event_bodies`."""

from tests.attack.by_seed import generator_of
from tests.attack.event_bodies import attempt

prepare = generator_of(attempt)
