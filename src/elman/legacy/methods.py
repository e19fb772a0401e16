"""What models and their methods were called with in Keras 1 and 2, in today's words."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from elman.legacy.notes import tell
from elman.legacy.tables import names

RENAMED: Mapping[str, Mapping[str, str]] = {
    "Model": {"input": "inputs", "output": "outputs"},
    "fit": {"nb_epoch": "epochs", "generator": "x"},
    "evaluate": {"val_samples": "steps", "generator": "x"},
    "predict": {"val_samples": "steps", "generator": "x"},
    "compile": {},
    "save": {},
}

# Arguments that change nothing today.
_QUEUE = names("max_q_size max_queue_size nb_worker workers pickle_safe use_multiprocessing")
DROPPED: Mapping[str, tuple[str, ...]] = {
    "fit": (*_QUEUE, "show_accuracy"),
    "evaluate": (*_QUEUE, "show_accuracy"),
    "predict": _QUEUE,
    "compile": names(
        "sample_weight_mode class_mode target_tensors experimental_run_tf_function "
        "experimental_steps_per_execution cloning distribute theano_mode"
    ),
    "save": names("save_format signatures options save_traces"),
}

# Losses and metrics, given as strings, that have another name today.
LOSSES: Mapping[str, str] = {
    "kullback_leibler_divergence": "kl_divergence",
    "kld": "kl_divergence",
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}

# Names that one quantity has had in `history.history` and in the logs of callbacks.
_ONE_QUANTITY = (
    names("acc accuracy binary_accuracy categorical_accuracy sparse_categorical_accuracy"),
    names("acc accuracy viterbi_acc crf_accuracy crf_viterbi_accuracy"),
    names("mse mean_squared_error"),
    names("mae mean_absolute_error"),
    names("mape mean_absolute_percentage_error"),
    names("msle mean_squared_logarithmic_error"),
    names("lr learning_rate"),
)


def rename(method: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments `kwargs` of `method` under the names they have today.

    Raises:
        TypeError: an argument given under both its names.

    >>> rename("fit", {"nb_epoch": 3, "workers": 4, "verbose": 0})
    {'verbose': 0, 'epochs': 3}
    """
    today = dict(kwargs)
    for old, new in RENAMED[method].items():
        if old not in today:
            continue
        if new in today:
            raise TypeError(
                f"{method} got {old}={kwargs[old]!r} and {new}={kwargs[new]!r}, which are one "
                f"argument today; give only {new}"
            )
        tell(f"{method}: {old} -> {new}")
        today[new] = today.pop(old)
    for old in DROPPED.get(method, ()):
        if old in today:
            tell(f"{method}: {old}={today.pop(old)!r} dropped")
    return today


def other_name(name: str, known: Collection[str]) -> str | None:
    """The name among `known` of the quantity that `name` is an older or a newer word for.

    >>> other_name("val_acc", ["loss", "accuracy", "val_accuracy"])
    'val_accuracy'
    >>> other_name("tags_acc", ["tags_accuracy"]), other_name("loss", ["val_loss"])
    ('tags_accuracy', None)
    """
    return next((other for other in _others(name) if other in known), None)


def _others(name: str) -> Iterator[str]:
    for words in _ONE_QUANTITY:
        for word in words:
            before = name.removesuffix(word)
            if before != name and (not before or before.endswith("_")):
                yield from (before + other for other in words if other != word)
