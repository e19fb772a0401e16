"""Keras's own tests of its recurrent layers hold for ours, on the backend that runs.

`DIFFERENT` lists the tests that ours do not pass, each with its reason. A test that is listed and
passes is an error, so that the list stays true.
"""

import importlib.util

import pytest

if importlib.util.find_spec("keras.src.layers.rnn.lstm_test") is None:
    pytest.skip("this Keras comes without its tests", allow_module_level=True)

from keras_own import MODULES, cases_of, load

OWN_WORDS = "the same mistake raises the same ValueError, in words that say what to do"
DIFFERENT = {
    "RNNTest.test_stateful_batch_size_mismatch_raises": OWN_WORDS,
    "TimeDistributedTest.test_mask_validation_with_3d_mask": OWN_WORDS,
    "TimeDistributedTest.test_mask_validation_with_both_batch_and_timesteps_mismatched": OWN_WORDS,
    "TimeDistributedTest.test_mask_validation_with_mismatched_batch_size": OWN_WORDS,
    "TimeDistributedTest.test_mask_validation_with_mismatched_timesteps": OWN_WORDS,
}

LOADED = {name: cases_of(load(name)) for name in MODULES}


def offer(cases):
    """Put Keras's test classes where pytest looks for them."""
    for class_name, case in cases.items():
        case.__module__ = __name__
        for test, reason in DIFFERENT.items():
            owner, _, method = test.partition(".")
            if owner == class_name and hasattr(case, method):
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
