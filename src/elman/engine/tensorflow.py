"""The kernels on TensorFlow tensors, in `tf.function` or not.

A graph calls them by `tf.numpy_function`, which knows no shapes: they are set after it.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from elman.engine import _native
from elman.engine import numpy as adapter


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
    """The computation of `elman.engine.Computation` on TensorFlow tensors."""

    def tensor(value: Any, dtype: str = spec.dtype) -> Any:
        if value is None:
            return tf.zeros(_native.ABSENT, dtype)
        return tf.cast(tf.convert_to_tensor(value), dtype)

    h, c = [*(states or ()), None, None][:2]
    differentiated = [tensor(x), tensor(h), tensor(c), tensor(kernel), tensor(recurrent_kernel)]
    differentiated.append(tensor(bias if spec.use_bias else None))
    masks = [tensor(mask, "bool"), tensor(input_dropout), tensor(recurrent_dropout)]

    @tf.custom_gradient
    def recurrence(*inputs: Any) -> tuple[Any, Any]:
        results = _forward(spec, [*inputs, *masks])

        def gradient(*upstream: Any, variables: Any = None) -> Any:
            found = _backward(spec, [*inputs, *masks], results[0], results[4], upstream[:4])
            return (found, [None] * len(variables)) if variables else found

        return tuple(results[:4]), gradient

    outputs, last, h, c = recurrence(*differentiated)
    states = [h, c] if spec.cell == "lstm" else [h]
    return outputs if spec.return_sequences else None, last, states


def _forward(spec: Any, inputs: Sequence[Any]) -> list[Any]:
    def compute(*arrays: Any) -> list[Any]:
        return adapter.forward(spec, adapter.Inputs(*arrays), training=True)

    results = tf.numpy_function(compute, inputs, [spec.dtype] * 5, stateful=False)
    batch, timesteps = inputs[0].shape[:2]
    units = inputs[4].shape[0]
    state = (batch, units)
    c = state if spec.cell == "lstm" else _native.ABSENT
    shapes = [(batch, timesteps, units), state, state, c, (timesteps, batch, None)]
    for result, shape in zip(results, shapes, strict=True):
        result.set_shape(shape)
    return list(results)


def _backward(
    spec: Any, inputs: Sequence[Any], outputs: Any, saved: Any, gradients: Sequence[Any]
) -> list[Any]:
    def compute(*arrays: Any) -> list[Any]:
        given = adapter.Inputs(*arrays[:9])
        outputs, saved, *upstream = arrays[9:]
        results = adapter.backward(spec, given, outputs, saved, upstream)
        # An input that was absent has a gradient as empty as itself.
        return [d if i.size else i for i, d in zip(given, results, strict=False)]

    arrays = [*inputs, outputs, saved, *gradients]
    results = tf.numpy_function(compute, arrays, [spec.dtype] * 6, stateful=False)
    for result, given in zip(results, inputs, strict=False):
        result.set_shape(given.shape)
    return list(results)
