"""Decorators of functions that Numba compiles.

From an empty cache, compiling takes most of the time to a first score. Most of this is not the optimiser: types are
inferred and code is lowered function by function. Therefore a kernel is divided into functions that are each compiled
once: for one type per argument, and without Numba's own inlining, which compiles a copy at every call. No function has
a wrapper for C, and only kernels have one for Python: each takes a tenth of the time. The garbage collector, which
takes another tenth and finds little, is off meanwhile. `_precompiled` divides the kernels between two processes.
"""

import gc
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar

import numba as nb
import numpy as np
from numba.core.event import Event, Listener, register

Function = TypeVar("Function", bound=Callable[..., Any])
INT_0: Final[Any] = np.int64(0)
"""Zero, as the start value of a variable that is passed on. A plain 0 is a type of its own, and Numba would compile the
called function for it too."""


def compile_kernel(error_model: Literal["python", "numpy"] = "python") -> Callable[[Function], Function]:
    """Compile a function that Python calls, and keep its machine code in the cache."""
    return _compile(error_model, {"cache": True})


def compile_part(error_model: Literal["python", "numpy"] = "python") -> Callable[[Function], Function]:
    """Compile a function that kernels call; see `compile_kernel`. For a call from Python it is compiled once more."""
    return _compile_without_wrapper(error_model, {})


def compile_inlined(*, borrows: bool = False) -> Callable[[Function], Function]:
    """Compile a short function that LLVM inlines into kernels; see `compile_part`.

    A function that `borrows` its arrays must not create or return any. Numba then counts no references to them, which
    otherwise takes three times as long as a search of few steps.
    """
    return _compile_without_wrapper("python", {"forceinline": True} | ({"_nrt": False} if borrows else {}))


def _compile_without_wrapper(error_model: str, options: Mapping[str, bool]) -> Callable[[Function], Function]:
    bare: Callable[[Any], Any] = _compile(error_model, {"no_cpython_wrapper": True, **options})

    def decorate(function: Any) -> Any:
        part, wrapped = bare(function), _compile(error_model, options)(function)
        if part is not function:  # they are the same if NUMBA_DISABLE_JIT is set
            # Numba would call the wrapper, which is missing, and crash. What it compiled is not registered, and if it
            # asks for a compiled function, it gets the one with a wrapper.
            part._insert = lambda *arguments: None
            part._compile_for_args = lambda *arguments, **named: wrapped
        return part

    return decorate


def _compile(error_model: str, options: Mapping[str, bool]) -> Callable[[Function], Function]:
    compiler: Any = nb.njit  # its type stubs do not know no_cfunc_wrapper
    decorator: Callable[[Function], Function] = compiler(
        nogil=True, no_cfunc_wrapper=True, error_model=error_model, **options
    )
    return decorator


class _CollectorOff(Listener):
    """Turn the garbage collector off while Numba compiles. Numba compiles in one thread at a time."""

    def __init__(self) -> None:
        self._depth, self._was_on = 0, False

    def on_start(self, event: Event) -> None:
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, event: Event) -> None:
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()


_register: Any = register
_register("numba:compile", _CollectorOff())
