"""What `elman._keras_private` takes from Keras: each name is tried, since Keras may change it."""

import contextlib
import copy
import io
import random
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from elman import _keras_private as private

HUGE = (10**5, 10**9)  # more numbers than any machine can hold


def numpy(x):
    return np.array(keras.ops.convert_to_numpy(x))


def dense(units=2, inputs=3):
    layer = keras.layers.Dense(units)
    layer.build((None, inputs))
    return layer


# keeping_optimizer


@pytest.mark.parametrize("kept", [False, True])
def test_what_hdf5_takes_from_a_model(kept, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(0.25), "mse")
    with private.keeping_optimizer(model) if kept else contextlib.nullcontext():
        model.save(tmp_path / "first.h5")
    model.save(tmp_path / "second.keras")
    again = keras.models.load_model(tmp_path / "second.keras").optimizer
    assert (isinstance(again, keras.optimizers.Adam) and float(again.learning_rate) == 0.25) == kept


# set_random_seed


@pytest.mark.parametrize("seed", [0, np.int64(7)])
def test_the_seed_is_what_keras_makes_of_it(seed):
    def drawn():
        layer = dense()
        return [random.random(), np.random.rand(), *numpy(layer.kernel).ravel(),
                *numpy(keras.random.normal((3,))).ravel()]  # fmt: skip

    private.set_random_seed(seed)
    ours = drawn()
    keras.utils.set_random_seed(int(seed))
    assert ours == drawn()


# deferred_variables, give_value


def test_deferred_variables_take_no_memory():
    with private.deferred_variables() as made:
        layer = dense(HUGE[1], HUGE[0])
    assert [id(v) for v in made] == [id(layer.kernel), id(layer.bias)]
    assert [tuple(v.shape) for v in made] == [HUGE, HUGE[1:]]


def test_deferred_variables_within_others():
    with private.deferred_variables() as outer:
        first = dense()
        with private.deferred_variables() as inner:
            second = dense()
        third = dense()
    assert {id(v) for v in inner} == {id(v) for v in second.variables}
    assert {id(v) for v in outer} == {id(v) for v in first.variables + third.variables}
    assert numpy(dense().kernel).shape == (3, 2)


@pytest.mark.parametrize("within", [False, True], ids=["alone", "within others"])
def test_an_exception_ends_deferring(within):
    def broken():
        with private.deferred_variables():
            dense()
            raise RuntimeError

    if not within:
        with pytest.raises(RuntimeError):
            broken()
        assert not private.in_stateless_scope()
        assert numpy(dense().kernel).any()
        return
    with private.deferred_variables() as outer:
        with pytest.raises(RuntimeError):
            broken()
        layer = dense()
    assert [id(v) for v in outer] == [id(v) for v in layer.variables]


def test_deferring_is_of_one_thread():
    entered, ready = threading.Event(), threading.Event()

    def defer():
        with private.deferred_variables() as made:
            entered.set()
            assert ready.wait(60)
            dense()
        return len(made)

    with ThreadPoolExecutor(1) as pool:
        deferring = pool.submit(defer)
        assert entered.wait(60)
        try:
            kernel = numpy(dense().kernel)
        finally:
            ready.set()
        assert deferring.result() == 2
    assert kernel.any()


def test_give_value():
    """By its own initializer, or by another; afterwards it is a variable like others."""
    with private.deferred_variables():
        layer = keras.layers.Dense(2, bias_initializer=keras.initializers.Constant(5.0))
        layer.build((None, 3))
    private.give_value(layer.bias)
    private.give_value(layer.kernel, lambda shape, dtype=None: keras.ops.full(shape, 2.0, dtype))
    np.testing.assert_array_equal(numpy(layer.bias), [5, 5])
    np.testing.assert_array_equal(numpy(layer.kernel), np.full((3, 2), 2))
    np.testing.assert_array_equal(numpy(layer(np.ones((1, 3), "float32"))), [[11, 11]])
    layer.kernel.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(numpy(layer(np.ones((1, 3), "float32"))), [[5, 5]])


# reading, share, shared_object


def written(shared=None):
    config = keras.saving.serialize_keras_object(keras.layers.Dense(2, name="dense_7"))
    return config if shared is None else {**config, "shared_object_id": shared}


def test_what_is_shared_is_one():
    made = keras.saving.deserialize_keras_object
    with private.reading():
        assert private.shared_object(7) is None
        first = made(written(7))
        assert made(written(7)) is first
        assert private.shared_object(7) is first
        assert made(written(8)) is not first
    assert private.shared_object(7) is None
    with private.reading():
        assert made(written(7)) is not first


def test_share():
    given = dense()
    with private.reading():
        private.share(7, given)
        assert private.shared_object(7) is given
        assert keras.saving.deserialize_keras_object(written(7)) is given


