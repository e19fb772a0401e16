"""Which argument a value by position is: the constructors took them in other orders."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from elman.legacy import tables

_WEIGHTED = ("init", "activation", "weights")
_PENALTIES = ("W_regularizer", "b_regularizer", "activity_regularizer")
_LIMITS = ("W_constraint", "b_constraint", "bias")
_PIXELS = ("filters", "nb_row", "nb_col")
_STRIDES = ("border_mode", "subsample")
_CONV_1D = ("filters", "filter_length", *_WEIGHTED, "border_mode", "subsample_length")
_CONV_2D = (*_PIXELS, *_WEIGHTED, *_STRIDES, "dim_ordering", *_PENALTIES, *_LIMITS)
_VOLUME = ("filters", "kernel_dim1", "kernel_dim2", "kernel_dim3")
_DENSE = ("units", *_WEIGHTED, *_PENALTIES, *_LIMITS, "input_dim")
_RECURRENT = ("W_regularizer", "U_regularizer", "b_regularizer", "dropout_W", "dropout_U")
_GATES = ("activation", "inner_activation", *_RECURRENT)
_POOLING = ("pool_size", "strides", "border_mode", "dim_ordering")

# The orders of Keras 1, in its own words, where today's order is another one.
KERAS1: Mapping[str, tuple[str, ...]] = {
    "SimpleRNN": ("units", "init", "inner_init", "activation", *_RECURRENT),
    "GRU": ("units", "init", "inner_init", *_GATES),
    "LSTM": ("units", "init", "inner_init", "forget_bias_init", *_GATES),
    "ConvLSTM2D": (*_PIXELS, "init", "inner_init", "forget_bias_init")
    + ("activation", "inner_activation", "dim_ordering", *_STRIDES, *_RECURRENT),
    "Dense": _DENSE,
    "TimeDistributedDense": (*_DENSE, "input_length"),
    "Embedding": ("input_dim", "output_dim", "init", "input_length", "W_regularizer")
    + ("activity_regularizer", "W_constraint", "mask_zero", "weights", "dropout"),
    "Conv1D": (*_CONV_1D, *_PENALTIES, *_LIMITS, "input_dim", "input_length"),
    "AtrousConvolution1D": (*_CONV_1D, "atrous_rate", *_PENALTIES, *_LIMITS),
    "LocallyConnected1D": (*_CONV_1D, *_PENALTIES, *_LIMITS, "input_dim", "input_length"),
    "Conv2D": _CONV_2D,
    "LocallyConnected2D": _CONV_2D,
    "AtrousConvolution2D": (*_PIXELS, *_WEIGHTED, *_STRIDES, "atrous_rate", "dim_ordering")
    + (*_PENALTIES, *_LIMITS),
    "Deconvolution2D": (*_PIXELS, "output_shape", *_CONV_2D[3:]),
    "SeparableConv2D": (*_PIXELS, *_WEIGHTED, *_STRIDES, "depth_multiplier", "dim_ordering")
    + ("depthwise_regularizer", "pointwise_regularizer", "b_regularizer", "activity_regularizer")
    + ("depthwise_constraint", "pointwise_constraint", "b_constraint", "bias"),
    "Conv3D": (*_VOLUME, *_WEIGHTED, *_STRIDES, "dim_ordering", *_PENALTIES, *_LIMITS),
    "BatchNormalization": ("epsilon", "mode", "axis", "momentum", "weights")
    + ("beta_init", "gamma_init", "gamma_regularizer", "beta_regularizer"),
    **{f"{kind}Pooling{n}D": _POOLING for kind in ("Max", "Average") for n in (2, 3)},
    **{
        f"Global{kind}Pooling{n}D": ("dim_ordering",) for kind in ("Max", "Average") for n in (2, 3)
    },
    **{f"UpSampling{n}D": ("size", "dim_ordering") for n in (2, 3)},
    **{f"ZeroPadding{n}D": ("padding", "dim_ordering") for n in (2, 3)},
    **{f"Cropping{n}D": ("cropping", "dim_ordering") for n in (2, 3)},
    **{f"SpatialDropout{n}D": ("rate", "dim_ordering") for n in (2, 3)},
    "PReLU": ("init", "weights", "shared_axes"),
    "Lambda": ("function", "output_shape", "arguments"),
}

_INITIAL = ("kernel_initializer", "recurrent_initializer", "bias_initializer")
_REGULAR = ("kernel_regularizer", "recurrent_regularizer", "bias_regularizer")
_CONSTRAINED = ("kernel_constraint", "recurrent_constraint", "bias_constraint")
_LAYER = (*_REGULAR, "activity_regularizer", *_CONSTRAINED)
_STEPS = ("return_sequences", "return_state", "go_backwards", "stateful")
_ACTIVE = ("units", "activation", "recurrent_activation", "use_bias", *_INITIAL)

# The orders of Keras 2 where today's order is another one.
KERAS2: Mapping[str, tuple[str, ...]] = {
    "LSTM": (*_ACTIVE, "unit_forget_bias", *_LAYER, "dropout", "recurrent_dropout")
    + (*_STEPS, "time_major", "unroll"),
    "GRU": (*_ACTIVE, *_LAYER, "dropout", "recurrent_dropout")
    + (*_STEPS, "unroll", "time_major", "reset_after"),
    "CuDNNLSTM": ("units", *_INITIAL, "unit_forget_bias", *_LAYER, *_STEPS),
    "CuDNNGRU": ("units", *_INITIAL, *_LAYER, *_STEPS),
    "Embedding": ("input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer")
    + ("activity_regularizer", "embeddings_constraint", "mask_zero", "input_length", "sparse"),
    "Conv3DTranspose": ("filters", "kernel_size", "strides", "padding", "output_padding")
    + ("data_format", "dilation_rate", "activation", "use_bias"),
    "InputLayer": ("input_shape", "batch_size", "dtype", "input_tensor"),
    "ThresholdedReLU": ("theta",),
}

# Class names under which only one order was ever written.
CERTAIN = frozenset(
    ("CuDNNLSTM", "CuDNNGRU", "TimeDistributedDense", "ThresholdedReLU")
    + ("AtrousConvolution1D", "AtrousConvolution2D", "Deconvolution2D")
    + ("Convolution2D", "Convolution3D", "SeparableConvolution2D")
)

_INITIALIZERS = frozenset(
    "zero zeros one ones constant uniform normal random_uniform random_normal truncated_normal "
    "glorot_uniform glorot_normal he_uniform he_normal lecun_uniform lecun_normal "
    "variance_scaling orthogonal identity".split()
)


def _is_initializer(value: Any) -> bool:
    if isinstance(value, str):
        return value in _INITIALIZERS
    return isinstance(value, Mapping) or callable(value)


def _is_activation(value: Any) -> bool:
    if isinstance(value, str):
        return value not in _INITIALIZERS
    return value is None or isinstance(value, Mapping) or callable(value)


def _is_rule(value: Any) -> bool:
    return value is None or isinstance(value, str | Mapping) or callable(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_size(axis) for axis in value)
    return value is None or hasattr(value, "__index__") and not isinstance(value, bool)


def _is_rate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return value is None or hasattr(value, "__len__") and not isinstance(value, str | Mapping)


def _one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: value is None or isinstance(value, str) and value in names


# What a value must be to be this argument, where that tells one order from another.
FITS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("init", "inner_init", "forget_bias_init"), _is_initializer),
    **dict.fromkeys(("activation", "inner_activation", "recurrent_activation"), _is_activation),
    "padding": _one_of("valid", "same", "causal"),
    "border_mode": _one_of("valid", "same", "full", "causal"),
    "data_format": _one_of("channels_first", "channels_last"),
    "dim_ordering": _one_of("th", "tf", "default"),
    "weights": _is_list,
    "arguments": lambda value: value is None or isinstance(value, Mapping),
    "mask": lambda value: value is None or callable(value),
    **dict.fromkeys(
        ("epsilon", "momentum", "dropout", "recurrent_dropout", "dropout_W", "dropout_U"), _is_rate
    ),
    **dict.fromkeys(
        ("use_bias", "bias", "unit_forget_bias", "mask_zero", "return_sequences", "return_state")
        + ("go_backwards", "stateful", "unroll", "time_major", "reset_after", "center", "scale"),
        _is_flag,
    ),
    **dict.fromkeys(
        ("mode", "nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3"), _is_number
    ),
    **dict.fromkeys(
        ("strides", "subsample", "subsample_length", "kernel_size", "filter_length", "axis")
        + ("input_length", "seed", "shared_axes", "dilation_rate", "atrous_rate", "output_padding"),
        _is_size,
    ),
}
FITS_LAST_WORD: Mapping[str, Callable[[Any], bool]] = {
    "initializer": _is_initializer,
    "regularizer": _is_rule,
    "constraint": _is_rule,
}


def fits(layer: str, names: Sequence[str], values: Sequence[Any]) -> bool:
    """Whether each value can be the argument at its place."""
    if len(values) > len(names):
        return False
    for name, value in zip(names, values, strict=False):
        if name == "padding" and layer.startswith("ZeroPadding"):
            continue  # numbers there, a word everywhere else
        test = FITS.get(name) or FITS_LAST_WORD.get(name.rpartition("_")[2])
        if test is not None and not test(value):
            return False
    return True


def order(
    layer: str, args: Sequence[Any], kwargs: Mapping[str, Any], parameters: Sequence[str]
) -> Sequence[str]:
    """The names of the values given by position.

    Today's order, unless the class name, an argument of Keras 1 beside them, or a value that
    cannot be today's argument at its place makes an older order certain.
    """
    name = tables.today(layer)
    candidates = (KERAS2.get(layer, KERAS2.get(name)), KERAS1.get(layer, KERAS1.get(name)))
    older = [
        names
        for names in candidates
        if names and fits(name, names, args) and _whole(name, names[: len(args)], kwargs)
    ]
    keras1 = any(word in kwargs for word in words(name))
    if older and (layer in CERTAIN or keras1 or not fits(name, parameters, args)):
        return older[-1] if keras1 else older[0]
    return parameters


def words(layer: str) -> set[str]:
    """The names that only Keras 1 had for this layer's arguments."""
    joined = tables.JOINED.get(layer, {}).values()
    return {*tables.KERAS1.get(layer, {}), *(word for names in joined for word in names)}


def _whole(layer: str, placed: Sequence[str], kwargs: Mapping[str, Any]) -> bool:
    """Whether arguments that only mean something together are all there, or none is."""
    for names in tables.JOINED.get(layer, {}).values():
        present = [name in placed or name in kwargs for name in names]
        if any(present) and not all(present):
            return False
    return True


def by_name(
    layer: str, args: Sequence[Any], kwargs: Mapping[str, Any], parameters: Sequence[str]
) -> dict[str, Any]:
    """All arguments by name, the names as they were written."""
    names = order(layer, args, kwargs, parameters)
    if len(args) > len(names):
        takes = f"at most {len(names)} arguments by position" if names else "only named arguments"
        raise TypeError(f"{layer} takes {takes}, got {len(args)}; give the rest by name")
    placed = dict(zip(names, args, strict=False))
    for name in placed:
        if name in kwargs:
            raise TypeError(
                f"{layer} got {name!r} twice: {placed[name]!r} by position and {kwargs[name]!r} "
                f"by name; give it once"
            )
    return {**placed, **kwargs}
