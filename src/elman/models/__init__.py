"""Keras's models, which know their batch size and carry the states of stateful layers."""

import keras

from elman.models.cloning import clone_model
from elman.models.converting import convert
from elman.models.loading import (
    load_model,
    model_from_config,
    model_from_json,
    model_from_yaml,
)
from elman.models.model import Model
from elman.models.sequential import Sequential

_OURS = {"Model", "Sequential", "clone_model", "load_model", "model_from_json"}
globals().update({k: v for k, v in vars(keras.models).items() if k[0] != "_" and k not in _OURS})

__all__ = [
    "Model", "Sequential", "clone_model", "convert", "load_model", "model_from_config",
    "model_from_json", "model_from_yaml",
]  # fmt: skip
__all__ += [_name for _name in globals() if not _name.startswith("_") and _name not in __all__]
