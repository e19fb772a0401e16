"""`TimeDistributed`: one layer at each timestep."""

import keras
from keras import ops

from elman._keras_private import in_symbolic_scope
from elman.layers import exporting
from elman.layers.arguments import old_arguments
from elman.layers.calling import RecurrentCall
from elman.layers.recomputing import RecomputedInside


@keras.saving.register_keras_serializable("elman")
@old_arguments
class TimeDistributed(RecomputedInside, keras.layers.TimeDistributed):
    """Applies the same layer, with the same weights, to each timestep.

    y_t = layer(x_t),  t = 1 ... T

    All timesteps go through the layer as one batch of batch * timesteps rows.

    Arguments:
        layer: a layer for one timestep. An input shape given to it is that of one timestep.

    Call arguments:
        inputs: array of shape (batch, timesteps, ...); on TensorFlow also a RaggedTensor.
        mask: array of shape (batch, timesteps, ...); the layer gets it without the time axis, if it
            takes a mask of more than one axis a timestep.
        training: whether the layer runs in training mode.

    Returns:
        Array of shape (batch, timesteps, *output of the layer).

    Raises:
        ValueError: an input without a time axis, or a mask that does not fit the input.

    Example:
        >>> import numpy as np
        >>> from elman.layers import Dense, TimeDistributed
        >>> y = TimeDistributed(Dense(4))(np.ones((8, 2, 10), "float32"))
        >>> tuple(y.shape)
        (8, 2, 4)

    Source: the layer of that name in Keras 1.0.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True  # Keras 3.16 makes it False
        inner = getattr(layer, "batch_input_shape", None)
        self.batch_input_shape = (inner[0], None, *inner[1:]) if inner else None

    def __call__(self, inputs, *args, **kwargs):
        if type(inputs).__name__ == "RaggedTensor":
            return self._call_ragged(inputs, *args, **kwargs)
        return super().__call__(inputs, *args, **kwargs)

    def _call_ragged(self, ragged, training=None, mask=None):
        """The layer on the timesteps that there are, of all rows in one batch."""
        if mask is not None:
            raise ValueError(
                f"TimeDistributed '{self.name}' takes no mask with a RaggedTensor, whose row "
                "lengths say which steps there are; leave out mask."
            )
        if getattr(self.layer, "stateful", False):
            raise ValueError(
                f"TimeDistributed '{self.name}' takes no RaggedTensor with a stateful layer, whose "
                "state must have the same rows at each timestep; give it an array."
            )
        if not self.built:
            self.build(tuple(ragged.shape))
        steps = ragged.values
        if type(steps) is type(ragged) and not isinstance(self.layer, _TAKING_RAGGED):
            steps = steps.to_tensor()
        outputs = self.layer(steps, **self._training(training))
        return ragged.with_values(self._cast(outputs))

    def _training(self, training) -> dict:
        takes = "training" in self.layer.call_signature_parameters
        return {"training": training} if takes else {}

    def _cast(self, outputs):
        """In this layer's dtype, as in Keras, whatever that of the inner layer is."""
        floating = keras.backend.is_float_dtype(outputs.dtype)
        return ops.cast(outputs, self.compute_dtype) if floating else outputs

    def call(self, inputs, training=None, mask=None):
        if mask is not None:
            self._check_mask(mask.shape, inputs.shape)
        if isinstance(self.layer, _LOOPS_OF_KERAS) and not isinstance(self.layer, RecurrentCall):
            exporting.check_carried_state(self.layer)
            exporting.check_timesteps(self.layer, "is Keras's own and ")
        kwargs = self._training(training)
        if getattr(self.layer, "stateful", False):
            return self._step_by_step(inputs, kwargs)
        if mask is not None and "mask" in self.layer.call_signature_parameters:
            kwargs["mask"] = ops.reshape(mask, (-1, *ops.shape(mask)[2:]))
        shape = ops.shape(inputs)
        outputs = self.layer(ops.reshape(inputs, (-1, *shape[2:])), **kwargs)
        return self._cast(ops.reshape(outputs, (*shape[:2], *ops.shape(outputs)[1:])))

    def _step_by_step(self, inputs, kwargs):
        """A stateful layer carries its state from timestep to timestep, so they run in order."""
        if in_symbolic_scope():  # one step tells the shapes of all
            step = self.layer(inputs[:, 0], **kwargs)
            return ops.repeat(step[:, None], inputs.shape[1], axis=1)
        steps = [self.layer(x, **kwargs) for x in ops.unstack(inputs, axis=1)]
        return ops.stack(steps, axis=1)

    def _check_mask(self, mask_shape, shape) -> None:
        pairs = zip(mask_shape[:2], shape[:2], strict=False)
        if len(mask_shape) < 2 or any(None not in pair and pair[0] != pair[1] for pair in pairs):
            raise ValueError(
                # The beginning is Keras's, for programs that look for it.
                "The `mask` passed to the `TimeDistributed` layer has a shape that does not fit: "
                f"'{self.name}': mask must begin with the shape (batch, timesteps) = "
                f"{tuple(shape[:2])} of its input, got {tuple(mask_shape)}; give one True or False "
                "for each step of each row."
            )

    def compute_output_shape(self, input_shape):
        """Shape of the output, also where the layer cannot tell its own and must be tried."""
        if type(self.layer).compute_output_shape is not keras.layers.Layer.compute_output_shape:
            return super().compute_output_shape(input_shape)
        step = keras.KerasTensor((input_shape[0], *input_shape[2:]), self.layer.compute_dtype)
        batch, *features = self.layer.compute_output_spec(step).shape
        return (batch, input_shape[1], *features)

    def compute_mask(self, inputs, mask=None):
        """The mask that the layer makes for each timestep, else the mask of the timesteps."""
        if isinstance(inputs, keras.KerasTensor) or (mask is not None and len(mask.shape) == 2):
            return mask
        flat = ops.reshape(inputs, (-1, *ops.shape(inputs)[2:]))
        flat_mask = None if mask is None else ops.reshape(mask, (-1, *ops.shape(mask)[2:]))
        made = self.layer.compute_mask(flat, flat_mask)
        if made is not None:
            return ops.reshape(made, (*ops.shape(inputs)[:2], *ops.shape(made)[1:]))
        if mask is None:
            return None
        return ops.any(mask, axis=tuple(range(2, len(mask.shape))))


_TAKING_RAGGED = (RecurrentCall, TimeDistributed)
_LOOPS_OF_KERAS = (keras.layers.RNN, keras.layers.Bidirectional)
