"""What models of elman add to Keras's: a batch size that they know, states that they can reset."""

import inspect
import os
import warnings

import keras
import numpy as np
from keras import tree

from elman.legacy import archive, eras, hdf5
from elman.legacy.methods import rename
from elman.legacy.notes import tell
from elman.models import decaying, generators, old_weights
from elman.models.logs import Logs, listening
from elman.models.old_methods import OldMethods, losses_today

# The arguments of `fit` by position, after x, y and batch_size.
_FIT = tuple(inspect.signature(keras.Model.fit).parameters)[4:]


class Recurrent(OldMethods):
    """Mixin of `Model` and `Sequential`.

    A model whose input has a fixed batch size (``batch_input_shape=(8, 2, 10)``) takes it as the
    default ``batch_size`` of `fit`, `evaluate` and `predict`; a stateful one wants it everywhere.
    """

    def reset_states(self):
        """Set the states that stateful layers carry back to their initial states.

        Between batches too: from a callback of ``fit`` as well as between two calls of it.
        """
        sync = getattr(self, "jax_state_sync", None)
        if sync:  # In the middle of `fit` JAX's trainer holds the variables' values.
            sync()
        for layer in self._stateful_layers():
            layer.reset_states()

    reset_state = reset_states

    def compile(self, optimizer="rmsprop", loss=None, *args, **kwargs):
        if args and _are_metrics(args[0]):  # The order of Keras 2; today's is the other one.
            kwargs["metrics"], args = args[0], args[1:]
        kwargs = rename("compile", kwargs)
        optimizer = _as_then(optimizer)
        metrics = kwargs.get("metrics")
        kwargs["metrics"] = losses_today([metrics] if _is_one_metric(metrics) else metrics)
        loss = tree.map_structure(lambda one: _of_model(one, self), losses_today(loss))
        return super().compile(optimizer, loss, *args, **kwargs)

    def compile_from_config(self, config):
        """Compile the model as a file says; Keras does so only where `compile` is its own."""
        if type(self).compile is not Recurrent.compile:
            return super().compile_from_config(config)
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)
        return None

    def fit(self, x=None, y=None, batch_size=None, *args, **kwargs):
        kwargs = rename("fit", kwargs | dict(zip(_FIT, args, strict=False)))
        x = kwargs.pop("x", x)
        batch_size = self._batch_size("fit", x, batch_size)
        if generators.is_generator(x):
            x = generators.batches(x, kwargs.pop("class_weight", None))
            kwargs.setdefault("shuffle", False)  # Keras warns that it cannot
        if generators.is_generator(kwargs.get("validation_data")):
            kwargs["validation_data"] = generators.batches(kwargs["validation_data"])
        if getattr(x, "keeps_order", False):
            kwargs["shuffle"] = False
        kwargs["callbacks"] = listening(kwargs.get("callbacks"), self)
        history = super().fit(x, y, batch_size, **kwargs)
        history.history = Logs(history.history)
        return history

    def evaluate(self, x=None, y=None, batch_size=None, *args, **kwargs):
        kwargs = rename("evaluate", kwargs)
        batch_size = self._batch_size("evaluate", x, batch_size)
        x = generators.batches(x) if generators.is_generator(x) else x
        return super().evaluate(x, y, batch_size, *args, **kwargs)

    def predict(self, x, batch_size=None, *args, **kwargs):
        kwargs = rename("predict", kwargs)
        if not args:  # of which the first would be verbose
            kwargs = {**eras.defaults("predict", eras.current()), **kwargs}
        batch_size = self._batch_size("predict", x, batch_size)
        x = generators.batches(x, targets=False) if generators.is_generator(x) else x
        return super().predict(x, batch_size, *args, **kwargs)

    def train_on_batch(self, x, *args, **kwargs):
        self._check_batch("train_on_batch", x)
        return super().train_on_batch(x, *args, **kwargs)

    def test_on_batch(self, x, *args, **kwargs):
        self._check_batch("test_on_batch", x)
        return super().test_on_batch(x, *args, **kwargs)

    def predict_on_batch(self, x):
        self._check_batch("predict_on_batch", x)
        return super().predict_on_batch(x)

    def load_weights(self, filepath, by_name=False, skip_mismatch=False, **kwargs):
        """Load weights that any Keras since 1.0 has saved into this model.

        Arguments:
            filepath: a file of weights or of a whole model, in the layout of Keras 1 and 2 or of
                Keras 3, whatever its name.
            by_name: give each layer the weights that the file has under its name, and leave the
                others as they are; else all layers that have weights, in the order of the file.
            skip_mismatch: leave out, with a warning, what does not fit.

        Raises:
            ValueError: the file is damaged, or its weights are not those of such a model.
            OSError: there is no such file.
        """
        if hdf5.kind(filepath) == "hdf5" and not hdf5.is_keras3_weights(filepath):
            old_weights.load(self, filepath, by_name, skip_mismatch)
            return None
        archive.check_weights(filepath)
        if by_name:
            kwargs["by_name"] = True
        with old_weights.named_as_keras_wants(filepath) as path:
            return super().load_weights(path, skip_mismatch=skip_mismatch, **kwargs)

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """Save the weights, for `load_weights`.

        A name that ends in ``.weights.h5`` gives the layout of Keras 3; any other one, as in
        ``save_weights("x.h5")``, an HDF5 file in the layout of Keras 1 and 2, which those read too.
        """
        if str(filepath).endswith((".weights.h5", ".weights.json")):
            return super().save_weights(filepath, overwrite=overwrite, **kwargs)
        if not overwrite and os.path.exists(filepath):
            raise ValueError(f"{filepath} must not exist with overwrite=False; do: overwrite=True")
        return old_weights.save(self, filepath)

    def quantize(self, mode=None, *args, **kwargs):
        """`keras.Model.quantize`; recurrent layers stay as they are, and a warning says so."""
        recurrent = ", ".join(layer.name for layer in self._recurrent_layers())
        if recurrent:
            why = f"recurrent layers have no kernels for {mode}"
            warnings.warn(f"not quantized: {recurrent}; {why}", stacklevel=2)
        return super().quantize(mode, *args, **kwargs)

    def _recurrent_layers(self) -> list:
        """The recurrent layers, those inside wrappers and models included."""
        layers = self._flatten_layers(include_self=False)
        return [layer for layer in layers if isinstance(layer, keras.layers.RNN)]

    def _stateful_layers(self) -> list:
        return [layer for layer in self._recurrent_layers() if layer.stateful]

    def _static_batch_size(self) -> int | None:
        """The batch size that the model's inputs were declared with."""
        inputs = tree.flatten(getattr(self, "inputs", None) or [])
        sizes = {tensor.shape[0] for tensor in inputs if tensor.shape} - {None}
        return sizes.pop() if len(sizes) == 1 else None

    def _batch_size(self, method: str, x, batch_size: int | None) -> int | None:
        """The batch size to use for the arrays ``x``; datasets and generators have their own."""
        static, rows = self._static_batch_size(), _rows(x)
        if static is None or rows is None:
            return batch_size
        if not self._stateful_layers():
            return batch_size or static
        if batch_size not in (None, static):
            raise ValueError(
                f"{method}: batch_size must be {static}, the batch size that the stateful model "
                f"'{self.name}' was built with, got {batch_size}; leave batch_size out, or build "
                f"the model for batches of {batch_size}."
            )
        if rows % static:
            less = rows - rows % static
            raise ValueError(
                f"{method}: the number of rows must be a multiple of {static}, the batch size that "
                f"the stateful model '{self.name}' was built with, got {rows}; give "
                f"{f'{less} or ' if less else ''}{less + static} rows, or build the model for "
                "another batch size."
            )
        return static

    def _check_batch(self, method: str, x) -> None:
        static, rows = self._static_batch_size(), _rows(x)
        if None not in (static, rows) and rows != static and self._stateful_layers():
            raise ValueError(
                f"{method}: the batch must have {static} rows, as the stateful model '{self.name}' "
                f"was built with, got {rows}; give {static} rows, or build the model for another "
                "batch size."
            )


