"""The methods that models had in Keras 1 and 2, on today's `fit`, `evaluate` and `predict`."""

import inspect
from pathlib import Path

import keras
from keras import ops

from elman._keras_private import keeping_optimizer
from elman._writing import whole
from elman.layers.rnn import states_saved
from elman.legacy.methods import LOSSES, rename
from elman.legacy.notes import tell
from elman.models import generators

_KERAS1 = ("nb_epoch", "samples_per_epoch", "nb_val_samples", "max_q_size", "nb_worker")


class OldMethods:
    """Mixin of `Recurrent`: methods that have another name today, and two that are gone."""

    def fit_generator(self, generator, steps_per_epoch=None, epochs=1, verbose=1, **kwargs):
        """`fit` with a generator; Keras 1's ``samples_per_epoch`` counts rows, not batches."""
        tell("fit_generator -> fit")
        if any(name in kwargs for name in _KERAS1) and steps_per_epoch is not None:
            kwargs["samples_per_epoch"], steps_per_epoch = steps_per_epoch, None
        samples = kwargs.pop("samples_per_epoch", None)
        if samples is not None:
            steps_per_epoch, generator = generators.steps_of(generator, samples)
            tell(f"samples_per_epoch={samples} -> steps_per_epoch={steps_per_epoch}")
        held_out = kwargs.pop("nb_val_samples", None)
        if held_out is not None:
            steps, data = generators.steps_of(kwargs["validation_data"], held_out)
            kwargs.update(validation_steps=steps, validation_data=data)
            tell(f"nb_val_samples={held_out} -> validation_steps={steps}")
        if "nb_epoch" not in kwargs:
            kwargs["epochs"] = epochs
        return self.fit(generator, steps_per_epoch=steps_per_epoch, verbose=verbose, **kwargs)

    def evaluate_generator(self, generator, steps=None, **kwargs):
        tell("evaluate_generator -> evaluate")
        if "val_samples" in kwargs:
            steps, generator = generators.steps_of(generator, kwargs.pop("val_samples"))
        return self.evaluate(generator, steps=steps, **{"verbose": 0, **kwargs})

    def predict_generator(self, generator, steps=None, **kwargs):
        tell("predict_generator -> predict")
        if "val_samples" in kwargs:
            steps, generator = generators.steps_of(generator, kwargs.pop("val_samples"))
        return self.predict(generator, steps=steps, **{"verbose": 0, **kwargs})

    def predict_proba(self, x, batch_size=None, verbose=0):
        tell("predict_proba -> predict")
        return self.predict(x, batch_size, verbose=verbose)

    def predict_classes(self, x, batch_size=None, verbose=0):
        """The class of each row: where the output is highest, or whether a single one is > 0.5.

        Returns:
            Integer array of the shape of the output without its last axis; (B, 1) for one output.
        """
        tell("predict_classes -> predict(...).argmax(axis=-1), or > 0.5 for a single output")
        scores = self.predict(x, batch_size, verbose=verbose)
        return scores.argmax(-1) if scores.shape[-1] > 1 else (scores > 0.5).astype("int32")

    def save(self, filepath, overwrite=True, states=False, **kwargs):
        """Save the whole model: as Keras does under a name with one of its endings, else as HDF5.

        With ``states=True`` an archive (``.keras``) has the states that stateful layers carry, too:
        the model that is loaded goes on where this one is.

        A name such as "model" or "weights.ckpt" was a file of HDF5 to Keras 2 and a folder to
        TensorFlow; `load_model` finds out what a file is by what is in it.
        """
        kwargs = rename("save", kwargs)
        path = Path(filepath)
        if states:
            if path.suffix != ".keras":
                raise ValueError(
                    f"states=True must go with a name that ends in .keras, got {path.name!r}"
                )
            sync = getattr(self, "jax_state_sync", None)
            if sync:  # In the middle of `fit` JAX's trainer holds the variables' values.
                sync()
            with states_saved():
                return super().save(filepath, overwrite, **kwargs)
        if path.suffix in (".keras", ".h5", ".hdf5") or "zipped" in kwargs:
            with keeping_optimizer(self):
                return super().save(filepath, overwrite, **kwargs)
        if path.exists() and not overwrite:
            raise ValueError(f"{path} must not exist with overwrite=False; do: overwrite=True")
        tell(f"save({path.name!r}) writes HDF5; write save({path.name + '.keras'!r})")
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part, keeping_optimizer(self):
            named = part.with_name("model.h5")
            super().save(named, **kwargs)
            named.rename(part)
        return None

    @property
    def metrics_names(self):
        """The names of what `evaluate` returns, in its order."""
        nested = [getattr(m, "metrics", None) if _is_compiled(m) else [m] for m in self.metrics]
        return [metric.name for metrics in nested for metric in metrics or ()]


def _is_compiled(metric) -> bool:
    return metric.name == "compile_metrics"


_MADE = keras.losses.Loss, keras.metrics.Metric


def losses_today(value):
    """Losses or metrics, in any nesting, with strings under the names they have today."""
    if isinstance(value, str):
        if value in ("cosine_proximity", "cosine"):
            return cosine_proximity
        new = LOSSES.get(value.lower())
        if new is None:
            return value
        tell(f"{value!r} -> {new!r}")
        return getattr(keras.losses, new)  # As a metric Keras does not know each by its name.
    if isinstance(value, dict):
        return {name: losses_today(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [losses_today(item) for item in value]
    # Keras makes one of a class too, but saves the class, which it cannot.
    return value() if inspect.isclass(value) and issubclass(value, _MADE) else value


def cosine_proximity(y_true, y_pred):
    """Minus the cosine between target and prediction, row by row."""
    lengths = ops.norm(y_true, axis=-1) * ops.norm(y_pred, axis=-1)
    return -ops.sum(y_true * y_pred, axis=-1) / ops.maximum(lengths, 1e-12)
