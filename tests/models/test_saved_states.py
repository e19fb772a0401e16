"""`save(..., states=True)`: the model that is loaded goes on where the saved one was."""

import keras
import numpy as np
import pytest
from keras import ops

from elman import layers, models

X = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def model():
    made = models.Sequential([layers.Input(batch_shape=(2, None, 3))])
    made.add(layers.LSTM(4, stateful=True, return_sequences=True))
    made.add(layers.Bidirectional(layers.GRU(3, stateful=True, return_sequences=True)))
    cells = [layers.SimpleRNNCell(2), layers.LSTMCell(3)]
    made.add(layers.RNN(cells, stateful=True))
    made.compile("sgd", "mse")
    return made


def states(of):
    return [numpy(v) for layer in of._stateful_layers() for v in keras.tree.flatten(layer.states)]


@pytest.mark.parametrize("home", [models, keras.models], ids=["elman", "keras"])
def test_the_loaded_model_goes_on(home, tmp_path):
    first = model()
    first.fit(X, np.ones((2, 3)), epochs=2, batch_size=2, verbose=0)
    first.save(tmp_path / "on.keras", states=True)
    first.save(tmp_path / "anew.keras")
    on, anew = (home.load_model(tmp_path / name) for name in ("on.keras", "anew.keras"))
    assert len(states(on)) == 2 + 2 + 3
    for mine, theirs in zip(states(on), states(first), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert all(not state.any() for state in states(anew))
    wanted = first.predict(X, verbose=0)
    np.testing.assert_allclose(on.predict(X, verbose=0), wanted, rtol=1e-5, atol=1e-6)
    assert np.abs(anew.predict(X, verbose=0) - wanted).max() > 1e-3


def test_in_the_middle_of_a_training(tmp_path):
    class Save(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.save(tmp_path / "middle.keras", states=True)

    x = np.concatenate([X] * 3)
    first, second = model(), model()
    second.set_weights(first.get_weights())
    first.fit(x, np.ones((6, 3)), batch_size=2, shuffle=False, verbose=0, callbacks=[Save()])
    second.fit(x[:4], np.ones((4, 3)), batch_size=2, shuffle=False, verbose=0)
    for mine, theirs in zip(
        states(models.load_model(tmp_path / "middle.keras")), states(second), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_only_an_archive_has_room_for_them(tmp_path):
    for name in ("model.h5", "model"):
        with pytest.raises(ValueError, match=r"states=True must go with .*\.keras, got 'model"):
            model().save(tmp_path / name, states=True)
    assert not list(tmp_path.iterdir())


def test_another_batch_size_is_told(tmp_path):
    first = model()
    first.save(tmp_path / "two.keras", states=True)
    layer = layers.LSTM(4, stateful=True, batch_input_shape=(3, None, 3))
    other = models.Sequential([layer])
    with pytest.raises(ValueError, match="states"):
        layer.load_own_variables({"state_0": np.zeros((2, 4)), "state_1": np.zeros((2, 4))})
    assert [s.shape for s in states(other)] == [(3, 4)] * 2
