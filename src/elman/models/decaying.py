"""Keras's optimizers with a learning rate that shrinks, as ``decay`` meant it in Keras 1 and 2."""

import inspect

import keras
import numpy as np
from keras import ops


class Decaying:
    """Mixin of an optimizer: in its step t it uses r / (1 + decay * t), t = 0, 1, ...

    r is ``learning_rate``, which stays what it was set to and can be set at any time, by callbacks
    as well. (Of an optimizer with the schedule `InverseTimeDecay` it could not be.)

    Arguments:
        decay: a number of 0 or more; all other arguments as of the optimizer.

    Raises:
        ValueError: a decay that is none.

    Example:
        >>> optimizer = OPTIMIZERS["SGD"](0.5, decay=0.1)
        >>> weight = keras.Variable(1.0)
        >>> for _ in range(2):
        ...     optimizer.apply([keras.ops.ones(())], [weight])
        >>> optimizer.learning_rate = 0.6
        >>> optimizer.apply([keras.ops.ones(())], [weight])
        >>> round(float(keras.ops.convert_to_numpy(weight)), 4)  # 1 - 0.5 - 0.5/1.1 - 0.6/1.2
        -0.4545

    Source: the optimizers of Keras 1.0.
    """

    def __init__(self, *args, decay=0.0, **kwargs):
        super().__init__(*args, **kwargs)
        if not decay >= 0:
            raise ValueError(f"{type(self).__name__}: decay must be 0 or more, got {decay!r}")
        self.decay = np.float32(decay)  # with a dtype: programs work out the rate by themselves

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations, keras.config.floatx())
        super().update_step(gradient, variable, learning_rate / (1.0 + float(self.decay) * step))

    def get_config(self):
        # As text, so that 1e-6 is not 9.999999974752427e-07.
        return {**super().get_config(), "decay": float(str(self.decay))}


def _made(name: str, optimizer: type) -> type:
    made = type(name, (Decaying, optimizer), {"__module__": __name__, "__doc__": Decaying.__doc__})
    return keras.saving.register_keras_serializable("elman")(made)


# The subclass with ``decay`` of each optimizer of Keras, by name.
OPTIMIZERS = {
    name: _made(name, value)
    for name, value in vars(keras.optimizers).items()
    if inspect.isclass(value)
    and value not in (keras.optimizers.Optimizer, keras.optimizers.LossScaleOptimizer)
    and "learning_rate" in inspect.signature(value.__init__).parameters
}
