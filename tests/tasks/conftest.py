"""Trainings with other settings run on one backend."""

import keras
import pytest


def pytest_collection_modifyitems(items):
    """A `variant` says of a setting what another test says of the backend.

    It runs on torch, which compiles nothing: JAX takes seconds for each shape of each model.
    """
    skip = pytest.mark.skip(reason="a variant of a training, run on torch")
    for item in items:
        if item.get_closest_marker("variant") and keras.backend.backend() != "torch":
            item.add_marker(skip)
