"""Runs old programs with Keras 2 (tf-keras): ``python keras2.py FOLDER OUTPUT.pickle NAMES...``.

tf-keras is the last Keras 2; what earlier ones had and it has no more (module names, `lr`,
`predict_classes`, the sessions of TF 1) is put back here in the plainest way, so that its layers
can judge programs of every generation. The output is a dict: the name of a program -> its
`result`, or the error that stopped it, as a string.
"""

import contextlib
import functools
import inspect
import io
import json
import os
import pickle
import re
import sys
import tempfile
import types
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", MPLBACKEND="Agg")

import numpy as np
import tensorflow as tf
import tf_keras

from elman.legacy import arguments, tables

OLD_ROOTS = ("tensorflow.compat.v1.keras", "tensorflow.python.keras", "tensorflow.keras", "keras")
MOVED = {
    "layers": "activations advanced_activations convolutional convolutional_recurrent core "
    "embeddings local merge noise normalization pooling recurrent wrappers",
    "utils": "np_utils data_utils vis_utils generic_utils",
}


def keras2(name: str):
    """The module of tf-keras that the old module `name` is, or None."""
    if name.split(".")[0] == "keras_preprocessing":
        name = name.replace("keras_preprocessing", "keras.preprocessing")
    root = next((root for root in OLD_ROOTS if f"{name}.".startswith(f"{root}.")), None)
    if root is None:
        return None
    *path, last = name[len(root) :].split(".")
    if path and path[-1] in MOVED and last in MOVED[path[-1]].split():
        last = ""
    found = tf_keras
    for part in filter(None, (*path, last)):
        found = getattr(found, part, None)
    return found if isinstance(found, types.ModuleType) else None


running = ""  # the name of the program
# Written before Keras 2.3 or TensorFlow 2, as their own words tell.
BEFORE = ("k1_", "tf1_session", "tf1_python_keras", "k2_checkpoint", "k2_imdb_bidirectional")


class Finder(MetaPathFinder, Loader):
    """Gives the old modules of Keras, filled with the names of tf-keras."""

    def __init__(self):
        self.made = {name for name in sys.modules if name.startswith("tensorflow.python.keras")}

    def forget(self):
        """Make the modules anew for the next program, which may find other names in them."""
        for name in self.made:
            sys.modules.pop(name, None)

    def find_spec(self, fullname, path=None, target=None):
        found = keras2(fullname)
        return found and ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        self.made.add(spec.name)
        module = types.ModuleType(spec.name)
        vars(module).update(vars(keras2(spec.name)))
        return module

    def exec_module(self, module):
        pass


class NoTensorBoard(tf_keras.callbacks.Callback):
    """In the place of the one that needs the package tensorboard."""

    def __init__(self, log_dir, **kwargs):
        super().__init__()
        os.mkdir(log_dir)


def predict_classes(self, x, **kwargs):
    answer = self.predict(x, **kwargs)
    return answer.argmax(-1) if answer.shape[-1] > 1 else (answer > 0.5).astype("int32")


def as_it_was() -> None:
    """Put back into tf-keras and TensorFlow what they lost."""
    optimizers, layers, backend = tf_keras.optimizers, tf_keras.layers, tf_keras.backend
    for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Nadam", "Adamax"):
        setattr(optimizers, name, getattr(optimizers.legacy, name))
    # The cuDNN layers run on a GPU only; their equations are these.
    layers.CuDNNLSTM, layers.CuDNNGRU = layers.LSTM, layers.GRU
    tf_keras.Sequential.predict_classes = predict_classes
    tf_keras.Sequential.predict_proba = tf_keras.Model.predict
    tf_keras.mixed_precision.experimental = tf_keras.mixed_precision
    tf_keras.mixed_precision.set_policy = tf_keras.mixed_precision.set_global_policy
    tf_keras.callbacks.TensorBoard = NoTensorBoard
    backend.set_session = lambda session: None
    backend.learning_phase = lambda: 0
    function = backend.function
    backend.function = lambda inputs, outputs: (
        lambda given: function(inputs[:1], outputs)(given[:1])  # without the learning phase
    )
    v1 = tf.compat.v1
    for name in ("Session", "ConfigProto", "GPUOptions", "set_random_seed", "logging"):
        setattr(tf, name, getattr(v1, name))
    tf.enable_eager_execution = lambda: None


