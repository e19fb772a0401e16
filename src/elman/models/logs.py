"""Histories and logs that are asked for ``acc`` or ``accuracy``, whichever the program knows."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import tree

from elman.legacy.methods import other_name
from elman.legacy.notes import tell

_HOOKS = tuple(
    f"on_{when}"
    for when in (
        "epoch_begin", "epoch_end", "batch_begin", "batch_end", "train_batch_begin",
        "train_batch_end", "test_batch_end", "train_begin", "train_end", "test_end",
    )
)  # fmt: skip


class Logs(dict):
    """A dictionary of quantities that finds each under its older and newer names as well.

    >>> logs = Logs({"val_accuracy": 0.9})
    >>> logs["val_acc"], logs.get("val_acc"), "val_acc" in logs, list(logs)
    (0.9, 0.9, True, ['val_accuracy'])
    """

    def __missing__(self, name):
        other = other_name(name, self.keys())
        if other is None:
            raise KeyError(name)
        tell(f"{name!r} -> {other!r}, as the quantity is called that was asked for in compile")
        return self[other]

    def __contains__(self, name):
        return super().__contains__(name) or (
            isinstance(name, str) and other_name(name, self.keys()) is not None
        )

    def get(self, name, default=None):
        return self[name] if name in self else default  # noqa: SIM401


def listening(callbacks, model):
    """The callbacks, each given its logs as `Logs`, and the model's state where it looks at it.

    The user's own stay as they are: Keras gets a `_Listening` in the place of each.

    Arguments:
        callbacks: what was given to ``fit``: None, a callback, a list of them, a `CallbackList`.
        model: the model that is being fitted.
    """
    if callbacks is None or isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    return [
        # Keras keeps what it finds of these; they look nothing up.
        c if isinstance(c, keras.callbacks.History | keras.callbacks.ProgbarLogger)
        else _Listening(c, model)
        for c in tree.flatten(callbacks)
    ]  # fmt: skip


class _Listening:
    """A callback to Keras, of the class of the one it stands for; its hooks get `Logs`."""

    def __init__(self, callback, model):
        self._callback = callback
        for name in _HOOKS:
            method = getattr(callback, name, None)
            if method is not None:
                # Keras leaves out what is marked as its own default, and it stays marked.
                setattr(self, name, _with_logs(callback, method, model))

    def __getattr__(self, name):
        return getattr(self._callback, name)

    @property
    def __class__(self):
        return type(self._callback)


def _with_logs(callback, method, model):
    own = not type(callback).__module__.startswith(("keras.", "elman."))
    batch = "batch" in method.__name__ and own and not getattr(method, "_is_default", False)

    @functools.wraps(method)
    def hook(*args, **kwargs):
        place = kwargs if kwargs.get("logs") is not None else None
        given = kwargs.get("logs", args[-1] if args else None)
        if batch:
            _sync(callback.model or model)
        if not isinstance(given, dict):
            return method(*args, **kwargs)
        logs = Logs(given)
        with _settled_monitor(callback, logs):
            if place is None:
                result = method(*args[:-1], logs)
            else:
                result = method(*args, **{**kwargs, "logs": logs})
        given.update(logs)  # What a callback adds, the history shows.
        return result

    return hook


@contextmanager
def _settled_monitor(callback, logs: Logs) -> Iterator[None]:
    """Let Keras's callbacks, which look the quantity up among the metrics too, know its name."""
    monitor = getattr(callback, "monitor", None)
    other = None
    if isinstance(monitor, str) and monitor not in logs.keys():  # noqa: SIM118
        other = other_name(monitor, logs.keys())
    if other is None:
        yield
        return
    tell(f"{type(callback).__name__}: monitor={monitor!r} -> {other!r}")
    callback.monitor = other
    try:
        yield
    finally:
        callback.monitor = monitor


def _sync(model) -> None:
    """In the middle of ``fit`` JAX's trainer holds the variables' values: hand them back."""
    sync = getattr(model, "jax_state_sync", None)
    if sync:
        sync()
