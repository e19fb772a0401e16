"""A linear chain of tags in NumPy: its sums, its best paths, and its fit to sparse clues.

Letters: N tokens of all sentences, K tags, F clues; u [N, K] the score of each tag at each token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import optimize, sparse

_FORBIDDEN = -1e4  # its exp is 0, and the product with a count of 0 is 0


class Packed:
    """Tokens of sentences of any lengths, in order of their place: all first ones, all second ones.

    The longest sentence comes first, so that the tokens at a place are a block, and those of them
    that another follows are its head: the chain steps from block to block, without padding.

    Arguments:
        lengths: integers [S], the tokens of each sentence; those of a sentence stand together.

    Attributes:
        rows: integers [N], which token stands where; ``u[rows]`` is u in this order.
        starts: integers [T + 1], where each block begins.
        before: integers, for each token but the first ones where the one before it stands.
        last: integers, where the last token of each sentence stands.

    >>> packed = Packed([1, 3, 2])
    >>> packed.rows.tolist(), packed.starts.tolist(), packed.last.tolist()
    ([1, 4, 0, 2, 5, 3], [0, 3, 5, 6], [2, 4, 5])
    """

    def __init__(self, lengths: Sequence[int] | np.ndarray):
        lengths = np.asarray(lengths, int)
        order = np.argsort(-lengths, kind="stable")
        first = (np.cumsum(lengths) - lengths)[order]
        sizes = [int((lengths > t).sum()) for t in range(lengths.max(initial=0))]
        self.starts = np.cumsum([0, *sizes])
        blocks = [first[:size] + t for t, size in enumerate(sizes)]
        self.rows = np.concatenate([np.zeros(0, int), *blocks])
        goes_on = [np.arange(size) for size in sizes[1:]]
        self.before = np.concatenate([np.zeros(0, int), *map(np.add, goes_on, self.starts)])
        self.last = np.setdiff1d(np.arange(len(self.rows)), self.before)

    def __iter__(self):
        """The blocks, as slices."""
        return map(slice, self.starts[:-1].tolist(), self.starts[1:].tolist())

    def unpacked(self, values: np.ndarray) -> np.ndarray:
        """Values [N, ...] of tokens in this order, in the order of the sentences again."""
        found = np.empty_like(values)
        found[self.rows] = values
        return found


@dataclass
class LinearChain:
    """How tags follow each other: the weights of `elman.layers.CRF`, which has the equations.

    Attributes:
        transitions: A [K, K], from tag to tag.
        start, end: b and e [K], from the beginning and to the end.
        allowed: booleans [K + 1, K + 1], or None; see `elman.layers.CRF`.
    """

    transitions: np.ndarray
    start: np.ndarray
    end: np.ndarray
    allowed: np.ndarray | None = None

    def mixed(self, other: "LinearChain", share: float) -> "LinearChain":
        """The weights of this chain and of the other, which has ``share`` of the whole."""
        pairs = zip(self.weights, other.weights, strict=True)
        transitions, start, end = ((1 - share) * a + share * b for a, b in pairs)
        return LinearChain(transitions, start, end, self.allowed)

    @property
    def weights(self) -> list[np.ndarray]:
        """A, b and e."""
        return [self.transitions, self.start, self.end]

    def _potentials(self) -> list[np.ndarray]:
        """A, b and e, with what is not allowed forbidden."""
        if self.allowed is None:
            return self.weights
        parts = self.allowed[:-1, :-1], self.allowed[-1, :-1], self.allowed[:-1, -1]
        pairs = zip(parts, self.weights, strict=True)
        return [np.where(allowed, weight, _FORBIDDEN) for allowed, weight in pairs]

    def best(self, scores: np.ndarray, lengths: Sequence[int] | np.ndarray) -> np.ndarray:
        """The best tag of each token, integers [N], by Viterbi's algorithm.

        >>> chain = LinearChain(np.array([[0.0, -9.0], [0.0, 0.0]]), np.zeros(2), np.zeros(2))
        >>> chain.best(np.array([[1.0, 0.0], [0.0, 3.0], [0.0, 3.0]]), [2, 1]).tolist()
        [1, 1, 1]
        """
        packed, (transitions, start, end) = Packed(lengths), self._potentials()
        u, blocks = scores[packed.rows], list(packed)
        back = np.zeros(u.shape, int)
        ways = u + start
        for before, block in pairwise(blocks):
            size = block.stop - block.start
            into = ways[before][:size, :, None] + transitions
            back[block] = into.argmax(1)
            ways[block] = into.max(1) + u[block]
        tags = np.zeros(len(u), int)
        tags[packed.last] = (ways[packed.last] + end).argmax(1)
        for block, before in pairwise(blocks[::-1]):
            chosen = np.arange(block.start, block.stop), tags[block]
            tags[before.start : before.start + len(chosen[0])] = back[chosen]
        return packed.unpacked(tags)

    def marginals(self, scores: np.ndarray, lengths: Sequence[int] | np.ndarray) -> np.ndarray:
        """p(y_t = k | u) at each token, [N, K]."""
        packed = Packed(lengths)
        return packed.unpacked(self.sums(scores[packed.rows], packed)[1])

    def sums(self, u: np.ndarray, packed: Packed) -> tuple[float, np.ndarray, np.ndarray]:
        """Sums over all paths, by the forward and backward algorithms.

        alpha_t = (alpha_{t-1} exp(A)) exp(u_t), and beta_t likewise from the end. To keep them in
        range, alpha is scaled to a sum of 1 at each token (Rabiner 1989, section V.A).

        Arguments:
            u: the scores, packed.

        Returns:
            The sum of the sentences' log partitions; p(y_t = k) [N, K], packed; the expected number
            of each transition [K, K].
        """
        transitions, start, end = self._potentials()
        top = u.max(1, keepdims=True)
        emitted, moves = np.exp(u - top), np.exp(transitions)
        alpha, scale = np.empty_like(emitted), np.empty((len(u), 1))
        beta = np.tile(np.exp(end), (len(u), 1))
        blocks = list(packed)
        for t, block in enumerate(blocks):
            size = block.stop - block.start
            into = alpha[blocks[t - 1]][:size] @ moves if t else np.exp(start)
            ways = into * emitted[block]
            scale[block] = ways.sum(1, keepdims=True)
            alpha[block] = ways / scale[block]
        for block, before in pairwise(blocks[::-1]):
            onward = emitted[block] * beta[block] / scale[block]
            beta[before.start : before.start + len(onward)] = onward @ moves.T
        both = alpha * beta
        total = both.sum(1, keepdims=True)  # that of the end, at each token of a sentence
        first = blocks[0].stop if blocks else 0
        onward = (emitted * beta / (scale * total))[first:]
        pairs = alpha[packed.before].T @ onward * moves
        partition = np.log(scale).sum() + top.sum() + np.log(total[packed.last]).sum()
        return float(partition), both / total, pairs


def fit_chain(
    clues: sparse.csr_matrix,
    tags: np.ndarray,
    lengths: np.ndarray,
    count: int,
    allowed: np.ndarray | None = None,
    *,
    chained: bool = True,
    decay: float = 1.0,
    iterations: int = 100,
    start: tuple[np.ndarray, LinearChain] | None = None,
) -> tuple[np.ndarray, LinearChain]:
    """The conditional random field of sparse clues: the most likely weights, by L-BFGS.

    The least of  -sum log p(y | C V) + decay / 2 (|V|^2 + |A|^2 + |b|^2 + |e|^2)

    Arguments:
        clues: C [N, F].
        tags: y, integers [N].
        lengths: integers [S], the tokens of each sentence.
        count: K.
        allowed: see `elman.layers.CRF`.
        chained: learn A, b and e; False leaves them 0.
        start: V and the chain to start from, of data much like these; None starts from zeros.

    Returns:
        V float32 [F, K], and the chain.

    Source: Lafferty, McCallum and Pereira, "Conditional Random Fields", ICML 2001; Sha and Pereira,
    "Shallow Parsing with Conditional Random Fields", NAACL 2003 (L-BFGS).
    """
    packed = Packed(lengths)
    clues, tags = clues[packed.rows].astype("float32"), np.asarray(tags)[packed.rows]
    columns = clues.T.tocsr()
    first = packed.starts[1]
    shapes = [(clues.shape[1], count), (count, count), (count,), (count,)]
    cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]

    def counted(p: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """How often each clue and move is there, by the probabilities of tags."""
        found = [columns @ p.astype("float32"), pairs, p[:first].sum(0), p[packed.last].sum(0)]
        return np.concatenate([found[0].ravel(), *(chained * part.ravel() for part in found[1:])])

    def parted(weights: np.ndarray) -> tuple[np.ndarray, LinearChain]:
        values, *chain = map(np.reshape, np.split(weights, cuts), shapes)
        transitions, start, end = chain
        return values, LinearChain(transitions, start, end, allowed)

    one_hot = np.eye(count)[tags]
    true = counted(one_hot, one_hot[packed.before].T @ one_hot[first:])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        values, chain = parted(weights)
        u = (clues @ values.astype("float32")).astype("float64")
        partition, p, pairs = chain.sums(u, packed)
        value = partition - weights @ true + decay / 2 * weights @ weights
        return value, counted(p, pairs) - true + decay * weights

    options = {"maxiter": iterations, "maxcor": 6, "ftol": 1e-5}
    before = np.zeros(len(true))
    if start is not None:
        before = np.concatenate([part.ravel() for part in (start[0], *start[1].weights)])
    found = optimize.minimize(loss, before, jac=True, method="L-BFGS-B", options=options)
    values, chain = parted(found.x)
    return values.astype("float32"), chain
