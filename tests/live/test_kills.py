"""Live states whose process, or whose database, is killed at any time: what was acknowledged counts once."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fraudsieve.models import Scorer
from tests.attack.kills import REWINDING, Spawner, fault_in, live_and_die
from tests.live.postgres import PostgresServer
from tests.profiles import size

KILLS = size(5, usual=3)
pytestmark = pytest.mark.slow


@pytest.fixture
def spawner(messages_folder: Path) -> Iterator[Spawner]:
    spawner = Spawner(messages_folder)
    yield spawner
    spawner.close()


def n_acknowledged(spawner: Spawner) -> int:
    return sum(map(len, spawner.acknowledged.values()))


def test_what_was_acknowledged_is_restored_to_the_last_bit(
    spawner: Spawner, message_scorer: Scorer, address: str
) -> None:
    chance = random.Random(7)
    acknowledged: dict[str, set[int]] = {}
    for life in range(KILLS):
        seconds = chance.uniform(0.2, 1)
        assert live_and_die(spawner, message_scorer, address, f"life{life}", seconds, acknowledged) is None
    assert n_acknowledged(spawner) > 5 * KILLS


def test_rows_are_removed_meanwhile(spawner: Spawner, message_scorer: Scorer, address: str) -> None:
    chance = random.Random(10)
    acknowledged: dict[str, set[int]] = {}
    for life in range(size(25, usual=3)):
        seconds = chance.uniform(0.2, 1)
        assert live_and_die(spawner, message_scorer, address, f"{REWINDING}{life}", seconds, acknowledged) is None
    assert n_acknowledged(spawner) > 0
    assert spawner.n_rewinds > 0


def test_one_of_two_processes_is_killed(spawner: Spawner, message_scorer: Scorer, address: str) -> None:
    chance = random.Random(8)
    survivor = spawner.start("survivor", address)
    for life in range(KILLS):
        other = spawner.start(f"other{life}", address)
        spawner.read(chance.uniform(0.5, 1))
        spawner.kill(other)
    n_before = n_acknowledged(spawner)
    while n_acknowledged(spawner) < n_before + 20:  # the survivor is not held up
        assert spawner.read(0.5) == []
    spawner.kill(survivor)
    assert fault_in(message_scorer, address, spawner.acknowledged) is None
    assert len(spawner.acknowledged) > 1
    assert spawner.n_errors == 0


def test_the_database_server_is_killed(
    spawner: Spawner, message_scorer: Scorer, postgres_server: PostgresServer
) -> None:
    chance, address = random.Random(9), postgres_server.new_address()
    client = spawner.start("client", address)
    for _ in range(2):
        spawner.read(chance.uniform(0.3, 1))
        postgres_server.kill()
        spawner.read(0.2)
        postgres_server.start()
        n_before = n_acknowledged(spawner)
        while n_acknowledged(spawner) < n_before + 20:
            assert spawner.read(0.5) == []
    spawner.kill(client)
    assert spawner.n_errors > 0
    assert fault_in(message_scorer, address, spawner.acknowledged) is None
