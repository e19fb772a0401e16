"""Old constructor arguments and what they are called today, one table per family of layers.

An entry is today's name, or a `Row` where the value changes too, or `Gone` where nothing takes
the argument any more. `KERAS1` holds what Keras 1 wrote, `KERAS2` what Keras 2 and `tf.keras`
wrote; a name that today's constructor takes is never looked up here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """Today's names of an argument, today's values of its old values, a hint for any other."""

    new: tuple[str, ...]
    values: Mapping[Any, Any] | Callable[[Any], Any] | None = None
    hint: str = ""


@dataclass(frozen=True)
class Gone:
    """An argument nothing takes today: dropped at its harmless values, refused at others."""

    harmless: Callable[[Any], bool]
    instead: str = ""


Entry = str | Row | Gone
Table = Mapping[str, Entry]


def always(value: Any) -> bool:
    return True


def unset(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, int | float) and value == 0)


def _same(*values: Any) -> dict[Any, Any]:
    return {value: value for value in values}


def _edges(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """A reader of Keras 1 paddings, which also came as a dict or as one flat tuple."""

    def read(padding: Any) -> Any:
        if isinstance(padding, Mapping):
            unknown = sorted(set(padding) - set(names))
            if unknown:
                raise ValueError(f"padding must have keys of {names}, got {unknown}")
            padding = tuple(padding.get(name, 0) for name in names)
        if len(names) == 4 and isinstance(padding, list | tuple) and len(padding) == 4:
            return tuple(padding[:2]), tuple(padding[2:])
        return padding

    return read


# ---- Keras 1 ----

_PADDING = Row(
    ("padding",),
    _same("valid", "same"),
    "for 'full' write ZeroPadding of kernel_size - 1 before the layer, and padding='valid'",
)
_PADDING_1D = Row(("padding",), _same("valid", "same", "causal"), _PADDING.hint)
_DATA_FORMAT = Row(
    ("data_format",),
    {
        "th": "channels_first",
        "tf": "channels_last",
        "default": None,
        None: None,
        **_same("channels_first", "channels_last"),
    },
    "write data_format='channels_last' or 'channels_first'",
)

WEIGHTED: Table = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}

DENSE: Table = {"output_dim": "units", **WEIGHTED}

RECURRENT: Table = {
    "output_dim": "units",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "consume_less": Row(
        ("implementation",), {"cpu": 0, "mem": 1, "gpu": 2}, "leave it out: it changes speed only"
    ),
}

FORGET_BIAS: Table = {
    "forget_bias_init": Row(
        ("unit_forget_bias",),
        {"one": True, "ones": True, "zero": False, "zeros": False},
        "for other values write unit_forget_bias=False and bias_initializer=",
    ),
}

CONVOLUTION: Table = {
    "nb_filter": "filters",
    **WEIGHTED,
    "border_mode": _PADDING,
    "subsample": "strides",
    "dim_ordering": _DATA_FORMAT,
    "atrous_rate": "dilation_rate",
}

CONVOLUTION_1D: Table = {
    **CONVOLUTION,
    "border_mode": _PADDING_1D,
    "filter_length": "kernel_size",
    "subsample_length": "strides",
}

TRANSPOSED: Table = {**CONVOLUTION, "output_shape": Gone(always)}

SEPARABLE: Table = {
    **CONVOLUTION,
    "init": Row(("depthwise_initializer", "pointwise_initializer")),
}

CONV_LSTM: Table = {**CONVOLUTION, **RECURRENT, **FORGET_BIAS, "nb_filter": "filters"}

LOCAL_1D: Table = {**CONVOLUTION_1D, "nb_filter": "filters"}

POOLING_1D: Table = {"pool_length": "pool_size", "stride": "strides", "border_mode": _PADDING}

POOLING: Table = {"border_mode": _PADDING, "dim_ordering": _DATA_FORMAT}

DATA_FORMAT: Table = {"dim_ordering": _DATA_FORMAT}

EMBEDDING: Table = {
    "init": "embeddings_initializer",
    "W_regularizer": "embeddings_regularizer",
    "W_constraint": "embeddings_constraint",
    "dropout": Gone(unset, "write SpatialDropout1D({value}) after it"),
}

BATCH_NORMALIZATION: Table = {
    "gamma_init": "gamma_initializer",
    "beta_init": "beta_initializer",
    "mode": Gone(
        unset,
        "only mode=0 is known today; for mode=1 (each sample by itself) write "
        "LayerNormalization(), for mode=2 call the layer with training=True",
    ),
}

RATE: Table = {"p": "rate"}

KERAS1: Mapping[str, Table] = {
    "SimpleRNN": {k: v for k, v in RECURRENT.items() if k != "inner_activation"},
    "GRU": RECURRENT,
    "LSTM": {**RECURRENT, **FORGET_BIAS},
    "ConvLSTM2D": CONV_LSTM,
    "Dense": DENSE,
    "Embedding": EMBEDDING,
    "Conv1D": CONVOLUTION_1D,
    "Conv2D": CONVOLUTION,
    "Conv3D": CONVOLUTION,
    "Conv2DTranspose": TRANSPOSED,
    "SeparableConv2D": SEPARABLE,
    "LocallyConnected1D": LOCAL_1D,
    "LocallyConnected2D": CONVOLUTION,
    "MaxPooling1D": POOLING_1D,
    "AveragePooling1D": POOLING_1D,
    **dict.fromkeys(
        ("MaxPooling2D", "MaxPooling3D", "AveragePooling2D", "AveragePooling3D"), POOLING
    ),
    **dict.fromkeys(
        ("GlobalMaxPooling2D", "GlobalMaxPooling3D")
        + ("GlobalAveragePooling2D", "GlobalAveragePooling3D")
        + ("UpSampling2D", "UpSampling3D", "ZeroPadding2D", "ZeroPadding3D")
        + ("Cropping2D", "Cropping3D"),
        DATA_FORMAT,
    ),
    "UpSampling1D": {"length": "size"},
    "BatchNormalization": BATCH_NORMALIZATION,
    "Dropout": RATE,
    "SpatialDropout1D": RATE,
    "SpatialDropout2D": {**RATE, **DATA_FORMAT},
    "SpatialDropout3D": {**RATE, **DATA_FORMAT},
    "GaussianDropout": RATE,
    "GaussianNoise": {"sigma": "stddev"},
    "PReLU": {"init": "alpha_initializer"},
    "InputLayer": {"input_dtype": "dtype"},
}

# Arguments that were several numbers in Keras 1 and are one tuple today.
JOINED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("Conv2D", "Conv2DTranspose", "SeparableConv2D", "LocallyConnected2D", "ConvLSTM2D"),
        {"kernel_size": ("nb_row", "nb_col")},
    ),
    "Conv3D": {"kernel_size": ("kernel_dim1", "kernel_dim2", "kernel_dim3")},
}

# What Keras 1 meant where nothing was said and today's Keras means something else.
KERAS1_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "LSTM": {"recurrent_activation": "hard_sigmoid"},
    "GRU": {"recurrent_activation": "hard_sigmoid", "reset_after": False},
    "ConvLSTM2D": {"recurrent_activation": "hard_sigmoid"},
}

# ---- Keras 2 ----

_RENORM = "write BatchNormalization without it, or with LayerNormalization for small batches"

KERAS2_ANY: Table = {
    "implementation": Gone(always),
    "dynamic": Gone(always),
    "autocast": Gone(always),
    "create_input_layer": Gone(always),
    "enable_caching_device": Gone(always),
    "experimental_autocast": Gone(always),
    "_keras_api_names": Gone(always),
    "input_tensor": Gone(unset, "write Input(tensor=...) and call the layer on it"),
    "ragged": Gone(unset, "pad the rows and give the layer a mask"),
}

KERAS2: Mapping[str, Table] = {
    **dict.fromkeys(("LSTM", "GRU"), {"return_runtime": Gone(always)}),
    "StackedRNNCells": {
        "reverse_state_order": Gone(unset, "reverse the states where they are read or given")
    },
    "Embedding": {
        "sparse": Gone(always),
        "use_one_hot_matmul": Gone(always),
    },
    "BatchNormalization": {
        "fused": Gone(always),
        "renorm": Gone(unset, _RENORM),
        "renorm_clipping": Gone(unset, _RENORM),
        "renorm_momentum": Gone(always),
        "virtual_batch_size": Gone(unset, _RENORM),
        "adjustment": Gone(unset, _RENORM),
        "synchronized": Gone(unset, "it needs a newer Keras"),
    },
    "LeakyReLU": {"alpha": "negative_slope"},
    "ReLU": {"theta": "threshold"},
    "Softmax": {"robust_masking": Gone(always)},
    "MultiHeadAttention": {"softmax_robust_masking": Gone(always)},
    **dict.fromkeys(
        ("Attention", "AdditiveAttention"),
        {"causal": Gone(unset, "call the layer with use_causal_mask=True")},
    ),
    **dict.fromkeys(
        ("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
        {
            "trainable": Gone(always),
            "activity_regularizer": Gone(unset, "write ActivityRegularization after it"),
        },
    ),
    "InputLayer": {
        "input_shape": Row(("shape",)),
        "batch_input_shape": Row(("batch_shape",)),
        "type_spec": Gone(unset, "write shape= and dtype="),
        "input_tensor": Gone(unset, "write Input(tensor=...)"),
    },
}

# Defaults that Keras 2 had where today's constructor insists on a value.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "AveragePooling1D": {"pool_size": 2},
    "AveragePooling2D": {"pool_size": (2, 2)},
    "AveragePooling3D": {"pool_size": (2, 2, 2)},
    "ThresholdedReLU": {"threshold": 1.0},
}

# Values whose form changed under a name that stayed.
FORMS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "ZeroPadding1D": {"padding": _edges(("left_pad", "right_pad"))},
    "ZeroPadding2D": {"padding": _edges(("top_pad", "bottom_pad", "left_pad", "right_pad"))},
}

# ---- Layers ----

# What today's constructors take through their **kwargs, beside `arguments.BASE`.
THROUGH_KWARGS: Mapping[str, tuple[str, ...]] = {
    "SimpleRNN": ("zero_output_for_mask",),
    "LSTM": ("implementation", "zero_output_for_mask"),
    "GRU": ("implementation", "zero_output_for_mask"),
    "LSTMCell": ("implementation",),
    "GRUCell": ("implementation",),
    "LayerNormalization": ("rms_scaling",),
    "TextVectorization": ("has_input_vocabulary", "vocabulary_size"),
    "IntegerLookup": ("has_input_vocabulary", "vocabulary_size"),
    "StringLookup": ("has_input_vocabulary", "vocabulary_size"),
}

# Other names of a class, in Keras 1, in Keras 2 or today.
ALIASES: Mapping[str, str] = {
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "TimeDistributedDense": "Dense",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "ThresholdedReLU": "ReLU",
    "SyncBatchNormalization": "BatchNormalization",
    **{f"Convolution{n}D": f"Conv{n}D" for n in (1, 2, 3)},
    **{f"Convolution{n}DTranspose": f"Conv{n}DTranspose" for n in (1, 2, 3)},
    **{f"SeparableConvolution{n}D": f"SeparableConv{n}D" for n in (1, 2)},
    **{f"MaxPool{n}D": f"MaxPooling{n}D" for n in (1, 2, 3)},
    **{f"AvgPool{n}D": f"AveragePooling{n}D" for n in (1, 2, 3)},
    **{f"GlobalMaxPool{n}D": f"GlobalMaxPooling{n}D" for n in (1, 2, 3)},
    **{f"GlobalAvgPool{n}D": f"GlobalAveragePooling{n}D" for n in (1, 2, 3)},
}

# Layers that no class of today stands for, and what to write instead.
GONE_LAYERS: Mapping[str, str] = {
    "Merge": "Concatenate(), Add(), Multiply(), Average(), Maximum() or Dot(axes), "
    "called on a list of tensors",
    "MaxoutDense": "Dense(units * n), Reshape((n, units)) and "
    "Lambda(lambda x: keras.ops.max(x, axis=1))",
    "Highway": "t * h + (1 - t) * x with t = Dense(units, activation='sigmoid')(x) and "
    "h = Dense(units)(x)",
    "SReLU": "a custom Layer with its four weights, or PReLU()",
    "ParametricSoftplus": "a custom Layer computing alpha * softplus(beta * x)",
}

# A sequence, first in a model: input_dim=N, input_length=M is (M, N), with either unknown.
SEQUENCES = frozenset(
    ("SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional", "TimeDistributed")
    + ("CuDNNLSTM", "CuDNNGRU", "TimeDistributedDense")
    + ("Conv1D", "Conv1DTranspose", "SeparableConv1D", "LocallyConnected1D")
)

TIME_MAJOR = frozenset(("RNN", "SimpleRNN", "LSTM", "GRU"))

INPUTS = frozenset(("InputLayer", "Input"))


def today(layer: str) -> str:
    """The class that stands for `layer` today, e.g. "Conv2D" for "Convolution2D"."""
    return ALIASES.get(layer, layer)


def entries(layer: str) -> tuple[Table, Table]:
    """What Keras 1 and what Keras 2 called the arguments of `layer`."""
    name = today(layer)
    return KERAS1.get(name, {}), {**KERAS2_ANY, **KERAS2.get(name, {})}
