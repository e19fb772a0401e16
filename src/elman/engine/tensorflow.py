"""The kernels on TensorFlow tensors, in `tf.function` or not.

A graph calls them by `tf.numpy_function`, which knows no shapes: they are set after it.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from elman.engine import Inputs, Spec, _native
from elman.engine import numpy as adapter


def run(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[tuple[Any, Any, list[Any]]]:
    """The computation of `elman.engine.Computation` on TensorFlow tensors."""
    options = _native.options(specs)

    @tf.custom_gradient
    def recurrences(*given: Any) -> tuple[Any, Any]:
        results = _forward(options, given)

        def gradient(*upstream: Any, variables: Any = None) -> Any:
            wanted = [d for part in _native.each(upstream, len(specs)) for d in part[:4]]
            found = _backward(options, given, _native.kept(results), wanted)
            return (found, [None] * len(variables)) if variables else found

        return results, gradient

    tensors = [
        tf.zeros(_native.ABSENT, dtype)
        if value is None
        else tf.cast(tf.convert_to_tensor(value), dtype)
        for value, dtype in _native.flat(specs, inputs)
    ]
    return _native.results(specs, recurrences(*tensors))


def _forward(options: Sequence[int], inputs: Sequence[Any]) -> list[Any]:
    def compute(*arrays: Any) -> list[Any]:
        return adapter.forward(options, arrays, training=True)

    layers, dtype = len(inputs) // 9, inputs[0].dtype
    results = tf.numpy_function(compute, inputs, [dtype] * (5 * layers), stateful=False)
    shapes = _native.forward_shapes(options, [t.shape for t in inputs], dtype.size, training=True)
    for result, shape in zip(results, shapes, strict=True):
        result.set_shape(shape)
    return list(results)


def _backward(
    options: Sequence[int], inputs: Sequence[Any], kept: Sequence[Any], gradients: Sequence[Any]
) -> list[Any]:
    count = len(inputs)

    def compute(*arrays: Any) -> list[Any]:
        given, others = arrays[:count], arrays[count:]
        return adapter.backward(options, given, others[: len(kept)], others[len(kept) :])

    arrays = [*inputs, *kept, *gradients]
    differentiated = _native.gradients_of(inputs)
    results = tf.numpy_function(compute, arrays, [t.dtype for t in differentiated], stateful=False)
    found: list[Any] = []
    for part, given in zip(
        _native.each(results, count // 9), _native.each(inputs, count // 9), strict=True
    ):
        for result, tensor in zip(part, given, strict=False):
            result.set_shape(tensor.shape)
        found += [*part, None, None, None]
    return found
