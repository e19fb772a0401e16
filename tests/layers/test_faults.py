"""The faults of Keras 3.15's recurrent layers that ours must not have, one test each."""

import keras
import numpy as np
import pytest
from keras import ops
from packaging.version import Version

from elman import layers, models
from elman.layers import native

BACKEND = keras.backend.backend()
CELLS = ("SimpleRNN", "LSTM", "GRU")

# Before 3.15 Keras exported no open axis to ONNX at all.
of_torch_tracing = pytest.mark.skipif(
    BACKEND != "torch" or Version(keras.__version__) < Version("3.15"),
    reason="the fault is one of torch's tracing with an open time axis",
)


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


@pytest.mark.parametrize("cell", CELLS)
def test_training_a_stateful_layer_carries_state(cell):
    layer = getattr(layers, cell)(3, batch_input_shape=(2, 4, 5), stateful=True)
    model = models.Sequential([layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(random(6, 4, 5), np.ones((6, 1)), epochs=2, shuffle=False, verbose=0)
    carried = numpy(layer.states[0])
    model.predict(random(2, 4, 5), verbose=0)
    assert np.abs(carried).max() > 0
    assert np.abs(numpy(layer.states[0]) - carried).max() > 0


@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
def test_unroll_and_go_backwards_together(masked):
    mask = np.array([[True, True, False], [True, False, False]]) if masked else None
    x = random(2, 3, 5)
    unrolled = layers.GRU(3, unroll=True, go_backwards=True, return_sequences=True, engine="keras")
    looped = layers.GRU(3, go_backwards=True, return_sequences=True, engine="keras")
    y = unrolled(x, mask=mask)
    looped.build(x.shape)
    looped.set_weights(unrolled.get_weights())
    np.testing.assert_allclose(numpy(y), numpy(looped(x, mask=mask)), atol=1e-6)


@of_torch_tracing
@pytest.mark.parametrize("cell", [*CELLS, "Bidirectional"])
def test_onnx_export_keeps_the_time_axis_open(cell, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    layer = (
        layers.Bidirectional(layers.GRU(3)) if cell == "Bidirectional" else getattr(layers, cell)(3)
    )
    model = models.Sequential([keras.Input((None, 5)), layer])
    model.predict(random(2, 3, 5), verbose=0)
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for timesteps in (1, 6, 9):
        x = random(2, timesteps, 5)
        (exported,) = session.run(None, {session.get_inputs()[0].name: x})
        np.testing.assert_allclose(exported, model.predict(x, verbose=0), atol=1e-5)


@of_torch_tracing
def test_onnx_export_refuses_what_it_cannot_keep_open(tmp_path):
    model = models.Sequential([keras.Input((None, 5)), layers.GRU(3, reset_after=False)])
    model.predict(random(2, 3, 5), verbose=0)
    with pytest.raises(ValueError, match="give the model a fixed number of timesteps"):
        model.export(tmp_path / "model.onnx", format="onnx", verbose=False)


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_use_cudnn_where_there_is_none(cell):
    layer = getattr(layers, cell)(3, use_cudnn=True)
    with pytest.raises(ValueError, match=r"use_cudnn=True.* use_cudnn='auto'"):
        layer(np.ones((1, 2, 3), "float32"))


@pytest.mark.parametrize("use_cudnn", ["auto", True, False])
@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_kernels_are_asked_for_with_the_use_cudnn_that_was_given(cell, use_cudnn, monkeypatch):
    asked, find = [], native.find

    def listened(layers, *args):
        asked.extend(layer.use_cudnn for layer in layers)
        return find(layers, *args)

    monkeypatch.setattr(native, "find", listened)
    getattr(layers, cell)(3, use_cudnn=use_cudnn)
    assert set(asked) == {use_cudnn}


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_use_cudnn_survives_saving(cell, tmp_path):
    layer = getattr(layers, cell)(3, use_cudnn=False)
    model = models.Sequential([keras.Input((4, 5)), layer, layers.RepeatVector(2)])
    model.add(layers.Bidirectional(getattr(layers, cell)(3, use_cudnn=False)))
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    wrapped = loaded.layers[2]
    found = [loaded.layers[0], wrapped.forward_layer, wrapped.backward_layer]
    assert [one.use_cudnn for one in found] == [False, False, False]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("shape", [(2, 0, 5), (0, 4, 5), (0, 0, 5)], ids=["T0", "B0", "B0-T0"])
def test_nothing_in_nothing_out(cell, shape):
    layer = getattr(layers, cell)(3, return_sequences=True, return_state=True, dropout=0.5)
    outputs, *states = layer(np.zeros(shape, "float32"), training=True)
    assert outputs.shape == (*shape[:2], 3)
    assert all(state.shape == (shape[0], 3) for state in states)


def test_no_timesteps_in_predict():
    model = models.Sequential([keras.Input((None, 5)), layers.LSTM(3, return_sequences=True)])
    model.add(layers.GRU(2))
    assert model.predict(np.zeros((3, 0, 5)), verbose=0).tolist() == [[0, 0]] * 3


def test_bidirectional_runs_a_subclass_by_its_own_loop():
    @keras.saving.register_keras_serializable("test_faults")
    class Doubled(layers.LSTM):
        def inner_loop(self, *args, **kwargs):
            last, outputs, states = super().inner_loop(*args, **kwargs)
            return 2 * last, outputs, states

    x = random(2, 4, 5)
    doubled, plain = layers.Bidirectional(Doubled(3)), layers.Bidirectional(layers.LSTM(3))
    y = doubled(x)
    plain.build(x.shape)
    plain.set_weights(doubled.get_weights())
    np.testing.assert_allclose(numpy(y), 2 * numpy(plain(x)), atol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only tf.data leaves both sizes open")
def test_batch_and_time_both_unknown():
    import tensorflow as tf

    data = tf.data.Dataset.from_generator(
        lambda: ((random(2, t, 5), random(2, t, 1)) for t in (3, 4)),
        output_signature=(tf.TensorSpec((None, None, 5)), tf.TensorSpec((None, None, 1))),
    )
    model = models.Sequential([keras.Input((None, 5)), layers.GRU(3, return_sequences=True)])
    model.add(layers.TimeDistributed(layers.Dense(1)))
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(data, verbose=0).history["loss"][0])


@pytest.mark.parametrize("wrap", [False, True], ids=["layer", "Bidirectional"])
def test_masks_go_on_where_keras_drops_them(wrap, monkeypatch):
    monkeypatch.setattr(keras.layers.RNN, "compute_mask", lambda *_: None)
    monkeypatch.setattr(keras.layers.Bidirectional, "compute_mask", lambda *_: None, raising=False)
    layer = layers.LSTM(3, return_sequences=True)
    layer = layers.Bidirectional(layer) if wrap else layer
    embedded = layers.Embedding(9, 5, embeddings_initializer="orthogonal", mask_zero=True)(
        np.array([[1, 2, 0], [3, 0, 4]])
    )
    sequences = layer(embedded)
    last = layers.GRU(2)
    y = numpy(last(sequences))
    mask = np.array([[True, True, False], [True, False, True]])
    np.testing.assert_allclose(y, numpy(last(numpy(sequences), mask=mask)), atol=1e-6)
    assert np.abs(y - numpy(last(numpy(sequences)))).max() > 1e-3
