"""Models that know their batch size, reset what they carry, and say what runs them."""

import keras
import numpy as np
import pytest
from keras import ops

import elman
from elman import layers, models

X = np.random.default_rng(0).normal(size=(6, 4, 5)).astype("float32")
Y = np.ones((6, 1))


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def stateful(batch=2):
    layer = layers.LSTM(3, batch_input_shape=(batch, 4, 5), stateful=True, return_sequences=True)
    model = models.Sequential([layer, layers.Bidirectional(layers.GRU(2, stateful=True))])
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    return model


def carried(model):
    return [numpy(s) for layer in model.layers[:2] for s in layer.states]


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_the_batch_size_is_known(method):
    model = stateful()
    if method == "predict":
        assert model.predict(X, verbose=0).shape == (6, 1)
    else:
        getattr(model, method)(X, Y, verbose=0)
    assert all(np.abs(state).max() > 0 for state in carried(model))


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_rows_that_fill_no_batch(method):
    arguments = (X[:3],) if method == "predict" else (X[:3], Y[:3])
    with pytest.raises(ValueError, match=r"must be a multiple of 2.* got 3; give 2 or 4 rows"):
        getattr(stateful(), method)(*arguments)


def test_another_batch_size():
    with pytest.raises(ValueError, match=r"batch_size must be 2.* got 3; leave batch_size out"):
        stateful().fit(X, Y, batch_size=3)


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch", "predict_on_batch"])
def test_one_batch_of_another_size(method):
    arguments = (X[:3],) if method == "predict_on_batch" else (X[:3], Y[:3])
    with pytest.raises(ValueError, match=r"the batch must have 2 rows.* got 3; give 2 rows"):
        getattr(stateful(), method)(*arguments)


def test_a_model_without_state_takes_any_number_of_rows():
    model = models.Sequential([layers.LSTM(3, batch_input_shape=(4, 4, 5))])
    assert model.output_shape == (4, 3)
    assert model.predict(X, verbose=0).shape == (6, 3)


def test_plain_sequential_with_a_stateful_layer():
    model = keras.Sequential([layers.LSTM(3, batch_input_shape=(2, 4, 5), stateful=True)])
    model.predict(X, batch_size=2, verbose=0)
    assert numpy(model.layers[0].states[0]).shape == (2, 3)


def test_reset_states():
    model = stateful()
    first = model.predict(X[:2], verbose=0)
    second = model.predict(X[:2], verbose=0)
    model.reset_states()
    assert all((state == 0).all() for state in carried(model))
    assert np.abs(first - second).max() > 1e-4
    np.testing.assert_allclose(model.predict(X[:2], verbose=0), first, atol=1e-6)


def test_reset_to_given_states():
    model = stateful()
    layer = model.layers[0]
    h, c = np.full((2, 3), 0.25), np.full((2, 3), 0.5)
    layer.reset_states(states=[h, c])
    np.testing.assert_array_equal([numpy(s) for s in layer.states], [h, c])


@pytest.mark.parametrize(
    "rows", [[1], np.array([False, True]), slice(1, 2)], ids=["index", "bool", "slice"]
)
def test_reset_some_rows(rows):
    model = stateful()
    model.predict(X[:2], verbose=0)
    before = numpy(model.layers[0].states[0])
    model.layers[0].reset_states(rows=rows)
    after = numpy(model.layers[0].states[0])
    np.testing.assert_array_equal(after[0], before[0])
    assert (after[1] == 0).all()


def test_reset_some_rows_of_a_pair():
    pair = stateful().layers[1]
    pair.reset_states(states=[np.full((1, 2), 0.5), np.full((1, 2), 0.75)], rows=[1])
    forward, backward = (numpy(s) for s in pair.states)
    assert forward.tolist() == [[0, 0], [0.5, 0.5]]
    assert backward.tolist() == [[0, 0], [0.75, 0.75]]


def test_states_of_a_wrong_shape():
    with pytest.raises(ValueError, match=r"states must be 2 array\(s\) of the shapes \[\(2, 3\)"):
        stateful().layers[0].reset_states(states=[np.zeros((2, 4)), np.zeros((2, 3))])


