"""What ``keras.backend`` had for networks: functions of a graph, loops, phases, noise, CTC."""

import keras
import numpy as np
from keras import ops, random, tree

from elman.compat import backend as K
from elman.layers import loop


def function(inputs, outputs, updates=(), **kwargs):
    """A function from the arrays of ``inputs`` to those of ``outputs``, two places in a model.

    Arguments:
        inputs: symbolic tensors, and perhaps `K.learning_phase()`, whose value is then given too.
        outputs: a list of symbolic tensors, or one.

    Returns:
        Function from a list of arrays to a list of NumPy arrays.

    Example:
        >>> from elman.layers import Dense
        >>> from elman.models import Sequential
        >>> model = Sequential([Dense(3, input_dim=2)])
        >>> [y] = function([model.input, K.learning_phase()], [model.output])([np.ones((4, 2)), 0])
        >>> y.shape
        (4, 3)
    """
    if updates:
        raise NotImplementedError("K.function takes no updates any more; assign the variables")
    inputs = [inputs] if isinstance(inputs, keras.KerasTensor) else list(inputs)
    phase = next((i for i, x in enumerate(inputs) if isinstance(x, K._LearningPhase)), None)
    places = [x for x in inputs if not isinstance(x, K._LearningPhase)]
    single = not isinstance(outputs, list | tuple)
    model = keras.Model(places, [outputs] if single else list(outputs))

    def call(arrays):
        arrays = list(arrays) if isinstance(arrays, list | tuple) else [arrays]
        training = bool(K.learning_phase())
        if phase is not None and len(arrays) == len(inputs):
            training = bool(arrays.pop(phase))
        arrays = [ops.convert_to_tensor(a, x.dtype) for a, x in zip(arrays, places, strict=True)]
        results = [K.get_value(y) for y in tree.flatten(model(arrays, training=training))]
        return results[0] if single else results

    return call


def gradients(loss, variables):
    raise NotImplementedError(
        "K.gradients has no graph to look back on; do: install TensorFlow and use tf.GradientTape, "
        "or use jax.grad or torch's backward()"
    )


def rnn(
    step_function,
    inputs,
    initial_states,
    go_backwards=False,
    mask=None,
    constants=None,
    unroll=False,
    input_length=None,
    time_major=False,
    zero_output_for_mask=False,
    return_all_outputs=True,
):
    """Run ``step_function(x [B, ...], states + constants) -> (output, new states)`` through time.

    Returns:
        ``(last output [B, ...], outputs [B, T, ...], list of final states)``.
    """
    constants = list(constants or [])
    states = list(initial_states)
    if time_major:
        inputs = loop.time_axis_swapped(inputs)
        mask = None if mask is None else ops.transpose(mask)
    first, _ = step_function(inputs[:, 0], states + constants)

    # The loop takes the shape of its output from the state in front.
    def step(x, carried):
        output, new = step_function(x, list(carried[1:]) + constants)
        return output, [output, *new]

    last, outputs, final = loop.scan(
        step,
        inputs,
        [ops.zeros_like(first), *states],
        None if mask is None else ops.cast(mask, "bool"),
        go_backwards=go_backwards,
        unroll=unroll,
        zero_output_for_mask=zero_output_for_mask,
    )
    if not return_all_outputs:
        outputs = ops.expand_dims(last, 1)
    return last, loop.time_axis_swapped(outputs) if time_major else outputs, list(final[1:])


def map_fn(fn, elems, name=None, dtype=None):
    return ops.map(fn, elems)


def foldl(fn, elems, initializer=None, name=None):
    """``fn(fn(fn(initializer, elems[0]), elems[1]), ...)``; starts at elems[0] without one."""
    first = elems[0] if initializer is None else initializer
    rest = elems[1:] if initializer is None else elems
    return ops.scan(lambda carry, x: (fn(carry, x), None), first, rest)[0]


def foldr(fn, elems, initializer=None, name=None):
    return foldl(fn, ops.flip(elems, 0), initializer)


def switch(condition, then_expression, else_expression):
    then, other = (f() if callable(f) else f for f in (then_expression, else_expression))
    condition = ops.cast(condition, "bool")
    missing = len(then.shape) - len(condition.shape)
    return ops.where(ops.reshape(condition, (*condition.shape, *[1] * missing)), then, other)


def in_train_phase(x, alt, training=None):
    """``x`` while training, else ``alt``; either may be a function without arguments."""
    chosen = x if (K.learning_phase() if training is None else training) else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x, alt, training=None):
    return in_train_phase(alt, x, training)


# Noise. Each call draws anew.


def _seed(seed):
    return np.random.randint(2**31 - 1) if seed is None else seed


def dropout(x, level, noise_shape=None, seed=None):
    return random.dropout(x, level, noise_shape, seed=_seed(seed))


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    return random.normal(shape, mean, stddev, dtype, seed=_seed(seed))


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    return random.uniform(shape, minval, maxval, dtype, seed=_seed(seed))


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    return random.truncated_normal(shape, mean, stddev, dtype, seed=_seed(seed))


def random_bernoulli(shape, p=0.0, dtype=None, seed=None):
    draws = random.uniform(shape, seed=_seed(seed))
    return ops.cast(draws <= p, dtype or K.floatx())


random_binomial = random_bernoulli


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    return K.variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    return K.variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


# Layers as functions.


def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    return keras.activations.relu(x, alpha, max_value, threshold)


def bias_add(x, bias, data_format=None):
    if (data_format or keras.config.image_data_format()) == "channels_first" and len(x.shape) > 2:
        bias = ops.reshape(bias, (-1,) + (1,) * (len(x.shape) - 2))
    return x + bias


def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    pool = {"max": ops.max_pool, "avg": ops.average_pool}[pool_mode]
    return pool(x, pool_size, strides, padding, data_format)


def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    layer = keras.layers.UpSampling2D((height_factor, width_factor), data_format, interpolation)
    return layer(x)


# Connectionist temporal classification.


def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """The loss of each row, [B, 1], of probabilities [B, T, classes], the blank the last class."""
    classes = y_pred.shape[-1]
    # ops.ctc_loss takes scores with the blank first, and labels that begin at 1.
    scores = ops.log(ops.roll(y_pred, 1, axis=-1) + keras.config.epsilon())
    labels = ops.cast(y_true, "int32") + 1
    lengths = [ops.cast(ops.reshape(n, (-1,)), "int32") for n in (label_length, input_length)]
    loss = ops.ctc_loss(ops.where(labels < classes, labels, 0), scores, *lengths, mask_index=0)
    return ops.expand_dims(loss, 1)


def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1):
    scores = ops.log(ops.convert_to_tensor(y_pred) + keras.config.epsilon())
    decoded, log_probabilities = ops.ctc_decode(
        scores,
        ops.cast(ops.reshape(input_length, (-1,)), "int32"),
        strategy="greedy" if greedy else "beam_search",
        beam_width=beam_width,
        top_paths=top_paths,
        mask_index=y_pred.shape[-1] - 1,
    )
    return [decoded[i] for i in range(len(decoded))], log_probabilities
