"""How a recurrent layer may be called: what `RNN` and `Bidirectional` share."""

import numbers

import keras
import numpy as np
from keras import ops, tree

from elman._keras_private import get_keras_mask
from elman.layers import checks, exporting


class RecurrentCall:
    """Mixin: old call forms, masks beside initial states, ragged input, errors in plain words.

    The layer says the shapes of the states it takes (`_state_shapes`), how many features it was
    built for (`_features`), how many of its outputs are sequences (`_number_of_sequences`) and
    whether these are in the order of the input or the other way round (`_sequences_are_reversed`).
    """

    def __call__(self, sequences, initial_state=None, *, constants=None, mask=None, **kwargs):
        if _depth(sequences) == 3:  # numbers in lists: an array, and no [x, *states]
            sequences = ops.convert_to_tensor(sequences, dtype=self.compute_dtype)
        if isinstance(sequences, (list, tuple)):
            sequences, initial_state, constants = self._unpack(sequences, initial_state, constants)
        if type(sequences).__name__ == "RaggedTensor":
            return self._call_ragged(sequences, initial_state, constants, mask, kwargs)
        if not hasattr(sequences, "shape"):
            sequences = ops.convert_to_tensor(sequences)
        self._check(sequences.shape, initial_state, mask)
        # Keras hands a mask on by itself only to layers that are called with a single array.
        if mask is None and not isinstance(sequences, keras.KerasTensor):
            mask = get_keras_mask(sequences)
        if constants is not None and not isinstance(constants, (list, tuple)):
            constants = [constants]
        given = {"initial_state": initial_state, "constants": constants, "mask": mask}
        kwargs.update({name: value for name, value in given.items() if value is not None})
        return super().__call__(sequences, **kwargs)

    def _check(self, shape, initial_state, mask) -> None:
        checks.sequences(self, shape, self._features())
        batch = shape[1 if self.time_major else 0]
        if mask is not None:
            checks.mask(self, np.shape(tree.flatten(mask)[0]), shape)
        if initial_state is not None:
            checks.states(self, initial_state, "initial_state", self._state_shapes(batch))
        exporting.check_carried_state(self)
        if self.stateful and self.states is not None:
            checks.batch_size(self, batch, tree.flatten(self.states)[0].shape[0])

    def _unpack(self, inputs, initial_state, constants):
        """``layer([x, *states, *constants])``, the form in which Keras 2 wrote its files."""
        sequences, *rest = inputs
        if len(rest) and initial_state is None:
            number = len(self._state_shapes(None))
            initial_state, rest = rest[:number], rest[number:]
        return sequences, initial_state, rest or constants

    def _call_ragged(self, ragged, initial_state, constants, mask, kwargs):
        """A RaggedTensor in its padded form with a mask; ragged sequences come back."""
        for name, given in (("mask", mask is not None), ("time_major", self.time_major)):
            if given:
                raise ValueError(
                    f"{type(self).__name__} '{self.name}' takes no {name} with a RaggedTensor, "
                    f"whose row lengths say which steps there are; leave out {name}."
                )
        lengths, dense = ragged.row_lengths(), ragged.to_tensor()
        steps = ops.arange(ops.shape(dense)[1], dtype="int32")
        mask = steps < ops.expand_dims(ops.cast(lengths, "int32"), -1)
        results = self(dense, initial_state, constants=constants, mask=mask, **kwargs)
        flat, number = tree.flatten(results), self._number_of_sequences()
        if self._sequences_are_reversed():
            flat[:number] = [_padding_last(sequence, lengths) for sequence in flat[:number]]
        # tf.RaggedTensor, or the one that `elman run` stands in for it
        rows = type(ragged).from_tensor
        flat[:number] = [rows(sequence, lengths=lengths) for sequence in flat[:number]]
        return tree.pack_sequence_as(results, flat)

    def reset_state(self):
        """Set the carried states back to the initial state; see `reset_states`."""
        self.reset_states()


def _padding_last(sequences, lengths):
    """Move the steps of rows whose padding comes first to the front; [B, T, ...]."""
    length = ops.shape(sequences)[1]
    first = length - ops.cast(ops.expand_dims(lengths, -1), "int32")
    steps = ops.minimum(ops.arange(length, dtype="int32") + first, length - 1)
    shape = (-1, length, *(1 for _ in sequences.shape[2:]))
    return ops.take_along_axis(sequences, ops.reshape(steps, shape), axis=1)


def _depth(value) -> int:
    """How many lists there are around a plain number; 0 where it is no number that they hold."""
    depth = 0
    while isinstance(value, (list, tuple)) and value:
        value, depth = value[0], depth + 1
    return depth if isinstance(value, numbers.Number) else 0
