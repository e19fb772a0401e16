"""Keras's own tests of its recurrent layers hold for ours, on the backend that runs.

`DIFFERENT` lists the tests that ours do not pass, each with its reason. A test that is listed and
passes is an error, so that the list stays true.
"""

import importlib.util

import pytest

for name in ("lstm_test", "gru_test"):
    if importlib.util.find_spec(f"keras.src.layers.rnn.{name}") is None:
        pytest.skip("this Keras comes without its tests", allow_module_level=True)

from keras_own import MODULES, load, test_cases  # noqa: E402

DIFFERENT: dict[str, str] = {}

LOADED = {name: test_cases(load(name)) for name in MODULES}


def offer(cases):
    """Put Keras's test classes where pytest looks for them."""
    for class_name, case in cases.items():
        case.__module__ = __name__
        for test, reason in DIFFERENT.items():
            owner, _, method = test.partition(".")
            if owner == class_name:
                mark = pytest.mark.xfail(reason=reason, strict=True)
                setattr(case, method, mark(getattr(case, method)))
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
