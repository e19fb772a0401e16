"""`StackedRNNCells`: several cells, one on the other, as one cell."""

import inspect

import keras
from keras import ops, tree

from elman.layers import loop
from elman.layers.arguments import old_arguments


@keras.saving.register_keras_serializable("elman")
@old_arguments
class StackedRNNCells(keras.layers.StackedRNNCells):
    """Several cells, one on the other, as one cell.

    y^1_t = cell_1(x_t, s^1_{t-1}),  y^k_t = cell_k(y^{k-1}_t, s^k_{t-1})

    Arguments:
        cells: list of cells.
        reverse_state_order: the states of the last cell first, as Keras had it before version 2.2.

    Called with x_t of shape (batch, features) and a list with the states of each cell, it returns
    the last cell's output and the new states in the same form.

    Raises:
        ValueError: the list is empty, or something in it is no cell.

    Example:
        >>> import numpy as np
        >>> from elman.layers import RNN, GRUCell, LSTMCell, StackedRNNCells
        >>> stack = StackedRNNCells([LSTMCell(4), GRUCell(3)])
        >>> y = RNN(stack)(np.ones((8, 2, 10), "float32"))
        >>> tuple(y.shape)
        (8, 3)

    Source: Graves, Mohamed, Hinton, "Speech Recognition with Deep Recurrent Neural Networks",
    ICASSP 2013.
    """

    def __init__(self, cells, reverse_state_order=False, **kwargs):
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ValueError(
                f"StackedRNNCells: cells must be a list of at least one cell, got {cells!r}; "
                "write StackedRNNCells([LSTMCell(32), LSTMCell(32)])."
            )
        super().__init__(list(cells), **kwargs)
        self.reverse_state_order = reverse_state_order

    def _ordered(self, states):
        return states[::-1] if self.reverse_state_order else states

    @property
    def state_size(self):
        return self._ordered([cell.state_size for cell in self.cells])

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        """The first states of each cell, a list of them; arguments as of the cells themselves."""
        batch_size = batch_size if batch_size is not None else ops.shape(inputs)[0]
        states = super().get_initial_state(batch_size)
        states = loop.cast(states, dtype) if dtype else states
        # A cell with one state keeps it bare or in a list, as its `state_size` says.
        return self._ordered(
            [
                tree.flatten(state) if tree.is_nested(cell.state_size) else tree.flatten(state)[0]
                for cell, state in zip(self.cells, states, strict=True)
            ]
        )

    def call(self, inputs, states, training=False, **kwargs):
        new_states = []
        for cell, state in zip(self.cells, self._ordered(list(states)), strict=True):
            call = cell if callable(cell) else cell.call
            wanted = _wanted(cell, {**kwargs, "training": training})
            given = list(state) if tree.is_nested(state) else [state]
            inputs, new = call(inputs, given, **wanted)
            new_states.append(tree.flatten(new) if tree.is_nested(state) else tree.flatten(new)[0])
        return inputs, self._ordered(new_states)

    def build(self, input_shape):
        # With constants the shape comes in a list: that of the step, then those of the constants.
        several = isinstance(input_shape[0], (list, tuple))
        step, *constants = input_shape if several else [input_shape]
        for cell in self.cells:
            if isinstance(cell, keras.layers.Layer) and not cell.built:
                takes = "constants" in inspect.signature(cell.call).parameters
                cell.build([step, *constants] if constants and takes else step)
            size = getattr(cell, "output_size", None) or tree.flatten(cell.state_size)[0]
            step = (step[0], size)

    def get_config(self):
        config = super().get_config()
        if self.reverse_state_order:
            config["reverse_state_order"] = True
        return config


def _wanted(cell, kwargs) -> dict:
    """Those of ``kwargs`` that the cell's ``call`` takes."""
    parameters = inspect.signature(cell.call).parameters
    return {name: value for name, value in kwargs.items() if name in parameters}
