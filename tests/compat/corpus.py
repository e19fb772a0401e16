"""The old programs of ``programs/``, what they give under `elman run`, and what Keras 2 gives."""

import contextlib
import functools
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from elman.compat.running import run_program

FOLDER = Path(__file__).parent / "programs"
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".py", ".ipynb"))

# Not Python 3.
PYTHON2 = {"k1_py2_print.py"}

# What Keras 2 of today cannot run, and why.
NOT_IN_KERAS2 = {
    "k2_kerasclassifier.py": "tf-keras dropped the wrappers for scikit-learn",
    "k2_ner_crf.py": "keras_contrib was never part of Keras",
}


# A folder that all processes of a test run have in common (`conftest.py` says which): what one has
# computed the others need not.
shared = Path()


@functools.cache
def result(name: str) -> dict[str, np.ndarray]:
    """The program's ``result`` under `elman run`."""
    kept = shared / f"{name}.pickle"
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        code, _, names = run_program(FOLDER / name)
    assert code == 0, f"{name} ended with exit code {code}"
    part = shared / f"{name}.{os.getpid()}"
    part.write_bytes(pickle.dumps(arrays(names)))
    part.replace(kept)
    return arrays(names)


def arrays(names: dict) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in names["result"].items()}


class Judge:
    """Keras 2, running all programs in a process of its own while the tests run them too."""

    def __init__(self):
        self._output = shared / "keras2" / "results.pickle"
        self._process = None
        try:
            self._output.parent.mkdir()
        except FileExistsError:
            return  # another process of the run has begun it
        script = FOLDER.parent / "keras2.py"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            [sys.executable, script, FOLDER, self._output, *NAMES],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    @functools.cached_property
    def results(self) -> dict[str, dict[str, np.ndarray] | str]:
        if self._process is not None:
            _, errors = self._process.communicate()
            assert self._process.returncode == 0, errors.decode()[-2000:]
        until = time.monotonic() + 1800
        while not self._output.exists():
            assert time.monotonic() < until, "the process that ran Keras 2 gave no results"
            time.sleep(0.5)
        return pickle.loads(self._output.read_bytes())


def has_keras2() -> bool:
    return all(importlib.util.find_spec(name) for name in ("tensorflow", "tf_keras"))


def assert_same(ours: dict, theirs: dict, exact: float, trained: float) -> None:
    """Each array within ``exact``; after training, which adds rounding up, within ``trained``."""
    assert ours.keys() == theirs.keys()
    for name, wanted in theirs.items():
        assert ours[name].shape == wanted.shape, name
        tolerance = trained if name.startswith("trained") else exact
        np.testing.assert_allclose(ours[name], wanted, rtol=tolerance, atol=tolerance, err_msg=name)