def test_reset_between_batches():
    model, seen = stateful(), []

    class Reset(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            model.reset_states()

        def on_epoch_end(self, epoch, logs=None):
            seen.append(max(np.abs(state).max() for state in carried(model)))

    model.fit(X, Y, epochs=2, shuffle=False, verbose=0, callbacks=[Reset()])
    assert seen == [0, 0]


def test_states_are_no_weights(tmp_path):
    model = stateful()
    assert model.count_params() == sum(w.size for w in model.get_weights())
    model.predict(X[:2], verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    assert all((state == 0).all() for state in carried(loaded))
    model.reset_states()
    np.testing.assert_allclose(
        loaded.predict(X[:2], verbose=0), model.predict(X[:2], verbose=0), atol=1e-6
    )


def test_cloning_keeps_kind_and_settings():
    model = stateful()
    clone = models.clone_model(model)
    assert type(clone) is models.Sequential
    assert clone.input_shape == (2, 4, 5)
    assert clone.layers[0].stateful
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(
        clone.predict(X[:2], verbose=0), model.predict(X[:2], verbose=0), atol=1e-6
    )


def test_subclassed_model():
    class Mine(models.Model):
        def __init__(self):
            super().__init__()
            self.rnn, self.dense = layers.GRU(3, stateful=True), layers.Dense(1)

        def call(self, x):
            return self.dense(self.rnn(x))

    model = Mine()
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=2, verbose=0)
    assert np.abs(numpy(model.rnn.states[0])).max() > 0
    model.reset_states()
    assert (numpy(model.rnn.states[0]) == 0).all()


def test_a_subclass_called_with_inputs_and_outputs():
    class Mine(models.Model):
        pass

    x = layers.Input((4, 5))
    model = Mine(inputs=x, outputs=layers.GRU(3)(x))
    assert isinstance(model, models.Model)
    assert model.predict(X, verbose=0).shape == (6, 3)
    test_subclassed_model()  # which stays possible


def test_accelerate_keeps_weights_and_numbers():
    inner = keras.layers.LSTM(3, return_sequences=True)
    model = keras.Sequential([keras.Input((4, 5), batch_size=2), keras.layers.Bidirectional(inner)])
    model.add(keras.layers.GRU(3, stateful=True, return_sequences=True))
    model.add(keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.SimpleRNNCell(2)]))
    model.compile("sgd", "mse")
    before = model.predict(X[:2], verbose=0)
    weights = model.get_weights()
    assert elman.accelerate(model) is model
    assert isinstance(model.layers[1], layers.GRU)
    assert isinstance(model.layers[0].forward_layer, layers.LSTM)
    model.layers[1].reset_states()
    np.testing.assert_allclose(model.predict(X[:2], verbose=0), before, atol=1e-5)
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
    model.fit(X[:2], np.ones((2, 2)), batch_size=2, verbose=0)


def test_accelerate_reaches_layers_in_models_in_models():
    inner = keras.Sequential([keras.Input((4, 5))])
    inner.add(keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True)))
    given = keras.Input((2, 4, 5))
    each = keras.layers.TimeDistributed(keras.Sequential([inner, keras.layers.LSTM(2)]))(given)
    model = keras.Model(given, keras.layers.SimpleRNN(2)(each))
    x = np.stack([X, X[::-1]], axis=1)
    before = model.predict(x, verbose=0)
    assert {row.engine for row in elman.explain(model)} == {"keras"}
    elman.accelerate(model)
    rows = elman.explain(model)
    assert [row.engine for row in rows] == ["native"] * 5
    np.testing.assert_allclose(model.predict(x, verbose=0), before, atol=1e-5)


def test_accelerate_leaves_subclasses_alone():
    class Mine(keras.layers.LSTM):
        pass

    model = keras.Sequential([keras.Input((4, 5)), Mine(3)])
    assert type(elman.accelerate(model).layers[0]) is Mine


@keras.saving.register_keras_serializable("test")
class Doubled(layers.GRUCell):
    def call(self, *args, **kwargs):
        output, states = super().call(*args, **kwargs)
        return 2 * output, states


