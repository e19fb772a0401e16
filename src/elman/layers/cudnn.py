"""The argument ``use_cudnn`` of LSTM and GRU."""

import keras

from elman.layers import device
from elman.layers.rnn import RNN


class CuDNN:
    """Mixin of LSTM and GRU, for what `elman.engine` has no computation of.

    TensorFlow's cuDNN is reached by Keras's own loop, which takes masks of one pattern only: with a
    mask a layer goes there if it was told to. Elsewhere ``use_cudnn=True`` is an error.
    """

    @property
    def use_cudnn(self):
        return self._use_cudnn

    @use_cudnn.setter
    def use_cudnn(self, value):
        self._use_cudnn = value
        self._load_kernels()

    def _load_kernels(self) -> None:
        # Keras's constructors set use_cudnn after all else, and the computation depends on it.
        if hasattr(self, "engine") and hasattr(self, "_use_cudnn"):
            super()._load_kernels()

    def inner_loop(self, sequences, initial_state, mask, training=False, constants=None):
        """The loop itself: ``(last output, outputs or None, final states)``."""
        if keras.backend.backend() == "tensorflow" and (
            self.use_cudnn is True
            or (self.use_cudnn and mask is None and device.kind(sequences) == "gpu")
        ):
            return super().inner_loop(sequences, initial_state, mask, training)
        if self.use_cudnn is True:
            raise ValueError(
                f"{type(self).__name__} '{self.name}' was made with use_cudnn=True, and there is "
                f"no cuDNN for it: {self._native(sequences, training).reason}; use "
                "use_cudnn='auto'."
            )
        return RNN.inner_loop(self, sequences, initial_state, mask, training, constants)

    inner_loop.of_elman = True

    def get_config(self):
        return {**super().get_config(), "use_cudnn": self.use_cudnn}
