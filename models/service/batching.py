"""Requests that wait are worked on together: many records at a time take a fraction of what they take one by one."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Generic, TypeAlias, TypeVar

__all__ = ["MicroBatcher"]

Ask = TypeVar("Ask")
Told = TypeVar("Told")
Waiting: TypeAlias = tuple[Ask, asyncio.Future[Told]]


class MicroBatcher(Generic[Ask, Told]):
    """Does what is asked: what comes at the same time, or while all threads are busy, is done together in one call.

    Nobody waits for others to come. What is small is done in the loop itself: to hand it to a thread takes as long as
    to do it. What is larger is done in the threads of a pool.

    Parameters
    ----------
    pool : Executor
        The threads.
    calls : int
        Calls at a time.
    work : callable
        From what is asked to what is told, one for one.
    size : callable
        The size of what is asked, in any unit.
    most : int
        The size of a call; what is larger is done alone.
    small : int, default=0
        The size of a call up to which the loop does it.
    """

    def __init__(
        self,
        pool: Executor,
        calls: int,
        work: Callable[[Sequence[Ask]], Sequence[Told]],
        *,
        size: Callable[[Ask], int],
        most: int,
        small: int = 0,
    ) -> None:
        self.pool, self.calls, self.work, self.size, self.most, self.small = pool, calls, work, size, most, small
        self.waiting: deque[Waiting[Ask, Told]] = deque()
        self.running = 0

    async def ask(self, asked: Ask, *, alone: bool = False) -> Told:
        """Wait until it is done.

        Parameters
        ----------
        asked : object
            What to do.
        alone : bool, default=False
            Whether it is known that nobody else asks: what is small is done at once then.

        Returns
        -------
        object
            What came of it.
        """
        if alone and self.size(asked) <= self.small:
            return self.work([asked])[0]
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self.waiting.append((asked, future))
        try:
            await asyncio.sleep(0)  # until all that has come in by now waits too
            if not future.done():
                self._begin()
            return await future
        finally:
            future.cancel()  # of no effect once it is done

    def _begin(self) -> None:
        while self.waiting and self.running < self.calls:
            taken, size = self._take()
            asked = [one for one, _ in taken]
            if size <= self.small:
                self._do(taken, asked)
                continue
            self.running += 1
            call = asyncio.get_running_loop().run_in_executor(self.pool, self.work, asked)
            call.add_done_callback(partial(self._end, taken))

    def _take(self) -> tuple[list[Waiting[Ask, Told]], int]:
        """Take the first that wait, at least one, and as many as fit into a call."""
        taken = [self.waiting.popleft()]
        total = self.size(taken[0][0])
        while self.waiting and total + self.size(self.waiting[0][0]) <= self.most:
            taken.append(self.waiting.popleft())
            total += self.size(taken[-1][0])
        return taken, total

    def _do(self, taken: list[Waiting[Ask, Told]], asked: list[Ask]) -> None:
        try:
            _tell(taken, self.work(asked))
        except Exception as error:
            _fail(taken, error)

    def _end(self, taken: list[Waiting[Ask, Told]], call: asyncio.Future[Sequence[Told]]) -> None:
        self.running -= 1
        error = asyncio.CancelledError() if call.cancelled() else call.exception()
        if error is None:
            _tell(taken, call.result())
        else:
            _fail(taken, error)
        self._begin()


def _tell(taken: list[Waiting[Ask, Told]], told: Sequence[Told]) -> None:
    for (_, future), one in zip(taken, told, strict=True):
        if not future.done():  # else whoever asked is gone
            future.set_result(one)


def _fail(taken: list[Waiting[Ask, Told]], error: BaseException) -> None:
    for _, future in taken:
        if not future.done():
            future.set_exception(error)
