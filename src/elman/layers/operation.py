"""`Operation`: a function of TensorFlow's in the graph of an old model."""

import keras
from keras import ops, tree

from elman.legacy import operations


@keras.saving.register_keras_serializable("elman")
class Operation(keras.layers.Layer):
    """Layer that computes what an operation of TensorFlow did in a model of tf.keras.

    ``h[:, -1]``, ``x + y`` and ``tf.concat([x, y], -1)`` were layers in the files of tf.keras.
    `elman.models.load_model` makes this layer of them.

    Arguments:
        operation: ``{"function": name, "inputs": ..., "kwargs": {...}}`` in TensorFlow's words,
            with ``{"tensor": i}`` for input number i; see `elman.legacy.operations`.
        name, trainable, dtype: as of `keras.layers.Layer`.

    Raises:
        ValueError: a function that is not known, or arguments that are none of it.

    Example:
        >>> last = Operation({"function": "add", "inputs": {"tensor": 0}, "kwargs": {"y": 1.0}})
        >>> [float(y) for y in last([keras.ops.array([1.0, 2.0])])]
        [2.0, 3.0]

    Source: https://www.tensorflow.org/api_docs/python/tf
    """

    def __init__(self, operation, **kwargs):
        super().__init__(autocast=False, **kwargs)  # whose results have the dtypes of TensorFlow's
        operations.check(operation)
        self.operation = operation
        self.supports_masking = True

    def call(self, inputs):
        return operations.run(ops, self.operation, inputs if isinstance(inputs, list) else [inputs])

    def compute_output_spec(self, inputs):
        # Keras takes the product of a tensor and a plain number for sparse, which JAX cannot do.
        inputs = tree.map_structure(lambda x: keras.KerasTensor(x.shape, x.dtype), inputs)
        # On torch Keras tries a batch of its own, whose size a reshape may not divide.
        if self.operation["function"] == "reshape" and isinstance(inputs, list) and len(inputs) < 2:
            return self.call(inputs)
        try:
            return super().compute_output_spec(inputs)
        except RuntimeError:  # nor need its sizes of unknown axes fit each other
            return self.call(inputs)

    def compute_mask(self, inputs, mask=None):
        """An operation had no mask for what came after it."""
        return None

    def get_config(self):
        return {**super().get_config(), "operation": self.operation}
