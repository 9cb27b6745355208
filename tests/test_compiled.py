"""The decorators of kernels."""

import gc
from typing import Any

import numba as nb
import pytest
from numba.core.errors import NumbaError
from numba.core.event import Event, Listener, install_listener

from fraudsieve._compiled import compile_part


class CollectorAt(Listener):
    """Whether the garbage collector is on when a function has been compiled, and another one that calls it has not."""

    def __init__(self) -> None:
        self.is_on: list[bool] = []

    def on_start(self, event: Event) -> None:
        self.is_on.append(gc.isenabled())

    def on_end(self, event: Event) -> None:
        self.is_on.append(gc.isenabled())


@compile_part()
def add_one(x: int) -> int:
    return x + 1


def test_the_garbage_collector_is_off_while_numba_compiles() -> None:
    kernel: Any = nb.njit(lambda x: add_one(x) * 2)
    listener = CollectorAt()
    assert gc.isenabled()
    with install_listener("numba:compile", listener):
        assert kernel(1) == 4
    assert gc.isenabled()
    assert listener.is_on == [False, False, False, True]  # two functions, one in the other


def test_the_garbage_collector_is_on_again_after_an_error() -> None:
    kernel: Any = nb.njit(lambda x: x.no_such_attribute)
    with pytest.raises(NumbaError):
        kernel(1)
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    kernel: Any = nb.njit(lambda x: x - 1)
    gc.disable()
    try:
        assert kernel(1) == 0
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_part_that_python_calls_is_compiled() -> None:
    """Tests call parts; as plain Python they would not overflow."""
    assert add_one(2**63 - 1) == -(2**63)
