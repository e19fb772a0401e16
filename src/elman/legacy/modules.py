"""The modules that `keras.layers` had in Keras 1, Keras 2 and `tf.keras`, and names in them."""

import difflib
from collections.abc import Iterable

from elman.legacy.tables import GONE_LAYERS, names

# Their classes are in `elman.layers` itself today.
LAYERS = names(
    "advanced_activations convolutional convolutional_recurrent core cudnn_recurrent embeddings "
    "experimental experimental.preprocessing local merge noise normalization pooling "
    "preprocessing recurrent wrappers"
)


def missing(name: str, known: Iterable[str]) -> AttributeError:
    """The error for a name that `elman.layers` does not have.

    >>> missing("LTSM", ["GRU", "LSTM"])
    AttributeError("module 'elman.layers' has no attribute 'LTSM'; did you mean 'LSTM'?")
    """
    if name in GONE_LAYERS:
        return AttributeError(gone(name))
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return AttributeError(f"module 'elman.layers' has no attribute {name!r}{hint}")


def gone(name: str) -> str:
    """What to write instead of a layer that is gone, "" for any other name.

    >>> gone("SReLU")
    'SReLU is gone; write PReLU(), or a Layer of your own with its four weights'
    """
    return f"{name} is gone; write {GONE_LAYERS[name]}" if name in GONE_LAYERS else ""
