"""`convert`: what it says of an archive is seen first, by a process without elman."""

import keras
import numpy as np
import pytest

from elman import layers, models
from elman.cli import main
from elman.models import converting

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
    done = models.convert(tmp_path / f"old.{ending}", tmp_path / "new.keras")
    assert (done.ours, done.proven, done.why) == ([], True, "")
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
    save = converting._save_whole

    def other(model, path):
        model.layers[-1].bias.assign([1.0, 2.0])
        save(model, path)
        model.layers[-1].bias.assign([0.0, 0.0])

    monkeypatch.setattr(converting, "_save_whole", other)
    done = models.convert(tmp_path / "old.keras", tmp_path / "new.keras")
    assert not done.proven
    assert done.why
    assert not models.convert(tmp_path / "old.keras", tmp_path / "n.keras", prove=False).proven
