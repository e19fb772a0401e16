"""What every test and every docstring example starts from."""

import keras
import pytest


@pytest.fixture(autouse=True)
def _first_names(request):
    """In a docstring's example the first LSTM is called "lstm", whatever ran before."""
    if isinstance(request.node, pytest.DoctestItem):
        keras.utils.clear_session()
