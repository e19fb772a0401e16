"""`Sequential`: a stack of layers whose first one says what it expects."""

import keras

from elman._keras_private import Functional
from elman.models.training import Recurrent


@keras.saving.register_keras_serializable("elman")
class Sequential(Recurrent, keras.Sequential):
    """A stack of layers; the first may say its input shape, batch size included, in any old way.

    Arguments:
        layers: list of layers.
        trainable, name: as of `keras.Sequential`.

    Raises:
        ValueError: no layer, or a second one of the same name.

    Example:
        >>> from elman.layers import SimpleRNN
        >>> from elman.models import Sequential
        >>> model = Sequential([SimpleRNN(3, batch_input_shape=(8, 2, 10), return_sequences=True)])
        >>> model.output_shape, model.count_params()
        ((8, 2, 3), 42)
    """

    def add(self, layer, rebuild=True):
        """Add ``layer`` on top; before a first layer that knows its input shape, the input."""
        shape = getattr(layer, "batch_input_shape", None)
        if (
            not self._layers
            and shape is not None
            and not isinstance(layer, keras.layers.InputLayer)
        ):
            dtype = getattr(layer, "batch_input_dtype", None)
            super().add(keras.layers.InputLayer(batch_shape=shape, dtype=dtype), rebuild=False)
            self._length_is_assumed = shape == (None, None)
        super().add(layer, rebuild=rebuild)

    @property
    def input(self):
        """What goes into the model, a symbolic tensor; it must be built."""
        return _one(self.inputs)

    @property
    def output(self):
        """What comes out of it."""
        return _one(self.outputs)

    def build(self, input_shape=None):
        """Build the model; a length of sequences that it left open need not be said any more."""
        shape = tuple(input_shape or ())
        if getattr(self, "_length_is_assumed", False) and self._functional and shape[1:] != (None,):
            return
        if self._layers and _takes_several(self._layers[0]):
            self._build_on_several()
            return
        super().build(input_shape)

    def _build_on_several(self):
        """Build the model on a first layer that is a model of several inputs, as Keras 1 did."""
        x = _one(self._layers[0].outputs)
        for layer in self._layers[1:]:
            x = layer(x)
        self._functional = Functional(self._layers[0].inputs, x)
        self._layers[0].batch_shape = None  # asked for by get_config; there is not one shape
        self.built = True

    def _maybe_rebuild(self):
        """Build the model, unless it takes a batch to know how long its sequences are.

        An Embedding without input_length takes sequences of any length, as in Keras 2; where a
        layer above it needs the length for its weights, the first batch says it, as in Keras 3.
        """
        if _takes_several(self._layers[0]):
            self.build()
            return
        try:
            super()._maybe_rebuild()
        except ValueError as error:
            needs_length = "must be fully-defined" in str(error)  # Keras's words for a None axis
            if not (needs_length and getattr(self, "_length_is_assumed", False)):
                raise
            self._length_is_assumed = False
            self._layers.pop(0)


def _takes_several(layer) -> bool:
    return isinstance(layer, keras.Model) and len(getattr(layer, "inputs", None) or ()) > 1


def _one(tensors):
    return tensors[0] if len(tensors) == 1 else tensors
