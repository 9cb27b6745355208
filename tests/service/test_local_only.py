"""A service without a token answers programs of its machine, and no web page."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from fraudsieve.models import Scorer
from fraudsieve.service.app import create_app
from fraudsieve.service.settings import Settings
from tests.service.handling import client_of

ADDRESS = "http://localhost"


def statuses(binary: Any, settings: Settings, requests: Sequence[dict[str, str]], path: str = "/v1/model") -> list[int]:
    """Return the statuses of requests that differ in their headers."""
    app = create_app(Scorer.load(binary.folder), settings)

    async def send() -> list[int]:
        async with client_of(app) as client:
            return [(await client.get(path, headers=headers)).status_code for headers in requests]

    return asyncio.run(send())


LOCAL = ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:8000", "127.8.8.8", "[::1]:8000"]
FOREIGN = ["rebound.example", "rebound.example:8000", "localhost.example", "10.0.0.1", "", "[", "localhost@x.example"]


def test_without_a_token_the_host_must_be_this_machine(binary: Any) -> None:
    assert statuses(binary, Settings(), [{"host": host} for host in LOCAL]) == [200] * len(LOCAL)
    assert statuses(binary, Settings(), [{"host": host} for host in FOREIGN]) == [403] * len(FOREIGN)


def test_without_a_token_other_origins_are_rejected(binary: Any) -> None:
    origins = ["https://page.example", "null", "http://localhost:3000", ADDRESS]
    expected = [403, 403, 403, 200]
    assert statuses(binary, Settings(), [{"origin": origin} for origin in origins]) == expected


@pytest.mark.parametrize("settings", [Settings(token="correct-horse-battery"), Settings(is_open=True)])
def test_a_service_with_a_token_or_for_all_machines_has_any_name(binary: Any, settings: Settings) -> None:
    headers = {"host": "scores.example", "authorization": "Bearer correct-horse-battery"}
    assert statuses(binary, settings, [headers, headers | {"origin": "https://page.example"}]) == [200, 200]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_may_use_any_name(binary: Any, path: str) -> None:
    assert statuses(binary, Settings(), [{"host": "10.1.2.3:8000"}], path)[0] != 403
