"""What the cells of elman add to Keras's."""

from keras import ops

from elman.layers import loop


class Cell:
    """Mixin of the cells: the initial state in the form of Keras 2 as well."""

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        """Zeros of shape (batch, units) for each state.

        Arguments:
            inputs: array of shape (batch, ...), in place of ``batch_size``.
            batch_size: number of rows.
            dtype: dtype of the states; the cell's compute dtype where it is not given.
        """
        if inputs is not None:
            batch_size = batch_size or ops.shape(inputs)[0]
        if batch_size is None:
            raise ValueError(
                f"{type(self).__name__}.get_initial_state must be given batch_size or inputs, "
                "got neither; write get_initial_state(batch_size=8)."
            )
        states = super().get_initial_state(batch_size)
        return loop.cast(states, dtype) if dtype else states
