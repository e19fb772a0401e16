"""The one place for names that Keras does not make public, each with the reason.

`Functional`: `keras.Model(inputs, outputs)` is made of it. Keras turns a subclass of `keras.Model`
into a subclass of it, together with every class between them, which would spoil `elman.Model` for
models that are not functional; so it is named as a base where it belongs.

`get_keras_mask`: Keras keeps the mask of a JAX tracer in a table of its own, not on the tracer.

`in_stateless_scope`: inside JAX's loop no variable may be assigned, so the loop runs in a
`keras.StatelessScope`; but a second scope inside one that is already open would hide the values
held by the first. Keras has no public way to ask whether a scope is open.

`in_symbolic_scope`: whether Keras asks for shapes alone; torch has no trace of a loop that could tell
them, and thousands of steps on arrays without numbers take minutes.

`old_preprocessing`: `Tokenizer`, `TimeseriesGenerator`, `ImageDataGenerator` and the functions
beside them, which Keras keeps for TensorFlow's ``tf.keras`` and nowhere else.
"""

import importlib

from keras.src.backend.common.masking import get_keras_mask
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.backend.common.symbolic_scope import in_symbolic_scope
from keras.src.models.functional import Functional

__all__ = [
    "Functional",
    "get_keras_mask",
    "in_stateless_scope",
    "in_symbolic_scope",
    "old_preprocessing",
]


def old_preprocessing() -> dict:
    """The names of Keras 2's ``preprocessing.text``, ``.sequence`` and ``.image``."""
    found = {}
    for name in ("text", "sequence", "image"):
        found.update(vars(importlib.import_module(f"keras.src.legacy.preprocessing.{name}")))
    return {name: value for name, value in found.items() if not name.startswith("_")}