def _rows(x) -> int | None:
    """The number of rows of an array or of a structure of arrays; None for anything else."""
    arrays = tree.flatten(x)
    if not arrays or not all(isinstance(a, np.ndarray) or keras.ops.is_tensor(a) for a in arrays):
        return None
    return arrays[0].shape[0]


def _as_then(optimizer):
    """An optimizer that a program names, with the defaults it had when the program was written."""
    known = {name.lower(): name for name in decaying.OPTIMIZERS}
    name = known.get(optimizer.lower(), "") if isinstance(optimizer, str) else ""
    settings = eras.defaults(name, eras.current())
    if not settings:
        return optimizer
    for word, value in settings.items():
        tell(f"{optimizer!r}: {word}={value!r} ({eras.current()}'s default)")
    return getattr(keras.optimizers, name)(**settings)


def _of_model(loss, model):
    """A loss; one that is of a layer (keras_contrib's ``crf_loss``) finds its own in the model."""
    return loss.of_model(model) if hasattr(loss, "of_model") else loss


def _is_one_metric(metrics) -> bool:
    return isinstance(metrics, str) or callable(metrics)


def _are_metrics(value) -> bool:
    """Whether a value is metrics and not the weights of losses, which are numbers."""
    flat = tree.flatten(value)
    return bool(flat) and all(isinstance(item, str) or callable(item) for item in flat)
