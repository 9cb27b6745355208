"""A short run of the attacks on the live state."""

from itertools import islice
from pathlib import Path

import pytest

from tests.attack.outcomes import ACCEPTED, OTHER, REFUSED, attempts, load
from tests.profiles import size


@pytest.mark.parametrize("name", ["event_bodies", "live_logs"])
def test_every_attempt_is_accepted_or_refused(name: str, tmp_path: Path) -> None:
    outcomes = list(islice(attempts(load(name, tmp_path)), size(100, dev=25)))
    assert {seed: outcome.detail for seed, outcome in outcomes if outcome.kind == OTHER} == {}
    assert {outcome.kind for _, outcome in outcomes} == {ACCEPTED, REFUSED}
