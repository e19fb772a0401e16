"""The kernels on TensorFlow tensors, in `tf.function` or not.

Forward and backward are TensorFlow operations (native/tensorflow.cc); the gradient of one is the
other. The shapes of their results are set here: the operations infer none.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.eager.record import could_possibly_record  # nothing public says it

from elman.engine import Inputs, Spec, _native

_native.library()  # the operations are in a library that calls this one
_operations = tf.load_op_library(str(_native.path("elman_tensorflow.so")))


def run(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[tuple[Any, Any, list[Any]]]:
    """The computation of `elman.engine.Computation` on TensorFlow tensors."""
    tensors = [
        tf.zeros(_native.ABSENT, dtype)
        if value is None
        else tf.cast(tf.convert_to_tensor(value), dtype)
        for value, dtype in _native.flat(specs, inputs)
    ]
    training = could_possibly_record()  # whether a gradient tape watches
    return _native.results(specs, _forward(_native.options(specs), tensors, training))


def _forward(options: Sequence[int], inputs: Sequence[Any], training: bool) -> list[Any]:
    dtype = inputs[0].dtype
    shapes = _native.forward_shapes(options, [t.shape for t in inputs], dtype.size, training)
    results = _operations.elman_forward(
        inputs, dtype=dtype, count=len(shapes), options=options, training=training
    )
    for result, shape in zip(results, shapes, strict=True):
        result.set_shape(shape)
    return results


@tf.RegisterGradient("ElmanForward")
def _gradient(operation: Any, *upstream: Any) -> list[Any]:
    options, inputs = operation.get_attr("options"), list(operation.inputs)
    layers = len(inputs) // 9
    results = operation.outputs
    if not operation.get_attr("training"):  # made where no tape watched: once more
        results = _forward(options, inputs, training=True)
    wanted: list[Any] = []
    for numbers, part in zip(
        _native.each(options, layers), _native.each(upstream, layers), strict=True
    ):
        # Nobody has seen the outputs where only the last was wanted: their gradient is zeros.
        sequences = numbers[5]
        absent = tf.zeros(_native.ABSENT, inputs[0].dtype)
        wanted += [part[0] if sequences else absent, *part[1:4]]
    found = _operations.elman_backward(
        [*inputs, *_native.kept(results), *wanted],
        dtype=inputs[0].dtype,
        count=6 * layers,
        options=options,
    )
    gradients: list[Any] = []
    for part, given in zip(_native.each(found, layers), _native.each(inputs, layers), strict=True):
        for result, tensor in zip(part, given, strict=False):
            result.set_shape(tensor.shape)
        gradients += [*part, None, None, None]
    return gradients


@tf.RegisterGradient("ElmanBackward")
def _second_gradient(operation: Any, *upstream: Any) -> Any:
    raise NotImplementedError(_native.ONCE)
