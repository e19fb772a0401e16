"""Keras's cuDNN path of LSTM and GRU, on a GPU."""

from elman.layers import device
from elman.layers.rnn import RNN


class CuDNN:
    """Mixin of LSTM and GRU: Keras's loop (cuDNN where it can) on a GPU, ours elsewhere."""

    def inner_loop(self, sequences, initial_state, mask, training=False, constants=None):
        """The loop itself: ``(last output, outputs or None, final states)``."""
        if self.use_cudnn is True or (self.use_cudnn and device.kind(sequences) == "gpu"):
            return super().inner_loop(sequences, initial_state, mask, training)
        return RNN.inner_loop(self, sequences, initial_state, mask, training, constants)

    inner_loop.of_elman = True

    def get_config(self):
        return {**super().get_config(), "use_cudnn": self.use_cudnn}
