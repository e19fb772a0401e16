"""Threads that load models beside threads that build and train their own: none sees another."""

import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest

import elman
from elman import layers, models
from elman.legacy import eras
from elman.legacy.notes import heard_by

sys.path.insert(0, str(Path(__file__).parent.parent / "legacy"))
from layout import functional, node, sequential, write

LOADERS, BUILDERS, ROUNDS = 4, 4, 3


@pytest.fixture(autouse=True)
def _layers_as_they_were(monkeypatch):
    """What one of these tests finds broken is not broken for all tests after it."""
    monkeypatch.setattr(keras.layers.Layer, "add_weight", keras.layers.Layer.add_weight)


def at_once(*functions):
    """What the functions give, each in a thread of its own, all begun together."""
    ready = threading.Barrier(len(functions))

    def run(function):
        ready.wait(timeout=60)
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(run, f) for f in functions]]


def process():
    """What of the process elman must leave as it is."""
    return {
        "layer": dict(vars(keras.layers.Layer)),
        "dense": dict(vars(keras.layers.Dense)),
        "model": dict(vars(keras.Model)),
        "warnings": (warnings.filters[:], warnings.showwarning),
        "environment": dict(os.environ),
        "custom objects": dict(keras.saving.get_custom_objects()),
        "settings": (keras.config.floatx(), keras.config.epsilon(), keras.config.dtype_policy()),
        "numpy": np.geterr(),
        "folder": os.getcwd(),
        "hooks": (threading.Thread.start, threading.excepthook),
    }


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


# What the files hold, layer by layer.
DENSE = [normal(4, 3), normal(3)]
LSTM = [normal(5, 8), normal(2, 8), normal(8)]
OUT = [normal(2, 1), normal(1)]


def keras1(path):
    settings = {"name": "dense_1", "output_dim": 3, "batch_input_shape": [None, 4],
                "activation": "linear"}  # fmt: skip
    weights = {"dense_1": [("dense_1_W", DENSE[0]), ("dense_1_b", DENSE[1])]}
    config = sequential(("Dense", settings), as_list=True)
    return write(path, config, weights, version="1.2.2"), DENSE


def graph():
    steps = {"name": "steps", "batch_input_shape": [None, None, 5], "dtype": "float32"}
    return functional(
        [
            ("InputLayer", steps, []),
            ("LSTM", {"name": "lstm_1", "units": 2}, [node("steps")]),
            ("Dense", {"name": "out", "units": 1}, [node("lstm_1")]),
        ],
        ["steps"],
        ["out"],
    )


def keras2(path):
    names = ("kernel", "recurrent_kernel", "bias")
    weights = {
        "lstm_1": [(f"lstm_1/{n}:0", a) for n, a in zip(names, LSTM, strict=True)],
        "out": [("out/kernel:0", OUT[0]), ("out/bias:0", OUT[1])],
    }
    return write(path, graph(), weights, version="2.2.4"), [*LSTM, *OUT]


def of_own_class(path):
    settings = {"name": "mine", "units": 3, "batch_input_shape": [None, 4]}
    weights = {"mine": [("mine/kernel:0", DENSE[0]), ("mine/bias:0", DENSE[1])]}
    return write(path, sequential(("Mine", settings)), weights), DENSE


def archive(path):
    model = models.Sequential([layers.GRU(3, input_shape=(None, 2)), layers.Dense(2)])
    model.save(path)
    return path, model.get_weights()


@pytest.fixture
def files(tmp_path):
    """A file of each kind, and the weights in it."""
    return [
        keras1(tmp_path / "keras1.h5"),
        keras2(tmp_path / "keras2.h5"),
        archive(tmp_path / "model.keras"),
    ]


