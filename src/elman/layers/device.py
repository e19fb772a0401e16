"""Where a computation runs."""

import importlib

import keras


def kind(array) -> str:
    """``"cpu"``, ``"gpu"`` or another name: where the framework computes with ``array``."""
    backend = keras.backend.backend()
    if backend == "jax":
        return importlib.import_module("jax").default_backend()
    if backend == "torch":
        import torch  # by a statement, which torch.compile can follow

        name = array.device.type if array is not None else torch.get_default_device().type
        return {"cuda": "gpu"}.get(name, name)
    tf = importlib.import_module("tensorflow")
    return "gpu" if tf.config.list_logical_devices("GPU") else "cpu"
