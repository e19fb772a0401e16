"""How every task is trained: batches of like length, averaged weights, the best epoch kept."""

import itertools
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from keras import ops

from elman._keras_private import set_random_seed
from elman._writing import write_whole
from elman.data.arrays import load_arrays
from elman.data.batches import Batches
from elman.tasks.saved import COUNT, Kind, check, read_json, read_part

# What is kept of a training beside its weights.
BEST: dict[str, Kind] = {"best": int | float, "best_epoch": COUNT, "epoch": COUNT}
STATE: dict[str, Kind] = {"epoch": COUNT, "history": [{str: int | float}], "best": BEST}


class Examples(Protocol):
    """What a task turns its data into.

    Attributes:
        lengths: the number of timesteps of each example, [N].
    """

    lengths: np.ndarray

    def arrays(self, rows: np.ndarray, length: int) -> tuple:
        """The model's input and target for the examples ``rows``, padded to ``length``.

        A third item, where there is one, weighs each example, [len(rows)], or each step of it,
        [len(rows), length].
        """


class Feed(keras.utils.PyDataset):
    """Examples as batches for `Model.fit`: shuffled anew, by the seed, for each epoch.

    With ``seed=None`` the batches come in order of length: for evaluation. Then the weights make up
    for rows that repeat: Keras divides the sum of losses by their number too.
    """

    def __init__(self, examples: Examples, batch_size: int, seed: int | None = None):
        super().__init__()
        self.examples, self.seed, self.epoch = examples, seed, 0
        self.plan = Batches(examples.lengths, batch_size)
        self._batches = self._ordered()
        rows = sum(len(batch.rows) for batch in self._batches)
        self._scale = np.float32(1 if seed is not None else rows / len(examples.lengths))

    def _ordered(self) -> list:
        if self.seed is None:
            batches = list(self.plan)
        else:
            batches = self.plan.shuffled(np.random.default_rng([self.seed, self.epoch]))
        if keras.backend.backend() == "tensorflow":
            # Keras takes for fixed there what is of one size in the first two batches.
            other = (i for i, batch in enumerate(batches) if batch.length != batches[0].length)
            for i in itertools.islice(other, 1):
                batches[1], batches[i] = batches[i], batches[1]
        return batches

    @property
    def num_batches(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int):
        batch = self._batches[index]
        x, y, *weights = self.examples.arrays(batch.rows, batch.length)
        rows = batch.weights * self._scale
        if not weights:
            return x, y, rows
        return x, y, (np.asarray(weights[0], "float32").T * rows).T

    def start_at(self, epoch: int) -> None:
        """Begin with the batches of ``epoch``, counted from 0."""
        self.epoch = epoch
        self._batches = self._ordered()

    def on_epoch_end(self):
        self.epoch += 1
        self._batches = self._ordered()


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the epoch whose ``monitor`` is best, and may stop the training.

    Where it is the share p of n examples that are right, it is known up to its standard error
    sqrt(p (1 - p) / n), and of the epochs within that of the best one the last is kept: a network
    that is right on all of a few examples early still learns what others need. Breiman et al. 1984,
    "Classification and Regression Trees", choose so among trees; Agresti, Coull 1998, "Approximate
    Is Better than 'Exact'", have the error of shares near 1.

    Arguments:
        monitor: what to compare, e.g. "val_accuracy"; None keeps the last epoch's.
        mode: "max" or "min".
        patience: how many epochs in a row may be no better; None never stops.
        examples: n, where ``monitor`` is such a share, else None.

    Attributes:
        best, best_epoch: the best value, its sign changed with "min", and its epoch, from 0.
        epoch, weights: the epoch that is kept and its weights.
    """

    def __init__(
        self,
        monitor: str | None,
        mode: str = "max",
        patience: int | None = None,
        examples: int | None = None,
    ):
        super().__init__()
        self.monitor, self.sign, self.patience = monitor, 1 if mode == "max" else -1, patience
        self.examples = examples
        self.best, self.best_epoch, self.epoch = -math.inf, -1, -1
        self.weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch, logs=None):
        value = epoch if self.monitor is None else self.sign * logs[self.monitor]
        if value > self.best or self.weights is None:
            self.best, self.best_epoch = value, epoch
        elif self.patience is not None and epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True
        if epoch == self.best_epoch or (self.examples and value >= self.best - self._error()):
            self.epoch, self.weights = epoch, self.model.get_weights()

    def _error(self) -> float:
        """The standard error of the best share, as if two more were right and two more wrong."""
        count = (self.examples or 0) + 4
        share = (self.best * (count - 4) + 2) / count
        return math.sqrt(share * (1 - share) / count)


class SaveState(keras.callbacks.Callback):
    """Writes all that a broken training needs to go on, between epochs, whole or not at all.

    Arguments:
        folder: where to, made when there is something to write; None writes nothing.
        best: the callback that knows the best weights so far.
        seed: of the training; on PyTorch each epoch begins with one of its own.
    """

    def __init__(self, folder: Path | None, best: KeepBest, seed: int):
        super().__init__()
        self.folder, self.best, self.seed = folder, best, seed
        self.history: list[dict[str, float]] = []

    def on_epoch_end(self, epoch, logs=None):
        self.history.append({name: float(value) for name, value in logs.items()})

    def on_epoch_begin(self, epoch, logs=None):
        if keras.backend.backend() == "torch":  # whose dropout draws from the state of the process
            set_random_seed(self.seed + epoch)
        # Here, and not at the end of an epoch, the model holds its own weights, not the averages.
        if not self.history or self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        best = {name: getattr(self.best, name) for name in ("best", "best_epoch", "epoch")}
        # No HDF5: where a disk is full its library ends the process.
        last = map(ops.convert_to_numpy, _variables(self.model))
        arrays = {f"last {i}": value for i, value in enumerate(last)}
        arrays |= {f"best {i}": value for i, value in enumerate(self.best.weights or [])}
        path = self.folder / f"epoch-{epoch}.npz"
        state = {"epoch": epoch, "file": path.name, "history": self.history, "best": best}
        try:
            np.savez(path, **arrays)
            write_whole(self.folder / "state.json", json.dumps(state))
        except OSError:
            path.unlink(missing_ok=True)
            raise
        for old in self.folder.glob("epoch-*"):
            if old != path:
                old.unlink()

    def restore(self, model) -> int:
        """Take up what was written into ``model``; returns the number of epochs done."""
        if self.folder is None:
            return 0
        path = self.folder / "state.json"
        if not path.is_file():
            return 0
        state = read_json(path, dict)
        if "file" not in state:
            raise ValueError(
                f"{self.folder} must have been written by this version of elman, got another's; "
                "train anew, with --overwrite"
            )
        check(state, STATE, str(path))
        model.optimizer.build(model.trainable_variables)
        with read_part(self.folder / f"epoch-{state['epoch']}.npz") as path:
            self._give(model, load_arrays(path))
        for name in BEST:
            setattr(self.best, name, state["best"][name])
        self.history = state["history"]
        return state["epoch"]

    def _give(self, model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
        last, best = (
            [array for name, array in arrays.items() if name.startswith(which)]
            for which in ("last", "best")
        )
        variables = _variables(model)
        for values, wanted in ((last, variables), (best, model.weights)):
            there, must_be = [v.shape for v in values], [tuple(v.shape) for v in wanted]
            if there != must_be:
                raise ValueError(
                    f"the weights must be of the shapes {must_be}, got {there}; train anew, with "
                    "--overwrite"
                )
        self.best.weights = best
        for variable, value in zip(variables, last, strict=True):
            variable.assign(value)


def _variables(model: keras.Model) -> list[keras.Variable]:
    """All that a training changes: weights, where the random numbers stand, the optimizer's own."""
    return [*model.variables, *model.optimizer.variables]


