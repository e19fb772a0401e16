"""Which computation a recurrent layer gets: `elman.engine`'s, or the reason why not."""

import keras
from keras import ops

from elman import engine
from elman.layers import activations, device, exporting

ENGINES = ("auto", "native", "keras")

_CELLS = {
    keras.layers.SimpleRNNCell: "simple_rnn",
    keras.layers.LSTMCell: "lstm",
    keras.layers.GRUCell: "gru",
}
_ACTIVATIONS = {
    keras.activations.tanh: "tanh",
    keras.activations.sigmoid: "sigmoid",
    keras.activations.relu: "relu",
    keras.activations.linear: "linear",
    activations.hard_sigmoid: "hard_sigmoid",
    keras.activations.hard_sigmoid: "hard_sigmoid_keras3",
}


def find(layer, sequences=None) -> engine.Computation | engine.Refusal:
    """The native computation for ``layer``, or a refusal that says why it has none.

    Arguments:
        layer: an `elman.layers.RNN` of any cell.
        sequences: the array that it is called with, which says the device; None before any call.
    """
    cell = cell_name(layer.cell)
    if layer.engine == "keras":
        return engine.Refusal("engine='keras' asks for Keras's own computation")
    if cell is None:
        return engine.Refusal(
            f"the kernels know SimpleRNNCell, LSTMCell and GRUCell, not {type(layer.cell).__name__}"
        )
    if not getattr(type(layer).inner_loop, "of_elman", False):
        return engine.Refusal(f"{type(layer).__name__} has a loop of its own (inner_loop)")
    if exporting.is_portable():
        return engine.Refusal("an exported graph must run without elman")
    if getattr(layer, "use_cudnn", None) is True:
        return engine.Refusal("use_cudnn=True asks for cuDNN")
    names = {
        "activation": _ACTIVATIONS.get(layer.cell.activation, _name(layer.cell.activation)),
        "recurrent_activation": "sigmoid",
    }
    if cell != "simple_rnn":
        function = layer.cell.recurrent_activation
        names["recurrent_activation"] = _ACTIVATIONS.get(function, _name(function))
    return engine.find(
        engine.Spec(
            cell=cell,
            **names,
            use_bias=layer.cell.use_bias,
            reset_after=getattr(layer.cell, "reset_after", True),
            go_backwards=layer.go_backwards,
            return_sequences=layer.return_sequences,
            zero_output_for_mask=layer.zero_output_for_mask,
            dtype=layer.cell.compute_dtype,
            device=device.kind(sequences),
            backend=keras.backend.backend(),
        )
    )


def run(computation, layer, sequences, states, mask, training):
    """``(last output, outputs or None, final states)``, as `RNN.inner_loop` gives them."""
    cell = layer.cell
    weights = [cell.kernel, cell.recurrent_kernel, *([cell.bias] if cell.use_bias else [])]
    outputs, last_output, states = computation(
        ops.cast(sequences, cell.compute_dtype),
        states,
        *(ops.convert_to_tensor(w, dtype=cell.compute_dtype) for w in weights),
        mask=mask,
        input_dropout=_drawn(training, cell.dropout, cell.get_dropout_mask),
        recurrent_dropout=_drawn(training, cell.recurrent_dropout, cell.get_recurrent_dropout_mask),
    )
    return last_output, outputs, states


def cell_name(cell) -> str | None:
    """The kernels' name for a cell; None for a subclass, which may compute anything."""
    for known, name in _CELLS.items():
        if isinstance(cell, known) and type(cell).call is known.call:
            return name
    return None


def _drawn(training, rate, mask_of):
    """The mask that was drawn before the loop, one for each gate in a row; None for no dropout."""
    if not training or not 0 < rate < 1:
        return None
    mask = mask_of(None)
    return ops.stack(mask) if isinstance(mask, list) else mask


def _name(function) -> str:
    return getattr(function, "__name__", type(function).__name__)
