"""Training examples kept beside a model, to answer as those did that are most alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from elman.data.decoding import agreement, minimum_bayes_risk

NEAREST = 16  # examples that are asked
TEMPERATURES = (0.03, 0.08, 0.15)
NGRAMS = (2, 3, 4)
SAMPLE = 300  # examples that the temperature is chosen by; three times as many choose the n-grams
PART = 100  # questions compared at a time, with all examples


class Memory:
    """The answers of the training examples nearest to a question, with their probabilities.

    P(answer of n | x) = exp(cos(x, x_n) / temperature) / sum over the 16 nearest

    as Khandelwal et al. 2020, "Generalization through Memorization", have it for tokens.

    Arguments:
        vectors: the training examples, [N, F], rows of length 1, dense or sparse.
        answers: their answers.
        temperature: as above.

    >>> memory = Memory(np.array([[1, 0], [0.6, 0.8], [0, 1]]), ["a", "b", "c"], temperature=0.1)
    >>> memory.nearest(np.array([[0, 1]]))[0][0]
    ('c', 0.88...)
    """

    def __init__(self, vectors, answers: Sequence[str], temperature: float = TEMPERATURES[1]):
        self.vectors, self.answers, self.temperature = vectors, list(answers), temperature

    def nearest(self, vectors) -> list[list[tuple[str, float]]]:
        """For each row of ``vectors`` the nearest answers and P, the most probable first."""
        rows, near = self._nearest(vectors, NEAREST)
        weights = softmax(near / self.temperature)
        return [
            _joined([self.answers[i] for i in row], weight)
            for row, weight in zip(rows, weights, strict=True)
        ]

    def agreement(
        self, temperatures: Sequence[float], nearest: int = NEAREST, sample: int = SAMPLE
    ) -> np.ndarray:
        """How well training examples tell each other's answers with each temperature.

        It is the agreement with the true answers of those that `minimum_bayes_risk` chooses, as a
        share of what the true ones would have.
        """
        chosen = np.random.default_rng(0).permutation(len(self.answers))[:sample]
        rows, near = self._nearest(self.vectors[chosen], nearest + 1)
        scores, most = np.zeros(len(temperatures)), 0.0
        for i, row, cosines in zip(chosen, rows, near, strict=True):
            others = np.flatnonzero(row != i)[:nearest]
            texts = [self.answers[j] for j in row[others]]
            gains = agreement([*texts, self.answers[i]])
            most += gains[-1, -1]
            for t, temperature in enumerate(temperatures):
                weights = softmax(cosines[others] / temperature)
                answer = minimum_bayes_risk(gains[:-1, :-1], weights)
                scores[t] += gains[answer, -1]
        return scores / max(most, 1e-9)

    def _nearest(self, vectors, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and cosines of the ``count`` nearest examples, [N, count], nearest first."""
        rows, near = [], []
        for start in range(0, vectors.shape[0], PART):
            cosines = vectors[start : start + PART] @ self.vectors.T
            cosines = cosines.toarray() if sparse.issparse(cosines) else np.asarray(cosines)
            rows.append(np.argsort(-cosines, axis=1, kind="stable")[:, :count])
            near.append(np.take_along_axis(cosines, rows[-1], 1))
        return np.concatenate(rows), np.concatenate(near)


class TextMemory(Memory):
    """A `Memory` of texts, as the TF-IDF weights of their n-grams of characters.

    The longest n-gram (2, 3 or 4) is the one with which the nearest training examples tell each
    other's answers best.

    >>> memory = TextMemory(["good night", "good morning", "thank you"], ["a", "b", "c"])
    >>> memory.nearest(["thanks"])[0][0][0]
    'c'
    """

    def __init__(self, texts: Sequence[str], answers: Sequence[str], ngrams: int | None = None,
                 temperature: float | None = None):  # fmt: skip
        self.texts, tried = list(texts), []
        for n in NGRAMS if ngrams is None else (ngrams,):
            counted = TfidfVectorizer(analyzer="char", ngram_range=(1, n), sublinear_tf=True)
            super().__init__(counted.fit_transform(self.texts), answers)
            score = 0 if ngrams else self.agreement(TEMPERATURES[:1], 1, 3 * SAMPLE)[0]
            tried.append((score, n, counted, self.vectors))
        _, self.ngrams, self._counted, self.vectors = max(tried, key=lambda found: found[0])
        if temperature is None:
            temperature = TEMPERATURES[int(np.argmax(self.agreement(TEMPERATURES)))]
        self.temperature = temperature

    def nearest(self, texts) -> list[list[tuple[str, float]]]:
        """For each text the nearest answers and P, the most probable first."""
        return super().nearest(self._counted.transform(texts))

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "TextMemory":
        """What gave `state`.

        Raises:
            ValueError: not as many answers as texts, or numbers that are none of a memory's.
        """
        texts, answers = state["texts"], state["answers"]
        if len(texts) != len(answers) or not texts:
            raise ValueError(f"there must be {len(texts)} answers, got {len(answers)}")
        if state["ngrams"] not in NGRAMS or state["temperature"] <= 0:
            raise ValueError(
                f"ngrams must be one of {NGRAMS} and temperature above 0, got {state['ngrams']} "
                f"and {state['temperature']}"
            )
        return cls(texts, answers, state["ngrams"], state["temperature"])

    def state(self) -> dict[str, Any]:
        """The arguments that make the same memory again, for JSON."""
        names = ("texts", "answers", "ngrams", "temperature")
        return {name: getattr(self, name) for name in names}


def softmax(scores: np.ndarray) -> np.ndarray:
    """exp(scores) / sum over the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _joined(answers: Sequence[str], weights: np.ndarray) -> list[tuple[str, float]]:
    """Equal answers as one, with the sum of their weights; the heaviest first."""
    sums: dict[str, float] = {}
    for answer, weight in zip(answers, weights.tolist(), strict=True):
        sums[answer] = sums.get(answer, 0.0) + weight
    return sorted(sums.items(), key=lambda item: -item[1])
