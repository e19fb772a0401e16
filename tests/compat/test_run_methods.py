"""Old methods, arguments and names of quantities, on elman's models and under `elman run`."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from elman.compat import backend, callbacks, optimizers, scikit_learn, utils
from elman.compat.running import run_program
from elman.layers import LSTM, Dense, Input, SimpleRNN
from elman.models import Model, Sequential, load_model
from elman.models.generators import batches

X = np.linspace(-1, 1, 8 * 3 * 2, dtype="float32").reshape(8, 3, 2)
Y = np.array([0, 1, 2, 0, 1, 2, 0, 1])
ONE_HOT = np.eye(3, dtype="float32")[Y]


def classifier(**compile_arguments):
    model = Sequential([SimpleRNN(4, input_shape=(3, 2)), Dense(3, activation="softmax")])
    arguments = {"loss": "categorical_crossentropy", "metrics": ["accuracy"]} | compile_arguments
    model.compile(optimizers.SGD(0.1), **arguments)
    return model


def twins(n=2, **compile_arguments):
    models = [classifier(**compile_arguments) for _ in range(n)]
    for model in models[1:]:
        model.set_weights(models[0].get_weights())
    return models


def forever(size=2, weighted=False):
    while True:
        for i in range(0, 8, size):
            rows = slice(i, i + size)
            yield [X[rows], ONE_HOT[rows]] + [np.ones(size)] * weighted


def assert_same_weights(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {"steps_per_epoch": 4, "epochs": 2},
        {"samples_per_epoch": 8, "nb_epoch": 2, "nb_worker": 3, "max_q_size": 5},
    ],
    ids=["keras2", "keras1"],
)
def test_fit_generator_is_fit(arguments):
    one, other = twins()
    one.fit(X, ONE_HOT, batch_size=2, epochs=2, shuffle=False, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that a generator is not shuffled, say
        history = other.fit_generator(forever(), verbose=0, **arguments)
    assert len(history.history["loss"]) == 2
    assert_same_weights(one, other)


def test_keras_1_counts_rows_by_position_too():
    one, other = twins()
    one.fit(X, ONE_HOT, batch_size=2, epochs=1, shuffle=False, verbose=0)
    held_out = {"validation_data": forever(4), "nb_val_samples": 8}
    history = other.fit_generator(forever(), 8, nb_epoch=1, verbose=0, **held_out)
    assert_same_weights(one, other)
    wanted = other.evaluate(X, ONE_HOT, verbose=0)[0]
    assert history.history["val_loss"][0] == pytest.approx(wanted, rel=1e-5)


def test_class_weights_reach_the_rows_of_a_generator():
    one, other = twins()
    weight = {0: 3.0, 1: 0.5, 2: 1.0}
    one.fit(X, ONE_HOT, batch_size=2, shuffle=False, class_weight=weight, verbose=0)
    other.fit_generator(forever(), 4, class_weight=weight, verbose=0)
    assert_same_weights(one, other)
    [(_, _, weights)] = batches(iter([(X, Y)]), weight)
    assert weights.tolist() == [weight[y] for y in Y]


def test_predict_and_evaluate_generator():
    model = classifier()
    inputs = ([X[i : i + 2]] for i in range(0, 8, 2))
    np.testing.assert_allclose(
        model.predict_generator(inputs, steps=4), model.predict(X, verbose=0), atol=1e-6
    )
    np.testing.assert_allclose(
        model.evaluate_generator(forever(), steps=4), model.evaluate(X, ONE_HOT, verbose=0), 1e-5
    )


def test_classes_and_probabilities():
    model = classifier()
    scores = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict_classes(X), scores.argmax(-1))
    np.testing.assert_array_equal(model.predict_proba(X), scores)
    single = Sequential([Dense(1, activation="sigmoid", input_dim=2)])
    over = single.predict(X[:, 0], verbose=0) > 0.5
    classes = single.predict_classes(X[:, 0])
    assert classes.dtype == "int32"
    np.testing.assert_array_equal(classes, over)


@pytest.mark.parametrize("metric", ["acc", "accuracy"])
def test_accuracy_is_found_under_both_names(metric, tmp_path):
    seen = []
    listener = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((logs["acc"], logs.get("val_accuracy")))
    )
    files = callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch:02d}-{val_acc:.3f}.hdf5"), monitor="val_acc", period=2
    )
    stop = callbacks.EarlyStopping(monitor="val_acc", patience=9)
    model = classifier(metrics=metric)
    history = model.fit(
        X, ONE_HOT, nb_epoch=4, validation_data=(X, ONE_HOT), verbose=0,
        callbacks=[listener, files, stop],
    )  # fmt: skip
    both = history.history
    assert both["acc"] == both["accuracy"] == [acc for acc, _ in seen]
    assert both["val_acc"] == both["val_accuracy"] == [accuracy for _, accuracy in seen]
    assert set(both) == {"loss", metric, "val_loss", f"val_{metric}"}
    names = [f"{epoch:02d}-{both['val_acc'][epoch - 1]:.3f}.hdf5" for epoch in (2, 4)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert model.metrics_names == ["loss", metric]
    with pytest.raises(KeyError):
        both["val_mse"]
    loaded = load_model(tmp_path / names[-1])
    assert_same_weights(model, loaded)


def test_the_best_model_only(tmp_path):
    saved = []
    checkpoint = callbacks.ModelCheckpoint("{loss:.1f}", monitor="loss", save_best_only=True)
    model = classifier()
    model.save = lambda path, overwrite: saved.append(path)
    checkpoint.set_model(model)
    for epoch, loss in enumerate([3.0, 2.0, 2.5, 1.0]):
        checkpoint.on_epoch_begin(epoch)
        checkpoint.on_epoch_end(epoch, {"loss": loss})
    assert saved == ["3.0", "2.0", "1.0"]


def test_a_callback_sees_and_sets_the_weights_within_an_epoch():
    class Halve(keras.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            self.model.optimizer.learning_rate = 0.0 if batch == 1 else 0.1
            self.seen.append(self.model.get_weights()[0])

    halve, model = Halve(), classifier()
    halve.seen = [model.get_weights()[0]]
    model.fit(X, ONE_HOT, batch_size=2, verbose=0, callbacks=[halve])
    moved = [bool((a != b).any()) for a, b in zip(halve.seen, halve.seen[1:], strict=False)]
    assert moved == [True, True, False, True]


SETTINGS = {
    "SGD": {"momentum": 0.9, "nesterov": True},
    "RMSprop": {},
    "Adam": {},
    "Adagrad": {"initial_accumulator_value": 0.1},
    "Adadelta": {"lr": 1.0},
    "Adamax": {},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_decay_is_that_of_keras_2(name):
    """The rate shrinks by the step, and is set in between, as callbacks do."""
    tf_keras = pytest.importorskip("tf_keras", reason="the judge is Keras 2: pip install tf-keras")
    settings = {"lr": 0.5, "decay": 0.2, **SETTINGS[name]}
    start, gradients = np.linspace(-1, 1, 6), 2 + np.sin(np.arange(36)).reshape(6, 6)
    theirs = getattr(tf_keras.optimizers.legacy, name)(**settings)
    weight = tf_keras.backend.variable(start, dtype="float32")
    ours = getattr(optimizers, name)(**settings)
    ours_weight = keras.Variable(start)
    for step, gradient in enumerate(gradients.astype("float32")):
        if step == 3:
            tf_keras.backend.set_value(theirs.lr, 0.125)
            backend.set_value(ours.learning_rate, 0.125)
        theirs.apply_gradients([(gradient, weight)])
        ours.apply([keras.ops.convert_to_tensor(gradient)], [ours_weight])
        # Adam's 1 - beta_2 is off by 3e-5 of itself in float32, in each Keras in its own way.
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(ours_weight), weight.numpy(), rtol=3e-5, atol=1e-5
        )
    assert backend.get_value(ours.learning_rate) == tf_keras.backend.get_value(theirs.lr) == 0.125


@pytest.mark.parametrize("rate", [1, np.float32(0.5), np.array(0.25), np.int64(2)], ids=repr)
def test_a_rate_is_any_number(rate):
    for optimizer in (optimizers.SGD(rate), optimizers.SGD(lr=rate, decay=0.5)):
        assert backend.get_value(optimizer.learning_rate) == rate
        optimizer.learning_rate = 3
        assert backend.get_value(optimizer.learning_rate) == 3


def test_callbacks_set_a_rate_that_decays():
    rates = []
    one, other = twins(2)
    seen = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append((logs["lr"], float(logs["learning_rate"])))
    )
    for model in (one, other):
        model.compile(optimizers.SGD(0.1, decay=0.5), "categorical_crossentropy")
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, lr: (epoch + 1.0) / 8)
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=1e9)
    one.fit(X, ONE_HOT, batch_size=4, epochs=3, shuffle=False, verbose=0,
            callbacks=[scheduler, plateau, seen])  # fmt: skip
    # The first epoch is the best so far; the others are a plateau.
    assert rates == [(0.125, 0.125), (0.25, 0.25), (0.375, 0.375)]
    assert backend.get_value(one.optimizer.learning_rate) == 0.1875
    for epoch in range(3):
        for batch in range(2):
            step = 2 * epoch + batch
            other.optimizer.learning_rate = (epoch + 1.0) / 8 / (1 + 0.5 * step)
            other.optimizer.decay = np.float32(0)
            rows = slice(4 * batch, 4 * batch + 4)
            other.train_on_batch(X[rows], ONE_HOT[rows])
    assert_same_weights(one, other)


ORDERS = {
    "SGD": [((0.1, 0.9, 0.5, True), {"momentum": 0.9, "decay": 0.5, "nesterov": True}),
            ((0.1, 0.9, True), {"momentum": 0.9, "nesterov": True})],
    "RMSprop": [((0.1, 0.8, None, 0.5), {"rho": 0.8, "epsilon": 1e-7, "decay": 0.5}),
                ((0.1, 0.8, 1e-6), {"rho": 0.8, "epsilon": 1e-6, "momentum": 0.0}),
                ((0.1, 0.8, 0.9, 1e-6), {"momentum": 0.9, "epsilon": 1e-6}),
                ((0.1, 0.8, 0.0), {"momentum": 0.0, "epsilon": 1e-7})],
    "Adagrad": [((0.1, 1e-8, 0.5), {"epsilon": 1e-8, "decay": 0.5}),
                ((0.1, 0.2, 1e-8), {"initial_accumulator_value": 0.2, "epsilon": 1e-8})],
    "Adadelta": [((1.0, 0.9, 1e-8, 0.5), {"rho": 0.9, "epsilon": 1e-8, "decay": 0.5})],
    "Adam": [((0.1, 0.8, 0.9, 1e-8, 0.5), {"beta_2": 0.9, "epsilon": 1e-8, "decay": 0.5}),
             ((0.1, 0.8, 0.9, 1e-8, True), {"epsilon": 1e-8, "amsgrad": True})],
    "Nadam": [((0.1, 0.8, 0.9, 1e-8, 0.004), {"epsilon": 1e-8, "weight_decay": None})],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "args", "wanted"), [(n, *case) for n, cases in ORDERS.items() for case in cases]
)
def test_numbers_by_position(name, args, wanted):
    config = getattr(optimizers, name)(*args).get_config()
    assert {word: config[word] for word in wanted} == wanted
    assert config["learning_rate"] == pytest.approx(args[0])


def test_the_rate_is_worked_out_by_the_program(tmp_path):
    """What many programs printed in a callback; the optimizer is one that does not decay."""
    text = """
