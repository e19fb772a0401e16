"""``keras.backend`` of Keras 1 and 2, on `keras.ops`.

What is not here is looked up in today's ``keras.backend`` and in ``keras.ops``, where most
functions have kept their names.
"""

import contextlib
from contextvars import ContextVar

import keras
import numpy as np
from keras import ops

from elman.compat.sessions import Session
from elman.layers.activations import hard_sigmoid as hard_sigmoid
from elman.legacy.notes import tell

# Sessions, graphs and phases: there is nothing left to do.


class _LearningPhase(int):
    """0 for testing, 1 for training; as an input of `function` it is the phase to compute in."""


# Of a context: the phase of a program ends with the program.
_phase = ContextVar("elman_learning_phase", default=_LearningPhase(0))  # noqa: B039 - an integer


def learning_phase():
    return _phase.get()


def set_learning_phase(value):
    _phase.set(_LearningPhase(value))


@contextlib.contextmanager
def learning_phase_scope(value):
    before = _phase.set(_LearningPhase(value))
    try:
        yield
    finally:
        _phase.reset(before)


def get_session(*_):
    return Session()


def set_session(session):
    tell("K.set_session(...) does nothing: there are no sessions any more")


def manual_variable_initialization(value):
    pass


def get_graph():
    return Session().graph


reset_uids = keras.backend.clear_session


# Configuration.


def image_dim_ordering():
    return "th" if keras.config.image_data_format() == "channels_first" else "tf"


def set_image_dim_ordering(ordering):
    formats = {"th": "channels_first", "tf": "channels_last"}
    if ordering not in formats:
        raise ValueError(f"dim_ordering must be 'th' or 'tf', got {ordering!r}; write 'tf'")
    keras.config.set_image_data_format(formats[ordering])


def cast_to_floatx(x):
    return np.asarray(x, dtype=keras.config.floatx()) if _is_plain(x) else ops.cast(x, floatx())


def floatx():
    return keras.config.floatx()


def _is_plain(x):
    return isinstance(x, (np.ndarray, np.generic, list, tuple, int, float))


# Variables.


def variable(value, dtype=None, name=None, constraint=None):
    value = np.asarray(value) if _is_plain(value) else value
    return keras.Variable(value, dtype=dtype or floatx(), name=name)


def constant(value, dtype=None, shape=None, name=None):
    value = ops.convert_to_tensor(value, dtype or floatx())
    return value if shape is None else ops.broadcast_to(value, shape)


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None):
    if shape is None:
        if ndim is None:
            raise ValueError("placeholder must be given shape or ndim, got neither; give shape=")
        shape = (None,) * ndim
    return keras.KerasTensor(tuple(shape), dtype=dtype or floatx(), name=name)


def get_value(x):
    return ops.convert_to_numpy(x)[()]


def batch_get_value(xs):
    return [get_value(x) for x in xs]


eval = get_value


def set_value(x, value):
    if not hasattr(x, "assign"):
        raise TypeError(
            f"set_value must be given a variable, got {type(x).__name__}; for a learning rate write"
            " model.optimizer.learning_rate = value"
        )
    x.assign(np.reshape(value, x.shape))


def batch_set_value(pairs):
    for x, value in pairs:
        set_value(x, value)


def update(x, new_x):
    x.assign(new_x)
    return x


def update_add(x, increment):
    x.assign_add(increment)
    return x


def update_sub(x, decrement):
    x.assign_sub(decrement)
    return x


def moving_average_update(x, value, momentum):
    return update(x, momentum * x + (1 - momentum) * value)


# Shapes and kinds.


def int_shape(x):
    shape = getattr(x, "shape", None)
    return None if shape is None else tuple(shape)


def ndim(x):
    return len(x.shape)


def dtype(x):
    return keras.backend.standardize_dtype(x.dtype)


def is_sparse(x):
    return False


def is_placeholder(x):
    return isinstance(x, keras.KerasTensor)


is_tensor = ops.is_tensor


def to_dense(x):
    return x


def count_params(x):
    return int(np.prod(x.shape))


def flatten(x):
    return ops.reshape(x, (-1,))


def batch_flatten(x):
    return ops.reshape(x, (ops.shape(x)[0], int(np.prod(x.shape[1:]))))


def permute_dimensions(x, pattern):
    return ops.transpose(x, pattern)


def concatenate(tensors, axis=-1):
    return ops.concatenate(tensors, axis)


def repeat(x, n):
    """Turn [B, H] into [B, n, H]."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x, rep, axis):
    return ops.repeat(x, rep, axis)


def tile(x, n):
    return ops.tile(x, [n] * ndim(x) if isinstance(n, int) else n)


def expand_dims(x, axis=-1):
    return ops.expand_dims(x, axis)


def reverse(x, axes):
    return ops.flip(x, axes)


def gather(reference, indices):
    return ops.take(reference, indices, axis=0)


def identity(x, name=None):
    return ops.copy(x)


# Arithmetic whose names, defaults or meanings were others.


def mean(x, axis=None, keepdims=False):
    """The mean; of booleans it is the share that is true."""
    x = ops.convert_to_tensor(x) if _is_plain(x) else x
    if keras.backend.standardize_dtype(x.dtype) == "bool":
        x = ops.cast(x, floatx())
    return ops.mean(x, axis, keepdims)


def argmax(x, axis=-1):
    return ops.argmax(x, axis)


def argmin(x, axis=-1):
    return ops.argmin(x, axis)


def any(x, axis=None, keepdims=False):
    return ops.any(ops.cast(x, "bool"), axis, keepdims)


def all(x, axis=None, keepdims=False):
    return ops.all(ops.cast(x, "bool"), axis, keepdims)


def pow(x, a):
    return ops.power(x, a)


def sqrt(x):
    """The square root; 0 for negative numbers."""
    return ops.sqrt(ops.maximum(x, 0.0))


def clip(x, min_value, max_value):
    """``x`` between the two, either of which may be None; the least where they cross."""
    if _is_plain(min_value) and _is_plain(max_value) and max_value < min_value:
        max_value = min_value
    x = x if min_value is None else ops.maximum(x, min_value)
    return x if max_value is None else ops.minimum(x, max_value)


def batch_dot(x, y, axes=None):
    """The product over one axis of each, row by row; of two matrices it has the shape [B, 1]."""
    last = ndim(x) - 1, (1 if ndim(y) == 2 else ndim(y) - 2)
    axes = last if axes is None else (axes, axes) if isinstance(axes, int) else tuple(axes)
    left, right = list("bcdefg"[: ndim(x)]), list("bhijkl"[: ndim(y)])
    right[axes[1]] = left[axes[0]]
    shared = left[axes[0]]
    result = [a for a in left if a != shared] + [a for a in right[1:] if a != shared]
    product = ops.einsum(f"{''.join(left)},{''.join(right)}->{''.join(result)}", x, y)
    return ops.expand_dims(product, 1) if ndim(product) == 1 else product


def l2_normalize(x, axis=None):
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis, keepdims=True), 1e-12))


def _get_available_gpus():
    return []
