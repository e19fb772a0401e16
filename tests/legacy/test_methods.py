"""Arguments of models and their methods under their Keras 1 names."""

import re

import pytest

from elman.legacy.methods import rename


def test_each_old_name_has_todays():
    assert rename("Model", {"input": 1, "output": 2, "name": "m"}) == {
        "inputs": 1,
        "outputs": 2,
        "name": "m",
    }
    assert rename("fit", {"nb_epoch": 3, "verbose": 0}) == {"epochs": 3, "verbose": 0}
    assert rename("fit", {"epochs": 3}) == {"epochs": 3}


def test_both_names_are_refused():
    text = "fit got nb_epoch=3 and epochs=2, which are one argument today; give only epochs"
    with pytest.raises(TypeError, match=re.escape(text)):
        rename("fit", {"nb_epoch": 3, "epochs": 2})
