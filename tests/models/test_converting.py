"""`convert`: what it says of an archive is seen first, by a process without elman."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from elman import layers, models
from elman.cli import main
from elman.models import converting

sys.path.insert(0, str(Path(__file__).parent.parent / "legacy"))
from layout import functional, write

RANDOM = np.random.default_rng(0)


def tagger(stateful=False):
    x = layers.Input((5,), batch_size=2 if stateful else None, dtype="int32")
    h = layers.Embedding(9, 4, mask_zero=True)(x)
    h = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(h)
    h = layers.GRU(3, stateful=stateful, name="gru")(h)
    return models.Model(x, layers.Dense(2)(h * 2 + 1))


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_an_archive_of_keras_own_layers(ending, tmp_path):
    """Of a model of elman's layers, with masks and operations."""
    model = tagger()
    model.compile("adam", "mse")
    model.save(tmp_path / f"old.{ending}")
    prove = ending == "h5"  # which takes seconds
    done = models.convert(tmp_path / f"old.{ending}", tmp_path / "new.keras", prove=prove)
    assert (done.ours, done.proven) == ([], prove)
    plain = keras.models.load_model(tmp_path / "new.keras")
    assert {type(layer).__module__.partition(".")[0] for layer in plain.layers} == {"keras"}
    x = RANDOM.integers(0, 9, (3, 5))
    np.testing.assert_allclose(
        plain.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_what_needs_elman_is_said(tmp_path, capsys):
    tagger(stateful=True).save(tmp_path / "old.keras")
    with pytest.raises(SystemExit) as done:
        main(["convert", str(tmp_path / "old.keras"), str(tmp_path / "new.keras")])
    assert not done.value.code
    assert "needs elman to load (import elman.models), for: gru" in capsys.readouterr().out


def test_another_number_is_seen(tmp_path, monkeypatch):
    """The process compares with what the model computes, here with what it does not."""
    model = tagger()
    model.save(tmp_path / "old.keras")
    prove = converting._not_proven

    def other(model, path):
        model.layers[-1].bias.assign([1.0, 2.0])
        return prove(model, path)

    monkeypatch.setattr(converting, "_not_proven", other)
    done = models.convert(tmp_path / "old.keras", tmp_path / "new.keras")
    assert not done.proven
    assert done.why
    assert not models.convert(tmp_path / "old.keras", tmp_path / "n.keras", prove=False).proven


def test_operations_of_tensorflow_are_of_keras(tmp_path):
    """All but those that compute with the size of the batch, which Keras has no words for."""
    x, calls = "in", []

    def call(name, function, first, **kwargs):
        first = first if isinstance(first, list) else [first, 0, 0, kwargs]
        calls.append(("TFOpLambda", {"name": name, "function": function}, [first]))
        return name

    last = call("last", "__operators__.getitem", x, slice_spec=[
        {"start": None, "stop": None, "step": None}, -1,
    ])  # fmt: skip
    twice = call("twice", "math.multiply", last, y=2.0)
    size = call("size", "compat.v1.shape", x)
    batch = call("batch", "__operators__.getitem", size,
                 slice_spec={"start": None, "stop": 1, "step": None})  # fmt: skip
    shape = call("shape", "concat", [
        [batch, 0, 0, {"axis": 0}], [["_CONSTANT_VALUE", -1, 1, {"axis": 0}],
                                     ["_CONSTANT_VALUE", -1, 3, {"axis": 0}]],
    ])  # fmt: skip
    rows = call("rows", "reshape", twice, shape=[shape, 0, 0])
    first = ("InputLayer", {"name": x, "batch_input_shape": [None, 2, 3]}, [])
    path, new = tmp_path / "old.h5", tmp_path / "new.keras"
    array = RANDOM.random((4, 2, 3)).astype("float32")

    write(path, functional([first, *calls[:2]], [x], [twice]), {}, "2.4.0")
    done = models.convert(path, new)
    assert (done.ours, done.proven) == ([], True)
    plain = keras.models.load_model(new)
    np.testing.assert_allclose(plain.predict(array, verbose=0), 2 * array[:, -1], rtol=1e-6)

    write(path, functional([first, *calls], [x], [rows]), {}, "2.4.0")
    done = models.convert(path, new)
    assert (done.ours, done.proven) == (["rows"], False)
    again = models.load_model(new)
    np.testing.assert_allclose(again.predict(array, verbose=0), 2 * array[:, -1:], rtol=1e-6)