from keras import backend as K
from keras.layers import Dense
from keras.models import Sequential
from keras.optimizers import SGD
rates = []
for optimizer in ('sgd', SGD(lr=0.5, decay=0.5)):
    model = Sequential([Dense(1, input_dim=2)])
    model.compile(optimizer, 'mse')
    K.set_value(model.optimizer.lr, 0.25)
    K.set_value(model.optimizer.iterations, 2)
    lr, decay, iterations = model.optimizer.lr, model.optimizer.decay, model.optimizer.iterations
    rates.append(float(K.eval(lr / (1. + decay * K.cast(iterations, K.dtype(decay))))))
"""
    (tmp_path / "program.py").write_text(text)
    code, _, names = run_program(tmp_path / "program.py")
    assert code == 0
    assert names["rates"] == [0.25, 0.125]


def test_arguments_of_optimizers():
    placed = optimizers.SGD(0.1, 0.9, 0.0, True)  # lr, momentum, decay, nesterov
    assert (placed.momentum, placed.nesterov) == (0.9, True)
    assert optimizers.SGD(0.1, 0.9, True).nesterov is True
    adam = optimizers.Adam(lr=0.25, epsilon=None, decay=0.0)
    assert (float(adam.learning_rate), adam.epsilon) == (0.25, 1e-7)
    assert isinstance(adam, keras.optimizers.Adam)
    assert keras.saving.serialize_keras_object(adam)["module"] == "keras.optimizers"
    with pytest.raises(TypeError, match=r"SGD.* one argument"):
        optimizers.SGD(lr=0.1, learning_rate=0.2)
    assert isinstance(optimizers.Nadam(schedule_decay=0.004), keras.optimizers.Nadam)


def test_weights_go_into_a_folder_that_is_not_there_yet(tmp_path):
    one, other = twins()
    one.set_weights([w + 1 for w in one.get_weights()])
    one.save_weights(tmp_path / "checkpoints" / "one" / "weights.h5")
    other.load_weights(tmp_path / "checkpoints" / "one" / "weights.h5")
    assert_same_weights(one, other)


def test_arguments_of_compile():
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "cosine_proximity", ["mae"], sample_weight_mode="temporal")
    loss, error = model.evaluate(X[:, 0], np.ones((8, 1)), verbose=0)
    scores = model.predict(X[:, 0], verbose=0)
    assert loss == pytest.approx(-np.sign(scores).mean(), rel=1e-5)
    assert error == pytest.approx(np.abs(scores - 1).mean(), rel=1e-5)
    model.compile("sgd", "kullback_leibler_divergence", metrics="logcosh")
    assert model.evaluate(X[:, 0], np.ones((8, 1)), verbose=0)


@pytest.mark.parametrize("name", ["model", "model.ckpt", "folder/model.h5", "m.keras"])
def test_a_model_saved_under_any_name_loads(name, tmp_path):
    (tmp_path / "folder").mkdir()
    model = classifier()
    model.fit(X, ONE_HOT, verbose=0)
    model.save(tmp_path / name, save_format="tf")
    loaded = load_model(tmp_path / name)
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0), 1e-6)
    loaded.fit(X, ONE_HOT, verbose=0)


def test_a_model_is_not_written_over_unasked(tmp_path):
    model = classifier()
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match=r"model must not exist with overwrite=False"):
        model.save(tmp_path / "model", overwrite=False)


def test_functional_models_have_the_methods_too():
    x = Input((3, 2))
    model = Model(input=x, output=Dense(3, activation="softmax")(LSTM(2)(x)))
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    assert len(model.fit_generator(iter([(X, Y)] * 2), 2, verbose=0).history["loss"]) == 1
    assert model.predict_classes(X).shape == (8,)


def test_wrappers_of_scikit_learn():
    selection = pytest.importorskip("sklearn.model_selection")

    def build(units=2):
        model = Sequential([Dense(units, input_dim=2), Dense(3, activation="softmax")])
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        return model

    estimator = scikit_learn.KerasClassifier(build_fn=build, nb_epoch=1, batch_size=4, verbose=0)
    assert selection.cross_val_score(estimator, X[:, 0], Y, cv=2).shape == (2,)
    search = selection.GridSearchCV(estimator, {"units": [1, 3]}, cv=2).fit(X[:, 0], Y)
    assert search.best_params_["units"] in (1, 3)
    assert set(search.predict(X[:, 0])) <= {0, 1, 2}
    with pytest.raises(ValueError, match="unit must be an argument of build_fn"):
        scikit_learn.KerasClassifier(build, unit=3)


def test_utilities(tmp_path):
    assert utils.to_categorical([1, 0], nb_classes=3).tolist() == [[0, 1, 0], [1, 0, 0]]
    source = tmp_path / "corpus.txt"
    source.write_text("some text")
    path = utils.get_file(str(tmp_path / "copy.txt"), origin=source.as_uri())
    assert Path(path).read_text() == "some text"
    utils.plot_model(classifier(), to_file=str(tmp_path / "model.png"))
