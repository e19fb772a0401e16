"""Which computation recurrent layers get: `elman.engine`'s, or the reason why not."""

import keras
from keras import ops, tree

from elman import engine
from elman.layers import activations, device, exporting, loop
from elman.layers.stacked_rnn_cells import StackedRNNCells

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


def find(layers, sequences=None, training=True) -> list[engine.Computation] | engine.Refusal:
    """The native computation of layers, side by side, or a refusal that says why there is none.

    Arguments:
        layers: list of `elman.layers.RNN`, of any cell: one, or the directions of a pair.
        sequences: the array that they are called with, which says the device; None before any call.
        training: whether dropout is on.

    Returns:
        List with a computation for each of the cells that stand one on the other in a layer; of a
        layer that is not stacked there is one.
    """
    for layer in layers:
        reason = _refusal(layer, sequences)
        if reason is not None:
            return engine.Refusal(reason)
    specs = [_specs(layer, sequences, training) for layer in layers]
    if len({len(levels) for levels in specs}) > 1:
        return engine.Refusal("layers side by side must have stacks of as many cells")
    found = [engine.find(*level) for level in zip(*specs, strict=True)]
    refused = [one for one in found if isinstance(one, engine.Refusal)]
    return refused[0] if refused else [one for one in found if isinstance(one, engine.Computation)]


def run(computations, layers, calls, training) -> list[tuple]:
    """``(last output, outputs or None, final states)`` of each layer, as `RNN.inner_loop` gives it.

    Arguments:
        computations: what `find` gave for the layers.
        calls: ``(sequences, states, mask)`` for each layer.
    """
    xs, states, masks = map(list, zip(*calls, strict=True))
    first = [_by_cell(layer, state) for layer, state in zip(layers, states, strict=True)]
    final: list[list] = [[] for _ in layers]
    for n, computation in enumerate(computations):
        given = [
            _inputs(_cells(layer)[n], x, state[n], mask, training)
            for layer, x, state, mask in zip(layers, xs, first, masks, strict=True)
        ]
        results = computation(*given)
        # The next cell of a stack gets the outputs in the order in which the steps were done.
        masks = [
            ops.flip(mask, axis=1) if mask is not None and spec.go_backwards else mask
            for mask, spec in zip(masks, computation.specs, strict=True)
        ]
        xs = [outputs for outputs, _, _ in results]
        for after, (_, _, new) in zip(final, results, strict=True):
            after.append(new)
    return [
        (last, outputs, loop.packed(layer.state_size, tree.flatten(_ordered(layer)(after))))
        for layer, after, (outputs, last, _) in zip(layers, final, results, strict=True)
    ]


def cell_name(cell) -> str | None:
    """The kernels' name for a cell; None for a subclass, which may compute anything."""
    for known, name in _CELLS.items():
        if isinstance(cell, known) and type(cell).call is known.call:
            return name
    return None


def _refusal(layer, sequences) -> str | None:
    if layer.engine == "keras":
        return "engine='keras' asks for Keras's own computation"
    unknown = [type(c).__name__ for c in _cells(layer) if cell_name(c) is None]
    if unknown:
        return f"the kernels know SimpleRNNCell, LSTMCell and GRUCell, not {unknown[0]}"
    if not getattr(type(layer).inner_loop, "of_elman", False):
        return f"{type(layer).__name__} has a loop of its own (inner_loop)"
    if exporting.is_portable():
        return "an exported graph must run without elman"
    use_cudnn = getattr(layer, "use_cudnn", "auto")
    if use_cudnn == "auto":
        return None
    by_cudnn = keras.backend.backend() == "torch" and device.kind(sequences) == "gpu"
    if use_cudnn and not by_cudnn:
        return "use_cudnn=True asks for cuDNN, which layers have on a GPU with torch or TensorFlow"
    if by_cudnn and not use_cudnn:
        return "use_cudnn=False asks for a loop without cuDNN"
    return None


def _cells(layer) -> list:
    """The cells that stand one on the other in a layer, the first to run first."""
    cell = layer.cell
    stacked = isinstance(cell, keras.layers.StackedRNNCells) and type(cell).call in (
        StackedRNNCells.call,
        keras.layers.StackedRNNCells.call,
    )
    return cell.cells if stacked else [cell]


def _ordered(layer):
    """What turns a list for each cell into the order in which the layer keeps states, and back."""
    return getattr(layer.cell, "_ordered", list)  # StackedRNNCells(reverse_state_order=True)


def _by_cell(layer, states) -> list:
    """The states of each cell, a flat list each."""
    cells = _cells(layer)
    each = _ordered(layer)(list(states)) if cells[0] is not layer.cell else [states]
    return [tree.flatten(state) for state in each]


def _specs(layer, sequences, training) -> list[engine.Spec]:
    cells = _cells(layer)
    return [
        _spec(layer, cell, sequences, training, first=n == 0, last=n == len(cells) - 1)
        for n, cell in enumerate(cells)
    ]


def _spec(layer, cell, sequences, training, first: bool, last: bool) -> engine.Spec:
    gate = getattr(cell, "recurrent_activation", keras.activations.sigmoid)
    return engine.Spec(
        cell=cell_name(cell),
        activation=_ACTIVATIONS.get(cell.activation, _name(cell.activation)),
        recurrent_activation=_ACTIVATIONS.get(gate, _name(gate)),
        use_bias=cell.use_bias,
        reset_after=getattr(cell, "reset_after", True),
        go_backwards=layer.go_backwards and first,
        return_sequences=layer.return_sequences or not last,
        zero_output_for_mask=layer.zero_output_for_mask,
        gate_dropout=bool(training) and _has_gate_dropout(cell),
        dtype=cell.compute_dtype,
        device=device.kind(sequences),
        backend=keras.backend.backend(),
    )


def _inputs(cell, sequences, states, mask, training) -> engine.Inputs:
    weights = [cell.kernel, cell.recurrent_kernel, *([cell.bias] if cell.use_bias else [])]
    return engine.Inputs(
        ops.cast(sequences, cell.compute_dtype),
        states,
        *(ops.convert_to_tensor(w, dtype=cell.compute_dtype) for w in weights),
        mask=mask,
        input_dropout=_drawn(training, cell.dropout, cell.get_dropout_mask),
        recurrent_dropout=_drawn(training, cell.recurrent_dropout, cell.get_recurrent_dropout_mask),
    )


def _has_gate_dropout(cell) -> bool:
    each = getattr(cell, "dropout_mask_count", None)  # of Keras's cells: one mask for each gate
    return cell.recurrent_dropout > 0 or (cell.dropout > 0 and each is not None)


def _drawn(training, rate, mask_of):
    """The mask that was drawn before the loop, one for each gate in a row; None for no dropout."""
    if not training or not 0 < rate < 1:
        return None
    mask = mask_of(None)
    return ops.stack(mask) if isinstance(mask, list) else mask


def _name(function) -> str:
    return getattr(function, "__name__", type(function).__name__)
