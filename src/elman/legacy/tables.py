"""Old constructor arguments and what they are called today, one table per family of layers.

An entry is today's name, or a `Row` where the value changes too, or `Gone` where nothing takes
the argument any more. `KERAS1` holds what Keras 1 wrote, `KERAS2` what Keras 2 and `tf.keras`
wrote; a name that today's constructor takes is never looked up here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """Today's names of an argument, today's values of its old ones, what to do with others."""

    new: tuple[str, ...]
    values: Mapping[Any, Any] = field(default_factory=dict)
    hint: str = ""


@dataclass(frozen=True)
class Gone:
    """An argument nothing takes today: dropped at its harmless values, refused at others."""

    harmless: Callable[[Any], bool]
    instead: str = ""


Table = Mapping[str, str | Row | Gone]


def _always(value: Any) -> bool:
    return True


def _unset(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and value == 0)


def _single(value: Any) -> bool:
    return value in (None, 1)


def names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _each(text: str, table: Table) -> dict[str, Table]:
    """The same table for each layer named."""
    return {name: table for name in names(text)}  # noqa: C420


# Keras 1

_FULL = "for 'full' pad by kernel_size - 1 with a ZeroPadding layer and write padding='valid'"
_BORDER: Table = {"border_mode": Row(("padding",), {"valid": "valid", "same": "same"}, _FULL)}
_ORDERING: Table = {
    "dim_ordering": Row(
        ("data_format",),
        {"th": "channels_first", "tf": "channels_last", "default": None},
        "write data_format='channels_last' or 'channels_first'",
    )
}
_OUTPUTS: Table = {"b_regularizer": "bias_regularizer", "b_constraint": "bias_constraint"}
_WEIGHTS: Table = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "W_constraint": "kernel_constraint",
    "bias": "use_bias",
    **_OUTPUTS,
}
_GATES: Table = {
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "consume_less": Row(
        ("implementation",), {"cpu": 0, "mem": 1, "gpu": 2}, "leave it out: it changes speed only"
    ),
}
_INNER: Table = {"inner_activation": "recurrent_activation"}
_FORGET: Table = {
    "forget_bias_init": Row(
        ("unit_forget_bias",),
        {"one": True, "ones": True, "zero": False, "zeros": False},
        "for other values write unit_forget_bias=False and bias_initializer=",
    )
}

SIMPLE_RNN: Table = {"output_dim": "units", **_GATES}
GRU: Table = {**SIMPLE_RNN, **_INNER}
LSTM: Table = {**GRU, **_FORGET}
DENSE: Table = {"output_dim": "units", **_WEIGHTS}
EMBEDDING: Table = {
    "init": "embeddings_initializer",
    "W_regularizer": "embeddings_regularizer",
    "W_constraint": "embeddings_constraint",
    "dropout": Gone(_unset, "write SpatialDropout1D({value}) after it"),
}

_FILTERS: Table = {"nb_filter": "filters", **_BORDER}
_PIXELS: Table = {**_FILTERS, "subsample": "strides", **_ORDERING}
CONVOLUTION: Table = {**_PIXELS, **_WEIGHTS, "atrous_rate": "dilation_rate"}
CONVOLUTION_1D: Table = {
    **_FILTERS,
    **_WEIGHTS,
    "filter_length": "kernel_size",
    "subsample_length": "strides",
    "atrous_rate": "dilation_rate",
}
TRANSPOSED: Table = {
    **_PIXELS,
    **_WEIGHTS,
    "output_shape": Gone(_always),  # follows from strides and padding, as in Keras 2
}
SEPARABLE: Table = {
    **_PIXELS,
    **_OUTPUTS,
    "bias": "use_bias",
    "init": Row(("depthwise_initializer", "pointwise_initializer")),
}
CONV_LSTM: Table = {**_PIXELS, **_GATES, **_INNER, **_FORGET}

POOLING_1D: Table = {"pool_length": "pool_size", "stride": "strides", **_BORDER}
POOLING: Table = {**_BORDER, **_ORDERING}
RATE: Table = {"p": "rate"}
BATCH_NORMALIZATION: Table = {
    "gamma_init": "gamma_initializer",
    "beta_init": "beta_initializer",
    "mode": Gone(
        _unset,
        "mode=1 (each sample by itself) is LayerNormalization() today, mode=2 (never the moving "
        "averages) is this layer called with training=True",
    ),
}

KERAS1: Mapping[str, Table] = {
    "SimpleRNN": SIMPLE_RNN,
    "GRU": GRU,
    "LSTM": LSTM,
    "ConvLSTM2D": CONV_LSTM,
    "Dense": DENSE,
    "Embedding": EMBEDDING,
    **_each("Conv1D LocallyConnected1D", CONVOLUTION_1D),
    **_each("Conv2D Conv3D LocallyConnected2D", CONVOLUTION),
    "Conv2DTranspose": TRANSPOSED,
    "SeparableConv2D": SEPARABLE,
    **_each("MaxPooling1D AveragePooling1D", POOLING_1D),
    **_each("MaxPooling2D MaxPooling3D AveragePooling2D AveragePooling3D", POOLING),
    **_each("GlobalMaxPooling2D GlobalMaxPooling3D", _ORDERING),
    **_each("GlobalAveragePooling2D GlobalAveragePooling3D", _ORDERING),
    **_each("UpSampling2D UpSampling3D ZeroPadding2D ZeroPadding3D", _ORDERING),
    **_each("Cropping2D Cropping3D", _ORDERING),
    "UpSampling1D": {"length": "size"},
    "BatchNormalization": BATCH_NORMALIZATION,
    **_each("Dropout SpatialDropout1D GaussianDropout", RATE),
    **_each("SpatialDropout2D SpatialDropout3D", {**RATE, **_ORDERING}),
    "GaussianNoise": {"sigma": "stddev"},
    "PReLU": {"init": "alpha_initializer"},
    "InputLayer": {"input_dtype": "dtype"},
}

# Arguments that were several numbers in Keras 1 and are one tuple today.
JOINED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    name: {"kernel_size": names("nb_row nb_col")}
    for name in names("Conv2D Conv2DTranspose SeparableConv2D LocallyConnected2D ConvLSTM2D")
} | {"Conv3D": {"kernel_size": names("kernel_dim1 kernel_dim2 kernel_dim3")}}

# Keras 2

_RENORM = "leave it out, or write LayerNormalization() for small batches"

_GROUPS: Table = {"groups": Gone(_single, "write a convolution for each group")}

ANY_LAYER: Table = {
    "implementation": Gone(_always),
    "dynamic": Gone(_always),
    "autocast": Gone(_always),
    "experimental_autocast": Gone(_always),
    "enable_caching_device": Gone(_always),
    "create_input_layer": Gone(_always),
    "trainable": Gone(_always),  # asked for only where a layer has no weights
    "activity_regularizer": Gone(_unset, "write ActivityRegularization(l1, l2) after it"),
    "input_tensor": Gone(_unset, "write Input(tensor=...) and call the layer on it"),
    "ragged": Gone(_unset, "pad the rows and give the layer a mask"),
}

KERAS2: Mapping[str, Table] = {
    **_each("LSTM GRU", {"return_runtime": Gone(_always)}),
    **_each(
        "ConvLSTM1D ConvLSTM2D ConvLSTM3D",
        {"time_major": Gone(_unset, "swap the first two axes of its input")},
    ),
    "StackedRNNCells": {
        "reverse_state_order": Gone(_unset, "reverse the states where you give or read them")
    },
    "Embedding": {"sparse": Gone(_always), "use_one_hot_matmul": Gone(_always)},
    "BatchNormalization": {
        "fused": Gone(_always),
        "renorm": Gone(_unset, _RENORM),
        "renorm_clipping": Gone(_unset, _RENORM),
        "renorm_momentum": Gone(_always),
        "virtual_batch_size": Gone(_unset, _RENORM),
        "adjustment": Gone(_unset, _RENORM),
    },
    "LeakyReLU": {"alpha": "negative_slope"},
    "ThresholdedReLU": {"theta": "threshold"},
    "Softmax": {"robust_masking": Gone(_always)},
    "MultiHeadAttention": {
        name: Gone(_always)  # the shapes are those of the arrays
        for name in names("softmax_robust_masking query_shape key_shape value_shape")
    },
    **_each(
        "Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D DepthwiseConv2D", _GROUPS
    ),
    **_each(
        "SeparableConv1D SeparableConv2D",
        {
            **_GROUPS,
            "kernel_initializer": Gone(_always),  # there, and never used
            "kernel_regularizer": Gone(_always),
            "kernel_constraint": Gone(_always),
        },
    ),
    **_each(
        "SpatialDropout1D SpatialDropout2D SpatialDropout3D",
        {"noise_shape": Gone(_unset, "write Dropout(rate, noise_shape)")},
    ),
    **_each(
        "Attention AdditiveAttention",
        {"causal": Gone(_unset, "call the layer with use_causal_mask=True")},
    ),
    **_each("LocallyConnected1D LocallyConnected2D", {"implementation": Gone(_always)}),
    "InputLayer": {
        "input_shape": "shape",
        "batch_input_shape": "batch_shape",
        "type_spec": Gone(_unset, "write shape= and dtype="),
    },
}

# Defaults that Keras 2 had where today's constructor insists on a value.
KERAS2_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "AveragePooling1D": {"pool_size": 2},
    "AveragePooling2D": {"pool_size": (2, 2)},
    "AveragePooling3D": {"pool_size": (2, 2, 2)},
    "ThresholdedReLU": {"threshold": 1.0},
}

# Layers

# What today's constructors take through their **kwargs, beside `arguments.BASE`.
THROUGH_KWARGS: Mapping[str, tuple[str, ...]] = {
    "SimpleRNN": ("zero_output_for_mask",),
    "LSTM": ("implementation", "zero_output_for_mask"),
    "GRU": ("implementation", "zero_output_for_mask"),
    "LSTMCell": ("implementation",),
    "GRUCell": ("implementation",),
    "ConvLSTM1D": ("unroll", "zero_output_for_mask"),
    "ConvLSTM2D": ("unroll", "zero_output_for_mask"),
    "ConvLSTM3D": ("unroll", "zero_output_for_mask"),
    "AdditiveAttention": ("seed",),
    "LayerNormalization": ("rms_scaling",),
    "TextVectorization": ("has_input_vocabulary", "vocabulary_size"),
    "IntegerLookup": ("has_input_vocabulary", "vocabulary_size"),
    "StringLookup": ("has_input_vocabulary", "vocabulary_size", "oov_method"),
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
    "MaxoutDense": "Dense(units * n), Reshape((n, units)) and "
    "Lambda(lambda x: keras.ops.max(x, axis=1))",
    "Highway": "t * h + (1 - t) * x with t = Dense(units, activation='sigmoid')(x) and "
    "h = Dense(units)(x)",
    "SReLU": "PReLU(), or a Layer of your own with its four weights",
    "ParametricSoftplus": "a Layer of your own that computes alpha * softplus(beta * x)",
    "RandomHeight": "RandomZoom(factor, 0.0), which keeps the size",
    "RandomWidth": "RandomZoom(0.0, factor), which keeps the size",
    "DenseFeatures": "keras.utils.FeatureSpace",
}

# The layers that a file may name; others come from `custom_objects`.
LAYERS = frozenset(
    names(
        "Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average "
        "BatchNormalization Bidirectional CRF CategoryEncoding CenterCrop Concatenate ConvLSTM1D "
        "ConvLSTM2D ConvLSTM3D Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout "
        "ELU EinsumDense Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise "
        "GroupNormalization HashedCrossing Hashing Identity InputLayer IntegerLookup LSTM LSTMCell "
        "LayerNormalization LeakyReLU LocallyConnected1D LocallyConnected2D Masking Maximum "
        "Minimum MultiHeadAttention Multiply Normalization PReLU Permute RNN RandomBrightness "
        "RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom ReLU "
        "RepeatVector Rescaling Reshape Resizing SimpleRNN SimpleRNNCell Softmax "
        "SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization "
        "TimeDistributed UnitNormalization"
    )
    + tuple(ALIASES)
    + tuple(GONE_LAYERS)
    + tuple(
        f"{kind}{n}D"
        for n in (1, 2, 3)
        for kind in names(
            "AveragePooling Conv Cropping GlobalAveragePooling GlobalMaxPooling MaxPooling "
            "SeparableConv SpatialDropout UpSampling ZeroPadding"
        )
    )
    + tuple(f"Conv{n}DTranspose" for n in (1, 2, 3))
)

# First in a model, these take (batch, input_length, input_dim), either of which may be unknown.
SEQUENCES = frozenset(
    names(
        "SimpleRNN LSTM GRU RNN CuDNNLSTM CuDNNGRU Bidirectional TimeDistributed "
        "TimeDistributedDense LocallyConnected1D Conv1D Convolution1D AtrousConvolution1D "
        "Conv1DTranspose Convolution1DTranspose SeparableConv1D SeparableConvolution1D"
    )
)
TIME_MAJOR = frozenset(names("RNN SimpleRNN LSTM GRU"))
INPUTS = frozenset(names("InputLayer Input"))


def today(layer: str) -> str:
    """The class that stands for `layer` today, e.g. "Conv2D" for "Convolution2D"."""
    return ALIASES.get(layer, layer)


def old_arguments(layer: str) -> Table:
    """What Keras 1 and Keras 2 called the arguments of `layer`."""
    name = today(layer)
    return {**ANY_LAYER, **KERAS2.get(layer, KERAS2.get(name, {})), **KERAS1.get(name, {})}


def keras1_arguments(layer: str) -> set[str]:
    """The names that the arguments of `layer` had in Keras 1 and have no more."""
    name = today(layer)
    joined = JOINED.get(name, {}).values()
    return {*KERAS1.get(name, {}), *(part for parts in joined for part in parts)}
