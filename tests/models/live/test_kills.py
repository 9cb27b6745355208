"""A live state whose process is killed at any time: acknowledged records are kept and count once."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fraudsieve.models import Scorer
from tests.attack.kills import Spawner, live_and_die
from tests.profiles import size

KILLS = size(5, dev=3)


@pytest.fixture
def spawner(messages_folder: Path) -> Iterator[Spawner]:
    spawner = Spawner(messages_folder)
    yield spawner
    spawner.close()


@pytest.mark.slow
def test_what_was_acknowledged_is_restored_to_the_last_bit(
    spawner: Spawner, message_scorer: Scorer, tmp_path: Path
) -> None:
    chance, folder = random.Random(7), tmp_path / "live"
    acknowledged: dict[str, set[int]] = {}
    for life in range(KILLS):
        seconds = chance.uniform(0.1, 0.8)
        assert live_and_die(spawner, message_scorer, folder, f"life{life}", seconds, acknowledged) is None
    assert sum(map(len, acknowledged.values())) > 15 * KILLS
    snapshots = list(folder.glob("snapshot-*"))
    assert [path.name > "snapshot-0000000001" for path in snapshots] == [True]
