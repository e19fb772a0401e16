"""What the contract suite needs of the backend it runs on: precision, and gradients."""

import contextlib
import importlib

import keras
import numpy as np
from keras import ops, tree

BACKEND = keras.backend.backend()


@contextlib.contextmanager
def precision(dtype):
    """Let the backend compute in `dtype`: JAX rounds float64 to float32 unless it is told."""
    jax = importlib.import_module("jax") if BACKEND == "jax" else None
    with jax.enable_x64(dtype == "float64") if jax else contextlib.nullcontext():
        yield


def to_numpy(results):
    return [np.asarray(ops.convert_to_numpy(r), dtype=np.float64) for r in tree.flatten(results)]


def output_gradients(outputs):
    """The gradients that the suite sends back: random numbers in the shapes of the outputs."""
    random = np.random.default_rng(7)
    return [random.normal(size=output.shape) for output in outputs]


def differentiate(call, variables, inputs):
    """Outputs of `call(*inputs)`, and the gradients of its inputs and of `variables`.

    The gradients are those of sum(outputs * output_gradients(outputs)).

    Args:
        call: function of tensors that gives a (nested) tensor.
        variables: list of `keras.Variable`.
        inputs: list of NumPy arrays, of the dtype to compute in.

    Returns:
        Three lists of NumPy arrays in float64.
    """
    take = {"jax": _jax, "torch": _torch, "tensorflow": _tensorflow}[BACKEND]
    outputs, gradients = take(call, variables, inputs)
    gradients = to_numpy(gradients)
    return to_numpy(outputs), gradients[: len(inputs)], gradients[len(inputs) :]


def _loss(outputs):
    weights = [ops.convert_to_tensor(d, o.dtype) for d, o in
               zip(output_gradients(outputs), outputs, strict=True)]  # fmt: skip
    return sum(ops.sum(o * w) for o, w in zip(outputs, weights, strict=True))


def _jax(call, variables, inputs):
    import jax

    def loss(inputs, values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            outputs = tree.flatten(call(*inputs))
        return _loss(outputs), outputs

    values = [variable.value for variable in variables]
    take = jax.grad(loss, argnums=(0, 1), has_aux=True)
    gradients, outputs = take([jax.numpy.asarray(i) for i in inputs], values)
    return outputs, gradients


def _torch(call, variables, inputs):
    import torch

    inputs = [torch.tensor(i, requires_grad=True) for i in inputs]
    outputs = tree.flatten(call(*inputs))
    sources = [*inputs, *(variable.value for variable in variables)]
    gradients = torch.autograd.grad(_loss(outputs), sources, materialize_grads=True)
    return [o.detach() for o in outputs], list(gradients)


def _tensorflow(call, variables, inputs):
    import tensorflow as tf

    inputs = [tf.constant(i) for i in inputs]
    sources = [*inputs, *(variable.value for variable in variables)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = tree.flatten(call(*inputs))
        loss = _loss(outputs)
    zero = tf.UnconnectedGradients.ZERO
    return outputs, tape.gradient(loss, sources, unconnected_gradients=zero)
