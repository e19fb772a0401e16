"""What every test and every docstring example starts from."""

import importlib.util

import keras
import pytest

# The engine's adapters import their framework, and there may be one framework only.
collect_ignore = [
    f"src/elman/engine/{name}.py"
    for name in ("jax", "torch", "tensorflow")
    if importlib.util.find_spec(name) is None
]

# These are imported only by programs that use what they are for.
collect_ignore += [
    f"src/elman/compat/{file}.py"
    for file, package in (("figure_backend", "matplotlib"), ("scikit_learn", "sklearn"))
    if importlib.util.find_spec(package) is None
]


@pytest.fixture(autouse=True)
def _seed():
    """The same initial weights in every run: a test that fails, fails again."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _docstring_example(request):
    """The first LSTM in each example is called "lstm"."""
    if isinstance(request.node, pytest.DoctestItem):
        keras.utils.clear_session()
