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

from elman.engine import Inputs, Spec, _native
from elman.engine.jax_reverse import only_in_reverse

for _name in ("forward", "backward"):  # once, which is all that XLA takes: on import
    _function = getattr(_native.library(), _name)
    jax_tvm_ffi.register_ffi_target(f"elman.{_name}", _function, ["attrs.options", "args", "rets"])


def run(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[tuple[Any, Any, list[Any]]]:
    """The computation of `elman.engine.Computation` on JAX arrays."""
    arrays = [
        jnp.zeros(_native.ABSENT, dtype) if value is None else jnp.asarray(value, dtype)
        for value, dtype in _native.flat(specs, inputs)
    ]
    arrays = [only_in_reverse(array) for array in arrays]
    return _native.results(specs, _recurrences(_native.options(specs), *arrays))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _recurrences(options: tuple[int, ...], *inputs: Any) -> list[Any]:
    """outputs, last, h and c of each layer; outputs of shape (0,) where only the last is wanted."""
    return _wanted(options, _operation("predict", options)(*inputs))


def _recurrences_forward(options: tuple[int, ...], *inputs: Any) -> tuple[list[Any], Any]:
    results = _operation("forward", options)(*inputs)
    return _wanted(options, results), (inputs, _native.kept(results))


def _recurrences_backward(options: tuple[int, ...], residuals: Any, gradients: Any) -> Any:
    inputs, kept = residuals
    layers = len(inputs) // 9
    results = _operation("backward", options)(*inputs, *kept, *gradients)
    found: list[Any] = []
    for part, given in zip(
        _native.each(inputs, layers), _native.each(results, layers), strict=True
    ):
        mask, *dropout = part[6:]  # these have no gradient
        no_gradient = np.zeros(mask.shape, jax.dtypes.float0)
        found += [*given, no_gradient, *map(jnp.zeros_like, dropout)]
    return tuple(found)


_recurrences.defvjp(_recurrences_forward, _recurrences_backward)


def _wanted(options: tuple[int, ...], results: Sequence[Any]) -> list[Any]:
    """Of an operation's results those of `_recurrences`, of the same shapes for both operations."""
    layers = len(options) // 6
    wanted: list[Any] = []
    for numbers, (outputs, *others, _) in zip(
        _native.each(options, layers), _native.each(results, layers), strict=True
    ):
        sequences = numbers[5]
        wanted += [outputs if sequences else jnp.zeros(_native.ABSENT, outputs.dtype), *others]
    return wanted


# Which arrays of a layer have the batch as an axis, and where: inputs, results, gradients.
_INPUTS = (0, 0, 0, None, None, None, 0, -2, -2)
_RESULTS = (0, 0, 0, 0, 1)
_KEPT, _UPSTREAM, _GRADIENTS = (0, 1), (0, 0, 0, 0), _INPUTS[:6]


def _batch_axes(name: str, layers: int) -> tuple[tuple[int | None, ...], ...]:
    """The same of all arrays that an operation takes, and of all that it gives."""
    if name == "backward":
        return _INPUTS * layers + _KEPT * layers + _UPSTREAM * layers, _GRADIENTS * layers
    return _INPUTS * layers, _RESULTS * layers


@functools.cache
def _operation(name: str, options: tuple[int, ...]) -> Callable[..., Any]:
    """A function of the library on arrays: "predict" is forward without what backward needs."""
    layers = len(options) // 6

    def local(*arrays: Any) -> Sequence[Any]:
        inputs = arrays[: 9 * layers]
        dtype = inputs[0].dtype
        if name == "backward":
            shapes = [a.shape for a in _native.gradients_of(inputs)]
        else:
            shapes = _native.forward_shapes(
                options, [a.shape for a in inputs], dtype.itemsize, name == "forward"
            )
        results = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
        target = "backward" if name == "backward" else "forward"
        return jax.ffi.ffi_call(f"elman.{target}", results)(
            *arrays, options=np.array(options, "int64")
        )

    axes = _batch_axes(name, layers)
    partitioned = custom_partitioning(local)
    partitioned.def_partition(
        functools.partial(_partition, axes, local),
        sharding_rule=functools.partial(_sharding_rule, axes),
    )
    operation = jax.custom_jvp(sequential_vmap(partitioned))

    @operation.defjvp
    def _differentiate(primals: Any, tangents: Any) -> Any:
        # Where `_recurrences` is differentiated its own rule is taken, and this one never.
        raise NotImplementedError(_native.ONCE)

    return operation


def _batch_axis(axis: int | None, rank: int) -> int | None:
    """Which axis of an array is the batch; None where it has none, or is not there (rank 1)."""
    return None if axis is None or rank < 2 else axis % rank


def _partition(
    axes: Any, local: Callable[..., Any], mesh: Any, arguments: Any, results: Any
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
            for axis, r in zip(axes[1], found, strict=True)
        ]

    given, found = axes
    return (
        mesh,
        compute,
        [sharding(axis, r) for axis, r in zip(found, results, strict=True)],
        tuple(sharding(axis, a) for axis, a in zip(given, arguments, strict=True)),
    )


def _sharding_rule(axes: Any, mesh: Any, arguments: Any, results: Any) -> SdyShardingRule:
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

    given, found = axes
    return SdyShardingRule(
        tuple(mapping(axis, a) for axis, a in zip(given, arguments, strict=True)),
        tuple(mapping(axis, r) for axis, r in zip(found, results, strict=True)),
        need_replication_factors=tuple(whole),
    )