def loading(files, own, first):
    """A function that loads every file, again and again, and says what was not as it should be."""

    def load():
        class Mine(layers.Dense):
            """The thread's own class, under a name that all of them use."""

        wrong = []
        for i in range(ROUNDS):
            path, weights = files[(first + i) % len(files)]
            found = models.load_model(path).get_weights()
            if len(found) != len(weights) or not all(map(np.array_equal, found, weights)):
                wrong.append(f"the weights of {path.name}")
            model = models.load_model(own[0], custom_objects={"Mine": Mine})
            if type(model.layers[-1]) is not Mine or not np.array_equal(
                model.get_weights()[0], own[1][0]
            ):
                wrong.append("the class of custom_objects")
            new = models.model_from_config({**graph(), "keras_version": "2.2.4"}).get_weights()
            if not np.abs(new[0]).min() > 0:
                wrong.append("first weights that are drawn")
        return wrong

    return load


def building(original):
    """A function that builds and trains models of Keras, and says what was not as it should be."""

    def build():
        wrong = []
        for _ in range(60):
            layer = keras.layers.Dense(7)
            layer.build((None, 5))
            if not np.abs(keras.ops.convert_to_numpy(layer.kernel)).max() > 0:
                wrong.append("a kernel of zeros")
            if keras.layers.Layer.add_weight is not original:
                wrong.append("another add_weight")
            if eras.current() is not None:
                wrong.append("an era")
        big = keras.layers.Embedding(3000, 100)  # more numbers than any of the files has
        big.build(None)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        before = model.get_weights()
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
        if np.array_equal(model.get_weights()[0], before[0]):
            wrong.append("a model that learns nothing")
        return wrong

    return build


def test_loading_beside_building(files, tmp_path):
    own = of_own_class(tmp_path / "own.h5")
    before, original = process(), keras.layers.Layer.add_weight
    found = at_once(
        *(loading(files, own, first) for first in range(LOADERS)),
        *(building(original) for _ in range(BUILDERS)),
    )
    assert found == [[]] * (LOADERS + BUILDERS)
    assert process() == before


@pytest.mark.parametrize("do", ["load", "json", "convert", "clone", "weights"])
def test_one_thread_leaves_the_process_as_it_is(do, files, tmp_path):
    """Also while it works: what is asked of the process in between is asked by a layer."""
    model = models.Sequential([layers.Dense(3, input_shape=(4,))])
    before, seen = process(), []

    class Mine(layers.Dense):
        def build(self, shape):
            seen.append(process())
            super().build(shape)

    path, _ = of_own_class(tmp_path / "own.h5")
    given = {"Mine": Mine}
    if do == "load":
        models.load_model(path, given)
    elif do == "json":
        config = sequential(("Mine", {"name": "m", "units": 3, "batch_input_shape": [None, 4]}))
        models.model_from_config({**config, "keras_version": "2.2.4"}, given)
    elif do == "convert":
        models.convert(path, tmp_path / "new.keras", given)
    elif do == "clone":
        models.clone_model(models.Sequential([Mine(3, input_shape=(4,))]))
    else:
        model = models.Sequential([Mine(3, input_shape=(4,), name="mine")])
        model.load_weights(path, by_name=True)
    assert seen
    assert all(state == before for state in seen)
    assert process() == before


def test_notes_are_of_the_thread_that_listens():
    def listen(name):
        def build():
            heard: list[str] = []
            with heard_by(heard.append):
                for _ in range(50):
                    layers.Dense(**{name: 3})
            return set(heard)

        return build

    found = at_once(listen("output_dim"), listen("units"), listen("output_dim"))
    assert found == [{"Dense: output_dim -> units"}, set(), {"Dense: output_dim -> units"}]


def test_eras_are_of_the_thread_that_is_in_one():
    def build(era):
        def made():
            with eras.in_force(era):
                return {layers.GRU(2).reset_after for _ in range(20)}

        return made

    old, new = eras.KERAS2, eras.KERAS3
    assert at_once(build(old), build(new), build(old)) == [{False}, {True}, {False}]


