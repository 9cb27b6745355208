"""Micro-batching: requests that arrive together are scored in one call, which is faster than a call for each."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Generic, TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Pending: TypeAlias = tuple[Item, int, asyncio.Future[Result]]
"""An item, its size, and its result."""


class MicroBatcher(Generic[Item, Result]):
    """Process items in batches: those that arrive at the same time, or during a small call, share one call.

    No item waits for others to arrive, but small ones wait until a small call has finished: a second thread would only
    compete for the interpreter with the first one and the event loop. If all pending items together are very small,
    they run in the event loop, because handing them to a thread takes as long as processing them.
    """

    def __init__(
        self,
        pool: Executor,
        max_calls: int,
        process: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        size: Callable[[Item], int],
        max_size: int,
        inline_size: int = 0,
    ) -> None:
        self.pool, self.max_calls, self.process = pool, max_calls, process
        self.size, self.max_size, self.inline_size = size, max_size, inline_size
        self.pending: deque[Pending[Item, Result]] = deque()
        self.running, self.work = 0, 0  # calls, and the size of their items and of those that are pending

    async def submit(self, item: Item) -> Result:
        """Process an item and return its result."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.pending.append((item, size := self.size(item), future))
        self.work += size
        try:
            await asyncio.sleep(0)  # lets all requests that have arrived join the batch
            if not future.done():
                self._start()
            return await future
        finally:
            future.cancel()  # without effect on a future that is done

    def _start(self) -> None:
        """Start calls until nothing is pending, all threads are busy, or the next call can wait for a small one."""
        while self._has_pending() and self.running < (self.max_calls if self.work > self.max_size else 1):
            batch, size = self._next_batch()
            items = [item for item, *_ in batch]
            if size <= self.inline_size and not self.pending:  # only once, so that the event loop is free soon
                self._process_inline(batch, items)
                self.work -= size
                return
            self.running += 1
            call = asyncio.get_running_loop().run_in_executor(self.pool, self.process, items)
            call.add_done_callback(partial(self._finish, batch, size))

    def _has_pending(self) -> bool:
        """Return whether an item is pending, after dropping the first ones whose requests have ended."""
        while self.pending and self.pending[0][2].done():
            self.work -= self.pending.popleft()[1]
        return bool(self.pending)

    def _next_batch(self) -> tuple[list[Pending[Item, Result]], int]:
        """Pop the first pending item and as many more as fit; return them and their total size."""
        batch = [self.pending.popleft()]
        total = batch[0][1]
        while self._has_pending() and total + self.pending[0][1] <= self.max_size:
            batch.append(self.pending.popleft())
            total += batch[-1][1]
        return batch, total

    def _process_inline(self, batch: list[Pending[Item, Result]], items: list[Item]) -> None:
        try:
            _set_results(batch, self.process(items))
        except Exception as error:
            _set_exception(batch, error)

    def _finish(self, batch: list[Pending[Item, Result]], size: int, call: asyncio.Future[Sequence[Result]]) -> None:
        self.running -= 1
        self.work -= size
        error = asyncio.CancelledError() if call.cancelled() else call.exception()
        if error is None:
            _set_results(batch, call.result())
        else:
            _set_exception(batch, error)
        self._start()


def _set_results(batch: list[Pending[Item, Result]], results: Sequence[Result]) -> None:
    for (*_, future), result in zip(batch, results, strict=True):
        if not future.done():  # the client may have disconnected
            future.set_result(result)


def _set_exception(batch: list[Pending[Item, Result]], error: BaseException) -> None:
    for *_, future in batch:
        if not future.done():
            future.set_exception(error)
