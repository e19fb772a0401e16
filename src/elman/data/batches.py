"""Batches of sequences of like length, in few distinct shapes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Batch:
    """Which rows make a batch, and its shape.

    Attributes:
        rows: integers [B]; where there are fewer rows than the batch has room for, rows repeat.
        length: the number of timesteps T every sequence is padded to.
        weights: float32 [B], 1 for a row and 0 for a repeated one.
    """

    rows: np.ndarray
    length: int
    weights: np.ndarray


class Batches:
    """A plan that puts sequences of like length together.

    JAX compiles a training step for each shape ``[B, T]`` it meets, so T is one of a few rungs. A
    sequence of length t is padded to the smallest rung ``r_k >= t``; `best_rungs` chooses them for
    the data at hand. Longer sequences come in smaller batches, so that no batch has
    more than ``tokens`` timesteps.

    Arguments:
        lengths: the length of each sequence, [N].
        batch_size: rows of a batch, at most.
        rungs: how many lengths there may be, at most; None takes powers of two, the same for any
            data: for prediction, where data come in parts.
        tokens: timesteps ``B * T`` of a batch, at most (a batch has one row at least).

    Raises:
        ValueError: no sequence, or a setting that is not positive.

    >>> plan = Batches([3, 4, 4, 9, 10], batch_size=2, rungs=2)
    >>> plan.shapes
    [(2, 4), (2, 10)]
    >>> sorted(row for batch in plan for row in batch.rows[batch.weights > 0].tolist())
    [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        batch_size: int,
        rungs: int | None = 6,
        tokens: int = 32768,
    ):
        self.lengths = np.maximum(np.asarray(lengths, "int64"), 1)
        if not len(self.lengths):
            raise ValueError("there must be at least one sequence, got none; give some data")
        for name, value in {"batch_size": batch_size, "rungs": rungs, "tokens": tokens}.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}; write {name}=32, say")
        if rungs is None:
            self.rungs = powers_of_two(self.lengths)
        else:
            self.rungs = best_rungs(self.lengths, rungs)
        size = [max(1, min(batch_size, tokens // rung)) for rung in self.rungs]
        # Powers of two, where the tokens and not the user said the size.
        self.sizes = [b if b == batch_size else 1 << (b.bit_length() - 1) for b in size]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shapes [B, T] that batches have."""
        return list(zip(self.sizes, self.rungs, strict=True))

    def __iter__(self):
        """The batches in order of length: the order for prediction."""
        return iter(self._cut(np.argsort(self.lengths, kind="stable")))

    def shuffled(self, random: np.random.Generator) -> list[Batch]:
        """The batches of an epoch: rows drawn at random within a rung, batches in random order."""
        order = random.permutation(len(self.lengths))
        rung = np.searchsorted(self.rungs, self.lengths[order])
        batches = self._cut(order[np.argsort(rung, kind="stable")])
        return [batches[i] for i in random.permutation(len(batches))]

    def _cut(self, order: np.ndarray) -> list[Batch]:
        """Cut rows, sorted by rung, into batches; the rest of a rung goes up to the next one."""
        rung = np.searchsorted(self.rungs, self.lengths[order])
        ends = np.cumsum(np.bincount(rung, minlength=len(self.rungs)))
        batches, start = [], 0
        for end, size, rung in zip(ends, self.sizes, self.rungs, strict=True):
            last = rung == self.rungs[-1]
            while end - start >= size or (last and end > start):
                rows = order[start : min(start + size, end)]
                weights = np.zeros(size, "float32")
                weights[: len(rows)] = 1
                batches.append(Batch(np.resize(rows, size), rung, weights))
                start += len(rows)
        return batches


def powers_of_two(lengths: np.ndarray) -> list[int]:
    """The powers of two, from 8 on, that the lengths need.

    >>> powers_of_two(np.array([3, 20]))
    [8, 32]
    """
    return sorted({max(8, 1 << (int(length) - 1).bit_length()) for length in np.unique(lengths)})


def best_rungs(lengths: np.ndarray, count: int, waste: float = 0.2) -> list[int]:
    """The lengths to pad to for which the sum of padded lengths is least, by dynamic programming.

    There are at most ``count``, and no more than it takes to pad by no more than ``waste``.

    >>> best_rungs(np.array([3, 3, 4, 20]), 2)
    [4, 20]
    """
    steps, weight = np.unique(lengths, return_counts=True)
    if len(steps) > 256:  # quantiles are enough for a choice among many
        steps = np.unique(np.quantile(lengths, np.linspace(0, 1, 257), method="higher"))
        weight = np.diff(np.searchsorted(np.sort(lengths), steps, "right"), prepend=0)
    below = np.concatenate([[0], np.cumsum(weight)])
    # cost[j]: the least sum for the lengths up to steps[j-1], with the rungs used so far.
    cost = np.full(len(steps) + 1, np.inf)
    cost[0] = 0
    choices: list[np.ndarray] = []
    for _ in range(min(count, len(steps))):
        padded = cost[:, None] + (below[None, 1:] - below[:, None]) * steps[None, :]
        above = np.tri(len(steps) + 1, len(steps), -1, dtype=bool)
        padded[above] = np.inf  # no rung is below a length that it takes
        choices.append(padded.argmin(0))
        cost = np.concatenate([[0], padded.min(0)])
        if cost[-1] <= (1 + waste) * lengths.sum():
            break
    rungs, j = [], len(steps)
    for choice in reversed(choices):
        if j == 0:
            break
        rungs.append(int(steps[j - 1]))
        j = choice[j - 1]
    return rungs[::-1]
