"""Work on requests that wait: together, in order, bounded, and each with its own answer."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fraudsieve.models.service.batching import MicroBatcher


class Work:
    """Squares numbers, slowly, and remembers the calls."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.calls: list[list[int]] = []
        self.threads: list[str] = []

    def __call__(self, asked: Sequence[int]) -> list[int]:
        self.calls.append(list(asked))
        self.threads.append(threading.current_thread().name)
        time.sleep(self.seconds)
        if 13 in asked:
            raise ValueError("unlucky")
        return [one * one for one in asked]


def run(work: Work, asks: Callable[[MicroBatcher[int, int]], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    with ThreadPoolExecutor(2, thread_name_prefix="pool") as pool:
        usual: dict[str, Any] = {"calls": 1, "size": lambda one: 1, "most": 100}
        together: MicroBatcher[int, int] = MicroBatcher(pool, work=work, **usual | options)
        return asyncio.run(asks(together))


async def several(together: MicroBatcher[int, int], numbers: Sequence[int] = range(10)) -> list[Any]:
    return await asyncio.gather(*map(together.ask, numbers), return_exceptions=True)


def test_what_comes_at_the_same_time_is_one_call_in_order() -> None:
    work = Work()
    assert run(work, several) == [one * one for one in range(10)]
    assert work.calls == [list(range(10))]
    assert work.threads[0].startswith("pool")


def test_what_is_small_is_done_in_the_loop_itself() -> None:
    work = Work()
    assert run(work, several, small=10) == [one * one for one in range(10)]
    assert run(work, several, small=9) == [one * one for one in range(10)]
    assert [name.startswith("pool") for name in work.threads] == [False, True]


def test_what_comes_while_all_are_busy_is_the_next_call() -> None:
    work = Work(seconds=0.2)

    async def asks(together: MicroBatcher[int, int]) -> list[Any]:
        first = asyncio.create_task(together.ask(1))
        await asyncio.sleep(0.05)
        return [*await several(together, (2, 3, 4)), await first]

    assert run(work, asks) == [4, 9, 16, 1]
    assert work.calls == [[1], [2, 3, 4]]


def test_calls_are_no_larger_than_they_may_be_and_what_is_larger_is_alone() -> None:
    work = Work()
    run(work, several, most=20, size=lambda one: 100 if one == 5 else 5)
    assert work.calls == [[0, 1, 2, 3], [4], [5], [6, 7, 8, 9]]


def test_no_more_calls_at_a_time_than_are_allowed() -> None:
    work, before = Work(seconds=0.2), time.monotonic()
    run(work, several, most=5, calls=2)
    assert len(work.calls) == 2
    assert time.monotonic() - before < 0.39  # both at a time


@pytest.mark.parametrize("small", [0, 10])
def test_a_call_that_fails_fails_all_of_it_and_nothing_else(small: int) -> None:
    work = Work()

    async def asks(together: MicroBatcher[int, int]) -> list[Any]:
        return [*await several(together, (12, 13)), *await several(together, (14, 15))]

    *failed, one, two = run(work, asks, small=small)
    assert [str(error) for error in failed] == ["unlucky"] * 2
    assert (one, two) == (196, 225)


@pytest.mark.parametrize("small", [0, 10])
def test_who_is_gone_is_not_told_and_holds_up_nobody(small: int) -> None:
    work = Work(seconds=0.05)

    async def asks(together: MicroBatcher[int, int]) -> list[Any]:
        gone = asyncio.create_task(together.ask(1))
        await asyncio.sleep(0)
        rest = asyncio.create_task(several(together, (2, 3)))
        gone.cancel()
        return await rest

    assert run(work, asks, small=small) == [4, 9]


def test_who_is_alone_does_not_wait_for_the_loop() -> None:
    work = Work()

    async def asks(together: MicroBatcher[int, int]) -> list[int]:
        asked = together.ask(3, alone=True)
        with pytest.raises(StopIteration) as done:
            asked.send(None)  # a step that gives nothing to the loop
        return [done.value.value, await together.ask(4, alone=True)]

    assert run(work, asks, small=10) == [9, 16]
    assert work.calls == [[3], [4]]
    assert run(work, lambda together: together.ask(5, alone=True), small=0) == 25  # large: a thread's
    assert work.threads[-1].startswith("pool")
