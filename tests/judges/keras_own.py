"""Keras's own tests of its recurrent layers, loaded from its wheel to run against ours."""

import importlib.util
from types import ModuleType
from unittest import TestCase, mock

import keras.src
from keras.src import layers as keras_layers

from elman import layers

MODULES = (
    "rnn_test",
    "simple_rnn_test",
    "lstm_test",
    "gru_test",
    "bidirectional_test",
    "stacked_rnn_cells_test",
    "time_distributed_test",
)


def load(name: str) -> ModuleType:
    """A fresh copy of the module `keras.src.layers.rnn.<name>` in which `layers` are ours."""
    ours = ModuleType("layers")
    vars(ours).update(vars(keras_layers))
    vars(ours).update({n: value for n, value in vars(layers).items() if not n.startswith("_")})
    spec = importlib.util.find_spec(f"keras.src.layers.rnn.{name}")
    module = importlib.util.module_from_spec(spec)
    # The tests say `from keras.src import layers`; some name layers while they are defined.
    with mock.patch.object(keras.src, "layers", ours):
        spec.loader.exec_module(module)
    return module


def cases_of(module: ModuleType) -> dict[str, type[TestCase]]:
    """The test classes that a module defines itself."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, TestCase)
        and value.__module__ == module.__name__
    }
