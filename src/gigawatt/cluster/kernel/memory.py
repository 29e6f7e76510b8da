"""The arrays of the kernel behind one pointer.

Numba would hand every array to every function it calls as seven to eleven numbers, which takes
longer than most of the functions do. So the kernel gets the address of a list of where the arrays
lie, and `s.job` reads its entry. The list does not change while the kernel runs.
"""

# mypy: disable-error-code="import-untyped,misc,no-untyped-call,override,untyped-decorator"
# Numba has few types.

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    models,
    register_model,
)
from numba.np.arrayobj import populate_array

from gigawatt.cluster.kernel import columns as k
from gigawatt.cluster.kernel.entry import WORDS

__all__ = ["setup_at", "state_at"]

_KINDS: Final[dict[str, Any]] = {
    name: types.Array(dtype, dimensions, "C")
    for name, dtype, dimensions in (
        ("job", types.int64, 2),
        ("pace", types.int64, 2),
        ("heap", types.int64, 2),
        ("node", types.int32, 2),
        ("slot", types.int32, 2),
        ("groups", types.int32, 3),
        ("tenant", types.int64, 2),
        ("usage", types.float64, 2),
        ("bits", types.uint64, 1),
        ("table", types.int64, 2),
        ("plan", types.int32, 2),
        ("fault", types.int64, 2),
        ("log", types.int64, 2),
        ("promise", types.int64, 2),
        ("now", types.int64, 1),
    )
}
_WIDTHS: Final = {  # columns that are known when the kernel is compiled
    "job": k.JOB_COLUMNS,
    "pace": k.PACE_COLUMNS,
    "node": k.NODE_COLUMNS,
    "slot": k.SLOT_COLUMNS,
    "tenant": k.TENANT_COLUMNS,
    "usage": k.USAGE_COLUMNS,
    "table": k.TABLE_COLUMNS,
    "fault": k.FAULT_COLUMNS,
    "log": k.LOG_COLUMNS,
    "promise": k.PROMISE_COLUMNS,
}


class _State(types.Type):
    """What `State` is to the kernel."""

    def __init__(self) -> None:
        super().__init__(name="gigawatt.cluster.State")


_STATE: Final = _State()


@register_model(_State)
class _StateModel(models.PrimitiveModel):
    def __init__(self, manager: object, kind: object) -> None:
        super().__init__(manager, kind, ir.IntType(64).as_pointer())


@infer_getattr
class _Arrays(AttributeTemplate):
    key = _State

    def generic_resolve(self, _: object, name: str) -> Any:  # noqa: ANN401
        return _KINDS.get(name)


@lower_getattr_generic(_State)
def _array(context: Any, builder: Any, _: object, pointer: Any, name: str) -> Any:  # noqa: ANN401
    kind = _KINDS[name]
    first = WORDS * list(_KINDS).index(name)
    words = [_constant_word(builder, pointer, first + i) for i in range(1 + kind.ndim)]
    shape = words[1:]
    if name in _WIDTHS:
        shape[1] = ir.Constant(shape[1].type, _WIDTHS[name])
    element = context.get_data_type(kind.dtype)
    size = ir.Constant(shape[0].type, context.get_abi_sizeof(element))
    strides = [size]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    array = context.make_array(kind)(context, builder)
    populate_array(
        array,
        data=builder.inttoptr(words[0], element.as_pointer()),
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=size,
        meminfo=None,
    )
    return array._getvalue()  # noqa: SLF001  Numba's own way


def _constant_word(builder: Any, pointer: Any, i: int) -> Any:  # noqa: ANN401
    """Read a word that never changes, so that it is read once."""
    word = builder.load(cgutils.gep(builder, pointer, i))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word


@intrinsic
def _state_at(_: object, address: Any) -> Any:  # noqa: ANN401
    """Return the state whose arrays are listed at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return _STATE(address), generate


@intrinsic
def _setup_at(_: object, address: Any) -> Any:  # noqa: ANN401
    """Return the array that does not change, which lies at an address."""
    kind = types.Array(types.int64, 1, "C")

    def generate(context: Any, builder: Any, _: Any, args: Any) -> Any:  # noqa: ANN401
        size = context.get_constant(types.intp, 8)
        array = context.make_array(kind)(context, builder)
        populate_array(
            array,
            data=builder.inttoptr(args[0], array.data.type),
            shape=cgutils.pack_array(builder, [context.get_constant(types.intp, k.C_PLACES)]),
            strides=cgutils.pack_array(builder, [size]),
            itemsize=size,
            meminfo=None,
        )
        return array._getvalue()  # noqa: SLF001

    return kind(address), generate


state_at: Any = _state_at  # as Any, for Numba adds the first argument itself
setup_at: Any = _setup_at
