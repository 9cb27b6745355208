"""Instructions of the processor that Numba has no function for."""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

llvm: Any = cgutils  # without types


@intrinsic
def _popcount_intrinsic(_: Any, word: Any) -> Any:
    """Count the set bits in one instruction."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


popcount: Any = _popcount_intrinsic  # compiled code calls it without the typing context


@intrinsic
def _prefetch_intrinsic(_: Any, rows: Any, _row: Any) -> Any:
    """Fetch the first cache line of a row of a two-dimensional array without waiting; the row need not exist."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        first = builder.mul(args[1], builder.extract_value(array.shape, 1))
        address = builder.bitcast(builder.gep(array.data, [first]), llvm.voidptr_t)
        settings = [llvm.int32_t(0), llvm.int32_t(3), llvm.int32_t(1)]  # to read, into every cache, data
        kind = llvm.ir.FunctionType(llvm.ir.VoidType(), [llvm.voidptr_t, *(setting.type for setting in settings)])
        builder.call(builder.module.declare_intrinsic("llvm.prefetch", [llvm.voidptr_t], kind), [address, *settings])
        return context.get_dummy_value()

    return types.void(rows, types.int64), codegen


prefetch: Any = _prefetch_intrinsic
