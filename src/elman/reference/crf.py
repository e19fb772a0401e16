"""A linear-chain conditional random field, plain: the definition of truth for `elman.layers.CRF`.

    s(u, y) = b_{y_1} + sum_t u_{t, y_t} + sum_{t > 1} A_{y_{t-1}, y_t} + e_{y_T}
    log p(y | u) = s(u, y) - log sum_{y'} exp s(u, y')

One sequence at a time: scores u [T, K], transitions A [K, K], start b [K], end e [K]. A sequence
without steps has one empty path, of score 0.

Source: Lafferty, McCallum and Pereira, "Conditional Random Fields", ICML 2001; Forney, "The Viterbi
Algorithm", Proceedings of the IEEE 61 (1973), 268-278.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray


class CRF:
    """The weights of a chain, and what can be asked of it.

    Args:
        transitions: array A of shape (K, K), from tag i (row) to tag j (column).
        start: array b of shape (K,); None is zeros.
        end: array e of shape (K,); None is zeros.

    Example:
        >>> from elman.reference import CRF
        >>> chain = CRF(transitions=[[0.0, 1.0], [1.0, 0.0]])
        >>> chain.viterbi([[0.0, 0.5], [0.0, 0.0], [0.0, 0.0]])
        [1, 0, 1]
        >>> float(chain.path_score([[0.0, 0.5], [0.0, 0.0]], [1, 0]))
        1.5
    """

    def __init__(
        self, transitions: ArrayLike, start: ArrayLike | None = None, end: ArrayLike | None = None
    ):
        self.transitions = np.asarray(transitions, dtype=np.float64)
        self.units = self.transitions.shape[0]
        zeros = np.zeros(self.units)
        self.start = zeros if start is None else np.asarray(start, dtype=np.float64)
        self.end = zeros if end is None else np.asarray(end, dtype=np.float64)

    def path_score(self, scores: ArrayLike, tags: Sequence[int]) -> float:
        """s(u, y) of the path ``tags``."""
        u = np.asarray(scores, dtype=np.float64)
        if len(u) == 0:
            return 0.0
        score = self.start[tags[0]] + self.end[tags[-1]]
        for t, tag in enumerate(tags):
            score += u[t, tag]
            if t > 0:
                score += self.transitions[tags[t - 1], tag]
        return score

    def log_partition(self, scores: ArrayLike) -> float:
        """log sum_y exp s(u, y), by the forward algorithm:

        a_1 = b + u_1,  a_{t, j} = u_{t, j} + log sum_i exp(a_{t-1, i} + A_ij).
        """
        u = np.asarray(scores, dtype=np.float64)
        return _log_sum_exp(self._forward(u)[-1] + self.end) if len(u) else 0.0

    def log_likelihood(self, scores: ArrayLike, tags: Sequence[int]) -> float:
        """log p(y | u)."""
        return self.path_score(scores, tags) - self.log_partition(scores)

    def viterbi(self, scores: ArrayLike) -> list[int]:
        """The path of the highest score; among equals the one of the lower tags, from the end."""
        u = np.asarray(scores, dtype=np.float64)
        if len(u) == 0:
            return []
        best, came_from = self.start + u[0], []
        for u_t in u[1:]:
            ways = best[:, None] + self.transitions
            came_from.append(ways.argmax(axis=0))
            best = ways.max(axis=0) + u_t
        path = [int((best + self.end).argmax())]
        for step in reversed(came_from):
            path.append(int(step[path[-1]]))
        return path[::-1]

    def marginals(self, scores: ArrayLike) -> Array:
        """p(y_t = k | u) = exp(a_{t, k} + c_{t, k}) / Z, an array of shape (T, K):

        c_T = e,  c_{t, i} = log sum_j exp(A_ij + u_{t+1, j} + c_{t+1, j}).
        """
        u = np.asarray(scores, dtype=np.float64)
        forward, backward = self._forward(u), np.zeros_like(u)
        for t in reversed(range(len(u))):
            if t == len(u) - 1:
                backward[t] = self.end
                continue
            for i in range(self.units):
                backward[t, i] = _log_sum_exp(self.transitions[i] + u[t + 1] + backward[t + 1])
        return np.exp(forward + backward - self.log_partition(u))

    def _forward(self, u: Array) -> Array:
        a = np.zeros_like(u)
        for t in range(len(u)):
            for j in range(self.units):
                before = (
                    self.start[j] if t == 0 else _log_sum_exp(a[t - 1] + self.transitions[:, j])
                )
                a[t, j] = before + u[t, j]
        return a


def _log_sum_exp(x: Array) -> float:
    largest = x.max()
    return largest + np.log(np.exp(x - largest).sum())
