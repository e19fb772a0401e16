"""Configurations of tf.keras (TensorFlow 1 and 2, to Keras 2.15) in plain words.

Its JSON wrapped tuples and arrays, and had names of TensorFlow's own for classes and functions.
"""

from typing import Any

Config = dict[str, Any]

# Functions of TensorFlow were activations by the names that they have inside it.
_ACTIVATIONS = {
    "softmax_v2": "softmax",
    "swish_v2": "swish",
    "swish_v1": "swish",
    "swish_impl": "swish",
    "log_softmax_v2": "log_softmax",
    "_leaky_relu": "leaky_relu",
    "lrelu": "leaky_relu",
    "identity": "linear",
}
# Layers that were activations too, with the settings that they had where nothing was said.
ACTIVATION_LAYERS: dict[str, Config] = {
    "ELU": {},
    "LeakyReLU": {"alpha": 0.3},
    "PReLU": {},
    "ReLU": {},
    "Softmax": {},
    "ThresholdedReLU": {},
}
_CLASSES = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "UnifiedGRU": "GRU",
    "UnifiedLSTM": "LSTM",
}


def unwrapped(value: Any) -> Any:
    """A value out of JSON: tuples and arrays, which had a wrapping, as lists.

    >>> unwrapped({"shape": {"class_name": "__tuple__", "items": [2, 3]}})
    {'shape': [2, 3]}
    """
    if isinstance(value, dict):
        kind = value.get("class_name")
        if kind in ("__tuple__", "TensorShape") and "items" in value:
            return unwrapped(value["items"])
        if kind == "TypeSpec":
            return None
        if set(value) == {"type", "value"}:  # a NumPy array or number
            return value["value"]
        return {name: unwrapped(item) for name, item in value.items()}
    return [unwrapped(item) for item in value] if isinstance(value, list) else value


def layer(class_name: str, config: Config) -> tuple[str, Config]:
    """The class and configuration of one layer, plain names where Keras 2.13 wrote objects.

    >>> layer("Dense", {"dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}})
    ('Dense', {'dtype': 'mixed_float16'})
    """
    config = {name: _plain(item) for name, item in config.items()}
    if "dtype" in config:
        config["dtype"] = _dtype(config["dtype"])
        if config["dtype"] is None:
            del config["dtype"]
    for name in ("activation", "recurrent_activation"):
        value = config.get(name)
        if isinstance(value, str):
            config[name] = _ACTIVATIONS.get(value, value)
    return _CLASSES.get(class_name, class_name), config


def _plain(value: Any) -> Any:
    """A serialised object by its class and settings alone; a function by its name.

    Where a module is named it is left out: what a file names is looked up in Keras and in
    `custom_objects`, never imported.
    """
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    if value["class_name"] == "function":
        return value.get("config")
    if "config" not in value:
        return value
    kept = ("class_name", "config", "shared_object_id")
    return {key: value[key] for key in kept if key in value}


def _dtype(value: Any) -> Any:
    """The name of a dtype or policy; None for one to be found out, as a float always was."""
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(value, str) or value in ("infer", "_infer"):
        return None
    return value
