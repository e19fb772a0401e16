"""The loop through time, written once for each framework.

Letters: B batch, T timesteps, S any shape of one step. A *step* takes ``(x_t, states)`` and returns
``(y_t, new_states)``; `scan` runs it over axis 1 of the input. A masked step repeats the output
before it (zeros where there was none) and leaves the states as they were.
"""

import importlib

import keras
from keras import ops, tree

from elman._keras_private import in_stateless_scope, in_symbolic_scope
from elman.layers import exporting


def scan(
    step,
    sequences,
    states,
    mask=None,
    *,
    layer=None,
    output_size: int | None = None,
    go_backwards: bool = False,
    unroll: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
):
    """Run ``step`` through time.

    Arguments:
        step: function ``(x_t [B, *S], states) -> (y_t [B, ...], new_states)``.
        sequences: array of shape (B, T, *S); T may be 0.
        states: list (possibly nested) of arrays whose first axis is B.
        mask: boolean array of shape (B, T), True where the step counts; or None. Where it is False
            the input is never read, so that NaN there changes neither results nor gradients.
        layer: the layer whose first input, or as many steps, are run over; where torch traces it
            with an open number of timesteps, it is refused.
        output_size: size of ``y_t``; None where it has the shape of the first state.
        go_backwards: run from the last step to the first; outputs come in the order of running.
        unroll: write the steps out one by one instead of a loop of the framework.
        zero_output_for_mask: masked steps give zeros instead of the output before them.
        return_sequences: keep the output of each step.

    Returns:
        ``(last_output [B, ...], outputs [B, T, ...] or None, final states)``.
    """
    if layer is not None:
        exporting.check_timesteps(layer)
    batch, state = ops.shape(sequences)[0], tree.flatten(states)[0]
    zeros = ops.zeros((batch, output_size), state.dtype) if output_size else ops.zeros_like(state)
    if 0 in sequences.shape[:2]:
        nothing = ops.zeros((batch, sequences.shape[1], *ops.shape(zeros)[1:]), zeros.dtype)
        return zeros, nothing if return_sequences else None, states
    if mask is not None:
        sequences = _blank(sequences, mask)
    xs = [time_axis_swapped(a) for a in ((sequences,) if mask is None else (sequences, mask))]
    if go_backwards:
        xs = [ops.flip(a, axis=0) for a in xs]

    def body(carry, x):
        last_output, states = carry
        output, new_states = step(x[0], states)
        new_states = tree.pack_sequence_as(states, tree.flatten(new_states))
        if mask is not None:
            held = zeros if zero_output_for_mask else last_output
            output = _where(x[1], output, held)
            new_states = tree.map_structure(
                lambda new, old: _where(x[1], new, old), new_states, states
            )
        # The loops of JAX and TensorFlow want every pass to keep the dtypes of the one before.
        carry = tree.map_structure(
            lambda new, old: ops.cast(new, old.dtype), (output, new_states), (last_output, states)
        )
        return carry, carry[0]

    run = {"jax": _jax, "tensorflow": _tensorflow}.get(keras.backend.backend(), _python)
    if unroll and run is _tensorflow:
        run = _python
    (last_output, states), outputs = run(body, (zeros, states), xs, unroll, return_sequences)
    return last_output, time_axis_swapped(outputs) if return_sequences else None, states


def cast(structure, dtype):
    """An array, or a structure of arrays, in a dtype."""
    if isinstance(structure, list):  # what states mostly are: Keras's walk takes longer than a step
        return [cast(part, dtype) for part in structure]
    if tree.is_nested(structure):
        return tree.map_structure(lambda x: ops.cast(x, dtype), structure)
    return ops.cast(structure, dtype)


def packed(sizes, values) -> list:
    """``values`` (a flat list) in the plain nested lists in which ``sizes`` stand."""
    values = iter(values)

    def pack(sizes):
        return [pack(s) if tree.is_nested(s) else next(values) for s in sizes]

    return pack(sizes)


def time_axis_swapped(x):
    """[B, T, ...] as [T, B, ...], and back."""
    return ops.transpose(x, (1, 0, *range(2, len(x.shape))))


def _where(mask_t, new, old):
    return ops.where(ops.reshape(mask_t, (-1,) + (1,) * (len(new.shape) - 1)), new, old)


def _blank(sequences, mask):
    """Zeros in place of masked steps: ``where`` alone would let NaN through to the gradients."""
    for _ in range(len(sequences.shape) - 2):
        mask = ops.expand_dims(mask, -1)
    return ops.where(mask, sequences, ops.zeros_like(sequences))


def _python(body, carry, xs, unroll, keep):
    """Each step called in turn: torch, and unrolled TensorFlow."""
    if in_symbolic_scope():  # one step tells the shapes of all
        carry, output = body(carry, [x[0] for x in xs])
        return carry, ops.repeat(output[None], xs[0].shape[0], axis=0) if keep else None
    outputs = []
    # Not x[t], by which a trace of torch would take a longer sequence and leave out its end.
    for x in zip(*(ops.unstack(x, axis=0) for x in xs), strict=True):
        carry, output = body(carry, x)
        if keep:
            outputs.append(output)
    return carry, ops.stack(outputs) if keep else None


def _jax(body, carry, xs, unroll, keep):
    jax = importlib.import_module("jax")

    def step(carry, x):
        carry, output = body(carry, x)
        return carry, output if keep else None

    run = jax.lax.scan
    unroll = xs[0].shape[0] if unroll else 1
    if in_stateless_scope():
        return run(step, carry, xs, unroll=unroll)
    # Traced values must not be assigned to variables (a seed that a cell draws from, for instance).
    with keras.StatelessScope():
        return run(step, carry, xs, unroll=unroll)


def _tensorflow(body, carry, xs, unroll, keep):
    tf = importlib.import_module("tensorflow")
    length = steps = run = xs[0].shape[0]
    if length is None:
        # Perhaps 0: then one step of zeros is run and thrown away, because XLA compiles the body of
        # a loop that never runs too, and stacking needs a shape. Any other T runs over its steps
        # alone: where tf2onnx puts an LSTM in place of the loop, that one reads all of `xs`.
        steps = tf.shape(xs[0])[0]
        run = tf.maximum(steps, 1)
        xs = [tf.pad(x, [[0, run - steps]] + [[0, 0]] * (len(x.shape) - 1)) for x in xs]
    inputs = [tf.TensorArray(x.dtype, size=run).unstack(x) for x in xs]
    last_output, first = carry[0], tree.flatten(carry)
    outputs = tf.TensorArray(last_output.dtype, run, element_shape=last_output.shape)
    outputs = [outputs] if keep else []

    def step(t, outputs, flat):
        x = [array.read(t) for array in inputs]
        new, output = body(tree.pack_sequence_as(carry, flat), x)
        return t + 1, [array.write(t, output) for array in outputs], tree.flatten(new)

    _, outputs, flat = tf.while_loop(
        lambda t, *_: t < run,
        step,
        (tf.constant(0), outputs, first),
        shape_invariants=(
            tf.TensorShape([]),
            [tf.TensorShape(None) for _ in outputs],
            [tf.TensorShape([None, *a.shape[1:]]) for a in first],
        ),
        maximum_iterations=run,
    )
    if length is None:
        flat = [tf.where(steps > 0, new, old) for new, old in zip(flat, first, strict=True)]
    if not keep:
        return tree.pack_sequence_as(carry, flat), None
    kept = outputs[0].stack()[:steps]
    kept.set_shape([length, *last_output.shape])
    return tree.pack_sequence_as(carry, flat), kept
