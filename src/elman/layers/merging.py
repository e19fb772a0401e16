"""`merge` and `Merge`: how Keras 1 joined branches, on the layers of today that do it."""

import functools

import keras
from keras import layers, ops

_JOINS = {
    "sum": layers.Add,
    "mul": layers.Multiply,
    "ave": layers.Average,
    "max": layers.Maximum,
}
_MODES = (*_JOINS, "concat", "dot", "cos")


def merge(
    inputs,
    mode="sum",
    concat_axis=-1,
    dot_axes=-1,
    output_shape=None,
    output_mask=None,
    arguments=None,
    name=None,
):
    """Join tensors as Keras 1 did.

    Arguments:
        inputs: list of two tensors or more.
        mode: ``"sum"``, ``"mul"``, ``"ave"``, ``"max"``, element by element; ``"concat"``, along
            ``concat_axis``; ``"dot"``, the product over ``dot_axes`` of two; ``"cos"``, the cosine
            of two rows, an array of shape (batch, 1, 1); or a function of the list.
        concat_axis: the axis to join along.
        dot_axes: the axis to sum over, or one for each of the two.
        output_shape, arguments: of a function, as of `Lambda`.
        output_mask: taken and not used; a mask goes on as today's layers hand it on.
        name: of the layer that joins.

    Returns:
        A tensor.

    Raises:
        ValueError: a mode that there is not, or inputs that it cannot join.

    Example:
        >>> from elman.layers import Input
        >>> tuple(merge([Input((3,)), Input((2,))], mode="concat").shape)
        (None, 5)

    Source: the function of that name in Keras 1.0.
    """
    inputs = list(inputs)
    if len(inputs) < 2:
        raise ValueError(f"merge must be given two tensors or more, got {len(inputs)}")
    if callable(mode):
        layer = layers.Lambda(mode, output_shape, arguments=arguments, name=name)
    elif mode in _JOINS:
        layer = _JOINS[mode](name=name)
    elif mode == "concat":
        layer = layers.Concatenate(axis=concat_axis, name=name)
    elif mode in ("dot", "cos"):
        layer = layers.Dot(_axes(dot_axes), normalize=mode == "cos", name=name)
    else:
        words = ", ".join(repr(word) for word in _MODES)
        raise ValueError(f"merge: mode must be a function or one of {words}, got {mode!r}")
    if mode != "cos":
        return layer(inputs)
    if any(len(x.shape) != 2 for x in inputs):
        shapes = [tuple(x.shape) for x in inputs]
        raise ValueError(
            f"merge: mode='cos' must be given rows of shape (batch, features), got {shapes}; for "
            "the cosine along an axis write Dot(axes, normalize=True)"
        )
    return ops.expand_dims(layer(inputs), 1)


def _axes(axes):
    """The axes as `Dot` takes them; once they were written [[1], [1]]."""
    if isinstance(axes, int):
        return axes
    return tuple(axis[0] if isinstance(axis, list | tuple) else axis for axis in axes)


def Merge(
    layers=None,
    mode="sum",
    concat_axis=-1,
    dot_axes=-1,
    output_shape=None,
    output_mask=None,
    arguments=None,
    name=None,
):
    """Join branches, as the first layer of a `Sequential` model did in Keras 1.

    Arguments:
        layers: list of models or layers that know their input shape; None for a function that
            joins tensors.
        mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name: as of `merge`.

    Returns:
        A model of all inputs of the branches, in their order, one that two of them share once;
        without branches a function of a list of tensors.

    Raises:
        ValueError: a branch that does not know its input shape, or whatever `merge` raises.

    Example:
        >>> from elman.layers import LSTM, Dense, Merge
        >>> from elman.models import Sequential
        >>> left = Sequential([LSTM(3, input_shape=(5, 2))])
        >>> right = Sequential([Dense(4, input_dim=7)])
        >>> model = Sequential([Merge([left, right], mode="concat"), Dense(1)])
        >>> model.input_shape, model.output_shape
        ([(None, 5, 2), (None, 7)], (None, 1))

    Source: the layer of that name in Keras 1.0.
    """
    join = functools.partial(
        merge,
        mode=mode,
        concat_axis=concat_axis,
        dot_axes=dot_axes,
        output_shape=output_shape,
        output_mask=output_mask,
        arguments=arguments,
        name=name,
    )
    if layers is None:
        return join
    inputs: list = []
    outputs = []
    for branch in map(_model, layers):
        inputs += [x for x in branch.inputs if all(x is not other for other in inputs)]
        # As layers, so that each keeps its weights together, in the order of the branches.
        outputs.append(branch(branch.inputs if len(branch.inputs) > 1 else branch.inputs[0]))
    return keras.Model(inputs, join(outputs))


def _model(branch):
    """The branch as a model that knows its inputs."""
    shape = getattr(branch, "batch_input_shape", None)
    if shape is not None and not isinstance(branch, keras.Model):
        dtype = branch.batch_input_dtype
        return keras.Sequential([layers.InputLayer(batch_shape=shape, dtype=dtype), branch])
    if not getattr(branch, "inputs", None):
        raise ValueError(
            f"Merge: each branch must know its input shape, got '{branch.name}', which does not; "
            "give its first layer input_shape="
        )
    return branch
