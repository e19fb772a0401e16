"""Keras's own tests of its recurrent layers all hold for ours, on the backend that runs."""

import importlib.util

import pytest

if importlib.util.find_spec("keras.src.layers.rnn.lstm_test") is None:
    pytest.skip("this Keras comes without its tests", allow_module_level=True)

from keras_own import MODULES, cases_of, load

LOADED = {name: cases_of(load(name)) for name in MODULES}


def offer(cases):
    """Put Keras's test classes where pytest looks for them."""
    for class_name, case in cases.items():
        case.__module__ = __name__
        globals()[f"Test{class_name}"] = case


for cases in LOADED.values():
    offer(cases)


def test_every_module_has_tests():
    for name, cases in LOADED.items():
        tests = [t for case in cases.values() for t in dir(case) if t.startswith("test_")]
        assert len(tests) > 2, name


def test_they_run_against_our_layers():
    module = load("lstm_test")
    assert module.layers.LSTM.__module__.startswith("elman.")