@keras.saving.register_keras_serializable("test")
class Called(layers.GRU):
    def call(self, *args, **kwargs):
        return super().call(*args, **kwargs)


@pytest.mark.parametrize(
    ("forward", "backward", "engine", "reason"),
    [
        (layers.LSTM(2), layers.GRU(2, go_backwards=True), "native", ""),
        (layers.GRU(2, activity_regularizer="l2"), None, "native", "has an activity_regularizer"),
        (layers.GRU(2, dtype="float64"), None, "native", "in float64, the pair in float32"),
        (Called(2), layers.GRU(2, go_backwards=True), "native", "Called has a call of its own"),
        (layers.GRU(2), layers.RNN(Doubled(2), go_backwards=True), "keras", "not Doubled"),
        (layers.GRU(2, engine="keras"), None, "keras", "engine='keras'"),
        (
            layers.RNN([layers.GRUCell(2), layers.GRUCell(2)]),
            layers.GRU(2, go_backwards=True),
            "native",
            "stacks of as many cells",
        ),
    ],
)
def test_explain_says_why_directions_are_not_side_by_side(forward, backward, engine, reason):
    pair = layers.Bidirectional(forward, backward_layer=backward, name="pair")
    rows = {row.layer: row for row in elman.explain(models.Sequential([pair]))}
    assert rows["pair"].engine == engine
    assert reason in rows["pair"].reason
    assert ("one direction after the other" in rows["pair"].reason) == bool(reason)
    assert rows[pair.forward_layer.name].engine == ("keras" if "='keras'" in reason else "native")
    assert pair(X[:2]).shape == (2, 4)


def test_explain_names_every_recurrent_layer(capsys):
    model = models.Sequential([keras.Input((4, 5)), layers.LSTM(3, engine="keras", name="one")])
    model.add(layers.RepeatVector(2))
    model.add(layers.RNN([layers.LSTMCell(2), Doubled(2)], name="two"))
    model.add(layers.RepeatVector(2))
    model.add(keras.layers.GRU(2, name="three"))
    model.add(layers.RepeatVector(2))
    model.add(layers.RNN([layers.LSTMCell(2), layers.GRUCell(2)], name="four"))
    rows = {row.layer: row for row in elman.explain(model)}
    assert [row.engine for row in rows.values()] == ["keras"] * 3 + ["native"]
    assert "engine='keras'" in rows["one"].reason
    assert "not Doubled" in rows["two"].reason
    assert "elman.accelerate(model)" in rows["three"].reason
    assert capsys.readouterr().out.splitlines()[0].startswith("one: keras (engine='keras'")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only tf.data has open sizes")
@pytest.mark.parametrize("known", [True, False], ids=["known", "open"])
def test_a_dataset_of_another_batch_size(known):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(3, drop_remainder=known)
    with pytest.raises(
        (ValueError, tf.errors.InvalidArgumentError), match=r"built for a batch of 2"
    ) as caught:
        stateful().fit(data, verbose=0)
    assert "3" in str(caught.value)


def test_a_stack_may_begin_with_a_model_of_several_inputs(tmp_path):
    inputs = [keras.Input((3,)), keras.Input((2,))]
    first = models.Model(inputs, keras.layers.Concatenate()(inputs))
    model = models.Sequential([first, layers.Dense(2, use_bias=False)])
    x = [np.arange(6.0).reshape(2, 3), np.ones((2, 2))]
    (kernel,) = model.get_weights()
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(y, np.hstack(x) @ kernel, atol=1e-5)
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        again = models.load_model(tmp_path / name)
        assert type(again) is models.Sequential
        np.testing.assert_array_equal(again.predict(x, verbose=0), y)


def test_a_model_saved_as_hdf5_keeps_its_optimizer(tmp_path):
    model = stateful()
    for name in ("first.h5", "second"):
        model.save(tmp_path / name)
    model.save(tmp_path / "third.keras")
    again = keras.models.load_model(tmp_path / "third.keras")
    assert isinstance(again.optimizer, keras.optimizers.SGD)
