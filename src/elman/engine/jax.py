"""The kernels on JAX arrays, inside `jax.jit` or not.

One call of the library is one custom call of XLA; `custom_vjp` gives it its gradient.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax_tvm_ffi
import numpy as np

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
    return tuple(_forward(spec, inputs, training=False)[:4])


def _recurrence_forward(spec: Any, *inputs: Any) -> tuple[tuple[Any, ...], Any]:
    outputs, last, h, c, saved = _forward(spec, inputs, training=True)
    return (outputs, last, h, c), (inputs, outputs, saved)


def _recurrence_backward(spec: Any, residuals: Any, gradients: Any) -> tuple[Any, ...]:
    inputs, outputs, saved = residuals
    d_outputs, *others = gradients
    if not spec.return_sequences:
        d_outputs = jnp.zeros(_native.ABSENT, spec.dtype)
    shapes = _native.backward_shapes(spec, inputs[0].shape, inputs[4].shape[0])
    results = _call("backward", spec, shapes, *inputs, outputs, saved, d_outputs, *others)
    # Where an input was absent, so is its gradient; the mask and the dropout masks have none.
    given = [
        d if i.shape == d.shape else jnp.zeros_like(i)
        for i, d in zip(inputs[:6], results, strict=True)
    ]
    mask, *dropout = inputs[6:]
    return (*given, np.zeros(mask.shape, jax.dtypes.float0), *map(jnp.zeros_like, dropout))


_recurrence.defvjp(_recurrence_forward, _recurrence_backward)


def _forward(spec: Any, inputs: Sequence[Any], training: bool) -> Sequence[Any]:
    shapes = _native.forward_shapes(spec, inputs[0].shape, inputs[4].shape[0], training)
    return _call("forward", spec, shapes, *inputs)


def _call(name: str, spec: Any, shapes: Sequence[tuple[int, ...]], *arrays: Any) -> Sequence[Any]:
    results = [jax.ShapeDtypeStruct(shape, spec.dtype) for shape in shapes]
    options = {
        key: np.int64(value) for key, value in zip(_OPTIONS, _native.options(spec), strict=True)
    }
    call = jax.ffi.ffi_call(_target(name), results, vmap_method="sequential")
    return call(*arrays, **options)


@functools.cache
def _target(name: str) -> str:
    """The name under which XLA knows a function of the library."""
    target = f"elman.{name}"
    arguments = [*(f"attrs.{key}" for key in _OPTIONS), "args", "rets"]
    jax_tvm_ffi.register_ffi_target(target, getattr(_native.library(), name), arguments)
    return target
