"""The examples in the docstrings of the reference are true."""

import doctest
import importlib
import pkgutil

import pytest

from elman import reference

MODULES = ["elman.reference"] + [
    f"elman.reference.{module.name}" for module in pkgutil.iter_modules(reference.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
