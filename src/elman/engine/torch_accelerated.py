"""Recurrent layers on torch tensors on a GPU: cuDNN, by torch's own functions.

cuDNN knows no masks. A masked step leaves the states as they are: so the steps of a row that count
are moved to its front, in their order, and the output after each step is that of the last of them
that was done by then. (torch's way of rows of different lengths, packed sequences, takes several
times as long.)
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from elman.engine import Inputs, Spec

# Keras's weights are not in one piece of memory, and torch copies them; there is nothing to do.
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")

SHUT = 1e4  # its sigmoid is 1, and that of its negative 0, in float16 too


@torch.compiler.disable
def run(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[tuple[Any, Any, list[Any]]]:
    """The computation of `elman.engine.Computation` on torch tensors."""
    if _are_one_call(specs, inputs):
        return _computed(specs, inputs)
    return [_computed([spec], [given])[0] for spec, given in zip(specs, inputs, strict=True)]


def _are_one_call(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> bool:
    """Whether they are two directions over the same steps, which cuDNN computes side by side."""
    if len(specs) != 2 or specs[0].go_backwards or specs[1] != replace(specs[0], go_backwards=True):
        return False
    one, other = inputs
    same = one.x is other.x and one.mask is other.mask is None
    dropout = one.input_dropout is other.input_dropout
    return same and dropout and one.recurrent_kernel.shape == other.recurrent_kernel.shape


def _computed(specs: Sequence[Spec], inputs: Sequence[Inputs]) -> list[tuple]:
    """One direction or, without a mask, both: (outputs, last output, states) of each."""
    spec, x, mask, dropout = specs[0], inputs[0].x, inputs[0].mask, inputs[0].input_dropout
    if x.ndim != 3:
        raise ValueError(f"x must have shape (B, T, I), got {tuple(x.shape)}")
    if 0 in x.shape[:2]:
        return [_nothing(spec, given) for given in inputs]
    if spec.go_backwards:
        x, mask = x.flip(1), None if mask is None else mask.flip(1)
    steps = None if mask is None else _Steps(mask)
    x = x if steps is None else steps.in_front(x)
    x = x if dropout is None else x * dropout[:, None]
    first = [list(given.states or _zeros(spec, given)) for given in inputs]
    weights = [(given.kernel, given.recurrent_kernel, given.bias) for given in inputs]
    if steps is not None and spec.cell == "lstm":
        x, weights = _keeping_c(x, ~steps.there, *weights[0])
    if len(specs) == 1:
        outputs, *final = _call(spec, x, [state[None] for state in first[0]], weights)
        final = [state.squeeze(0) for state in final]
        if steps is not None:
            final = steps.final(outputs, final, first[0])
            outputs = steps.in_place(outputs, spec)
        return [(outputs if spec.return_sequences else None, outputs[:, -1], final)]
    y, *final = _call(spec, x, [torch.stack(two) for two in zip(*first, strict=True)], weights)
    forward, backward = y.chunk(2, -1)
    found = zip((forward, backward.flip(1)), zip(*final, strict=True), strict=True)
    return [(y if spec.return_sequences else None, y[:, -1], list(own)) for y, own in found]


def _zeros(spec: Spec, given: Inputs) -> list[Tensor]:
    zeros = given.x.new_zeros((given.x.shape[0], given.recurrent_kernel.shape[0]))
    return [zeros] * (2 if spec.cell == "lstm" else 1)


def _nothing(spec: Spec, given: Inputs) -> tuple:
    """The results for no steps, or no rows."""
    last = _zeros(spec, given)[0] + given.recurrent_kernel[:0].sum()  # so that it has a gradient
    states = list(given.states or [last] * len(_zeros(spec, given)))
    outputs = last[:, None].expand(-1, given.x.shape[1], -1)
    return outputs if spec.return_sequences else None, last, states


class _Steps:
    """Which steps of each row count, by a mask [B, T], and the way to its front and back."""

    def __init__(self, mask: Tensor):
        self.mask, self.done = mask, mask.cumsum(1)
        self.lengths = self.done[:, -1:]
        self.order = torch.where(mask, self.done, self.lengths + (~mask).cumsum(1)).argsort(1)
        self.there = mask.gather(1, self.order)  # whether those in the new order count

    def in_front(self, x: Tensor) -> Tensor:
        """The steps that count in front, zeros behind them."""
        return torch.where(self.there[..., None], _taken(x, self.order), 0)

    def in_place(self, outputs: Tensor, spec: Spec) -> Tensor:
        """The output after each step, or after the last one, from those of the steps in front."""
        part = slice(None) if spec.return_sequences else slice(-1, None)
        mask, done = self.mask[:, part], self.done[:, part]
        known = mask if spec.zero_output_for_mask else done > 0
        return torch.where(known[..., None], _taken(outputs, (done - 1).clip(0)), 0)

    def final(self, outputs: Tensor, states: list[Tensor], first: list[Tensor]) -> list[Tensor]:
        """The states after the last step that counts; the first ones where there is none."""
        h = _taken(outputs, (self.lengths - 1).clip(0))[:, 0]
        pairs = zip([h, *states[1:]], first, strict=True)
        return [torch.where(self.lengths > 0, new, old) for new, old in pairs]


def _taken(x: Tensor, index: Tensor) -> Tensor:
    """x[b, index[b, t]] for each row b and step t."""
    return torch.take_along_dim(x, index[..., None], 1)


def _keeping_c(x: Tensor, past: Tensor, kernel: Tensor, *others: Any) -> tuple[Tensor, list]:
    """One input more, 1 at steps that do not count: it shuts gate i there, and opens gate f.

    Or some more, so that their number is a multiple of 4, which is faster.
    """
    count = 4 - x.shape[2] % 4
    x = torch.cat([x, pad(past.to(x.dtype)[..., None], (0, count - 1))], 2)
    gates = kernel.new_tensor([-SHUT, SHUT, 0, 0]).repeat_interleave(kernel.shape[1] // 4)
    return x, [(torch.cat([kernel, pad(gates[None], (0, 0, 0, count - 1))]), *others)]


def _call(spec: Spec, x: Tensor, states: list[Tensor], weights: list[tuple]) -> tuple[Tensor, ...]:
    """cuDNN's outputs (B, T, directions * H) and final states, (directions, B, H) as the first."""
    function = getattr(torch, f"rnn_{spec.activation}" if spec.cell == "simple_rnn" else spec.cell)
    return function(
        x,
        states if len(states) > 1 else states[0],
        [array for own in weights for array in _parameters(spec, *own)],
        spec.use_bias,
        1,  # layers
        0.0,  # dropout between them
        torch.is_grad_enabled(),
        len(weights) > 1,
        True,  # the batch is the first axis
    )


def _parameters(spec: Spec, kernel: Tensor, recurrent_kernel: Tensor, bias: Any) -> list[Tensor]:
    """The weights of one direction, as torch has them: a row for each unit of each gate."""
    found = [kernel.T, recurrent_kernel.T]
    if spec.use_bias:
        found += [*bias] if spec.cell == "gru" else [bias, torch.zeros_like(bias)]
    if spec.cell == "gru":  # gates r, z, h there; z, r, h here
        gates = [array.chunk(3) for array in found]
        found = [torch.cat([r, z, h]) for z, r, h in gates]
    return [array.contiguous() for array in found]
