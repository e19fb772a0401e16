"""`load_model` and its like: real files, training settings, functions, text, conversion, errors."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from elman import layers, models

sys.path.insert(0, str(Path(__file__).parent.parent / "legacy"))
from layout import functional, node, sequential, write

ROOT = Path(__file__).parent.parent.parent
FILES = Path(os.environ.get("ELMAN_DATA", ROOT.parent / "shared" / "data")) / "legacy_models"
needs_files = pytest.mark.skipif(
    not FILES.exists(), reason="the real old files are in $ELMAN_DATA/legacy_models"
)
RANDOM = np.random.default_rng(0)


def part_of_batch(x, i, parts):
    """What the byte code of the file with `Lambda` layers says it is: a part of the batch."""
    step = x.shape[0] // parts if x.shape[0] else 1
    return x[i * step : (i + 1) * step] if i < parts - 1 else x[i * step :]


def loaded(path):
    functions = {f"lambda_{i}": part_of_batch for i in range(1, 7)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a metric of its author's
        return models.load_model(path, functions=functions if "addition_rnn" in path.name else None)


@needs_files
@pytest.mark.parametrize("name", sorted(p.name for p in FILES.glob("*5")), ids=lambda n: n[:24])
def test_real_files(name):
    model = loaded(FILES / name)
    assert model.compiled
    if "addition_rnn" in name:
        return  # its Lambdas cut a batch into six
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    x = [RANDOM.random((2, *(n or 3 for n in shape[1:]))).astype("float32") for shape in shapes]
    x = [np.floor(a * 9) for a in x] if "ethnicolr" in name else x
    if "watson" in name:
        x = [np.repeat(a, 30, 0) for a in x]  # its batches have 60 rows
    found = keras.ops.convert_to_numpy(model(x if len(x) > 1 else x[0]))
    assert np.isfinite(found).all()
    if len(x) > 1:
        return  # of CuDNNLSTM, which Keras 2 runs on a GPU only
    try:
        import tf_keras

        old = tf_keras.models.load_model(FILES / name, compile=False)
    except (ImportError, AttributeError, TypeError, ValueError):
        return  # tf-keras is absent, or cannot load this one
    np.testing.assert_allclose(found, old(x[0]), rtol=1e-5, atol=1e-6)


@needs_files
def test_byte_code_is_refused():
    (path,) = FILES.glob("*addition_rnn.h5")
    with pytest.raises(ValueError, match=r"'lambda_1' \(byte code.*functions=\{\"lambda_1\": "):
        models.load_model(path)


# Training settings


def dense(path, training=None, optimizer=(), version="2.2.4"):
    config = sequential(("Dense", {"name": "d", "units": 2, "batch_input_shape": [None, 3]}))
    arrays = [("d/kernel:0", RANDOM.random((3, 2))), ("d/bias:0", RANDOM.random(2))]
    return write(path, config, {"d": arrays}, version, training=training, optimizer=optimizer)


def training(**settings):
    adam = {"class_name": "Adam", "config": {"lr": 0.25, "beta_1": 0.5, "beta_2": 0.75,
            "decay": 0.0, "epsilon": 1e-8, "amsgrad": False}}  # fmt: skip
    return {"optimizer_config": adam, "loss": "mse", "metrics": ["mae"], "sample_weight_mode": None,
            "loss_weights": None, **settings}  # fmt: skip


def test_compiled_as_it_was(tmp_path):
    m, v = [RANDOM.random(s) for s in ((3, 2), (2,))], [RANDOM.random(s) for s in ((3, 2), (2,))]
    state = [("Adam/iterations:0", 7), *((f"training/{i}", a) for i, a in enumerate([*m, *v]))]
    model = models.load_model(dense(tmp_path / "m.h5", training(metrics=["acc", "mae"]), state))
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == 0.25
    assert (model.optimizer.beta_1, model.optimizer.epsilon) == (0.5, 1e-8)
    assert int(model.optimizer.iterations) == 7
    state = [keras.ops.convert_to_numpy(x) for x in model.optimizer.variables[2:]]
    for found, expected in zip(state, [m[0], v[0], m[1], v[1]], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-7)
    x, y = RANDOM.random((4, 3)), RANDOM.random((4, 2))
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    predicted = model.predict(x, verbose=0)
    np.testing.assert_allclose(results["loss"], ((predicted - y) ** 2).mean(), rtol=1e-5)
    np.testing.assert_allclose(results["mae"], np.abs(predicted - y).mean(), rtol=1e-5)
    assert "acc" in results


def test_decay_goes_on_as_it_did(tmp_path):
    sgd = {
        "class_name": "SGD",
        "config": {"lr": 0.5, "decay": 0.1, "momentum": 0.5, "nesterov": False},
    }
    state = [("SGD/iterations:0", 5), ("m0", np.ones((3, 2))), ("m1", np.ones(2))]
    old = dense(tmp_path / "m.h5", training(optimizer_config=sgd), state)
    x, y = RANDOM.random((4, 3)), RANDOM.random((4, 2))

    for path in (old, tmp_path / "again.keras", tmp_path / "again.h5"):
        model = models.load_model(path)
        if path is old:
            model.save(tmp_path / "again.keras")
            model.save(tmp_path / "again.h5")
        bias, velocity = model.get_weights()[1], 1.0  # the one that the file holds
        for step, rate in (5, 0.5), (6, 0.25):
            model.optimizer.learning_rate = rate
            slope = (model.predict(x, verbose=0) - y).mean(0)  # d mse / d bias, of two outputs
            velocity = 0.5 * velocity - rate / (1 + 0.1 * step) * slope
            bias = bias + velocity
            model.train_on_batch(x, y)
            np.testing.assert_allclose(model.get_weights()[1], bias, atol=1e-6)


def test_decay_in_plain_keras_is_a_schedule(tmp_path):
    sgd = {"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.1}}
    old = dense(tmp_path / "m.h5", training(optimizer_config=sgd))
    models.convert(old, tmp_path / "new.keras")
    optimizer = keras.saving.load_model(tmp_path / "new.keras").optimizer
    assert type(optimizer).__module__.startswith("keras.")
    optimizer.iterations.assign(5)
    np.testing.assert_allclose(float(optimizer.learning_rate), 0.5 / 1.5, rtol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam"])
def test_optimizers_of_keras2(name, tmp_path):
    config = {"lr": 0.25, "decay": 0.0, "rho": 0.5, "epsilon": 1e-7, "schedule_decay": 0.004}
    written = {"class_name": name, "config": {k: x for k, x in config.items() if k in {
        "SGD": {"lr", "decay"}, "RMSprop": {"lr", "rho", "epsilon", "decay"},
        "Adadelta": {"lr", "rho", "epsilon", "decay"}, "Nadam": {"lr", "epsilon", "schedule_decay"},
    }.get(name, {"lr", "epsilon", "decay"})}}  # fmt: skip
    model = models.load_model(dense(tmp_path / "m.h5", training(optimizer_config=written)))
    assert type(model.optimizer).__name__ == name
    assert float(model.optimizer.learning_rate) == 0.25


LOSSES = {
    "mean_squared_error": {}, "mae": {}, "msle": {}, "binary_crossentropy": {}, "kld": {},
    "categorical_crossentropy": {}, "hinge": {}, "logcosh": {}, "cosine_proximity": {},
    "kullback_leibler_divergence": {}, "poisson": {}, "squared_hinge": {},
}  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_by_old_names(loss, tmp_path):
    model = models.load_model(dense(tmp_path / "m.h5", training(loss=loss)))
    assert np.isfinite(
        model.evaluate(RANDOM.random((4, 3)), np.eye(2)[[0, 1, 0, 1]], verbose=0)
    ).all()


def test_settings_of_tf_keras(tmp_path):
    written = training(
        optimizer_config={"class_name": "Custom>Adam", "config": {
            "name": "Adam", "weight_decay": None, "use_ema": False, "ema_momentum": 0.99,
            "jit_compile": True, "is_legacy_optimizer": False, "learning_rate": {
                "class_name": "ExponentialDecay", "config": {
                    "initial_learning_rate": 0.5, "decay_steps": 10, "decay_rate": 0.5,
                    "staircase": False, "name": None}}}},
        loss={"class_name": "BinaryCrossentropy", "config": {
            "reduction": "auto", "name": "bce", "from_logits": True, "label_smoothing": 0}},
        metrics=[[{"class_name": "MeanMetricWrapper", "config": {
            "name": "acc", "dtype": "float32", "fn": "binary_accuracy"}},
            {"class_name": "AUC", "config": {"name": "auc", "num_thresholds": 5}}]],
        weighted_metrics=None,
    )  # fmt: skip
    model = models.load_model(dense(tmp_path / "m.h5", written, version="2.11.0"))
    assert model.loss.get_config()["from_logits"] is True
    x, y = RANDOM.random((4, 3)), np.eye(2)[[0, 1, 0, 1]]
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    assert {*results} == {"loss", "acc", "auc"}
    np.testing.assert_allclose(results["acc"], ((model.predict(x, verbose=0) > 0.5) == y).mean())


def test_two_outputs(tmp_path):
    config = functional(
        [("InputLayer", {"name": "in", "batch_input_shape": [None, 3]}, []),
         *[("Dense", {"name": n, "units": 1}, [node("in")]) for n in "ab"]], ["in"], ["a", "b"],
    )  # fmt: skip
    kept = {n: [(f"{n}/k", RANDOM.random((3, 1))), (f"{n}/b", RANDOM.random(1))] for n in "ab"}
    written = training(loss={"a": "mse", "b": "mae"}, loss_weights={"a": 1.0, "b": 3.0},
                       metrics={"a": "mae"}, sample_weight_mode="temporal")  # fmt: skip
    model = models.load_model(write(tmp_path / "m.h5", config, kept, training=written))
    x = RANDOM.random((4, 3))
    a, b = model.predict(x, verbose=0)
    found = model.evaluate(x, [a + 1, b + 2], verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(found, 1 + 3 * 2, rtol=1e-5)


def test_unknown_losses_and_metrics(tmp_path):
    path = dense(tmp_path / "m.h5", training(metrics=["r2_keras", "mae"]))
    with pytest.warns(UserWarning, match="metric 'r2_keras' of the file is not known") as caught:
        model = models.load_model(path)
    assert len(caught) == 1
    assert model.compiled

    def r2_keras(y, p):
        return keras.ops.mean(y - p)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = models.load_model(path, custom_objects={"r2_keras": r2_keras})
    assert "r2_keras" in model.evaluate(
        np.ones((4, 3)), np.ones((4, 2)), verbose=0, return_dict=True
    )
    path = dense(tmp_path / "m.h5", training(loss="my_loss"))
    with pytest.warns(UserWarning, match="loss 'my_loss' .* is not compiled; call model.compile"):
        assert not models.load_model(path).compiled
    assert not models.load_model(dense(tmp_path / "m.h5", training()), compile=False).compiled


# Classes and functions of the user's own


def test_custom_layers(tmp_path):
    class Threefold(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1],), name="w")

        def call(self, x):
            return 2 * self.w * x

    config = sequential(("Custom>Threefold", {"name": "t", "batch_input_shape": [None, 3],
                                          "dtype": "float32", "trainable": True}))  # fmt: skip
    w = RANDOM.random(3)
    path = write(tmp_path / "m.h5", config, {"t": [("t/w:0", w)]}, "2.4.0")
    with pytest.raises(
        ValueError, match=r"'t' \(the class 'Threefold'\).*custom_objects=\{\"Threefold\": ...\}"
    ):
        models.load_model(path)
    model = models.load_model(path, custom_objects={"Threefold": Threefold})
    x = RANDOM.random((2, 3)).astype("float32")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), 2 * w * x, rtol=1e-6)


def test_functions(tmp_path):
    byte_code = {
        "name": "f",
        "function": ["4wEAAAA=", None, None],
        "function_type": "lambda",
        "output_shape": None,
        "arguments": {"k": 3},
        "batch_input_shape": [None, 2],
    }
    by_name = {"name": "g", "function": "double", "function_type": "function", "arguments": {}}
    config = sequential(
        ("Lambda", byte_code),
        ("Lambda", by_name),
        ("TFOpLambda", {"name": "tf.math.bessel", "function": "math.bessel_j0"}),
    )
    path = write(tmp_path / "m.h5", config, {"f": []}, "2.4.0")
    with pytest.raises(
        ValueError, match=r"'f' \(byte code.*'g' \(the function 'double'\).*TensorF"
    ):
        models.load_model(path)
    functions = {"f": lambda x, k: x * k, "tf.math.bessel": keras.ops.abs}
    model = models.load_model(path, {"double": lambda x: 2 * x}, functions=functions)
    x = np.array([[1.0, -2.0]])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), [[6, 12]])


# Text, Keras 3, conversion


@pytest.mark.parametrize("dump", ["json", "yaml"])
def test_text_and_weights(dump, tmp_path):
    import yaml

    config = {**sequential(("LSTM", {"name": "rnn", "units": 2, "batch_input_shape": [None, 3, 2],
                                     "recurrent_activation": "hard_sigmoid"})),
              "keras_version": "2.2.4", "backend": "tensorflow"}  # fmt: skip
    read = {"json": models.model_from_json, "yaml": models.model_from_yaml}[dump]
    model = read({"json": json.dumps, "yaml": yaml.dump}[dump](config))
    arrays = [("k", RANDOM.random((2, 8))), ("r", RANDOM.random((2, 8))), ("b", RANDOM.random(8))]
    kept = {"rnn": arrays}
    model.load_weights(write(tmp_path / "w.h5", None, kept))
    whole = models.load_model(write(tmp_path / "m.h5", config, kept))
    x = RANDOM.random((2, 3, 2))
    np.testing.assert_array_equal(model.predict(x, verbose=0), whole.predict(x, verbose=0))


def test_files_of_keras3(tmp_path):
    model = models.Sequential([layers.LSTM(3, input_shape=(4, 2)), layers.Dense(1)])
    model.compile("adam", "mse")
    x = RANDOM.random((2, 4, 2))
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        again = models.load_model(tmp_path / name)
        np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
        assert isinstance(again.layers[0], layers.LSTM)


def test_convert(tmp_path):
    """An old hard_sigmoid needs no elman: Keras 3's is the same of weights times 1.2."""
    old = [("LSTM", {"name": "a", "units": 3, "recurrent_activation": "hard_sigmoid",
                     "return_sequences": True, "batch_input_shape": [None, 4, 2]}),
           ("GRU", {"name": "b", "units": 3, "recurrent_activation": "hard_sigmoid"}),
           ("Dense", {"name": "c", "units": 2, "activation": "hard_sigmoid"})]  # fmt: skip
    shapes = {"a": [(2, 12), (3, 12), (12,)], "b": [(3, 9), (3, 9), (9,)], "c": [(3, 2), (2,)]}
    kept = {
        n: [(f"{n}/{i}", RANDOM.normal(size=s)) for i, s in enumerate(ss)]
        for n, ss in shapes.items()
    }
    path = write(tmp_path / "old.h5", sequential(*old), kept)
    notes, ours = models.convert(path, tmp_path / "new.keras")
    assert ours == []
    assert any("times 1.2" in note for note in notes)
    assert {p.name for p in tmp_path.iterdir()} == {"old.h5", "new.keras"}
    with zipfile_of(tmp_path / "new.keras") as archive:
        assert "elman" not in archive.read("config.json").decode()
    plain, x = keras.models.load_model(tmp_path / "new.keras"), RANDOM.normal(size=(5, 4, 2))
    expected = models.load_model(path).predict(x, verbose=0)
    np.testing.assert_allclose(plain.predict(x, verbose=0), expected, atol=1e-6)
    stateful = {**old[0][1], "batch_input_shape": [2, 4, 2], "stateful": True}
    path = write(tmp_path / "old.h5", sequential(("LSTM", stateful)), {"a": kept["a"]})
    assert models.convert(path, tmp_path / "new.keras")[1] == ["a"]
    assert models.load_model(tmp_path / "new.keras").layers[0].stateful
    with pytest.raises(ValueError, match=r"must end in \.keras"):
        models.convert(path, tmp_path / "new.h5")


