"""Callbacks with the file names and arguments that they had."""

import importlib.util
import os
from pathlib import Path

import keras

from elman.legacy.notes import tell


class ModelCheckpoint(keras.callbacks.Callback):
    """Saves the model after an epoch, under any file name, every ``period`` epochs.

    Arguments:
        filepath: name with places such as ``{epoch:02d}`` and ``{val_acc:.2f}``; without one of
            Keras's endings a whole model is saved as HDF5, weights as ``.weights.h5``.
        monitor: the quantity that tells the best model, if only that is saved.
        verbose: 1 to print a line for each file.
        save_best_only, save_weights_only: as of `keras.callbacks.ModelCheckpoint`.
        mode: "min", "max", or "auto": accuracies and AUC up, everything else down.
        period: epochs between two files.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the quantity to beat at first.
        options: ignored.
    """

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        period=1,
        save_freq="epoch",
        initial_value_threshold=None,
        load_weights_on_restart=False,
        options=None,
    ):
        super().__init__()
        self.filepath, self.monitor, self.verbose = os.fspath(filepath), monitor, verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.period, self.save_freq = period, save_freq
        up = mode == "max" or (mode == "auto" and _counts_up(monitor))
        self.better = (lambda new, old: new > old) if up else (lambda new, old: new < old)
        self.best = initial_value_threshold
        self._epoch = self._batches = 0
        if period != 1:
            tell("ModelCheckpoint: period has no counterpart today; elman's own callback keeps it")

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % self.save_freq == 0:
            self._save(logs or {})

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch" and (epoch + 1) % self.period == 0:
            self._save(logs or {})

    def _save(self, logs):
        value = logs.get(self.monitor) if self.save_best_only else None
        if value is not None:
            if self.best is not None and not self.better(value, self.best):
                return
            self.best = value
        # Not **logs: the old names are found when they are asked for.
        path = Path(self.filepath.format_map(_Values(logs, epoch=self._epoch + 1)))
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.verbose:
            print(f"\nEpoch {self._epoch + 1}: saving model to {path}")
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(str(path), overwrite=True)


class _Values(dict):
    """What the places in a file name stand for."""

    def __init__(self, logs, **more):
        super().__init__(more)
        self._logs = logs

    def __missing__(self, name):
        return self._logs[name]


class TensorBoard(keras.callbacks.Callback):
    """Keras's `TensorBoard` where it can write; elsewhere it writes nothing."""

    _GONE = ("batch_size", "write_grads", "embeddings_layer_names", "embeddings_data")

    def __new__(cls, *args, **kwargs):
        for name in TensorBoard._GONE:
            if name in kwargs:
                tell(f"TensorBoard: {name}={kwargs.pop(name)!r} dropped")
        if not _can_write():
            tell("TensorBoard writes nothing: it needs tensorflow and tensorboard installed")
            return super().__new__(cls)
        if len(args) > 2:  # In Keras 2 the third place was batch_size.
            args = args[:2]
        return keras.callbacks.TensorBoard(*args, **kwargs)

    def __init__(self, *args, **kwargs):
        super().__init__()


def _can_write() -> bool:
    """Whether what Keras's callback needs is installed."""
    return all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard"))


class _Monitor:
    """Mixin: the old rule for what is better, and an argument's old name.

    Keras 3 asks the metric itself, and refuses a function.
    """

    monitor: str
    mode: str

    def __init__(self, *args, epsilon=None, **kwargs):
        if epsilon is not None:
            kwargs["min_delta"] = epsilon
        super().__init__(*args, **kwargs)
        if self.mode == "auto":
            self.mode = "max" if _counts_up(self.monitor) else "min"


def _counts_up(quantity: str) -> bool:
    return any(word in quantity for word in ("acc", "auc", "fmeasure"))


class EarlyStopping(_Monitor, keras.callbacks.EarlyStopping):
    """Keras's `EarlyStopping`."""


class ReduceLROnPlateau(_Monitor, keras.callbacks.ReduceLROnPlateau):
    """Keras's `ReduceLROnPlateau`, whose ``epsilon`` is ``min_delta`` today."""
