"""`Model.quantize`: layers of elman are quantized as Keras's are, and recurrent ones say no."""

import keras
import numpy as np
import pytest
from keras import ops

from elman import layers, models

RANDOM = np.random.default_rng(0)


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


@pytest.mark.filterwarnings("ignore:.*does not have a `quantize` method:UserWarning")
def test_numbers_are_those_of_keras(tmp_path):
    def model(home, make):
        x = home.Input((5,), dtype="int32")
        h = home.Embedding(9, 8)(x)
        h = home.EinsumDense("abc,cd->abd", output_shape=(None, 6))(h)
        return make(x, home.Dense(3)(h))

    ours, theirs = model(layers, models.Model), model(keras.layers, keras.Model)
    theirs.set_weights(ours.get_weights())
    for one in (ours, theirs):
        one.quantize("int8")
    assert [w.dtype for w in ours.weights] == [w.dtype for w in theirs.weights]
    assert "int8" in {w.dtype for w in ours.weights}
    x = RANDOM.integers(0, 9, (4, 5))
    wanted = numpy(theirs(x))
    np.testing.assert_array_equal(numpy(ours(x)), wanted)
    ours.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(models.load_model(tmp_path / "model.keras")(x)), wanted)


def test_a_class_of_the_user_says_itself_whether_it_can():
    class Mine(layers.Dense):
        pass

    layer = Mine(2)
    layer.build((None, 3))
    with pytest.raises(NotImplementedError, match="Mine"):
        layer.quantize("int8")


@pytest.mark.parametrize("cell", ["SimpleRNN", "LSTM", "GRU"])
def test_recurrent_layers_stay_and_say_so(cell):
    model = models.Sequential(
        [getattr(layers, cell)(3, input_shape=(4, 2), name="rnn"), layers.Dense(2)]
    )
    x = RANDOM.normal(size=(2, 4, 2)).astype("float32")
    before = numpy(model(x))
    words = "not quantized: rnn; recurrent layers have no kernels for int8"
    with pytest.warns(UserWarning, match=words):
        model.quantize("int8")
    np.testing.assert_allclose(numpy(model(x)), before, atol=0.02)
    assert model.layers[-1].dtype_policy.quantization_mode == "int8"
