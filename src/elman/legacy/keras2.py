"""Configurations of Keras 2.0 to 2.3 and of TensorFlow 1 in the words of tf.keras 2."""

from elman.legacy.specs import Config, Note

# The order of the states of a stack was turned around in Keras 2.2.3.
_STATES_REVERSED_BEFORE = (2, 2, 3)


def layer(class_name: str, config: Config, version: tuple[int, ...], notes: list[Note]) -> Config:
    """The configuration of one layer, with what it left unsaid and later versions say otherwise.

    >>> layer("GRU", {"name": "gru_1"}, (2, 1, 2), [])
    {'name': 'gru_1', 'reset_after': False}
    """
    config = dict(config)
    name = config.get("name", class_name)
    if class_name in ("GRU", "GRUCell") and "reset_after" not in config:
        config["reset_after"] = False
        notes.append(Note(name, "reset_after=False, as it was when nothing was said"))
    if class_name == "CuDNNGRU":
        config["reset_after"] = True
    if class_name in ("CuDNNLSTM", "CuDNNGRU"):
        config["recurrent_activation"] = "sigmoid"
    if class_name == "StackedRNNCells" and version < _STATES_REVERSED_BEFORE:
        config.setdefault("reverse_state_order", True)
        notes.append(Note(name, "reverse_state_order=True, the order of states before Keras 2.2.3"))
    dtype = config.get("dtype")
    if class_name != "InputLayer" and isinstance(dtype, str) and dtype.startswith(("int", "uint")):
        # A layer first in its model told the dtype of its input so; its weights are floats.
        config["input_dtype"] = config.pop("dtype")
    return config
