"""The kernels on NumPy arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from elman.engine import _native

Array = np.ndarray


class Inputs(NamedTuple):
    """The arrays that forward and backward both take, in the order of native/exports.cc."""

    x: Array
    h: Array
    c: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array
    mask: Array
    input_dropout: Array
    recurrent_dropout: Array


def run(
    spec: Any,
    x: Array,
    states: Sequence[Array] | None,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    *,
    mask: Array | None = None,
    input_dropout: Array | None = None,
    recurrent_dropout: Array | None = None,
) -> tuple[Array | None, Array, list[Array]]:
    """The computation of `elman.engine.Computation` on NumPy arrays."""
    given = inputs(
        spec, x, states, kernel, recurrent_kernel, bias, mask, input_dropout, recurrent_dropout
    )
    outputs, last, h, c, _ = forward(spec, given, training=False)
    return outputs if spec.return_sequences else None, last, [h, c][: 1 + (spec.cell == "lstm")]


def inputs(
    spec: Any,
    x: Any,
    states: Sequence[Any] | None,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    mask: Any = None,
    input_dropout: Any = None,
    recurrent_dropout: Any = None,
) -> Inputs:
    """The arrays as the kernels take them: contiguous, and empty where there is none."""

    def array(value: Any, dtype: str = spec.dtype) -> Array:
        return np.empty(0, dtype) if value is None else np.ascontiguousarray(value, dtype)

    h, c = [*(states or ()), None, None][:2]
    return Inputs(
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


def forward(spec: Any, given: Inputs, training: bool) -> list[Array]:
    """outputs, last, h, c and saved; `backward` takes outputs and saved after `training`."""
    units = given.recurrent_kernel.shape[0]
    shapes = _native.forward_shapes(spec, given.x.shape, units, training)
    results = [np.empty(shape, spec.dtype) for shape in shapes]
    if training:
        results[4] = np.from_dlpack(_native.empty_saved(spec, shapes.saved))
    _native.library().forward(*_native.options(spec), *given, *results)
    return results


def backward(
    spec: Any, given: Inputs, outputs: Array, saved: Array, gradients: Sequence[Array | None]
) -> list[Array]:
    """Gradients of x, h, c, kernel, recurrent_kernel and bias, from those of outputs, last, h, c.

    None is a gradient of zeros.
    """
    shapes = _native.backward_shapes(spec, given.x.shape, given.recurrent_kernel.shape[0])
    results = [np.empty(shape, spec.dtype) for shape in shapes]
    empty = np.empty(0, spec.dtype)
    arrays = [empty if g is None else np.ascontiguousarray(g, spec.dtype) for g in gradients]
    _native.library().backward(*_native.options(spec), *given, outputs, saved, *arrays, *results)
    return results
