"""The one place for names that Keras does not make public, each with the reason.

`Functional`: `keras.Model(inputs, outputs)` is made of it. Keras turns a subclass of `keras.Model`
into a subclass of it, together with every class between them, which would spoil `elman.Model` for
models that are not functional; so it is named as a base where it belongs.

`get_keras_mask`: Keras keeps the mask of a JAX tracer in a table of its own, not on the tracer.

`deferred_variables`, `give_value`: Keras can make variables that have a shape and no value yet, and
does so while it works out shapes. What a file asks for is added up so, before memory is taken.

`keeping_optimizer`: saving as HDF5 takes the optimizer out of what Keras remembers of `compile`, so
that the same model saved as `.keras` behind it would be compiled with the default, RMSprop.

`load_state`: reads the weights and vocabularies of an archive into a model that is built already;
in public Keras only does so together with building it.

`reading`, `share`, `shared_object`: objects that a file has once and uses twice are made once, as
in Keras's own loader; and nothing of the file is run, even where the program allowed Keras that.

`in_stateless_scope`: inside JAX's loop no variable may be assigned, so the loop runs in a
`keras.StatelessScope`; but a second scope inside one that is already open would hide the values
held by the first. Keras has no public way to ask whether a scope is open.

`in_symbolic_scope`: whether Keras asks for shapes alone; torch has no trace of a loop that could
tell them, and thousands of steps on arrays without numbers take minutes.

`set_random_seed`, and what is done at the end of this file: `keras.utils.set_random_seed` and the
functions that write configurations ask whether TensorFlow is installed by importing it, which takes
seconds, on every backend. Where the process has no TensorFlow there is no object of it to write.

`old_preprocessing`: `Tokenizer`, `TimeseriesGenerator`, `ImageDataGenerator` and the functions
beside them, which Keras keeps for TensorFlow's ``tf.keras`` and nowhere else.
"""

import contextlib
import importlib
import os
import random
import sys
from collections.abc import Callable, Iterator

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.backend.common.masking import get_keras_mask
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.backend.common.symbolic_scope import in_symbolic_scope
from keras.src.legacy.saving import json_utils
from keras.src.models.functional import Functional
from keras.src.random import seed_generator
from keras.src.saving import saving_lib, serialization_lib
from keras.src.utils import rng_utils

__all__ = [
    "Functional",
    "deferred_variables",
    "get_keras_mask",
    "give_value",
    "in_stateless_scope",
    "in_symbolic_scope",
    "keeping_optimizer",
    "load_state",
    "old_preprocessing",
    "reading",
    "set_random_seed",
    "share",
    "shared_object",
]  # fmt: skip


def old_preprocessing() -> dict:
    """The names of Keras 2's ``preprocessing.text``, ``.sequence`` and ``.image``."""
    found = {}
    for name in ("text", "sequence", "image"):
        found.update(vars(importlib.import_module(f"keras.src.legacy.preprocessing.{name}")))
    return {name: value for name, value in found.items() if not name.startswith("_")}


@contextlib.contextmanager
def keeping_optimizer(model) -> Iterator[None]:
    """Within it the model may be saved as HDF5, and remembers how it was compiled."""
    compiled = getattr(model, "_compile_config", None)
    before = dict(compiled.config) if compiled is not None else {}
    try:
        yield
    finally:
        if compiled is not None:
            compiled.config = before


@contextlib.contextmanager
def deferred_variables() -> Iterator[list]:
    """Within it, and in this thread alone, variables are made without a value; they are listed."""
    key = "uninitialized_variables"
    before = global_state.get_global_attribute(key)
    made: list = []
    global_state.set_global_attribute(key, made)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield made
    finally:
        global_state.set_global_attribute(key, before)


def give_value(variable, initializer: Callable | None = None) -> None:
    """Give a deferred variable its first value; ``initializer`` in the place of its own."""
    if initializer is not None:
        variable._initializer = initializer
    variable._deferred_initialize()


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """A scope for `keras.saving.deserialize_keras_object` of parts of one file."""
    with serialization_lib.ObjectSharingScope(), serialization_lib.SafeModeScope(True):
        yield


def shared_object(number: int):
    """What was made in the `reading` scope for this number of the file; None before."""
    return serialization_lib.get_shared_object(number)


def share(number: int, made) -> None:
    """Let what the file has under this number be ``made`` in the rest of the scope."""
    serialization_lib.record_object_after_deserialization(made, number)


def load_state(model, weights, assets: str | os.PathLike | None = None) -> None:
    """Read the weights, and where there are any the vocabularies, that an archive has for a model.

    Arguments:
        weights: `model.weights.h5`, a path or a `BytesIO`.
        assets: the folder that the archive's assets were unpacked to.

    Raises:
        ValueError: something in the model has no weights there, or others.
    """
    stores = [saving_lib.H5IOStore(weights, mode="r")]
    if assets is not None:
        stores.append(saving_lib.DiskIOStore(os.fspath(assets), mode="r"))
    failed: set = set()
    errors: dict = {}
    try:
        saving_lib._load_state(
            model, stores[0], stores[1] if assets is not None else None, inner_path="",
            visited_saveables=set(), failed_saveables=failed, error_msgs=errors,
        )  # fmt: skip
    finally:
        for store in stores:
            store.close()
    for saveable, error in errors.values():
        name = getattr(saveable, "name", type(saveable).__name__)
        raise ValueError(f"layer '{name}': {' '.join(str(error).split())}") from error


def set_random_seed(seed: int) -> None:
    """`keras.utils.set_random_seed`, which leaves TensorFlow alone where nobody has imported it."""
    seed = int(seed)  # which Keras insists on, and NumPy's are not
    if "tensorflow" in sys.modules:
        keras.utils.set_random_seed(seed)
        return
    global_state.set_global_attribute(rng_utils.GLOBAL_RANDOM_SEED, seed)
    global_state.set_global_attribute(seed_generator.GLOBAL_SEED_GENERATOR, None)
    random.seed(seed)
    np.random.seed(seed)
    if keras.backend.backend() == "torch":
        importlib.import_module("torch").manual_seed(seed)


class _Imported:
    """TensorFlow as Keras has it, which is there only where somebody has imported it."""

    def __init__(self, lazy):
        self._lazy = lazy

    @property
    def available(self) -> bool:
        return "tensorflow" in sys.modules and self._lazy.available

    def __getattr__(self, name):
        return getattr(self._lazy, name)


for _module in (serialization_lib, json_utils):
    if not isinstance(_module.tf, _Imported):
        _module.tf = _Imported(_module.tf)
