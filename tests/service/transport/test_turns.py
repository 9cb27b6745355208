"""Requests that arrive together start in several turns of the event loop, in order."""

import asyncio
from itertools import pairwise

from fraudsieve.service.transport.turns import CONNECTIONS_PER_START, MAX_BURST, STARTS, Turns


def test_requests_start_in_order_and_others_run_in_between() -> None:
    started: list[int] = []
    between: list[int] = []

    async def request(turns: Turns, number: int) -> None:
        await turns.start()
        started.append(number)

    async def watch() -> None:
        while len(started) < 10 * STARTS - 1:
            between.append(len(started))
            await asyncio.sleep(0)

    async def run() -> None:
        turns = Turns()
        requests = [asyncio.create_task(request(turns, number)) for number in range(10 * STARTS)]
        requests[STARTS + 5].cancel()
        await asyncio.gather(watch(), *requests, return_exceptions=True)
        await asyncio.wait_for(request(turns, -1), 10)

    asyncio.run(run())
    assert started == [*(number for number in range(10 * STARTS) if number != STARTS + 5), -1]
    steps = [after - before for before, after in pairwise(between)]
    assert len(between) >= 9
    assert max(steps) <= STARTS


def test_requests_wait_while_connections_arrive() -> None:
    """Check that few requests start in turns that accept a connection, and the others after them, in order."""
    n_connections = 10 * CONNECTIONS_PER_START
    started: list[int] = []

    async def run() -> int:
        turns = Turns()
        for number in range(n_connections):
            turns.connection_made()
            turns.call_later(lambda number=number: started.append(number))  # type: ignore[misc]
            await asyncio.sleep(0)
        meanwhile = len(started)
        async with asyncio.timeout(10):
            await turns.start()
            while len(started) < n_connections:
                await asyncio.sleep(0)
        return meanwhile

    meanwhile = asyncio.run(run())
    assert started == list(range(n_connections))
    assert 10 - 1 <= meanwhile <= 10


def test_requests_do_not_wait_for_connections_that_never_stop_arriving() -> None:
    started: list[int] = []

    async def run() -> int:
        turns = Turns()
        for number in range(MAX_BURST + 200):
            if number == MAX_BURST:
                meanwhile = len(started)
            turns.connection_made()
            turns.call_later(lambda number=number: started.append(number))  # type: ignore[misc]
            await asyncio.sleep(0)
        return meanwhile

    assert asyncio.run(run()) <= MAX_BURST / CONNECTIONS_PER_START
    assert len(started) > MAX_BURST
