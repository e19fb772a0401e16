"""Layers in a graph that leaves the process: portable operations only, any number of timesteps.

A traced loop of torch has as many steps as the example it was traced with, so that a graph with a
free time axis would be wrong for any other number without a word. torch's own recurrent operations
keep the axis free (in ONNX they are LSTM, GRU and RNN); what they cannot compute is refused. So is
a state that is carried from run to run, where a graph would hold the one of the moment instead.
"""

import importlib
import sys
import types

import keras
from keras import ops

from elman._keras_private import in_stateless_scope

# Who makes graphs that leave the process: the modules, on backends other than torch.
_EXPORTERS = (
    "keras.src.export",
    "tensorflow.python.saved_model",
    "tensorflow.lite",
    "tf2onnx",
    "jax.experimental.jax2tf",
    "jax._src.export",
    "jax2onnx",
)
_ONNX = ("keras.src.export.onnx", "tf2onnx", "jax2onnx")


def is_portable() -> bool:
    """Whether the graph that is being made must run without elman.

    torch says so; elsewhere whoever exports stands on the stack.
    """
    if keras.backend.backend() == "torch":
        return _tracing()
    return _calls_from(_EXPORTERS)


def check_carried_state(layer) -> None:
    """Raise where a graph is made that would hold a stateful layer's state as it is now."""
    if not layer.stateful or not _variables_are_frozen():
        return
    raise ValueError(
        f"{type(layer).__name__} '{layer.name}' is stateful and cannot be exported: neither ONNX "
        "nor an exported function of JAX carries a state from one run to the next, so that every "
        "run would begin with the state of this moment; build the model with stateful=False and "
        "the same weights, and hand the states in and out by initial_state and return_state=True."
    )


def is_free_in_time(layer) -> bool:
    """Whether torch traces ``layer``, which was built for any number of timesteps."""
    traced = keras.backend.backend() == "torch" and _tracing()
    built = layer.get_build_config() if traced else None
    if built is None:
        return False
    shape = built.get("input_shape") or next(iter(built["shapes_dict"].values()))
    return shape[0 if getattr(layer, "time_major", False) else 1] is None


def check_timesteps(layer, what: str = "") -> None:
    """Raise where torch would trace a loop over an open number of timesteps.

    Arguments:
        layer: the layer whose first input the loop runs over.
        what: what it is about the layer that needs a loop.
    """
    if is_free_in_time(layer):
        raise _refusal(layer, what)


def run(layer, cell: str | None, sequences, states, mask):
    """``(last output, outputs, final states)`` by torch's own recurrent operation.

    Arguments:
        layer: a recurrent layer with an open number of timesteps.
        cell: ``"simple_rnn"``, ``"lstm"``, ``"gru"``, or None for any other cell.

    Raises:
        ValueError: torch has no operation for the layer or for a mask.
    """
    torch = importlib.import_module("torch")
    name = _operation(layer, cell)
    if name is None or mask is not None:
        raise _refusal(layer, "with a mask " if mask is not None else "of this kind ")
    if layer.go_backwards:
        sequences = ops.flip(sequences, axis=1)
    weights = [w.contiguous() for w in _weights(layer.cell, cell)]
    first = [ops.expand_dims(state, 0) for state in states]
    options = (len(weights) == 4, 1, 0.0, False, False, True)
    hidden = tuple(first) if cell == "lstm" else first[0]
    outputs, *final = getattr(torch, name)(sequences, hidden, weights, *options)
    states = [ops.squeeze(state, 0) for state in final]
    return states[0], outputs, states


def _refusal(layer, what: str) -> ValueError:
    return ValueError(
        f"{type(layer).__name__} '{layer.name}' {what}cannot be exported with an open number of "
        "timesteps on torch: the graph would be right for one number only; give the model a fixed "
        "number of timesteps, keras.Input((20, features)), or export it on another backend "
        "(KERAS_BACKEND=jax or tensorflow)."
    )


def _operation(layer, cell) -> str | None:
    if cell is None or not getattr(type(layer).inner_loop, "of_elman", False):
        return None
    tanh = layer.cell.activation is keras.activations.tanh
    if cell == "simple_rnn":
        relu = layer.cell.activation is keras.activations.relu
        return "rnn_tanh" if tanh else "rnn_relu" if relu else None
    known = tanh and layer.cell.recurrent_activation is keras.activations.sigmoid
    reset_before = cell == "gru" and not layer.cell.reset_after
    return cell if known and not reset_before else None


def _weights(cell, name: str) -> list:
    """Kernel, recurrent kernel and their biases, in torch's layout and order of gates."""
    weights = [ops.transpose(w) for w in (cell.kernel, cell.recurrent_kernel)]
    if cell.use_bias:
        bias = ops.convert_to_tensor(cell.bias)
        weights += [bias, ops.zeros_like(bias)] if name != "gru" else [bias[0], bias[1]]
    return [_reset_first(w) for w in weights] if name == "gru" else weights


def _reset_first(weight):
    """Gates z r h as torch has them: r z h."""
    z, r, h = ops.split(weight, 3, axis=0)
    return ops.concatenate([r, z, h], axis=0)


def _calls_from(modules) -> bool:
    """Whether a function of these modules is at work."""
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(modules):
            return True
        frame = frame.f_back
    return False


def _variables_are_frozen() -> bool:
    """Whether the graph that is being made has constants in the place of variables."""
    if keras.backend.backend() == "torch":
        import torch

        return _tracing() and torch.onnx.is_in_onnx_export()
    if keras.backend.backend() == "jax" and not in_stateless_scope():
        return is_portable()
    return _calls_from(_ONNX)


def _tracing() -> bool:
    import torch  # by a statement, which torch.compile can follow

    return torch.jit.is_tracing() or torch.compiler.is_exporting()
