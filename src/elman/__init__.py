"""elman: recurrent networks for Keras 3.

Everything that ``keras`` has is here under the same name (``elman.layers``, ``elman.optimizers``,
``elman.Sequential``, ...), with recurrent layers that take old and new code alike:

>>> from elman.layers import SimpleRNN
>>> from elman.models import Sequential
>>> Sequential([SimpleRNN(3, batch_input_shape=(8, 2, 10))]).output_shape
(8, 3)

Importing ``elman`` loads no framework; the first name that needs Keras does.
"""

import importlib
import sys

from elman._standins import choose_backend, install

__version__ = "0.1.0"

# Names of our own that are not modules, and the module that holds each.
_OWN = {
    "Layer": "elman.layers",
    "Model": "elman.models",
    "Sequential": "elman.models",
    "accelerate": "elman.models.engines",
    "explain": "elman.models.engines",
    "num_threads": "elman.engine",
    "set_num_threads": "elman.engine",
}

choose_backend()
install()


def __getattr__(name: str):
    """Load the module or the Keras name ``name`` when it is first used (PEP 562)."""
    if name in _OWN:
        return getattr(importlib.import_module(_OWN[name]), name)
    if name.startswith("_"):
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    try:
        return importlib.import_module(f"elman.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"elman.{name}":
            raise
    return getattr(importlib.import_module("elman._standins").keras(), name)


def __dir__() -> list[str]:
    keras = sys.modules.get("keras")
    return sorted({*globals(), *_OWN, *(dir(keras) if keras else ())})
