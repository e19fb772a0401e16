"""`Embedding`: a row of numbers for each word."""

import keras
from keras import ops

from elman.layers.arguments import old_arguments


@keras.saving.register_keras_serializable("elman")
@old_arguments
class Embedding(keras.layers.Embedding):
    """Turns whole numbers into the rows of a table.

    y = E[x],  E [input_dim, output_dim]

    On TensorFlow Keras hands an optimizer one gradient for each time that a word stands in a batch,
    and Adam and its like square them one by one, which makes their steps smaller than on JAX and
    PyTorch. Here it is their sum on every backend, as in Keras 2.

    Arguments:
        input_dim: number of rows, one more than the largest number.
        output_dim: length of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of E.
        mask_zero: number 0 is padding: where it stands the layers behind do not read.
        input_length: number of timesteps, where it is known.
        weights, batch_input_shape ...: as of every layer. The names of Keras 1 are taken too.

    Call arguments:
        inputs: array of whole numbers of any shape.

    Returns:
        Array of the shape of the input with an axis of ``output_dim`` more.

    Example:
        >>> import numpy as np
        >>> from elman.layers import Embedding
        >>> tuple(Embedding(9, 4)(np.array([[1, 2, 3]])).shape)
        (1, 3, 4)

    Source: the layer of that name in Keras 1.0.
    """

    def call(self, inputs):
        if keras.backend.backend() != "tensorflow" or self.quantization_mode is not None:
            return super().call(inputs)
        if keras.backend.standardize_dtype(inputs.dtype) not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        # The gradient of a reshaped table is one array, in which those of a row are added up.
        table = ops.reshape(self.embeddings, self.embeddings.shape)
        return ops.cast(ops.take(table, inputs, axis=0), self.compute_dtype)
