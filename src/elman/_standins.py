"""Which Keras backend runs, and ``elman.X`` as a name for ``keras.X``.

Keras insists on TensorFlow where no backend was chosen, and fails without it; `choose_backend`
takes the first one that is installed. `install` adds an import finder: a module that elman does not
have itself and Keras has is the Keras module, so that replacing the import prefix is the whole
change.
"""

import importlib
import importlib.util
import json
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

BACKENDS = ("jax", "torch", "tensorflow")

_WRITTEN_BY_KERAS = {
    "floatx": "float32",
    "epsilon": 1e-07,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
}

# Floors that stand below Keras: they import without a backend.
_BELOW_KERAS = {"reference", "legacy", "data", "engine", "cli"}


def choose_backend() -> None:
    """Set ``KERAS_BACKEND`` to the first installed backend where nobody has chosen one.

    A choice is the environment variable, Keras's configuration file, or Keras already imported.
    The file that Keras writes unasked when it is first imported is no choice, nor is one that
    names a backend which is not installed.
    """
    if os.environ.get("KERAS_BACKEND") or "keras" in sys.modules:
        return
    for name in (_configured(), *BACKENDS):
        if name and importlib.util.find_spec(name):
            os.environ["KERAS_BACKEND"] = name
            return


def _configured() -> str | None:
    home = Path(os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser())
    try:
        config = json.loads((home / "keras.json").read_text())
        backend = None if config == _WRITTEN_BY_KERAS else config.get("backend")
    except (OSError, ValueError, AttributeError):
        return None
    # Only a plain name can be looked up; "openvino" and later backends are left to Keras.
    return backend if isinstance(backend, str) and backend.isidentifier() else None


def keras() -> ModuleType:
    """Import Keras, or say which backend to install."""
    if not os.environ.get("KERAS_BACKEND") and "keras" not in sys.modules:
        raise ImportError(
            "elman needs one of jax, torch, tensorflow, and none of them is installed; "
            "do: pip install 'elman[jax]' (or [torch], [tensorflow])"
        )
    return importlib.import_module("keras")


class _KerasFinder(MetaPathFinder):
    """Finds ``elman.X`` as ``keras.X`` where elman has no module ``X`` of its own."""

    def find_spec(self, fullname, path=None, target=None):
        package, _, name = fullname.partition(".")
        if package != "elman" or not name:
            return None
        if PathFinder.find_spec(fullname, path) is not None:
            if name.split(".")[0] not in _BELOW_KERAS and not name.startswith("_"):
                keras()
            return None
        if name.startswith("_") or name.split(".")[0] == "src":
            return None
        keras()
        try:
            found = importlib.import_module(f"keras.{name}")
        except ModuleNotFoundError:
            _say_what_is_gone(name)
            return None
        return ModuleSpec(fullname, _Alias(found), is_package=hasattr(found, "__path__"))


def _say_what_is_gone(name: str) -> None:
    """Raise for a layer that is gone: ``from elman.layers import X`` looks for a module X last."""
    place, _, layer = name.rpartition(".")
    gone = importlib.import_module("elman.legacy.modules").gone(layer)
    if place == "layers" and gone:
        raise ImportError(gone)


class _Alias(Loader):
    """Loads a module that is already loaded under another name."""

    def __init__(self, module: ModuleType):
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec):
        return self._module

    def exec_module(self, module):
        # The import system has just written the alias's spec over the module's own.
        module.__spec__ = self._spec


def install() -> None:
    """Add the finder, once, before the ordinary ones."""
    if not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())