def test_byte_code_is_refused_whatever_the_program_allowed():
    config = keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x * 2))
    made = keras.saving.deserialize_keras_object

    def read():  # what is allowed is allowed in one thread
        keras.config.enable_unsafe_deserialization()
        assert isinstance(made(copy.deepcopy(config)), keras.layers.Lambda)
        with private.reading(), pytest.raises(ValueError, match=r"[Uu]nsafe|arbitrary"):
            made(config)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(read).result()


# load_state


@keras.saving.register_keras_serializable("test_keras_private")
class Words(keras.layers.Layer):
    """A layer that keeps a file in the archive, as a vocabulary is."""

    def __init__(self, word="", **settings):
        super().__init__(**settings)
        self.word = word

    def call(self, x):
        return x

    def save_assets(self, folder):
        with open(f"{folder}/word.txt", "w") as file:
            file.write(self.word)

    def load_assets(self, folder):
        with open(f"{folder}/word.txt") as file:
            self.word = file.read()


def model(units=2, word=""):
    layers = [keras.layers.Dense(units, name="first"), Words(word, name="words")]
    return keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1, name="last")])


def unpacked(made, folder):
    made.save(folder / "m.keras")
    with zipfile.ZipFile(folder / "m.keras") as archive:
        archive.extractall(folder / "in")
    return folder / "in" / "model.weights.h5", folder / "in" / "assets"


@pytest.mark.parametrize("opened", [False, True], ids=["path", "in memory"])
def test_load_state(opened, tmp_path):
    saved, other = model(word="Garten"), model()
    weights, assets = unpacked(saved, tmp_path)
    weights = io.BytesIO(weights.read_bytes()) if opened else weights
    private.load_state(other, weights, assets)
    for one, two in zip(saved.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert other.get_layer("words").word == "Garten"


def test_load_state_names_the_layer(tmp_path):
    weights, assets = unpacked(model(word="x"), tmp_path)
    with pytest.raises(ValueError, match=r"^layer 'first': .*shape"):
        private.load_state(model(units=4), weights, assets)


# Scopes, masks, models


class Asks(keras.layers.Layer):
    """Notes where it is called."""

    def call(self, x):
        self.symbolic = private.in_symbolic_scope()
        self.stateless = private.in_stateless_scope()
        return x


def test_in_symbolic_scope():
    layer = Asks()
    layer(np.ones((1, 2)))
    assert not layer.symbolic
    layer(keras.Input((2,)))
    assert layer.symbolic
    assert not private.in_symbolic_scope()


def test_in_stateless_scope():
    layer = Asks()
    layer(np.ones((1, 2)))
    assert not layer.stateless
    layer.stateless_call([], [], np.ones((1, 2)))
    assert layer.stateless
    with keras.StatelessScope():
        assert private.in_stateless_scope()
    assert not private.in_stateless_scope()


def test_functional_is_what_models_are_made_of():
    class Mine(keras.Model):
        pass

    x = keras.Input((2,))
    y = keras.layers.Dense(1)(x)
    assert type(keras.Model(x, y)) is private.Functional
    assert isinstance(Mine(x, y), private.Functional)
    assert not issubclass(keras.Sequential, private.Functional)


def test_get_keras_mask():
    x = np.array([[[1.0], [0.0], [2.0]]], "float32")
    y = keras.layers.Masking()(x)
    np.testing.assert_array_equal(numpy(private.get_keras_mask(y)), [[True, False, True]])
    assert private.get_keras_mask(keras.ops.convert_to_tensor(x)) is None


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX has such tracers")
def test_get_keras_mask_of_a_tracer():
    import jax

    @jax.jit
    def mask(x):
        return private.get_keras_mask(keras.layers.Masking()(x))

    x = np.array([[[1.0], [0.0], [2.0]]], "float32")
    np.testing.assert_array_equal(mask(x), [[True, False, True]])


# old_preprocessing


def test_old_preprocessing():
    found = private.old_preprocessing()
    tokenizer = found["Tokenizer"](num_words=5)
    tokenizer.fit_on_texts(["the cat", "the dog"])
    assert tokenizer.word_index == {"the": 1, "cat": 2, "dog": 3}
    assert tokenizer.texts_to_sequences(["the dog"]) == [[1, 3]]
    assert found["text_to_word_sequence"]("A b.") == ["a", "b"]
    x, y = found["TimeseriesGenerator"](np.arange(6), np.arange(6), length=3, batch_size=2)[0]
    np.testing.assert_array_equal(x, [[0, 1, 2], [1, 2, 3]])
    np.testing.assert_array_equal(y, [3, 4])
    flow = found["ImageDataGenerator"](rescale=0.5).flow(np.ones((2, 4, 4, 1)), batch_size=2)
    np.testing.assert_array_equal(next(flow), np.full((2, 4, 4, 1), 0.5))


def test_every_name_is_tried_here():
    with open(__file__) as file:
        text = file.read()
    for name in private.__all__:
        assert f"private.{name}" in text, name
