"""Batches for training and validation, and the numbers that Keras makes of them."""

import errno
import resource

import keras
import numpy as np
import pytest

from elman.tasks.training import Feed, KeepBest, SaveState


class Numbers:
    """Example i is the number i, to be learnt as 0."""

    lengths = np.ones(5, int)

    def arrays(self, rows, length):
        return np.array(rows, "float32")[:, None], np.zeros((len(rows), 1), "float32")


def test_a_validation_loss_is_the_mean_over_the_examples():
    """Keras divides by the four rows of each batch, and three of the last one repeat."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model.compile(loss="mean_absolute_error", weighted_metrics=["mean_absolute_error"])
    assert model.evaluate(Feed(Numbers(), 4), verbose=0) == pytest.approx([2, 2])


@pytest.mark.parametrize(
    ("scores", "examples", "kept"),
    [
        ([0.5, 0.9, 0.8], None, 1),
        ([0.9, 0.9], None, 0),
        ([0.9, 0.9], 100, 1),
        # 0.9 of 100 is known up to 0.03: 0.88 cannot be told from it, 0.86 can.
        ([0.9, 0.88, 0.86], 100, 1),
        ([0.9, 0.88], 10_000, 0),
        ([0.88, 0.86, 0.9, 0.86], 100, 2),
        ([1.0, 1.0, 0.99], 100, 2),
        ([1.0, 0.9983], 1000, 0),
    ],
)
def test_the_epoch_that_is_kept(scores, examples, kept):
    best = KeepBest("val_accuracy", examples=examples)
    best.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    for epoch, score in enumerate(scores):
        best.model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        best.on_epoch_end(epoch, {"val_accuracy": score})
    assert best.epoch == best.weights[0] == kept


def test_patience_counts_from_the_best_epoch_and_not_from_the_one_kept():
    best = KeepBest("val_accuracy", patience=2, examples=100)
    best.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    stops = []
    for epoch, score in enumerate([0.9, 0.89, 0.89]):
        best.on_epoch_end(epoch, {"val_accuracy": score})
        stops.append(getattr(best.model, "stop_training", False))
    assert (stops, best.epoch) == ([False, False, True], 2)


class Sequences:
    """Many sequences of one length, and a few of others, to be learnt as 0."""

    lengths = np.array([3] * 40 + [9] * 4)

    def arrays(self, rows, length):
        return np.ones((len(rows), length, 1), "float32"), np.zeros((len(rows), 1), "float32")


def test_batches_of_one_length_before_those_of_others():
    """On TensorFlow Keras takes what is of one size in the first two batches for fixed."""
    layers = [keras.Input((None, 1)), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(loss="mse")
    training, validation = Feed(Sequences(), 4, seed=0), Feed(Sequences(), 4)
    for feed in (training, validation):
        lengths = [feed[i][0].shape[1] for i in range(feed.num_batches)]
        assert sorted(lengths) == [*[3] * 10, 9]
    model.fit(training, validation_data=validation, epochs=2, verbose=0)


def test_a_full_disk_keeps_the_state_of_the_epoch_before(tmp_path):
    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(100)])
    model.compile("adam")
    model.optimizer.build(model.trainable_variables)
    best = KeepBest(None)
    saving = SaveState(tmp_path, best, 0)
    for callback in (best, saving):
        callback.set_model(model)
        callback.on_epoch_end(0, {"loss": 1.0})
    saving.on_epoch_begin(1)
    before = model.get_weights()
    model.set_weights([value + 1 for value in before])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError) as told:  # noqa: PT011 - its number is looked at
            saving.on_epoch_begin(2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert told.value.errno == errno.EFBIG
    assert {path.name for path in tmp_path.iterdir()} == {"epoch-1.npz", "state.json"}
    assert SaveState(tmp_path, best, 0).restore(model) == 1
    assert all(map(np.array_equal, model.get_weights(), before))


def test_the_state_of_another_version(tmp_path):
    (tmp_path / "state.json").write_text('{"epoch": 1, "files": {}}')
    with pytest.raises(ValueError, match="by this version of elman, got another's; train anew"):
        SaveState(tmp_path, KeepBest(None), 0).restore(keras.Sequential())
