"""`Bidirectional`: one layer forwards, one backwards."""

from functools import partial

import keras
from keras import ops, tree

from elman.engine import Refusal
from elman.layers import exporting, native
from elman.layers.arguments import old_arguments, set_when_built
from elman.layers.calling import RecurrentCall
from elman.layers.recomputing import RecomputedInside
from elman.layers.rnn import RNN

_MERGE = {
    "concat": lambda forward, backward: ops.concatenate([forward, backward], axis=-1),
    "sum": lambda forward, backward: forward + backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    "mul": lambda forward, backward: forward * backward,
    None: lambda forward, backward: (forward, backward),
}


@keras.saving.register_keras_serializable("elman")
@old_arguments
class Bidirectional(RecomputedInside, RecurrentCall, keras.layers.Bidirectional):
    """One recurrent layer through the sequence forwards, one backwards.

    y_t = merge(forward(x_1 ... x_t), backward(x_T ... x_t))

    With ``return_sequences=True`` both stand in the order of the input; masked steps give zeros.

    Arguments:
        layer: the recurrent layer; made anew from its settings, once for each direction. An input
            shape given to it is the input shape of the pair.
        merge_mode: ``"concat"``, ``"sum"``, ``"ave"``, ``"mul"``, or None for a pair of outputs.
        backward_layer: a layer of its own for backwards, with ``go_backwards=True``.
        weights: initial weights, those of the forward layer first.

    Call arguments:
        sequences, mask, training, constants: as of the layer.
        initial_state: the states of the forward layer, then those of the backward layer.

    Returns:
        The merged output; with ``return_state=True`` also the states, the forward layer's first.

    Raises:
        ValueError: no recurrent layer, an unknown merge_mode, or two layers that do not fit.

    Example:
        >>> import numpy as np
        >>> from elman.layers import LSTM, Bidirectional
        >>> y = Bidirectional(LSTM(3), merge_mode="sum")(np.ones((8, 2, 10), "float32"))
        >>> tuple(y.shape)
        (8, 3)

    Source: Schuster, Paliwal, "Bidirectional Recurrent Neural Networks", IEEE Transactions on
    Signal Processing 45 (1997), 2673-2681.
    """

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        for name, given in (("layer", layer), ("backward_layer", backward_layer)):
            if (name == "layer" or given is not None) and not hasattr(given, "go_backwards"):
                raise ValueError(
                    f"Bidirectional: {name} must be a recurrent layer, got {given!r}; write for "
                    "example Bidirectional(LSTM(32))."
                )
        if merge_mode not in _MERGE:
            raise ValueError(
                f"Bidirectional: merge_mode must be one of {list(_MERGE)}, got {merge_mode!r}."
            )
        super().__init__(layer, merge_mode, weights, backward_layer, **kwargs)
        self.batch_input_shape = getattr(layer, "batch_input_shape", None)
        self.supports_masking = True  # Keras 3.16 makes it False
        self.time_major = getattr(layer, "time_major", False)
        if self.name in getattr(self._remat_mode, "layer_names", ()):  # with it both directions
            for one in self._pair:
                one._remat_mode = self._remat_mode._replace(layer_names=[one.name])
        initial_weights = getattr(layer, "initial_weights", None)
        if initial_weights:  # those of the layer are those of its forward copy, as in Keras 1
            set_when_built(self.forward_layer, initial_weights)

    def _state_shapes(self, batch) -> list[tuple]:
        # A layer of Keras itself has no method for this.
        of = [getattr(x, "_state_shapes", partial(RNN._state_shapes, x)) for x in self._pair]
        return [*of[0](batch), *of[1](batch)]

    @property
    def _pair(self) -> tuple:
        return self.forward_layer, self.backward_layer

    def _number_of_sequences(self) -> int:
        return self.return_sequences * (2 if self.merge_mode is None else 1)

    def _sequences_are_reversed(self) -> bool:
        return self.forward_layer.go_backwards  # as a layer of its own may

    def _features(self) -> int | None:
        features = getattr(self.forward_layer, "_features", None)
        return features() if features else None

    def build(self, sequences_shape, initial_state_shape=None, constants_shape=None):
        shapes = {"constants_shape": constants_shape} if constants_shape else {}
        for layer in self._pair:
            if not layer.built:
                layer.build(sequences_shape, **shapes)

    def call(self, sequences, initial_state=None, mask=None, training=None, constants=None):
        sequences = ops.convert_to_tensor(sequences)  # torch: on the device that Keras computes on
        states = tree.flatten(initial_state) if initial_state is not None else []
        half = len(tree.flatten(self.forward_layer.state_size))
        halves = states[:half] or None, states[half:] or None
        found = self._native(sequences, training)
        if constants is not None or isinstance(found, Refusal):
            for layer in self._pair:
                if not isinstance(layer, RNN):
                    exporting.check_timesteps(layer, "is Keras's own and ")
            given = {"mask": mask, "constants": constants}
            given = {name: value for name, value in given.items() if value is not None}
            results = [
                layer(sequences, initial_state=states, training=training, **given)
                for layer, states in zip(self._pair, halves, strict=True)
            ]
        else:
            results = self._side_by_side(found, sequences, halves, mask, training)
        return self._merged(*results)

    def _native(self, sequences=None, training=True):
        """The native computation of both directions in one call, or why there is none."""
        for layer in self._pair:
            kind = type(layer)
            if not isinstance(layer, RNN):
                return Refusal(f"{layer.name} is a layer of {kind.__module__}")
            if kind.call is not RNN.call or kind.__call__ is not RNN.__call__:
                return Refusal(f"{kind.__name__} has a call of its own")
            if layer.activity_regularizer is not None:
                return Refusal(f"{layer.name} has an activity_regularizer")
            if layer.compute_dtype != self.compute_dtype:
                return Refusal(
                    f"{layer.name} computes in {layer.compute_dtype}, "
                    f"the pair in {self.compute_dtype}"
                )
        return native.find(self._pair, sequences, training)

    def _side_by_side(self, computations, sequences, states, mask, training) -> list:
        """What each direction returns, by one call of the kernels."""
        calls = []
        for layer, first in zip(self._pair, states, strict=True):
            layer._check(sequences.shape, first, mask)
            calls.append(layer._settled(sequences, first, mask, training))

        def compute(*calls):
            computed = native.run(computations, self._pair, calls, training)
            return [layer._wanted(*c) for layer, c in zip(self._pair, computed, strict=True)]

        computed = self._recomputed(compute, self._pair, sequences, calls)
        return [layer._finished(*c) for layer, c in zip(self._pair, computed, strict=True)]

    def _merged(self, forward, backward):
        (y, *states), (y_backward, *backward_states) = (
            result if self.return_state else (result,) for result in (forward, backward)
        )
        y, y_backward = (ops.cast(output, self.compute_dtype) for output in (y, y_backward))
        if self.return_sequences:
            y_backward = ops.flip(y_backward, axis=0 if self.time_major else 1)
        merged = _MERGE[self.merge_mode](y, y_backward)
        if not self.return_state:
            return merged
        outputs = merged if self.merge_mode is None else (merged,)
        return (*outputs, *states, *backward_states)

    def compute_mask(self, inputs, mask=None):
        """The mask of the input goes on with sequences; last outputs and states have none."""
        mask = tree.flatten(mask)[0] if mask is not None and self.return_sequences else None
        if not self.return_state:
            return [mask, mask] if self.merge_mode is None else mask
        states = [None for d in (self.forward_layer, self.backward_layer) for _ in d.state_size]
        return [mask, *([mask] if self.merge_mode is None else []), *states]

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        shapes = [layer.compute_output_shape(sequences_shape) for layer in self._pair]
        (forward, *states), (backward, *backward_states) = (
            shape if self.return_state else (shape,) for shape in shapes
        )
        outputs = [tuple(forward)]
        if self.merge_mode == "concat":
            outputs = [(*forward[:-1], forward[-1] + backward[-1])]
        elif self.merge_mode is None:
            outputs = [tuple(forward), tuple(backward)]
        outputs += [*states, *backward_states]
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    # States carried from batch to batch

    def reset_states(self, states=None, rows=None):
        """Set the carried states of both directions; see `RNN.reset_states`.

        Arguments:
            states: the forward layer's, then the backward layer's; None for the initial ones.
            rows: indices of the rows to set, or None for all.
        """
        half = len(states) // 2 if states is not None else 0
        halves = (None, None) if states is None else (states[:half], states[half:])
        for layer, half in zip(self._pair, halves, strict=True):
            given = {"states": half, "rows": rows}
            layer.reset_states(**{name: x for name, x in given.items() if x is not None})

    @property
    def states(self):
        """Variables that a stateful pair carries, the forward layer's first; None if not built."""
        forward, backward = self.forward_layer.states, self.backward_layer.states
        return None if forward is None or backward is None else [*forward, *backward]
