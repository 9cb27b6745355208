"""Decorators of functions that Numba compiles.

From an empty cache, compiling takes most of the time to a first score, and the optimiser is not most of it: types are
inferred and code is lowered function by function. Therefore a kernel is divided into functions that are each compiled
once: for one type per argument, and without Numba's own inlining, which compiles a copy at every call. No function has
a wrapper for C, which takes a tenth of the time and is never called.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import numba as nb
import numpy as np

__all__ = ["INT_0", "compile_inlined", "compile_kernel", "compile_part"]

Function = TypeVar("Function", bound=Callable[..., Any])
INT_0: Final[Any] = np.int64(0)
"""Zero, as the start value of a variable that is passed on. A plain 0 is a type of its own, and Numba would compile the
called function for it too."""


def compile_kernel(error_model: Literal["python", "numpy"] = "python") -> Callable[[Function], Function]:
    """Compile a function that Python calls, and keep its machine code in the cache.

    Parameters
    ----------
    error_model : {"python", "numpy"}, default="python"
        Whether a division by zero raises an error or gives an infinity or NaN, as in NumPy.

    Returns
    -------
    callable
        The decorator.

    Examples
    --------
    >>> add_one = compile_part()(lambda x: x + 1)
    >>> add_one(1)
    2
    """
    return _compile(error_model, cache=True)


def compile_part(error_model: Literal["python", "numpy"] = "python") -> Callable[[Function], Function]:
    """Compile a function that kernels call; see `compile_kernel`."""
    return _compile(error_model)


def compile_inlined() -> Callable[[Function], Function]:
    """Compile a short function that LLVM inlines into kernels; see `compile_kernel`."""
    return _compile("python", forceinline=True)


def _compile(error_model: str, **options: bool) -> Callable[[Function], Function]:
    compiler: Any = nb.njit  # its type stubs do not know no_cfunc_wrapper
    decorator: Callable[[Function], Function] = compiler(
        nogil=True, no_cfunc_wrapper=True, error_model=error_model, **options
    )
    return decorator
