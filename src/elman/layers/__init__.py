"""Keras's layers, with recurrent layers of our own, taking new arguments and old ones.

Everything that ``keras.layers`` has is here. The recurrent layers are elman's; every other layer is
a subclass of Keras's that only adds the arguments of Keras 1 and Keras 2. The modules that
``keras.layers`` once had (``elman.layers.recurrent``) are other names of this one.
"""

import inspect
import sys

import keras

from elman.layers.arguments import old_arguments
from elman.layers.attention_decoder import AttentionDecoder
from elman.layers.bidirectional import Bidirectional
from elman.layers.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from elman.layers.crf import CRF
from elman.layers.embedding import Embedding
from elman.layers.feature_mixing import FeatureMixing
from elman.layers.gru import GRU, GRUCell
from elman.layers.layer import Layer, Wrapper
from elman.layers.locally_connected import LocallyConnected1D, LocallyConnected2D
from elman.layers.lstm import LSTM, LSTMCell
from elman.layers.merging import Merge as Merge
from elman.layers.operation import Operation as _Operation  # noqa: F401 - registers it
from elman.layers.rnn import RNN
from elman.layers.sequence_pooling import SequencePooling
from elman.layers.simple_rnn import SimpleRNN, SimpleRNNCell
from elman.layers.sparse_dense import SparseDense
from elman.layers.stacked_rnn_cells import StackedRNNCells
from elman.layers.time_distributed import TimeDistributed
from elman.layers.token_dropout import TokenDropout
from elman.legacy import modules
from elman.legacy.tables import ALIASES

_OURS = [
    AttentionDecoder, Bidirectional, CRF, ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, Embedding,
    FeatureMixing, GRU, GRUCell, LSTM, LSTMCell, Layer, LocallyConnected1D, LocallyConnected2D, RNN,
    SequencePooling, SimpleRNN, SimpleRNNCell, SparseDense, StackedRNNCells, TimeDistributed,
    TokenDropout, Wrapper,
]  # fmt: skip
_AS_THEY_ARE = ("InputLayer", "InputSpec")


def _with_old_arguments(name: str, layer: type) -> type:
    made = type(name, (layer,), {"__module__": __name__, "__doc__": layer.__doc__})
    return keras.saving.register_keras_serializable("elman")(old_arguments(made))


_by_own_name_first = sorted(
    vars(keras.layers).items(), key=lambda item: item[0] != getattr(item[1], "__name__", None)
)
for _name, _value in _by_own_name_first:
    if _name.startswith("_") or _name in globals():
        continue
    _is_layer = inspect.isclass(_value) and issubclass(_value, keras.layers.Layer)
    globals()[_name] = (
        # Another name of a class is a subclass, because some names settle how values are read.
        _with_old_arguments(_name, globals().get(_value.__name__, _value))
        if _is_layer and _name not in _AS_THEY_ARE
        else _value
    )
for _name, _today in ALIASES.items():
    # Names that Keras 3 dropped. On a GPU LSTM and GRU take cuDNN by themselves.
    if _name not in globals():
        globals()[_name] = _with_old_arguments(_name, globals()[_today])

__all__ = sorted(
    {"Merge", *(cls.__name__ for cls in _OURS)}
    | {_name for _name in (*vars(keras.layers), *ALIASES) if not _name.startswith("_")}
)

for _name in modules.LAYERS:
    sys.modules[f"{__name__}.{_name}"] = sys.modules[__name__]
    globals()[_name.rpartition(".")[2]] = sys.modules[__name__]


def __getattr__(name: str):
    raise modules.missing(name, __all__)