def take_old_defaults() -> None:
    """Let LSTM and GRU mean what they meant when the program that runs was written."""
    for cls in (tf_keras.layers.LSTM, tf_keras.layers.GRU):
        cls.__init__ = with_old_defaults(cls.__init__)


def with_old_defaults(init):
    parameters = inspect.signature(init).parameters

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        if running.startswith(BEFORE) and len(args) < 3:
            kwargs.setdefault("recurrent_activation", "hard_sigmoid")
            if "reset_after" in parameters:
                kwargs.setdefault("reset_after", False)
        init(self, *args, **kwargs)

    return __init__


def acc_in_history() -> None:
    """Until Keras 2.3 the logs called the accuracy 'acc', however it was asked for."""
    compile_ = tf_keras.Model.compile

    def compile_old(self, *args, metrics=None, **kwargs):
        metrics = metrics and ["acc" if m == "accuracy" else m for m in metrics]
        compile_(self, *args, metrics=metrics, **kwargs)

    tf_keras.Model.compile = compile_old


def take_keras1() -> None:
    """Let the layers and models of tf-keras be called in the words of Keras 1."""
    for old, new in tables.ALIASES.items():
        if not hasattr(tf_keras.layers, old) and hasattr(tf_keras.layers, new):
            setattr(tf_keras.layers, old, getattr(tf_keras.layers, new))
    for name in ("Dense", "Dropout", "Embedding", "LSTM", "GRU", "SimpleRNN", "Conv1D",
                 "MaxPooling1D"):  # fmt: skip
        cls = getattr(tf_keras.layers, name)
        cls.__init__ = in_todays_words(name, cls.__init__)
    tf_keras.Model.fit = renamed(tf_keras.Model.fit)
    tf_keras.models.Model = renamed(tf_keras.Model)


def in_todays_words(name, init):
    parameters, _ = arguments.signature(init)

    def __init__(self, *args, **kwargs):
        call = arguments.translate(
            name, args, kwargs, parameters, (*arguments.BASE, "implementation")
        )
        shape = call.batch_input_shape
        init(self, **call.kwargs, **({"batch_input_shape": shape} if shape else {}))

    return __init__


def renamed(function):
    names = {"nb_epoch": "epochs", "input": "inputs", "output": "outputs"}

    def call(*args, **kwargs):
        return function(*args, **{names.get(k, k): v for k, v in kwargs.items()})

    return call


def run(program: Path):
    global running
    running = program.name
    finder.forget()
    source = program.read_text(encoding="utf-8")
    if program.suffix == ".ipynb":
        cells = [c["source"] for c in json.loads(source)["cells"] if c["cell_type"] == "code"]
        lines = "".join("".join(c) + "\n" for c in cells).splitlines()
        source = "\n".join(line for line in lines if not line.startswith(("!", "%")))
    source = re.sub(r"^(\s*)print\b(?!\s*\() ?(.*)$", r"\1print(\2)", source, flags=re.M)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        tf_keras.backend.clear_session()
        names = {"__name__": "__main__"}
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, program.name, "exec"), names)
            return {name: np.asarray(value) for name, value in names["result"].items()}
        except BaseException as error:
            return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    folder, output, *names = sys.argv[1:]
    sys.argv = ["program"]
    finder = Finder()
    sys.meta_path.insert(0, finder)
    tf.config.run_functions_eagerly(True)  # tiny data: tracing would take longer
    as_it_was()
    take_old_defaults()
    results = {name: run(Path(folder) / name) for name in names if name[:2] not in ("k1", "k2")}
    acc_in_history()
    results |= {name: run(Path(folder) / name) for name in names if name.startswith("k2")}
    take_keras1()
    results |= {name: run(Path(folder) / name) for name in names if name.startswith("k1")}
    part = Path(f"{output}.part")
    part.write_bytes(pickle.dumps(results))
    part.replace(output)
