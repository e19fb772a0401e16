"""The kernels on JAX arrays, inside `jax.jit` or not.

One call of the library is one custom call of XLA; `custom_vjp` gives it its gradient, and
`custom_partitioning` lets each device of a mesh compute its own rows of the batch.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax_tvm_ffi
import numpy as np
from jax.custom_batching import sequential_vmap
from jax.experimental.custom_partitioning import ArrayMapping, SdyShardingRule, custom_partitioning
from jax.sharding import NamedSharding, PartitionSpec

from elman.engine import _native

_OPTIONS = ("cell", "activation", "recurrent_activation", "go_backwards", "zero_output_for_mask")


def run(
    spec: Any,
    x: Any,
    states: Sequence[Any] | None,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    *,
    mask: Any = None,
    input_dropout: Any = None,
    recurrent_dropout: Any = None,
) -> tuple[Any, Any, list[Any]]:
    """The computation of `elman.engine.Computation` on JAX arrays."""

    def array(value: Any, dtype: str = spec.dtype) -> Any:
        return jnp.zeros(_native.ABSENT, dtype) if value is None else jnp.asarray(value, dtype)

    h, c = [*(states or ()), None, None][:2]
    outputs, last, h, c = _recurrence(
        spec,
        array(x),
        array(h),
        array(c),
        array(kernel),
        array(recurrent_kernel),
        array(bias if spec.use_bias else None),
        array(mask, "bool"),
        array(input_dropout),
        array(recurrent_dropout),
    )
    states = [h, c] if spec.cell == "lstm" else [h]
    return outputs if spec.return_sequences else None, last, states


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _recurrence(spec: Any, *inputs: Any) -> tuple[Any, ...]:
    return tuple(_operation("predict", spec)(*inputs)[:4])


def _recurrence_forward(spec: Any, *inputs: Any) -> tuple[tuple[Any, ...], Any]:
    outputs, last, h, c, saved = _operation("forward", spec)(*inputs)
    return (outputs, last, h, c), (inputs, outputs, saved)


def _recurrence_backward(spec: Any, residuals: Any, gradients: Any) -> tuple[Any, ...]:
    inputs, outputs, saved = residuals
    d_outputs, *others = gradients
    if not spec.return_sequences:
        d_outputs = jnp.zeros(_native.ABSENT, spec.dtype)
    results = _operation("backward", spec)(*inputs, outputs, saved, d_outputs, *others)
    # Where an input was absent, so is its gradient; the mask and the dropout masks have none.
    given = [
        d if i.shape == d.shape else jnp.zeros_like(i)
        for i, d in zip(inputs[:6], results, strict=True)
    ]
    mask, *dropout = inputs[6:]
    return (*given, np.zeros(mask.shape, jax.dtypes.float0), *map(jnp.zeros_like, dropout))


_recurrence.defvjp(_recurrence_forward, _recurrence_backward)


# Which arrays have the batch as an axis, and where: the inputs, then what each operation gives.
_INPUTS = (0, 0, 0, None, None, None, 0, -2, -2)
_AXES = {
    "predict": (_INPUTS, (0, 0, 0, 0, None)),
    "forward": (_INPUTS, (0, 0, 0, 0, 1)),
    "backward": ((*_INPUTS, 0, 1, 0, 0, 0, 0), (0, 0, 0, None, None, None)),
}


@functools.cache
def _operation(name: str, spec: Any) -> Callable[..., Any]:
    """A function of the library on arrays: "predict" is forward without what backward needs."""

    def local(*arrays: Any) -> Sequence[Any]:
        x_shape, units = arrays[0].shape, arrays[4].shape[0]
        if name == "backward":
            shapes = tuple(_native.backward_shapes(spec, x_shape, units))
        else:
            shapes = tuple(_native.forward_shapes(spec, x_shape, units, name == "forward"))
        results = [jax.ShapeDtypeStruct(shape, spec.dtype) for shape in shapes]
        options = {k: np.int64(v) for k, v in zip(_OPTIONS, _native.options(spec), strict=True)}
        target = _target("backward" if name == "backward" else "forward")
        return list(jax.ffi.ffi_call(target, results)(*arrays, **options))

    partitioned = custom_partitioning(local)
    partitioned.def_partition(
        functools.partial(_partition, name, local),
        sharding_rule=functools.partial(_sharding_rule, name),
    )
    return sequential_vmap(partitioned)


def _batch_axis(axis: int | None, rank: int) -> int | None:
    """Which axis of an array is the batch; None where it has none, or is not there (rank 1)."""
    return None if axis is None or rank < 2 else axis % rank


def _partition(
    name: str, local: Callable[..., Any], mesh: Any, arguments: Any, results: Any
) -> tuple[Any, ...]:
    """Each device computes the rows it has; gradients of weights are summed over the devices."""
    spec = arguments[0].sharding.spec
    batch = spec[0] if spec else None
    names = () if batch is None else (batch,) if isinstance(batch, str) else tuple(batch)

    def sharding(axis: int | None, array: Any) -> NamedSharding:
        at = _batch_axis(axis, len(array.shape))
        axes = [batch if i == at else None for i in range(len(array.shape))]
        return NamedSharding(mesh, PartitionSpec(*axes))

    def compute(*arrays: Any) -> list[Any]:
        found = local(*arrays)
        if not names:
            return found
        return [
            jax.lax.psum(r, names) if axis is None and r.size else r
            for axis, r in zip(_AXES[name][1], found, strict=True)
        ]

    given, found = _AXES[name]
    return (
        mesh,
        compute,
        [sharding(axis, r) for axis, r in zip(found, results, strict=True)],
        tuple(sharding(axis, a) for axis, a in zip(given, arguments, strict=True)),
    )


def _sharding_rule(name: str, mesh: Any, arguments: Any, results: Any) -> SdyShardingRule:
    """Only the batch may be split; every other axis is whole on each device."""
    whole: list[str] = []

    def mapping(axis: int | None, array: Any) -> ArrayMapping:
        rank = len(array.shape)
        factors = []
        for i in range(rank):
            if i == _batch_axis(axis, rank):
                factors.append("b")
                continue
            whole.append(f"w{len(whole)}")
            factors.append(whole[-1])
        return ArrayMapping(*factors)

    given, found = _AXES[name]
    return SdyShardingRule(
        tuple(mapping(axis, a) for axis, a in zip(given, arguments, strict=True)),
        tuple(mapping(axis, r) for axis, r in zip(found, results, strict=True)),
        need_replication_factors=tuple(whole),
    )


@functools.cache
def _target(name: str) -> str:
    """The name under which XLA knows a function of the library."""
    target = f"elman.{name}"
    arguments = [*(f"attrs.{key}" for key in _OPTIONS), "args", "rets"]
    jax_tvm_ffi.register_ffi_target(target, getattr(_native.library(), name), arguments)
    return target
