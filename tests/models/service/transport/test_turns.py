"""Requests that arrive together start in several turns of the event loop, in order."""

import asyncio
from itertools import pairwise

from fraudsieve.models.service.transport.turns import STARTS, Turns


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