def test_a_class_becomes_functional_once():
    """The first of a class to be called with inputs and outputs, in several threads at once."""
    for _ in range(10):

        class Mine(models.Model):
            pass

        def make(cls=Mine):
            x = layers.Input((3,))
            return cls(x, layers.Dense(2)(x)).output_shape

        assert at_once(*[make] * 4) == [(None, 2)] * 4
        assert len({*Mine.__bases__}) == len(Mine.__bases__)


@pytest.mark.parametrize("what", ["weights.h5", "model"])
def test_saving_to_one_place(what, tmp_path):
    """Each file is one of those that were saved, whole, and nothing else is left."""
    path = tmp_path / what

    def save(value):
        model = models.Sequential([layers.Dense(40, input_shape=(40,))])
        model.set_weights([np.full((40, 40), value), np.full(40, value)])

        def do():
            for _ in range(ROUNDS):
                (model.save if what == "model" else model.save_weights)(path)

        return do

    at_once(*(save(value) for value in (1.0, 2.0, 3.0)))
    model = models.Sequential([layers.Dense(40, input_shape=(40,))])
    model.load_weights(path)
    values = {float(v) for w in model.get_weights() for v in np.unique(w)}
    assert len(values) == 1
    assert values < {1.0, 2.0, 3.0}
    assert list(tmp_path.iterdir()) == [path]


# Estimators

SEEDS = {"a": 0, "b": 1}


@pytest.fixture(scope="module")
def texts():
    pytest.importorskip("tokenizers")
    pytest.importorskip("sklearn")
    words = np.random.default_rng(0).choice(["lovely", "dull", "a", "film"], (16, 5))
    return [" ".join(row) for row in words], ["good" if "lovely" in row else "bad" for row in words]


@pytest.fixture(scope="module")
def fitted(texts):
    """Two estimators that were fitted at once, with labels of their own."""
    from elman import tasks

    def fit(name, seed):
        model = tasks.TextClassifier(
            cell="simple_rnn", units=3, embedding=3, epochs=1, ngrams=False, bidirectional=False,
            random_state=seed,
        )  # fmt: skip
        return lambda: model.fit(texts[0], [f"{label} {name}" for label in texts[1]])

    return dict(zip(SEEDS, at_once(*(fit(*item) for item in SEEDS.items())), strict=True))


def test_estimators_are_fitted_at_once(texts, fitted):
    """Each is whole and its own, with the labels of its data and its settings.

    Not with the weights that its ``random_state`` gives when it is fitted alone: Keras draws first
    weights from the random numbers of the process, which `keras.utils.set_random_seed` sets for all
    threads. To have the weights of a seed, fit one estimator at a time in a process.
    """
    for name, estimator in fitted.items():
        assert estimator.classes_.tolist() == [f"bad {name}", f"good {name}"]
        assert estimator.random_state == SEEDS[name]
        chances = estimator.predict_proba(texts[0])
        np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
        assert np.ptp(chances[:, 0]) > 0
    one, other = (estimator.model.get_weights() for estimator in fitted.values())
    assert not any(np.array_equal(a, b) for a, b in zip(one, other, strict=True) if a.any())


def test_estimators_are_loaded_and_asked(texts, fitted, tmp_path):
    """Two folders, each by two threads: each gives what it gave before it was saved."""
    from elman import tasks

    expected = {name: estimator.predict_proba(texts[0]) for name, estimator in fitted.items()}
    for name, estimator in fitted.items():
        estimator.save(tmp_path / name)

    def ask(name):
        return lambda: (name, tasks.load(tmp_path / name).predict_proba(texts[0]))

    before = process()
    for name, found in at_once(*map(ask, "abab")):
        np.testing.assert_allclose(found, expected[name], atol=1e-6)  # float32
    assert process() == before


def test_explaining_beside_building(capsys):
    """`elman.explain` and layers made at once find their computation loaded once."""

    def make(kind):
        return lambda: elman.explain(models.Sequential([kind(3, input_shape=(None, 2))]))[0].engine

    assert set(at_once(*map(make, [layers.LSTM, layers.GRU, layers.SimpleRNN] * 2))) == {"native"}
