"""Nothing of elman brings in a framework that was not chosen, where others are installed too."""

import importlib.util
import os
import subprocess
import sys

import keras
import pytest

FRAMEWORKS = {"jax", "torch", "tensorflow"}
USED = """
import sys, warnings
import keras

before = {"jax", "torch", "tensorflow"} & {*sys.modules}  # Keras and its backend may have some

import numpy as np
import elman
from elman.cli import main

def check(what):
    new = {"jax", "torch", "tensorflow"} & {*sys.modules} - before
    assert not new, f"{what} imported {new}"

def command(*arguments):
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as done:
        assert not done.code, arguments
    check(arguments)

model = elman.Sequential([elman.layers.Bidirectional(elman.layers.LSTM(3), input_shape=(4, 2))])
model.add(elman.layers.Dense(1))
model.compile("adam", "mse")
model.fit(np.ones((8, 4, 2)), np.ones((8, 1)), verbose=0)
check("fit")
for name in ("model.h5", "model.keras"):
    model.save(name)
    check("save")
    elman.models.load_model(name)
    check("load_model")
elman.models.model_from_json(model.to_json())
elman.models.clone_model(model)
check("a copy")

with open("data.tsv", "w") as file:
    file.write("text\\tlabel\\n" + "".join(f"{w} film {i}\\t{w}\\n" for i in range(30)
                                           for w in ("good", "bad")))
with open("program.py", "w") as file:
    file.write("from keras.models import Sequential\\nfrom keras.layers import LSTM\\n"
               "import tensorflow as tf\\ntf.set_random_seed(1)\\n"
               "Sequential([LSTM(3, input_shape=(4, 2))]).save('model.h5')\\n")
small = ("--set", "epochs=1", "--set", "units=3", "--set", "embedding=3")
command("train", "classifier", "--data", "data.tsv", "--output", "run", *small)
command("predict", "run", "good")
command("evaluate", "run", "--data", "data.tsv")
command("info", "run")
command("info", "model.h5")
command("convert", "model.h5", "new.keras")
command("migrate", "program.py")
if keras.backend.backend() != "tensorflow":
    command("run", "program.py")
"""


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, FRAMEWORKS)), reason="all three must be installed"
)
def test_none_that_was_not_chosen(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", USED], cwd=tmp_path, capture_output=True, text=True,
        check=False, env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
    )  # fmt: skip
    assert not done.returncode, done.stdout + done.stderr
