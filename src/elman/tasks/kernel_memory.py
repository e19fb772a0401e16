"""`KernelMemory`: training examples kept beside a model, weighed by kernel regression."""

from collections.abc import Sequence

import numpy as np

NEAREST = 256  # examples that are asked
RIDGE = 0.1
CLOSE = 0.02  # the share of examples that are close to one: their distance sets the scale
SAMPLE = 500  # examples that the scales are measured on
PART = 64  # questions compared at a time, with all examples


class KernelMemory:
    """The answers of training examples, and how much each tells of the answer to a question.

    k(x, z) = mean over the views v of exp(-|x_v - z_v| / s_v)
    w(x) = (K + ridge I)^-1 k(x),  K and k(x) of the 256 examples with the greatest k(x, x_n)

    so that sum_n w_n(x) g(y_n) is the ridge regression of any g(answer), such as the agreement of
    the answer with a candidate. Unlike votes by likeness alone, examples that are like each other
    share their weight, and weights may be negative. A view is a vector of each example, here less
    the mean of the training examples and scaled to length 1; s_v is twice the median distance
    within which an example has 2 % of the others.

    Arguments:
        views: one or several arrays [N, F_v] of the training examples.
        answers: for each example a list of its answers, which share its weight.

    >>> views = [np.array([[0.0, 1.0], [1.0, 1.0], [5.0, 1.0]])]
    >>> memory = KernelMemory(views, [["left"], ["middle"], ["right"]])
    >>> answers = memory.nearest([np.array([[4.6, 1.0]])])[0]
    >>> max(answers, key=lambda answer: answer[1])[0]
    'right'

    Source: Cortes, Mohri, Weston, "A General Regression Technique for Learning Transductions", ICML
    2005; Zhang, Berg, Maire, Malik, "SVM-KNN: Discriminative Nearest Neighbor Classification for
    Visual Category Recognition", CVPR 2006 (regression among the nearest).
    """

    def __init__(self, views: Sequence[np.ndarray], answers: Sequence[Sequence[str]]):
        self.views = [np.asarray(view, "float32") for view in views]
        self.answers = [list(own) for own in answers]
        self._centres = [view.mean(0) for view in self.views]
        self._units = self._scaled(self.views)
        some = np.random.default_rng(0).permutation(len(self.answers))[:SAMPLE]
        self._scales = [_scale(unit[some], unit) for unit in self._units]

    @classmethod
    def restored(
        cls, views: Sequence[np.ndarray], answers: Sequence[Sequence[str]]
    ) -> "KernelMemory":
        """The memory of what was saved.

        Raises:
            ValueError: other than a row of numbers in each view for each list of answers.
        """
        for view in views:
            fits = view.ndim == 2 and len(view) == len(answers) > 0 and view.dtype.kind == "f"
            if not fits or not np.isfinite(view).all():
                raise ValueError(
                    f"a view must be finite numbers [{len(answers)}, F], a row for each list of "
                    f"answers, got {view.dtype} {list(view.shape)}"
                )
        if not views or not all(answers):
            raise ValueError("there must be a view, and an answer of each example")
        return cls(views, answers)

    def nearest(self, views: Sequence[np.ndarray]) -> list[list[tuple[str, float]]]:
        """For each question, given by its views [M, F_v], answers and their weights."""
        units = self._scaled([np.asarray(view, "float32") for view in views])
        found = []
        for start in range(0, len(units[0]), PART):
            part = [unit[start : start + PART] for unit in units]
            for likeness in self._kernel(part, self._units):
                rows = np.argsort(-likeness, kind="stable")[:NEAREST]
                known = [unit[rows] for unit in self._units]
                ridge = RIDGE * np.eye(len(rows))
                weights = np.linalg.solve(self._kernel(known, known) + ridge, likeness[rows])
                found.append(
                    [
                        (answer, weight / len(self.answers[row]))
                        for row, weight in zip(rows, weights.tolist(), strict=True)
                        for answer in self.answers[row]
                    ]
                )
        return found

    def _kernel(self, some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> np.ndarray:
        """k of each of ``some`` with each of ``others``, [len(some), len(others)]."""
        views = zip(some, others, self._scales, strict=True)
        each = [np.exp(-_distances(x, z) / scale) for x, z, scale in views]
        return np.mean(each, axis=0, dtype="float64")

    def _scaled(self, views: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The views less their means in training, rows of length 1."""
        moved = [view - centre for view, centre in zip(views, self._centres, strict=True)]
        return [x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in moved]


def _scale(some: np.ndarray, every: np.ndarray) -> float:
    """Twice the median distance within which one has 2 % of the others, and one at least."""
    distances = np.sort(_distances(some, every), axis=1)
    close = 1 + int(CLOSE * (len(every) - 1))  # the nearest is itself
    return max(2 * float(np.median(distances[:, min(close, len(every) - 1)])), 1e-6)


def _distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """|x - z| of rows of length 1."""
    return np.sqrt(np.maximum(2 - 2 * (some @ others.T), 0))
