"""Models with a history, trained once per run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fraudsieve.models import Scorer
from fraudsieve.training.simulation.world import World, simulate
from tests.live import small_models
from tests.live.postgres import PostgresServer, binaries, running_server


@pytest.fixture(scope="session")
def world() -> World:
    return simulate(days=20, n_accounts=100, messages_per_day=30)


@pytest.fixture(scope="session")
def messages_folder() -> Path:
    """A model of messages that uses senders, and campaigns with labels."""
    return small_models.message_model()


@pytest.fixture(scope="session")
def message_scorer() -> Scorer:
    return small_models.message_scorer()


@pytest.fixture(scope="session")
def account_scorer() -> Scorer:
    """A model of accounts that uses events, labels of their counterparties, and the network."""
    return small_models.account_scorer()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new store, of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "live.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_address()