def zipfile_of(path):
    import zipfile

    return zipfile.ZipFile(path)


# What a configuration can ask for


def test_weights_that_the_file_does_not_have(tmp_path):
    config = sequential(
        ("Dense", {"name": "d", "units": 10**9, "batch_input_shape": [None, 10**8]})
    )
    path = write(tmp_path / "m.h5", config, {"d": [("d/k", np.ones((3, 2)))]})
    with pytest.raises(ValueError, match=r"d/kernel'.*m.h5, which has 6 numbers in all, got"):
        models.load_model(path)
    with pytest.raises(ValueError, match="must be in memory"):
        models.model_from_config(config)


def test_weights_of_another_shape(tmp_path):
    config = sequential(("Dense", {"name": "d", "units": 2, "batch_input_shape": [None, 3]}))
    path = write(tmp_path / "m.h5", config, {"d": [("d/k", np.ones((2, 3))), ("d/b", np.ones(2))]})
    with pytest.raises(ValueError, match=r"layer 'd' must get weights of the shapes \[\(3, 2\)"):
        models.load_model(path)
    path = write(tmp_path / "m.h5", config, {"d": [], "e": [("e/k", np.ones((99, 99)))]})
    with pytest.raises(ValueError, match=r"of d, got those of e|shapes"):
        models.load_model(path)


