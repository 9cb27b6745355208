"""The check of a store before the work starts."""

import socket
import time
from pathlib import Path

import pytest

from fraudsieve._addresses import shown_uri
from fraudsieve.exceptions import TrackingError
from fraudsieve.training.tracking.store import check_store
from tests.messages import refused

STORES = {"server": "http://127.0.0.1:{}", "database": "postgresql+psycopg://ann:secret@127.0.0.1:{}/mlflow"}


@pytest.mark.parametrize("kind", STORES)
def test_a_server_that_is_not_there_is_an_error_at_once(kind: str) -> None:
    begin = time.monotonic()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with refused(TrackingError, "--no-track"):
            check_store(STORES[kind].format(closed.getsockname()[1]))
    assert time.monotonic() - begin < 5


@pytest.mark.slow
@pytest.mark.parametrize("kind", STORES)
def test_a_server_that_never_answers_is_an_error_in_time(kind: str) -> None:
    answer = pytest.raises(TrackingError, match=r"gave no answer within 0\.3 s")
    with socket.create_server(("127.0.0.1", 0)) as silent, answer:
        check_store(STORES[kind].format(silent.getsockname()[1]), seconds=0.3)


@pytest.mark.slow
def test_a_new_store_in_a_file_may_take_longer_than_a_server(tmp_path: Path) -> None:
    check_store(f"sqlite:///{tmp_path / 'mlflow.db'}", seconds=0.001)


def test_a_store_in_a_file_that_cannot_be_created_is_an_error() -> None:
    with refused(TrackingError, "mlflow.db"):
        check_store("sqlite:////dev/null/mlflow.db", seconds=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://ann:secret@mlflow.example.org", "https://ann:***@mlflow.example.org"),
        ("postgresql+psycopg://mlflow:a:b@db:5432/mlflow", "postgresql+psycopg://mlflow:***@db:5432/mlflow"),
        ("postgresql://mlflow:se/cret@db/mlflow", "postgresql://mlflow:***@db/mlflow"),
        ("postgresql://mlflow@corp:secret@db/mlflow", "postgresql://mlflow@corp:***@db/mlflow"),
        ("postgresql://db:5432/mlflow?password=s@ecret", "postgresql://..."),
        ("https://ann:sec/ret@mlflow.example.org", "https://ann:***@mlflow.example.org"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
        ("http://127.0.0.1:5000/a:b@c", "http://127.0.0.1:5000/a:b@c"),
    ],
)
def test_a_password_is_not_shown(uri: str, shown: str) -> None:
    assert shown_uri(uri) == shown
