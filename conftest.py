"""What every test and every docstring example starts from."""

import importlib.util

import keras
import pytest

from elman.layers import device

# The engine's adapters import their framework, and there may be one framework only.
collect_ignore = [
    f"src/elman/engine/{name}.py"
    for name in ("jax", "torch", "tensorflow", "jax_accelerated", "torch_accelerated")
    if importlib.util.find_spec(name.removesuffix("_accelerated")) is None
]

# These are imported only by programs that use what they are for.
collect_ignore += [
    f"src/elman/compat/{file}.py"
    for file, package in (("figure_backend", "matplotlib"), ("scikit_learn", "sklearn"))
    if importlib.util.find_spec(package) is None
]


if device.kind() == "gpu":  # which rounds what it multiplies to TF32, unless it is told
    if keras.backend.backend() == "torch":
        importlib.import_module("torch").backends.cudnn.allow_tf32 = False
    elif keras.backend.backend() == "jax":
        importlib.import_module("jax").config.update("jax_default_matmul_precision", "highest")


@pytest.fixture(autouse=True)
def _seed():
    """The same initial weights in every run: a test that fails, fails again."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _docstring_example(request):
    """The first LSTM in each example is called "lstm"."""
    if isinstance(request.node, pytest.DoctestItem):
        keras.utils.clear_session()