def test_the_command_line(tmp_path):
    path = dense(tmp_path / "old.h5", training())
    code = (
        "import sys\nfrom elman.cli import main\n"
        f"try: main(['info', {str(path)!r}])\nexcept SystemExit as e: assert not e.code, e.code\n"
        "assert not {'keras', 'jax', 'torch', 'tensorflow'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for words in ("Keras 2.2.4 on tensorflow", "Dense", "(3, 2) (2,)", "8 parameters", "loss: mse"):
        assert words in done.stdout


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_byte_code_of_keras3_is_never_run(ending, tmp_path):
    path, ran = tmp_path / f"model{ending}", tmp_path / "ran"
    inputs = keras.Input((3,))
    evil = eval(f"lambda x: (open({str(ran)!r}, 'w'), x * 2)[1]")
    keras.Model(inputs, keras.layers.Lambda(evil, name="twice")(inputs)).save(path)
    ran.unlink()
    for safe in (True, False):
        with pytest.raises(ValueError, match=r"'twice' \(byte code, which is never run\)"):
            models.load_model(path, safe_mode=safe)
    model = models.load_model(path, functions={"twice": lambda x: x * 3})
    np.testing.assert_array_equal(model.predict(np.ones((1, 3)), verbose=0), [[3, 3, 3]])
    assert not ran.exists()
