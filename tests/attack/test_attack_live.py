"""A short run of the attacks on the live state."""

from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tests.attack import event_bodies, logs
from tests.profiles import size


@pytest.mark.parametrize("attack", [event_bodies, logs], ids=["event_bodies", "logs"])
def test_every_attempt_is_accepted_or_refused(attack: ModuleType, tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(size(100, dev=25)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcomes[attack.attempt(seed, folder)] += 1
    assert set(outcomes) <= {"accepted", "refused"}, outcomes
    assert outcomes["accepted"] > 0
