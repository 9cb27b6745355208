"""Batches of requests: in order, of limited size, and each request gets its own result."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fraudsieve.models.service.batching import MicroBatcher


class Work:
    """Squares numbers and remembers the calls; a call can be made to wait for the test, or for other calls."""

    def __init__(self, *, held: bool = False, parties: int = 1) -> None:
        self.started, self.released = threading.Event(), threading.Event()
        self.together = threading.Barrier(parties)
        self.lock, self.running, self.max_running = threading.Lock(), 0, 0
        self.calls: list[list[int]] = []
        self.threads: list[str] = []
        if not held:
            self.released.set()

    def __call__(self, asked: Sequence[int]) -> list[int]:
        self.calls.append(list(asked))
        self.threads.append(threading.current_thread().name)
        self.started.set()
        assert self.released.wait(60)
        with self.lock:
            self.running += 1
            self.max_running = max(self.max_running, self.running)
        self.together.wait(60)
        with self.lock:
            self.running -= 1
        if 13 in asked:
            raise ValueError("unlucky")
        return [number * number for number in asked]


def run(work: Work, asks: Callable[[MicroBatcher[int, int]], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    with ThreadPoolExecutor(4, thread_name_prefix="pool") as pool:
        usual: dict[str, Any] = {"max_calls": 1, "size": lambda item: 1, "max_size": 100}
        batcher: MicroBatcher[int, int] = MicroBatcher(pool, process=work, **usual | options)
        return asyncio.run(asks(batcher))


async def several(batcher: MicroBatcher[int, int], numbers: Sequence[int] = range(10)) -> list[Any]:
    return await asyncio.gather(*map(batcher.submit, numbers), return_exceptions=True)


def test_what_comes_at_the_same_time_is_one_call_in_order() -> None:
    work = Work()
    assert run(work, several) == [number * number for number in range(10)]
    assert work.calls == [list(range(10))]
    assert work.threads[0].startswith("pool")


def test_what_is_small_is_done_in_the_loop_itself() -> None:
    work = Work()
    assert run(work, several, inline_size=10) == [number * number for number in range(10)]
    assert run(work, several, inline_size=9) == [number * number for number in range(10)]
    assert [name.startswith("pool") for name in work.threads] == [False, True]


def test_what_comes_while_all_are_busy_is_the_next_call() -> None:
    work = Work(held=True)

    async def asks(batcher: MicroBatcher[int, int]) -> list[Any]:
        first = asyncio.create_task(batcher.submit(1))
        await asyncio.to_thread(work.started.wait, 60)
        others = asyncio.create_task(several(batcher, (2, 3, 4)))
        while len(batcher.pending) < 3:
            await asyncio.sleep(0)
        work.released.set()
        return [*await others, await first]

    assert run(work, asks) == [4, 9, 16, 1]
    assert work.calls == [[1], [2, 3, 4]]


def test_calls_are_no_larger_than_they_may_be_and_what_is_larger_is_alone() -> None:
    work = Work()
    run(work, several, max_size=20, size=lambda one: 100 if one == 5 else 5)
    assert work.calls == [[0, 1, 2, 3], [4], [5], [6, 7, 8, 9]]


def test_no_more_calls_at_a_time_than_are_allowed() -> None:
    work = Work(parties=2)  # each call waits for another: both run at the same time

    async def asks(batcher: MicroBatcher[int, int]) -> list[Any]:
        return await several(batcher, range(20, 40))

    assert run(work, asks, max_size=5, max_calls=2) == [number * number for number in range(20, 40)]
    assert len(work.calls) == 4
    assert work.max_running == 2


@pytest.mark.parametrize("inline_size", [0, 10])
def test_a_call_that_fails_fails_all_of_it_and_nothing_else(inline_size: int) -> None:
    work = Work()

    async def asks(batcher: MicroBatcher[int, int]) -> list[Any]:
        return [*await several(batcher, (12, 13)), *await several(batcher, (14, 15))]

    *failed, one, two = run(work, asks, inline_size=inline_size)
    assert [str(error) for error in failed] == ["unlucky"] * 2
    assert (one, two) == (196, 225)


@pytest.mark.parametrize("inline_size", [0, 10])
def test_who_is_gone_is_not_told_and_holds_up_nobody(inline_size: int) -> None:
    work = Work()

    async def asks(batcher: MicroBatcher[int, int]) -> list[Any]:
        gone = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0)
        rest = asyncio.create_task(several(batcher, (2, 3)))
        gone.cancel()
        return await rest

    assert run(work, asks, inline_size=inline_size) == [4, 9]


def test_who_is_alone_does_not_wait_for_the_loop() -> None:
    work = Work()

    async def asks(batcher: MicroBatcher[int, int]) -> list[int]:
        asked = batcher.submit(3, alone=True)
        with pytest.raises(StopIteration) as done:
            asked.send(None)  # a step that gives nothing to the loop
        return [done.value.value, await batcher.submit(4, alone=True)]

    assert run(work, asks, inline_size=10) == [9, 16]
    assert work.calls == [[3], [4]]
    assert run(work, lambda batcher: batcher.submit(5, alone=True), inline_size=0) == 25  # large: a thread's
    assert work.threads[-1].startswith("pool")
