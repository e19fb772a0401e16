"""``import tensorflow as tf`` in an old program.

On the backend tensorflow it is TensorFlow itself, with ``tf.keras`` being ours and with what
TensorFlow 1 had for sessions, graphs and devices doing nothing. On another backend, whether
TensorFlow is installed or not, it is a stand-in, so that a program computes with one framework:
``tf.keras``, that boilerplate, `Dataset`, and functions of arrays. Any other name is an error that
says where the program uses it and what to do.
"""

import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from elman._keras_private import set_random_seed
from elman.compat.arrays import ARRAYS, DTYPES, PI
from elman.compat.datasets import Dataset
from elman.compat.sessions import Idle, Session, Strategy, nothing
from elman.compat.standins import Modules, StandIn
from elman.legacy import programs
from elman.legacy.notes import tell
from elman.legacy.tables import names

# The first TensorFlow whose tf.keras was Keras 3.
VERSION = "2.16.1"


def set_seed(seed):
    """Seed Python, NumPy and Keras."""
    set_random_seed(int(seed))


def _itself(function=None, **_):
    """``tf.function``, with and without arguments."""
    return function if function is not None else _itself


def latest_checkpoint(checkpoint_dir, latest_filename=None):
    """The newest file in a folder, as `ModelCheckpoint` writes one file for each checkpoint."""
    files = [path for path in Path(checkpoint_dir).glob("*") if path.is_file()]
    return str(max(files, key=lambda path: path.stat().st_mtime_ns)) if files else None


def _optimizer(name: str):
    return lambda *args, **kwargs: getattr(
        importlib.import_module("elman.compat.optimizers"), name
    )(*args, **{"learning_rate" if k == "lr" else k: v for k, v in kwargs.items()})


_IDLE = names("""
    ConfigProto GPUOptions Graph OptimizerOptions RunOptions global_variables_initializer
    local_variables_initializer initialize_all_variables tables_initializer
    get_default_graph reset_default_graph enable_eager_execution disable_eager_execution
    disable_v2_behavior enable_v2_behavior disable_v2_tensorshape enable_resource_variables
    disable_resource_variables logging get_logger autograph
    debugging.set_log_device_placement keras.backend.set_session random.Generator profiler
    summary.FileWriter train.Coordinator config.experimental_run_functions_eagerly
    config.run_functions_eagerly get_default_session
""")

# The same with TensorFlow and without.
BOILERPLATE: dict[str, Any] = {name: Idle() for name in _IDLE} | {
    "Session": Session,
    "InteractiveSession": Session,
    "ConfigProto": Idle,
    "GPUOptions": Idle,
    "Graph": Idle,
    "contrib.framework": Idle(),
    "device": nothing,
    "name_scope": nothing,
    "variable_scope": nothing,
    "executing_eagerly": lambda: True,
    "set_random_seed": set_seed,
    "random.set_seed": set_seed,
    "random.set_random_seed": set_seed,
    "train.AdamOptimizer": _optimizer("Adam"),
    "train.RMSPropOptimizer": _optimizer("RMSprop"),
    "train.GradientDescentOptimizer": _optimizer("SGD"),
    "train.AdagradOptimizer": _optimizer("Adagrad"),
    "get_logger": lambda: logging.getLogger("tensorflow"),
    "test.is_gpu_available": lambda *_, **__: False,
    "test.is_built_with_cuda": lambda: False,
    "test.gpu_device_name": lambda: "",
    "train.latest_checkpoint": latest_checkpoint,
    "python.client.device_lib.list_local_devices": list,
}

# In place of TensorFlow itself.
STANDINS: dict[str, Any] = {
    "__version__": VERSION,
    "VERSION": VERSION,
    "version.VERSION": VERSION,
    "config": Idle(),
    "data.Dataset": Dataset,
    "data.AUTOTUNE": -1,
    "data.experimental.AUTOTUNE": -1,
    "distribute.MirroredStrategy": Strategy,
    "distribute.get_strategy": Strategy,
    "distribute.OneDeviceStrategy": Strategy,
    "errors.OutOfRangeError": StopIteration,
    "function": _itself,
    "newaxis": None,
    "Tensor": keras.KerasTensor,
    "TensorShape": tuple,
    "math.pi": PI,
    **ARRAYS,
    **DTYPES,
}

