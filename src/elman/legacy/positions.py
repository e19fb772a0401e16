"""Which argument a value by position is: older constructors took them in other orders."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from elman.legacy import tables
from elman.legacy.tables import names

_DENSE = names(
    "units init activation weights W_regularizer b_regularizer activity_regularizer "
    "W_constraint b_constraint bias input_dim"
)
_RULES = names("W_regularizer b_regularizer activity_regularizer W_constraint b_constraint bias")
_CONV_1D = names("filters filter_length init activation weights border_mode subsample_length")
_CONV_2D = names("filters nb_row nb_col init activation weights border_mode subsample")
_RECURRENT = names("W_regularizer U_regularizer b_regularizer dropout_W dropout_U")
_POOLING = names("pool_size strides border_mode dim_ordering")

# The orders of Keras 1 where today's order is another one.
KERAS1: Mapping[str, tuple[str, ...]] = {
    "SimpleRNN": (*names("units init inner_init activation"), *_RECURRENT),
    "GRU": (*names("units init inner_init activation inner_activation"), *_RECURRENT),
    "LSTM": (
        *names("units init inner_init forget_bias_init activation inner_activation"),
        *_RECURRENT,
    ),
    "ConvLSTM2D": (
        *names("filters nb_row nb_col init inner_init forget_bias_init activation"),
        *names("inner_activation dim_ordering border_mode subsample"),
        *_RECURRENT,
    ),
    "Dense": _DENSE,
    "TimeDistributedDense": (*_DENSE, "input_length"),
    "Embedding": names(
        "input_dim output_dim init input_length W_regularizer activity_regularizer "
        "W_constraint mask_zero weights dropout"
    ),
    "Conv1D": (*_CONV_1D, *_RULES, "input_dim", "input_length"),
    "AtrousConvolution1D": (*_CONV_1D, "atrous_rate", *_RULES),
    "LocallyConnected1D": (*_CONV_1D, *_RULES, "input_dim", "input_length"),
    "Conv2D": (*_CONV_2D, "dim_ordering", *_RULES),
    "LocallyConnected2D": (*_CONV_2D, "dim_ordering", *_RULES),
    "AtrousConvolution2D": (*_CONV_2D, "atrous_rate", "dim_ordering", *_RULES),
    "Deconvolution2D": (*_CONV_2D[:3], "output_shape", *_CONV_2D[3:], "dim_ordering", *_RULES),
    "SeparableConv2D": (
        *_CONV_2D,
        *names("depth_multiplier dim_ordering depthwise_regularizer pointwise_regularizer"),
        *names("b_regularizer activity_regularizer depthwise_constraint pointwise_constraint"),
        *names("b_constraint bias"),
    ),
    "Conv3D": (
        *names("filters kernel_dim1 kernel_dim2 kernel_dim3"),
        *_CONV_2D[3:],
        "dim_ordering",
        *_RULES,
    ),
    "BatchNormalization": names(
        "epsilon mode axis momentum weights beta_init gamma_init gamma_regularizer beta_regularizer"
    ),
    **{f"{kind}Pooling{n}D": _POOLING for kind in ("Max", "Average") for n in (2, 3)},
    **{
        f"Global{kind}Pooling{n}D": ("dim_ordering",) for kind in ("Max", "Average") for n in (2, 3)
    },
    **{f"UpSampling{n}D": ("size", "dim_ordering") for n in (2, 3)},
    **{f"ZeroPadding{n}D": ("padding", "dim_ordering") for n in (2, 3)},
    **{f"Cropping{n}D": ("cropping", "dim_ordering") for n in (2, 3)},
    **{f"SpatialDropout{n}D": ("rate", "dim_ordering") for n in (2, 3)},
    "PReLU": names("init weights shared_axes"),
    "Lambda": names("function output_shape arguments"),
}

_INITIAL = names("kernel_initializer recurrent_initializer bias_initializer")
_PENALTIES = names(
    "kernel_regularizer recurrent_regularizer bias_regularizer activity_regularizer "
    "kernel_constraint recurrent_constraint bias_constraint"
)
_STEPS = names("return_sequences return_state go_backwards stateful")
_DROPOUT = names("dropout recurrent_dropout")
_GATED = (*names("units activation recurrent_activation use_bias"), *_INITIAL)

# The orders of Keras 2 where today's order is another one.
KERAS2: Mapping[str, tuple[str, ...]] = {
    "LSTM": (
        *_GATED,
        "unit_forget_bias",
        *_PENALTIES,
        *_DROPOUT,
        *_STEPS,
        *names("time_major unroll"),
    ),
    "GRU": (*_GATED, *_PENALTIES, *_DROPOUT, *_STEPS, *names("unroll time_major reset_after")),
    "CuDNNLSTM": ("units", *_INITIAL, "unit_forget_bias", *_PENALTIES, *_STEPS),
    "CuDNNGRU": ("units", *_INITIAL, *_PENALTIES, *_STEPS),
    "Embedding": names(
        "input_dim output_dim embeddings_initializer embeddings_regularizer "
        "activity_regularizer embeddings_constraint mask_zero input_length sparse"
    ),
    "Conv3DTranspose": names(
        "filters kernel_size strides padding output_padding data_format dilation_rate "
        "activation use_bias"
    ),
    "InputLayer": names("input_shape batch_size dtype input_tensor"),
    "ThresholdedReLU": ("theta",),
}

# Class names under which one order was written, today's or not.
CERTAIN = frozenset(
    names(
        "CuDNNLSTM CuDNNGRU TimeDistributedDense ThresholdedReLU AtrousConvolution1D "
        "AtrousConvolution2D Deconvolution2D Convolution2D Convolution3D SeparableConvolution2D"
    )
)

_INITIALIZERS = names(
    "zero zeros one ones constant uniform normal random_uniform random_normal "
    "truncated_normal glorot_uniform glorot_normal he_uniform he_normal lecun_uniform "
    "lecun_normal variance_scaling orthogonal identity"
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


def _is_whole(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_size(axis) for axis in value)
    return value is None or _is_whole(value)


def _is_rate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return value is None or (hasattr(value, "__len__") and not isinstance(value, str | Mapping))


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value is None or (isinstance(value, str) and value in words)


# What a value must be to be this argument, where that tells one order from another.
_FITS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(names("init inner_init forget_bias_init"), _is_initializer),
    **dict.fromkeys(names("activation inner_activation recurrent_activation"), _is_activation),
    **dict.fromkeys(
        names(
            "use_bias bias unit_forget_bias mask_zero return_sequences return_state "
            "go_backwards stateful unroll time_major reset_after center scale"
        ),
        _is_flag,
    ),
    **dict.fromkeys(
        names("epsilon momentum dropout recurrent_dropout dropout_W dropout_U"), _is_rate
    ),
    **dict.fromkeys(names("mode nb_row nb_col kernel_dim1 kernel_dim2 kernel_dim3"), _is_whole),
    **dict.fromkeys(
        names(
            "strides subsample subsample_length kernel_size filter_length axis input_length "
            "seed shared_axes dilation_rate atrous_rate output_padding"
        ),
        _is_size,
    ),
    "padding": _one_of("valid", "same", "causal"),
    "border_mode": _one_of("valid", "same", "full"),
    "data_format": _one_of("channels_first", "channels_last"),
    "dim_ordering": _one_of("th", "tf", "default"),
    "weights": _is_list,
    "arguments": lambda value: value is None or isinstance(value, Mapping),
    "mask": lambda value: value is None or callable(value),
}
_FITS_BY_LAST_WORD: Mapping[str, Callable[[Any], bool]] = {
    "initializer": _is_initializer,
    "regularizer": _is_rule,
    "constraint": _is_rule,
}


def by_name(
    layer: str, args: Sequence[Any], kwargs: Mapping[str, Any], parameters: Sequence[str]
) -> dict[str, Any]:
    """All arguments by name, in the words of the Keras they were written for."""
    order = _order(layer, args, kwargs, parameters)
    if len(args) > len(order):
        takes = f"at most {len(order)} arguments by position" if order else "only named arguments"
        raise TypeError(f"{layer} takes {takes}, got {len(args)}; give the rest by name")
    placed = dict(zip(order, args, strict=False))
    for name in placed:
        if name in kwargs:
            raise TypeError(
                f"{layer} got {name!r} twice: {placed[name]!r} by position and {kwargs[name]!r} "
                f"by name; give it once"
            )
    return {**placed, **kwargs}


def _order(
    layer: str, args: Sequence[Any], kwargs: Mapping[str, Any], parameters: Sequence[str]
) -> Sequence[str]:
    """The names of the values given by position.

    Today's order, unless the class name, an argument of Keras 1 beside them, or a value that
    cannot be today's argument at its place makes an older order certain.
    """
    name = tables.today(layer)
    keras1 = any(word in kwargs for word in tables.keras1_arguments(name))
    if not (layer in CERTAIN or keras1) and _fits(name, parameters, args):
        return parameters
    for orders in (KERAS1, KERAS2) if keras1 else (KERAS2, KERAS1):
        order = orders.get(layer, orders.get(name, ()))
        if order and _fits(name, order, args) and _complete(name, order[: len(args)], kwargs):
            return order
    return parameters


def _fits(layer: str, order: Sequence[str], args: Sequence[Any]) -> bool:
    """Whether each value can be the argument at its place."""
    for name, value in zip(order, args, strict=False):
        if name == "padding" and layer.startswith("ZeroPadding"):
            continue  # numbers there, a word everywhere else
        test = _FITS.get(name) or _FITS_BY_LAST_WORD.get(name.rpartition("_")[2])
        if test is not None and not test(value):
            return False
    return True


def _complete(layer: str, placed: Sequence[str], kwargs: Mapping[str, Any]) -> bool:
    """Whether numbers that are one tuple today are all there, or none is."""
    for parts in tables.JOINED.get(layer, {}).values():
        present = [part in placed or part in kwargs for part in parts]
        if any(present) and not all(present):
            return False
    return True
