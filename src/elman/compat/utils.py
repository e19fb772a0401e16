"""``keras.utils`` with the functions that are gone, and what wants programs of its own."""

import importlib.util
import os
import shutil

import keras
import numpy as np

from elman.compat.datasets import timeseries_dataset_from_array as timeseries_dataset_from_array
from elman.legacy.notes import tell

Sequence = keras.utils.PyDataset


def to_categorical(y, num_classes=None, dtype="float32", nb_classes=None):
    """Rows with a 1 at the class of each number in ``y``."""
    encoded = keras.utils.to_categorical(y, num_classes or nb_classes)
    return np.asarray(encoded).astype(dtype)


def get_file(fname=None, origin=None, *args, **kwargs):
    """Keras's `get_file`, with a whole path for a name too."""
    folder, name = os.path.split(fname or "")
    if folder:
        kwargs.update(cache_dir=folder, cache_subdir="")
    return keras.utils.get_file(name or None, origin, *args, **kwargs)


def plot_model(model, to_file="model.png", *args, **kwargs):
    """Keras's picture of a model; without pydot and graphviz there is none."""
    if not importlib.util.find_spec("pydot") or not shutil.which("dot"):
        tell(f"plot_model: no {to_file}, because pydot and graphviz are not installed")
        return None
    return keras.utils.plot_model(model, to_file, *args, **kwargs)


plot = plot_model


def print_summary(model, *args, **kwargs):
    model.summary(*args, **kwargs)


def multi_gpu_model(model, gpus=None, **kwargs):
    """The model itself: Keras 3 spreads a batch by `keras.distribution`."""
    tell("multi_gpu_model -> the model itself; see keras.distribution.DataParallel")
    return model


def convert_all_kernels_in_model(model):
    tell("convert_all_kernels_in_model does nothing: there is no Theano any more")