# Modules of TensorFlow that are modules of Keras.
_OF_KERAS = ("initializers", "losses", "metrics", "optimizers")


def standin(where: Callable[[], str]) -> Callable[[str, Modules], ModuleType | None]:
    """A function that gives the stand-in for a module of TensorFlow.

    Arguments:
        where: says which line of the program is running.
    """

    def find(name: str, modules: Modules) -> ModuleType | None:
        real = keras.backend.backend() == "tensorflow"
        place = _today(name.removeprefix("tensorflow").removeprefix("."))
        if not place:
            return _module("", modules, real, where)
        value = _value(place, modules, real, where)
        if isinstance(value, ModuleType):
            return value
        raise ModuleNotFoundError(f"{name} is no module", name=name)

    return find


def _today(place: str) -> str:
    """A place without the versions of TensorFlow's interface."""
    for prefix in ("compat.v1", "compat.v2", "compat"):
        if place == prefix or place.startswith(f"{prefix}."):
            return place[len(prefix) :].removeprefix(".")
    return place


def _module(place: str, modules: Modules, real: bool, where: Callable[[], str]) -> StandIn:
    """The stand-in for the module at ``place`` in TensorFlow."""
    name = f"tensorflow.{place}".rstrip(".")
    if not place and not real:
        tell(f"tensorflow is elman's stand-in, on Keras and {keras.backend.backend()}")

    def lookup(wanted: str) -> Any:
        value = _value(_today(f"{place}.{wanted}".lstrip(".")), modules, real, where)
        vars(module)[wanted] = value
        return value

    module = StandIn(name, lookup, set)
    return module


def _value(place: str, modules: Modules, real: bool, where: Callable[[], str]) -> Any:
    """What stands at ``place``, e.g. "nn.relu", "compat.v1", "keras"."""
    if place in ("", "v1", "v2"):  # tf.compat, tf.compat.v1
        return _module("", modules, real, where)
    inside = programs.inside(f"tensorflow.{place}")
    if inside is None and not real and place.partition(".")[0] in _OF_KERAS:
        inside = place
    if inside is not None:
        module, _, name = inside.rpartition(".")
        return getattr(modules.keras(module), name) if name else modules.keras("")
    for table in (BOILERPLATE,) if real else (BOILERPLATE, STANDINS):
        if place in table:
            return table[place]
    if not real and place.startswith("math.") and place[5:] in STANDINS:
        return STANDINS[place[5:]]
    if real:
        value = _real(place)
        if value is not None and not isinstance(value, ModuleType):
            return value
        if value is not None and not _has(place, BOILERPLATE):
            return value
    known = {**BOILERPLATE, **({} if real else STANDINS)}
    if _has(place, known):
        return _module(place, modules, real, where)
    raise AttributeError(_refusal(place, real, where()))


def _has(place: str, table: dict) -> bool:
    return any(name.startswith(f"{place}.") for name in table)


def _real(place: str) -> Any:
    """What TensorFlow itself has at ``place``, today or in its first version's interface."""
    tensorflow = importlib.import_module("tensorflow")
    for start in (tensorflow, tensorflow.compat.v1):
        value: Any = start
        for part in place.split("."):
            value = getattr(value, part, None)
        if value is not None:
            return value
    return None


def _refusal(place: str, real: bool, line: str) -> str:
    at = f"{line}: " if line else ""
    if real:
        return f"{at}TensorFlow of today has no tf.{place}; see its migration guide"
    return (
        f"{at}tf.{place} is not in elman's stand-in for TensorFlow; do: pip install "
        "'elman[tensorflow]', and run the program with: elman --backend tensorflow run ..."
    )
