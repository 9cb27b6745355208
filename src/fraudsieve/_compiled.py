"""Options of functions that Numba compiles: ``@nb.njit(**KERNEL)``.

From an empty cache, compiling takes most of the time to a first score, and the optimiser is not most of it: types are
inferred and code is lowered function by function. Therefore a kernel is divided into functions that are each compiled
once: for one type per argument, and without Numba's own inlining, which compiles a copy at every call. No function has
a wrapper for C, which takes a tenth of the time and is never called.
"""

from typing import Any, Final

__all__ = ["INLINED", "KERNEL", "PART"]

PART: Final[dict[str, Any]] = {"nogil": True, "no_cfunc_wrapper": True}
"""A function that kernels call."""
INLINED: Final[dict[str, Any]] = {**PART, "forceinline": True}
"""A short function that LLVM inlines into kernels, whatever its size."""
KERNEL: Final[dict[str, Any]] = {**PART, "cache": True}
"""A function that Python calls; its machine code is kept in the cache."""
