"""Old model files, laid out attribute by attribute as the Keras of their day wrote them."""

import json

import h5py
import numpy as np


def write(
    path, config, layers, version="2.2.4", backend="tensorflow", training=None, optimizer=(),
    names_as=bytes,
):  # fmt: skip
    """Write a file: a whole model, or weights only where ``config`` is None.

    Arguments:
        layers: for each layer's name a list of (name, array).
        version: what `keras_version` says; None leaves it out, as Keras 1.0 did. `backend` is
            written from Keras 2 on.
        names_as: bytes for fixed-length names, str for those of tf.keras 2.
    """
    with h5py.File(path, "w") as root:
        holder = root if config is None else root.create_group("model_weights")
        for place in {root, holder}:
            if version:
                place.attrs["keras_version"] = _text(version, names_as)
            if version and not version.startswith("1"):
                place.attrs["backend"] = _text(backend, names_as)
        if config is not None:
            root.attrs["model_config"] = _text(json.dumps(config), names_as)
        if training is not None:
            root.attrs["training_config"] = _text(json.dumps(training), names_as)
        holder.attrs["layer_names"] = _names(layers, names_as)
        for name, weights in layers.items():
            _group(holder.create_group(name), weights, names_as)
        if optimizer:
            _group(root.create_group("optimizer_weights"), optimizer, names_as)
    return path


def _group(group, weights, names_as):
    group.attrs["weight_names"] = _names([name for name, _ in weights], names_as)
    for name, array in weights:
        group.create_dataset(name, data=np.asarray(array, "float32"))


def _names(names, names_as):
    if names_as is str:
        return np.array(list(names), dtype=object) if names else np.array([], "float64")
    return np.array([name.encode() for name in names])


def _text(words, names_as):
    if names_as is np.bytes_:  # of fixed length
        return np.bytes_(words.encode())
    return words.encode() if names_as is bytes else words


def sequential(*layers, name="sequential_1", as_list=False):
    """A stack; layers are (class name, settings). Until Keras 2.2 it was the list alone."""
    written = [{"class_name": kind, "config": settings} for kind, settings in layers]
    return {
        "class_name": "Sequential",
        "config": written if as_list else {"name": name, "layers": written},
    }


def node(*names):
    return [[name, 0, 0, {}] if isinstance(name, str) else [*name, {}] for name in names]


def functional(layers, inputs, outputs, name="model_1"):
    """A functional model; layers are (class name, settings, nodes)."""
    written = [
        {"class_name": kind, "name": settings["name"], "config": settings, "inbound_nodes": nodes}
        for kind, settings, nodes in layers
    ]
    ends = {
        "input_layers": [[n, 0, 0] for n in inputs],
        "output_layers": [[n, 0, 0] for n in outputs],
    }
    return {"class_name": "Model", "config": {"name": name, "layers": written, **ends}}
