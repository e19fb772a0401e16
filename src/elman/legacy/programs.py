"""Where modules of old Keras went, and what the names in them are called today."""

import re
from collections.abc import Mapping

from elman.legacy import modules
from elman.legacy.tables import names

# What to do with a program in Korean, say, that was not saved as UTF-8.
ENCODING = "save it so, or write its encoding in its first line: # -*- coding: cp949 -*-"

# The names that Keras was imported under. tf.keras and Keras are one thing today.
_ROOTS = re.compile(
    r"(tensorflow\.(compat\.v[12]\.)?(contrib\.)?(python\.)?(contrib\.)?"
    r"(_?api\.v[12]\.)?keras(\.api(\._v[12])?\.keras|\.python\.keras|\.api)?"
    r"|keras(\.src|\.api|\.api\._v[12]\.keras|\._tf_keras\.keras)?)(?=\.|$)"
)
_PREPROCESSING = re.compile(r"keras_preprocessing(?=\.|$)")

# Modules whose names are in another one today, e.g. keras.utils.np_utils in keras.utils.
MOVED: Mapping[str, str] = {
    **{f"layers.{name}": "layers" for name in modules.LAYERS if name != "merge"},
    **{
        f"utils.{name}": "utils"
        for name in names(
            "all_utils conv_utils data_utils dataset_creator generic_utils io_utils layer_utils "
            "losses_utils multi_gpu_utils np_utils test_utils tf_utils training_utils vis_utils "
            "visualize_util"
        )
    },
    **{
        f"engine.{name}": "engine"
        for name in names(
            "base_layer functional input_layer input_spec network saving sequential topology "
            "training"
        )
    },
    **{
        f"preprocessing.{name}": "utils"
        for name in names("image_dataset text_dataset timeseries dataset_utils")
    },
    "backend.tensorflow_backend": "backend",
    "backend.common": "backend",
    "callbacks.callbacks": "callbacks",
    "callbacks.tensorboard_v1": "callbacks",
    "initializers.initializers_v2": "initializers",
    "legacy.layers": "layers",
    "losses.losses": "losses",
    "metrics.metrics": "metrics",
    "mixed_precision.experimental": "mixed_precision",
    "objectives": "losses",
    "optimizers.experimental": "optimizers",
    "optimizers.legacy": "optimizers",
    "optimizers.optimizer_experimental": "optimizers",
    "optimizer_v1": "optimizers",
    "optimizer_v2": "optimizers",
    "saving.hdf5_format": "saving",
    **{
        f"{package}.{name}": "optimizers"
        for package in ("optimizer_v2", "optimizers", "optimizers.legacy")
        for name in names("adadelta adagrad adam adamax ftrl nadam optimizer_v2 rmsprop")
        + (("gradient_descent",) if package == "optimizer_v2" else ("sgd",))
    },
}

# Names that are written another way today, by module.
RENAMED: Mapping[str, Mapping[str, str]] = {
    "losses": {
        **dict.fromkeys(names("mse MSE"), "mean_squared_error"),
        **dict.fromkeys(names("mae MAE"), "mean_absolute_error"),
        **dict.fromkeys(names("mape MAPE"), "mean_absolute_percentage_error"),
        **dict.fromkeys(names("msle MSLE"), "mean_squared_logarithmic_error"),
        **dict.fromkeys(names("kld KLD kullback_leibler_divergence"), "kl_divergence"),
        "logcosh": "log_cosh",
        "huber_loss": "huber",
        "bce": "binary_crossentropy",
    },
    "metrics": {
        **dict.fromkeys(names("mse MSE"), "mean_squared_error"),
        **dict.fromkeys(names("mae MAE"), "mean_absolute_error"),
        **dict.fromkeys(names("mape MAPE"), "mean_absolute_percentage_error"),
        **dict.fromkeys(names("msle MSLE"), "mean_squared_logarithmic_error"),
        **dict.fromkeys(names("kld KLD kullback_leibler_divergence"), "kl_divergence"),
    },
    "initializers": {
        "uniform": "RandomUniform",
        "normal": "RandomNormal",
        "zero": "Zeros",
        "one": "Ones",
    },
    "constraints": {
        "maxnorm": "MaxNorm",
        "nonneg": "NonNeg",
        "unitnorm": "UnitNorm",
        "unit_norm": "UnitNorm",
        "min_max_norm": "MinMaxNorm",
        "max_norm": "MaxNorm",
        "non_neg": "NonNeg",
    },
    "regularizers": {
        **dict.fromkeys(names("activity_l1"), "l1"),
        **dict.fromkeys(names("activity_l2"), "l2"),
        **dict.fromkeys(
            names("l1l2 activity_l1l2 WeightRegularizer ActivityRegularizer L1L2Regularizer"),
            "L1L2",
        ),
    },
    "optimizers": {"rmsprop": "RMSprop", "adam": "Adam", "sgd": "SGD"},
    "mixed_precision": {"set_policy": "set_global_policy"},
}

# Losses and metrics given as strings.
LOSSES: Mapping[str, str] = {
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}


def inside(name: str) -> str | None:
    """The place of the module `name` inside Keras, "" for Keras itself; None for another's.

    >>> inside("tensorflow.python.keras.utils.np_utils")
    'utils.np_utils'
    >>> inside("keras"), inside("keras_tuner")
    ('', None)
    """
    match = _ROOTS.match(name)
    if match:
        return name[match.end() :].removeprefix(".")
    match = _PREPROCESSING.match(name)
    if match:
        return f"preprocessing{name[match.end() :]}"
    return None


def today(place: str) -> str:
    """The place today of a module at `place`.

    >>> today("utils.np_utils"), today("layers")
    ('utils', 'layers')
    """
    return MOVED.get(place, place)


# Names that other libraries of the time had, by module, and where they are today.
LIBRARIES: Mapping[str, Mapping[str, str]] = {
    "numpy": {
        "bool": "builtins.bool",
        "int": "builtins.int",
        "long": "builtins.int",
        "float": "builtins.float",
        "complex": "builtins.complex",
        "object": "builtins.object",
        "str": "builtins.str",
        "unicode": "builtins.str",
        "unicode_": "builtins.str",
        "float_": "numpy.float64",
        "complex_": "numpy.complex128",
        "string_": "numpy.bytes_",
        "Inf": "numpy.inf",
        "Infinity": "numpy.inf",
        "infty": "numpy.inf",
        "NaN": "numpy.nan",
        "alltrue": "numpy.all",
        "sometrue": "numpy.any",
        "product": "numpy.prod",
        "cumproduct": "numpy.cumprod",
        "round_": "numpy.round",
        "row_stack": "numpy.vstack",
        "trapz": "numpy.trapezoid",
        "in1d": "numpy.isin",
        "VisibleDeprecationWarning": "numpy.exceptions.VisibleDeprecationWarning",
    },
    "sklearn.cross_validation": {"": "sklearn.model_selection"},
    "sklearn.grid_search": {"": "sklearn.model_selection"},
    "sklearn.preprocessing": {"Imputer": "sklearn.impute.SimpleImputer"},
    "sklearn.externals": {"joblib": "joblib"},
    "sklearn.externals.joblib": {"": "joblib"},
}
