"""What every test and every docstring example starts from."""

import keras
import pytest


@pytest.fixture(autouse=True)
def _docstring_example(request):
    """Examples show what JAX prints, and the first LSTM in each is called "lstm"."""
    if isinstance(request.node, pytest.DoctestItem):
        if keras.backend.backend() != "jax":
            pytest.skip("examples show what JAX prints")
        keras.utils.clear_session()
