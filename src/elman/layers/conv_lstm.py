"""`ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`: Keras's cells in the loop of `RNN`."""

import keras

from elman.layers.arguments import old_arguments
from elman.layers.rnn import RNN


class _Convolutional:
    """Mixin: the states have the shape of a picture."""

    call = RNN.call  # Keras's own takes no constants

    _state_structure = ("h", "c")

    def _state_shapes(self, batch) -> list[tuple]:
        space, filters = (None,) * self.cell.rank, self.cell.filters
        channels_first = self.cell.data_format == "channels_first"
        shape = (batch, filters, *space) if channels_first else (batch, *space, filters)
        return [shape, shape]


def _made(name: str) -> type:
    """Keras's layer ``name``, which carries state and masks as `RNN` does."""
    layer = getattr(keras.layers, name)
    made = type(
        name,
        (_Convolutional, layer, RNN),
        {"__module__": __name__, "__doc__": layer.__doc__},
    )
    return keras.saving.register_keras_serializable("elman")(old_arguments(made))


ConvLSTM1D = _made("ConvLSTM1D")
ConvLSTM2D = _made("ConvLSTM2D")
ConvLSTM3D = _made("ConvLSTM3D")
