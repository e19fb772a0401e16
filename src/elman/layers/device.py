"""Where a computation runs, and Keras's cuDNN path where that is a GPU."""

import importlib

import keras

from elman.layers.rnn import RNN


def kind(array) -> str:
    """``"cpu"``, ``"gpu"`` or another name of the framework for where ``array`` is computed with."""
    backend = keras.backend.backend()
    if backend == "jax":
        return importlib.import_module("jax").default_backend()
    if backend == "torch":
        return {"cuda": "gpu"}.get(array.device.type, array.device.type)
    tf = importlib.import_module("tensorflow")
    return "gpu" if tf.config.list_logical_devices("GPU") else "cpu"


class CuDNN:
    """Mixin of LSTM and GRU: Keras's loop (cuDNN where it can) on a GPU, ours elsewhere."""

    def inner_loop(self, sequences, initial_state, mask, training=False, constants=None):
        """The loop itself: ``(last output, outputs or None, final states)``."""
        if self.use_cudnn is True or (self.use_cudnn and kind(sequences) == "gpu"):
            return super().inner_loop(sequences, initial_state, mask, training)
        return RNN.inner_loop(self, sequences, initial_state, mask, training, constants)

    def get_config(self):
        return {**super().get_config(), "use_cudnn": self.use_cudnn}
