"""The training configuration of an old file in today's words: optimizer, losses, metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elman.legacy import tf_keras

Config = dict[str, Any]

_LOSSES = {
    "cosine_proximity": "cosine_similarity",
    "cosine": "cosine_similarity",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "bce": "binary_crossentropy",
    "msle": "mean_squared_logarithmic_error",
}
_CLASSES = {"LogCosh": "LogCosh", "CosineProximity": "CosineSimilarity"}

# What the function of a `MeanMetricWrapper` is as a metric of today.
_METRICS = {
    "accuracy": "Accuracy",
    "binary_accuracy": "BinaryAccuracy",
    "categorical_accuracy": "CategoricalAccuracy",
    "sparse_categorical_accuracy": "SparseCategoricalAccuracy",
    "top_k_categorical_accuracy": "TopKCategoricalAccuracy",
    "sparse_top_k_categorical_accuracy": "SparseTopKCategoricalAccuracy",
}

_OPTIMIZERS = {
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
    "adamax": "Adamax",
    "nadam": "Nadam",
    "ftrl": "Ftrl",
}

# Settings of an optimizer that today's has too.
_SETTINGS = frozenset(
    [
        "name",
        "learning_rate",
        "momentum",
        "nesterov",
        "rho",
        "beta_1",
        "beta_2",
        "epsilon",
        "centered",
        "amsgrad",
        "weight_decay",
        "clipnorm",
        "clipvalue",
        "global_clipnorm",
        "use_ema",
        "ema_momentum",
        "ema_overwrite_frequency",
        "initial_accumulator_value",
        "learning_rate_power",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
        "beta",
    ]
)
_NO_EPSILON = ("SGD", "Ftrl")


@dataclass
class Training:
    """What `compile` is given today.

    Attributes:
        optimizer: ``{"class_name", "config"}``, or None where today's Keras has none such.
        loss, metrics, weighted_metrics: as `compile` takes them, each loss or metric a name or
            ``{"class_name", "config"}``.
        loss_weights: a number, a list or a dict, or None.
        notes: a line for each translation, and for what is left out.
    """

    optimizer: Config | None
    loss: Any
    metrics: Any
    weighted_metrics: Any
    loss_weights: Any
    notes: list[str] = field(default_factory=list)


def upgraded(written: Any) -> Training:
    """Put a training configuration into today's words.

    Raises:
        ValueError: it is none.

    >>> old = {"optimizer_config": {"class_name": "Adam", "config": {"lr": 0.1, "decay": 0.0}},
    ...        "loss": "mse", "metrics": ["acc"], "sample_weight_mode": None}
    >>> new = upgraded(old)
    >>> new.optimizer, new.loss, new.metrics
    ({'class_name': 'Adam', 'config': {'learning_rate': 0.1}}, 'mse', ['acc'])
    """
    if not isinstance(written, Mapping):
        raise ValueError(f"a training configuration must be a dict, got {type(written).__name__}")
    config = tf_keras.unwrapped(dict(written))
    notes: list[str] = []
    try:
        optimizer = _optimizer(config.get("optimizer_config") or config.get("optimizer"), notes)
        loss = _mapped(config.get("loss"), _loss)
        metrics = _mapped(_listed(config.get("metrics")), _metric)
        weighted = _mapped(_listed(config.get("weighted_metrics")), _metric)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"the training configuration is malformed: {error!r}") from error
    if config.get("sample_weight_mode"):
        notes.append(
            f"sample_weight_mode={config['sample_weight_mode']!r} dropped: weights of any shape "
            "that fits the output are taken today"
        )
    return Training(optimizer, loss, metrics, weighted, config.get("loss_weights"), notes)


def _mapped(value: Any, change: Any) -> Any:
    """`change` of each loss or metric in a structure of lists and dicts."""
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {name: _mapped(item, change) for name, item in value.items()}
    return None if value is None else change(value)


def _listed(metrics: Any) -> Any:
    """The metrics of a model with one output as one list; tf.keras put a list around it."""
    if isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list):
        return metrics[0]
    return metrics


def _loss(value: Any) -> Any:
    if not isinstance(value, dict):
        return _LOSSES.get(value, value)
    name = value["class_name"].rpartition(">")[2]
    if name == "function":
        return _loss(value.get("config"))
    config = dict(value.get("config") or {})
    if name == "LossFunctionWrapper" and isinstance(config.get("fn"), str):
        return _loss(config["fn"])
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    config.pop("fn", None)
    return {"class_name": _CLASSES.get(name, name), "config": config}


def _metric(value: Any) -> Any:
    if not isinstance(value, dict):
        return _LOSSES.get(value, value)
    name = value["class_name"].rpartition(">")[2]
    if name == "function":
        return _metric(value.get("config"))
    config = dict(value.get("config") or {})
    function = config.pop("fn", None)
    if isinstance(function, dict):
        function = function.get("config")
    if name in ("MeanMetricWrapper", "SumOverBatchSizeMetricWrapper"):
        if function not in _METRICS:
            return _LOSSES.get(function, function)
        name = _METRICS[function]
    config.pop("dtype", None)
    return {"class_name": name, "config": config}


def _optimizer(value: Any, notes: list[str]) -> Config | None:
    if isinstance(value, str):
        return {"class_name": _OPTIMIZERS.get(value, value), "config": {}}
    if not isinstance(value, dict):
        notes.append("the optimizer is not in the file; 'rmsprop' stands in for it")
        return {"class_name": "RMSprop", "config": {}}
    config = value.get("config")
    if config is None:  # Keras 1.0: one dict, with the class as its name
        config, value = value, {"class_name": value["name"]}
    config = dict(config)
    name = value["class_name"].rpartition(">")[2]
    name = _OPTIMIZERS.get(name.lower(), name)
    if name == "LossScaleOptimizer":
        notes.append("LossScaleOptimizer: the optimizer inside it is taken; scale the loss anew")
        inner = config.get("inner_optimizer") or config.get("optimizer")
        return _optimizer(inner, notes)
    rate = config.get("learning_rate", config.get("lr"))
    today = {key: item for key, item in config.items() if key in _SETTINGS and item is not None}
    if rate is not None:
        today["learning_rate"] = _rate(rate)
    if config.get("decay"):
        today["decay"] = config["decay"]
        notes.append(f"decay={config['decay']!r}: the rate is lr / (1 + decay * step), as it was")
    if config.get("schedule_decay") not in (None, 0.004):
        notes.append(f"schedule_decay={config['schedule_decay']!r} dropped: today's is 0.004")
    if name in _NO_EPSILON:
        today.pop("epsilon", None)
    if today.get("use_ema") is False:
        for key in ("use_ema", "ema_momentum", "ema_overwrite_frequency"):
            today.pop(key, None)
    return {"class_name": name, "config": today}


def _rate(rate: Any) -> Any:
    """A learning rate, which may be a schedule."""
    if not isinstance(rate, dict):
        return rate
    inner = dict(rate.get("config") or {})
    if inner.get("name", "") is None:  # which Keras 3 takes for a name
        del inner["name"]
    return {"class_name": rate["class_name"], "config": inner}