@dataclass
class Training:
    """What became of a training.

    Attributes:
        history: for each epoch its losses and metrics.
        best_epoch: the epoch whose weights the model has, from 1.
        seconds: how long it took.
        shapes: the shapes [B, T] of the batches, each of which JAX compiled a step for.
        interrupted: whether Ctrl-C ended it.
    """

    history: list[dict[str, float]]
    best_epoch: int
    seconds: float
    shapes: list[tuple[int, int]]
    interrupted: bool = False


def train(
    model: keras.Model,
    training: Feed,
    validation: Feed | None = None,
    *,
    epochs: int,
    monitor: str = "val_accuracy",
    mode: str = "max",
    patience: int | None = None,
    is_share: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    folder: Path | None = None,
    verbose: int | str = 0,
) -> Training:
    """Fit a compiled model; it ends with the weights of its best epoch on ``validation``.

    Without validation data the last epoch's weights stay. An optimiser with ``use_ema=True`` gives
    averaged weights, which are then the ones that are validated and kept (Polyak, Juditsky 1992,
    "Acceleration of stochastic approximation by averaging").

    Arguments:
        monitor, mode, patience: of `KeepBest`.
        is_share: whether ``monitor`` is the share of the validation examples that are right.
        folder: where the state is written after each epoch, and taken up if there is one.

    Raises:
        KeyboardInterrupt: when it comes before the first epoch is done; later, training ends and
            the best weights so far are kept.
    """
    started = time.perf_counter()
    judged = len(validation.examples.lengths) if validation and is_share else None
    best = KeepBest(monitor if validation else None, mode, patience, judged)
    average = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] * model.optimizer.use_ema
    history = SaveState(folder, best, training.seed or 0)
    first = history.restore(model)
    training.start_at(first)
    interrupted = False
    try:
        model.fit(
            training,
            validation_data=validation,
            epochs=epochs,
            initial_epoch=first,
            shuffle=False,
            verbose=verbose,
            callbacks=[*average, best, history, *callbacks],
        )
    except KeyboardInterrupt:
        if best.weights is None:
            raise
        interrupted = True
    model.set_weights(best.weights)
    seconds = time.perf_counter() - started
    return Training(history.history, best.epoch + 1, seconds, training.plan.shapes, interrupted)
