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


def missing(name: str, known: Iterable[str]) -> AttributeError | ImportError:
    """The error for a name that `elman.layers` does not have.

    It is an ImportError for a layer that is gone: from an AttributeError
    ``from elman.layers import Merge`` would make an error that does not say what to write instead.

    >>> missing("LTSM", ["GRU", "LSTM"])
    AttributeError("module 'elman.layers' has no attribute 'LTSM'; did you mean 'LSTM'?")
    """
    if name in GONE_LAYERS:
        return ImportError(f"{name} is gone; write {GONE_LAYERS[name]}")
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return AttributeError(f"module 'elman.layers' has no attribute {name!r}{hint}")
