"""What models of elman add to Keras's: a batch size that they know, states that they can reset."""

import keras
import numpy as np
from keras import tree

from elman.layers.exporting import portable
from elman.legacy.methods import rename


class Recurrent:
    """Mixin of `Model` and `Sequential`.

    A model whose input has a fixed batch size (``batch_input_shape=(8, 2, 10)``) takes it as the
    default ``batch_size`` of `fit`, `evaluate` and `predict`; a stateful one wants it everywhere.
    """

    def reset_states(self):
        """Set the states that stateful layers carry back to their initial states.

        Between batches too: from a callback of ``fit`` as well as between two calls of it.
        """
        sync = getattr(self, "jax_state_sync", None)
        if sync:  # In the middle of `fit` JAX's trainer holds the variables' values.
            sync()
        for layer in self._stateful_layers():
            layer.reset_states()

    reset_state = reset_states

    def fit(self, x=None, y=None, batch_size=None, *args, **kwargs):
        batch_size = self._batch_size("fit", x, batch_size)
        return super().fit(x, y, batch_size, *args, **rename("fit", kwargs))

    def evaluate(self, x=None, y=None, batch_size=None, *args, **kwargs):
        return super().evaluate(x, y, self._batch_size("evaluate", x, batch_size), *args, **kwargs)

    def predict(self, x, batch_size=None, *args, **kwargs):
        return super().predict(x, self._batch_size("predict", x, batch_size), *args, **kwargs)

    def train_on_batch(self, x, *args, **kwargs):
        self._check_batch("train_on_batch", x)
        return super().train_on_batch(x, *args, **kwargs)

    def test_on_batch(self, x, *args, **kwargs):
        self._check_batch("test_on_batch", x)
        return super().test_on_batch(x, *args, **kwargs)

    def predict_on_batch(self, x):
        self._check_batch("predict_on_batch", x)
        return super().predict_on_batch(x)

    def export(self, *args, **kwargs):
        with portable():
            return super().export(*args, **kwargs)

    def _stateful_layers(self) -> list:
        """The stateful recurrent layers, those inside wrappers and models included."""
        layers = self._flatten_layers(include_self=False)
        return [x for x in layers if isinstance(x, keras.layers.RNN) and x.stateful]

    def _static_batch_size(self) -> int | None:
        """The batch size that the model's inputs were declared with."""
        inputs = tree.flatten(getattr(self, "inputs", None) or [])
        sizes = {tensor.shape[0] for tensor in inputs if tensor.shape} - {None}
        return sizes.pop() if len(sizes) == 1 else None

    def _batch_size(self, method: str, x, batch_size: int | None) -> int | None:
        """The batch size to use for the arrays ``x``; datasets and generators have their own."""
        static, rows = self._static_batch_size(), _rows(x)
        if static is None or rows is None:
            return batch_size
        if not self._stateful_layers():
            return batch_size or static
        if batch_size not in (None, static):
            raise ValueError(
                f"{method}: batch_size must be {static}, the batch size that the stateful model "
                f"'{self.name}' was built with, got {batch_size}; leave batch_size out, or build "
                f"the model for batches of {batch_size}."
            )
        if rows % static:
            less = rows - rows % static
            raise ValueError(
                f"{method}: the number of rows must be a multiple of {static}, the batch size that "
                f"the stateful model '{self.name}' was built with, got {rows}; give "
                f"{f'{less} or ' if less else ''}{less + static} rows, or build the model for "
                "another batch size."
            )
        return static

    def _check_batch(self, method: str, x) -> None:
        static, rows = self._static_batch_size(), _rows(x)
        if None not in (static, rows) and rows != static and self._stateful_layers():
            raise ValueError(
                f"{method}: the batch must have {static} rows, as the stateful model '{self.name}' "
                f"was built with, got {rows}; give {static} rows, or build the model for another "
                "batch size."
            )


def _rows(x) -> int | None:
    """The number of rows of an array or of a structure of arrays; None for anything else."""
    arrays = tree.flatten(x)
    if not arrays or not all(isinstance(a, np.ndarray) or keras.ops.is_tensor(a) for a in arrays):
        return None
    return arrays[0].shape[0]
