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


@pytest.fixture(autouse=True)
def _docstring_example(request):
    """Examples show what JAX prints, and the first LSTM in each is called "lstm"."""
    if isinstance(request.node, pytest.DoctestItem):
        if keras.backend.backend() != "jax":
            pytest.skip("examples show what JAX prints")
        keras.utils.clear_session()
