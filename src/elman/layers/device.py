"""Where a computation runs."""

import importlib

import keras
from keras import ops


def kind(array=None) -> str:
    """``"cpu"``, ``"gpu"`` or another name: where the framework computes with ``array``."""
    backend = keras.backend.backend()
    if backend == "jax":
        return _jax(array)
    if backend == "torch":
        array = ops.zeros(()) if array is None else array  # where Keras puts what it makes
        return {"cuda": "gpu"}.get(array.device.type, array.device.type)
    tf = importlib.import_module("tensorflow")
    return "gpu" if tf.config.list_logical_devices("GPU") else "cpu"


def _jax(array) -> str:
    jax = importlib.import_module("jax")
    if isinstance(array, jax.Array) and not isinstance(array, jax.core.Tracer):
        return next(iter(array.devices())).platform
    # What is traced has no device yet. `keras.device` sets the default, a device or a platform.
    default = jax.config.jax_default_device
    return getattr(default, "platform", default) or jax.default_backend()
