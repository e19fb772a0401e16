"""`Layer` and `Wrapper`: what users derive their own layers from."""

from abc import ABC

import keras

from elman.layers.arguments import old_arguments

# The order of `add_weight`'s arguments in Keras 2, and those that only TensorFlow had a use for.
_ADD_WEIGHT = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
_GONE = ("partitioner", "use_resource", "synchronization", "getter", "collections")


class _Base(ABC):  # noqa: B024
    """Mixin of a class that stands in for the Keras class beside it.

    ``isinstance`` and ``issubclass`` count every Keras layer, whether it derives from us or not.
    What users' layers of Keras 1 and 2 did to their weights works: ``add_weight(name, shape)``, and
    ``self.trainable_weights = [...]``.
    """

    def add_weight(self, *args, **kwargs):
        if args and (args[0] is None or isinstance(args[0], str)):
            args, kwargs = (), {**dict(zip(_ADD_WEIGHT, args, strict=False)), **kwargs}
        kwargs = {name: value for name, value in kwargs.items() if name not in _GONE}
        return super().add_weight(*args, **kwargs)

    @property
    def trainable_weights(self):
        return super().trainable_weights

    @trainable_weights.setter  # noqa: B027
    def trainable_weights(self, weights):
        """Nothing is left to do: Keras tracks every variable that becomes an attribute."""

    @property
    def non_trainable_weights(self):
        return super().non_trainable_weights

    @non_trainable_weights.setter
    def non_trainable_weights(self, weights):
        for weight in weights:
            weight.trainable = False

    @classmethod
    def __subclasshook__(cls, other):
        if _Base not in cls.__bases__:
            return NotImplemented
        return issubclass(other, cls.__bases__[-1])


@keras.saving.register_keras_serializable("elman")
@old_arguments
class Layer(_Base, keras.layers.Layer):
    """Keras's layer, whose subclasses take the arguments that every layer took in Keras 1 and 2.

    Arguments:
        name, trainable, dtype, autocast, activity_regularizer: as of `keras.layers.Layer`.
        batch_input_shape, input_shape, input_length, input_dim, batch_size, input_dtype: shape and
            dtype of the input, for the first layer of a model.
        weights: list of initial weights.

    Raises:
        TypeError: an argument that no layer knows.

    Example:
        >>> from elman.layers import Layer
        >>> from elman.models import Sequential
        >>> class Double(Layer):
        ...     def call(self, inputs):
        ...         return 2 * inputs
        >>> Sequential([Double(batch_input_shape=(8, 2, 10))]).output_shape
        (8, 2, 10)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)


@keras.saving.register_keras_serializable("elman")
@old_arguments
class Wrapper(_Base, keras.layers.Wrapper):
    """Keras's wrapper of one layer, whose subclasses take old arguments as those of `Layer` do.

    Arguments:
        layer: the layer inside, kept as ``self.layer``.
        name, trainable ...: as of `Layer`.

    Example:
        >>> from elman.layers import Dense, Wrapper
        >>> from elman.models import Sequential
        >>> class Twice(Wrapper):
        ...     def call(self, inputs):
        ...         return self.layer(self.layer(inputs))
        >>> Sequential([Twice(Dense(3), input_dim=3)]).count_params()
        12
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
