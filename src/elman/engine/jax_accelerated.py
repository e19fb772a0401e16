"""Recurrent layers on JAX's accelerators: a loop of XLA with no more in it than must be.

What the inputs contribute is computed before the loop, and the gradients of the weights after it,
in one product each. Within it are one product a step, and what the cell does unit by unit.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from elman.engine import Inputs, Spec
from elman.engine.jax_reverse import only_in_reverse

_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "hard_sigmoid": lambda x: jnp.clip(0.2 * x + 0.5, 0, 1),
    "hard_sigmoid_keras3": jax.nn.hard_sigmoid,
}


def run(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[tuple[Any, Any, list[Any]]]:
    """The computation of `elman.engine.Computation` on JAX arrays."""
    return [_computed(spec, given) for spec, given in zip(specs, inputs, strict=True)]


def _computed(spec: Spec, given: Inputs) -> tuple[Any, Any, list[Any]]:
    given = Inputs(*jax.tree.map(only_in_reverse, tuple(given)))
    x, mask = given.x, given.mask
    if x.ndim != 3:
        raise ValueError(f"x must have shape (B, T, I), got {x.shape}")
    first = given.states
    if first is None:
        zeros = jnp.zeros((x.shape[0], given.recurrent_kernel.shape[0]), x.dtype)
        first = [zeros] * (2 if spec.cell == "lstm" else 1)
    if mask is not None:
        x = jnp.where(mask[..., None], x, 0)
    if given.input_dropout is not None:
        x = x * given.input_dropout[:, None]
    bias = given.bias if spec.use_bias else jnp.zeros(given.kernel.shape[1:], x.dtype)
    bias, inner_bias = bias if bias.ndim == 2 else (bias, None)
    timed = [x @ given.kernel + bias] + ([] if mask is None else [mask])
    timed = [jnp.swapaxes(array, 0, 1) for array in timed]
    if spec.go_backwards:
        timed = [jnp.flip(array, 0) for array in timed]
    parts, mask = timed[0], None if mask is None else timed[1][..., None]
    outputs, states = _recurrence(
        spec, parts, list(first), given.recurrent_kernel, inner_bias, mask
    )
    last = states[0] if len(parts) else jnp.zeros_like(states[0])
    if mask is not None and len(parts):
        there = mask if spec.zero_output_for_mask else jnp.cumsum(mask, 0) > 0
        outputs, last = jnp.where(there, outputs, 0), jnp.where(there[-1], last, 0)
    return jnp.swapaxes(outputs, 0, 1) if spec.return_sequences else None, last, states


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _recurrence(spec: Spec, parts, first, kernel, bias, mask) -> tuple[Any, list[Any]]:
    """h after each step (T, B, H), and the final states.

    Arguments:
        parts: (T, B, G * H), what the inputs contribute to each step.
        first: the states before the first step.
        kernel, bias: those of the product of h; no bias is None.
        mask: (T, B, 1) or None.
    """
    return _forward(spec, parts, first, kernel, bias, mask)[0]


def _forward(spec: Spec, parts, first, kernel, bias, mask):
    def step(states, now):
        part, counts = now
        new = _cell(spec, part, _product(states[0], kernel, bias), states)
        if counts is not None:
            new = [jnp.where(counts, *two) for two in zip(new, states, strict=True)]
        return new, new

    states, every = jax.lax.scan(step, first, (parts, mask))
    return (every[0], states), (parts, first, kernel, bias, mask, every)


def _backward(spec: Spec, kept, gradients):
    parts, first, kernel, bias, mask, every = kept
    d_outputs, d_states = gradients
    before = [jnp.concatenate([a[None], b])[:-1] for a, b in zip(first, every, strict=True)]

    def step(d_states, now):
        part, inner, states, counts, d_output = now
        d_states = [d_states[0] + d_output, *d_states[1:]]
        _, pull = jax.vjp(functools.partial(_cell, spec), part, inner, states)
        d_new = d_states if counts is None else [jnp.where(counts, d, 0) for d in d_states]
        d_part, d_inner, (d_h, *others) = pull(d_new)
        d_before = [d_h + d_inner @ kernel.T, *others]
        if counts is not None:
            d_before = [jnp.where(counts, *two) for two in zip(d_before, d_states, strict=True)]
        return d_before, (d_part, d_inner)

    timed = parts, _product(before[0], kernel, bias), before, mask, d_outputs
    d_first, (d_parts, d_inner) = jax.lax.scan(step, d_states, timed, reverse=True)
    return (
        d_parts,
        d_first,
        jnp.einsum("tbh,tbg->hg", before[0], d_inner),
        None if bias is None else d_inner.sum((0, 1)),
        None if mask is None else np.zeros(mask.shape, jax.dtypes.float0),
    )


_recurrence.defvjp(_forward, _backward)


def _product(h, kernel, bias):
    return h @ kernel if bias is None else h @ kernel + bias


def _cell(spec: Spec, part, inner, states) -> list[Any]:
    """The new states, from what input and h contribute to each gate."""
    a, s = _FUNCTIONS[spec.activation], _FUNCTIONS[spec.recurrent_activation]
    if spec.cell == "simple_rnn":
        return [a(part + inner)]
    if spec.cell == "lstm":
        i, f, c, o = jnp.split(part + inner, 4, -1)
        c = s(f) * states[1] + s(i) * a(c)
        return [s(o) * a(c), c]
    if spec.cell != "gru":
        raise ValueError(f"cell must be simple_rnn, lstm or gru, got {spec.cell}")
    (z, r, x), (inner_z, inner_r, inner_x) = jnp.split(part, 3, -1), jnp.split(inner, 3, -1)
    z, r = s(z + inner_z), s(r + inner_r)
    return [z * states[0] + (1 - z) * a(x + r * inner_x)]
