"""What `fit` gives callbacks, and that it leaves them as they were."""

import keras
import numpy as np
import pytest

from elman import layers, models

X, Y = np.random.default_rng(0).normal(size=(8, 3)).astype("float32"), np.eye(2)[[0, 1] * 4]


class Seen(keras.callbacks.Callback):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.logs = []

    def on_epoch_end(self, epoch, logs=None):
        self.logs.append((logs["acc"], logs["accuracy"], self.model))
        logs["twice"] = 2 * logs["acc"]


def model():
    made = models.Sequential([layers.Dense(2, activation="softmax", input_dim=3)])
    made.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    return made


def attributes(callback):
    return {k: v for k, v in vars(callback).items() if k not in ("_model", "params")}


def test_the_users_callbacks_stay_as_they_were():
    """No method is bound anew, no setting is another, in any number of calls."""
    seen = Seen()
    stop = keras.callbacks.EarlyStopping(monitor="acc", patience=9)
    printed = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    hook = printed.on_epoch_end
    names = set(vars(printed))
    for i in range(2):
        made = model()
        made.fit(X, Y, epochs=2, verbose=0, callbacks=[seen, [stop, printed]])
        assert attributes(seen) == {"logs": seen.logs}
        assert len(seen.logs) == 2 * (i + 1)
    assert set(vars(printed)) == names
    assert not [name for name in vars(stop) if name.startswith("on_")]
    assert stop.monitor == "acc"
    assert printed.on_epoch_end is hook
    assert all(acc == accuracy for acc, accuracy, _ in seen.logs)
    assert seen.logs[-1][2] is made


def test_what_a_callback_adds_to_the_logs_is_in_the_history():
    history = model().fit(X, Y, epochs=2, verbose=0, callbacks=Seen()).history
    assert history["twice"] == [2 * value for value in history["acc"]]


def test_a_history_of_the_users_own_is_what_comes_back():
    own = keras.callbacks.History()
    made = model()
    assert made.fit(X, Y, verbose=0, callbacks=[own]) is own
    assert own.history["acc"] == own.history["accuracy"]


def test_early_stopping_by_the_old_name_stops():
    """Each epoch but the first is no better by 1: it stops after 1 + patience epochs."""
    stop = keras.callbacks.EarlyStopping(monitor="acc", patience=2, min_delta=1.0)
    history = model().fit(X, Y, epochs=9, verbose=0, callbacks=[stop])
    assert len(history.history["loss"]) == 3


def test_an_error_in_a_hook_is_the_users():
    class Stop(RuntimeError):
        pass

    class Raises(keras.callbacks.Callback):
        monitor = "acc"

        def on_epoch_end(self, epoch, logs=None):
            raise Stop(self.monitor)

    raises = Raises()
    with pytest.raises(Stop, match="accuracy"):
        model().fit(X, Y, verbose=0, callbacks=[raises])
    assert raises.monitor == "acc"
