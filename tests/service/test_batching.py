"""Batches of requests: in order, of limited size, and each request gets its own result."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fraudsieve.service.batching import MicroBatcher


class Work:
    """Squares numbers and records the calls; a call can wait for the test, or for other calls."""

    def __init__(self, *, is_blocked: bool = False, parties: int = 1) -> None:
        self.started, self.released = threading.Event(), threading.Event()
        self.together = threading.Barrier(parties)
        self.lock, self.running, self.max_running = threading.Lock(), 0, 0
        self.calls: list[list[int]] = []
        self.threads: list[str] = []
        if not is_blocked:
            self.released.set()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.calls.append(list(numbers))
        self.threads.append(threading.current_thread().name)
        self.started.set()
        assert self.released.wait(60)
        with self.lock:
            self.running += 1
            self.max_running = max(self.max_running, self.running)
        self.together.wait(60)
        with self.lock:
            self.running -= 1
        if 13 in numbers:
            raise ValueError("unlucky")
        return [number * number for number in numbers]


def run(work: Work, submit_all: Callable[[MicroBatcher[int, int]], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    with ThreadPoolExecutor(4, thread_name_prefix="pool") as pool:
        defaults: dict[str, Any] = {"max_calls": 1, "size": lambda item: 1, "max_size": 100}
        batcher: MicroBatcher[int, int] = MicroBatcher(pool, process=work, **defaults | options)
        return asyncio.run(submit_all(batcher))


async def several(batcher: MicroBatcher[int, int], numbers: Sequence[int] = range(10)) -> list[Any]:
    return await asyncio.gather(*map(batcher.submit, numbers), return_exceptions=True)


def test_simultaneous_items_are_one_call_in_order() -> None:
    work = Work()
    assert run(work, several) == [number * number for number in range(10)]
    assert work.calls == [list(range(10))]
    assert work.threads[0].startswith("pool")


def test_small_batches_run_in_the_event_loop() -> None:
    work = Work()
    assert run(work, several, inline_size=10) == [number * number for number in range(10)]
    assert run(work, several, inline_size=9) == [number * number for number in range(10)]
    assert [name.startswith("pool") for name in work.threads] == [False, True]


def test_items_that_arrive_while_busy_share_the_next_call() -> None:
    work = Work(is_blocked=True)

    async def submit_all(batcher: MicroBatcher[int, int]) -> list[Any]:
        first = asyncio.create_task(batcher.submit(1))
        await asyncio.to_thread(work.started.wait, 60)
        others = asyncio.create_task(several(batcher, (2, 3, 4)))
        while len(batcher.pending) < 3:
            await asyncio.sleep(0)
        work.released.set()
        return [*await others, await first]

    assert run(work, submit_all) == [4, 9, 16, 1]
    assert work.calls == [[1], [2, 3, 4]]


@pytest.mark.parametrize(("size", "calls"), [(97, [[1]]), (98, [[1], [2, 3, 4]])])
def test_a_small_call_is_waited_for_also_if_a_thread_is_free(size: int, calls: list[list[int]]) -> None:
    """A call is small if all pending items would fit into it."""
    work = Work(is_blocked=True)

    async def submit_all(batcher: MicroBatcher[int, int]) -> list[list[int]]:
        first = asyncio.create_task(batcher.submit(1))
        await asyncio.to_thread(work.started.wait, 60)
        others = asyncio.create_task(several(batcher, (2, 3, 4)))
        await asyncio.sleep(0.1)
        running = [*work.calls]
        work.released.set()
        await asyncio.gather(first, others)
        assert batcher.work == 0
        return running

    assert run(work, submit_all, max_calls=2, size=lambda one: size if one == 1 else 1) == calls


def test_batches_do_not_exceed_the_maximum_and_larger_items_are_alone() -> None:
    work = Work()
    run(work, several, max_size=20, size=lambda one: 100 if one == 5 else 5)
    assert work.calls == [[0, 1, 2, 3], [4], [5], [6, 7, 8, 9]]


def test_concurrent_calls_are_limited() -> None:
    work = Work(parties=2)  # each call waits for another: both run at the same time

    async def submit_all(batcher: MicroBatcher[int, int]) -> list[Any]:
        return await several(batcher, range(20, 40))

    assert run(work, submit_all, max_size=5, max_calls=2) == [number * number for number in range(20, 40)]
    assert len(work.calls) == 4
    assert work.max_running == 2


@pytest.mark.parametrize("inline_size", [0, 10])
def test_a_failed_call_fails_only_its_own_items(inline_size: int) -> None:
    work = Work()

    async def submit_all(batcher: MicroBatcher[int, int]) -> list[Any]:
        return [*await several(batcher, (12, 13)), *await several(batcher, (14, 15))]

    *failed, one, two = run(work, submit_all, inline_size=inline_size)
    assert [str(error) for error in failed] == ["unlucky"] * 2
    assert (one, two) == (196, 225)


@pytest.mark.parametrize("inline_size", [0, 10])
def test_a_cancelled_item_does_not_block_others(inline_size: int) -> None:
    work = Work()

    async def submit_all(batcher: MicroBatcher[int, int]) -> list[Any]:
        gone = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0)
        rest = asyncio.create_task(several(batcher, (2, 3)))
        gone.cancel()
        return await rest

    assert run(work, submit_all, inline_size=inline_size) == [4, 9]


def test_only_one_small_batch_at_a_time_runs_in_the_event_loop() -> None:
    work = Work()
    assert run(work, several, inline_size=5, max_size=5) == [number * number for number in range(10)]
    assert [name.startswith("pool") for name in work.threads] == [True, False]


def test_items_that_nobody_waits_for_are_dropped() -> None:
    work = Work(is_blocked=True)

    async def cancel(batcher: MicroBatcher[int, int]) -> Any:
        tasks = [asyncio.create_task(batcher.submit(0))]
        await asyncio.to_thread(work.started.wait, 60)
        tasks += [asyncio.create_task(batcher.submit(number)) for number in range(1, 7)]
        await asyncio.sleep(0.01)
        for task in (*tasks[1:3], tasks[4], tasks[6]):
            task.cancel()
        await asyncio.sleep(0.01)
        work.released.set()
        return await asyncio.gather(tasks[0], tasks[3], tasks[5])

    assert run(work, cancel, max_size=2) == [0, 9, 25]
    assert work.calls == [[0], [3, 5]]
