"""The search for the most probable sequences, token after token, on arrays of log-probabilities.

Letters: B sentences, K hypotheses of each, V tokens, U the most tokens an answer has. What is
searched is known by its *step*: ``step(tokens [B, K], parents [B, K]) -> log_probs [B, K, V]``
takes the token that each hypothesis ends with, and which hypothesis (0 ... K - 1) of the step
before it continues, so that the step can carry its states along. The shapes never change.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

PRICE = 0.12  # of an n-gram of an answer, where one that the reference has too is worth 1

Step = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Hypothesis:
    """An answer.

    Attributes:
        tokens: its token numbers, without start and end.
        log_prob: log P(tokens, end), or log P(tokens) where it was cut off.
        score: log P divided by the length penalty.
    """

    tokens: list[int]
    log_prob: float
    score: float


def beam_search(
    step: Step,
    batch: int,
    *,
    start: int,
    end: int,
    max_length: int,
    width: int = 5,
    length_penalty: float = 0.6,
) -> list[list[Hypothesis]]:
    """The best answers by beam search; with ``width=1`` greedy decoding.

    score(Y) = log P(Y) / lp(Y),  lp(Y) = ((5 + |Y|) / 6)^length_penalty

    where |Y| counts the end. Of all continuations of the K hypotheses those among the first K that
    end are kept as answers, and the first K that do not end go on. A sentence is done when it has K
    answers and nothing that goes on has a better score, at its present length, than the worst.
    Answers longer than ``max_length`` are cut off, and count only where no other was found.

    Arguments:
        step: the function described above.
        batch: B.
        start, end: the tokens before an answer and after it.
        max_length: U.
        width: K.
        length_penalty: 0 prefers short answers, 1 hardly.

    Returns:
        For each sentence at most K answers, the best first.

    Raises:
        ValueError: a width or a length that is not positive.

    >>> def step(tokens, parents):  # whatever comes before: token 1 twice as probable as the end
    ...     return np.broadcast_to(np.log([1 / 3, 2 / 3]), (*tokens.shape, 2))
    >>> best = beam_search(step, 1, start=1, end=0, max_length=3, width=2, length_penalty=0)[0]
    >>> [(answer.tokens, round(answer.log_prob, 2)) for answer in best]
    [([], -1.1), ([1], -1.5)]

    Source: Wu et al., "Google's Neural Machine Translation System", arXiv:1609.08144 (2016).
    """
    _check_positive(width=width, max_length=max_length)
    alive = np.full((batch, width), -np.inf)  # log P; at the start there is one hypothesis, not K
    alive[:, 0] = 0
    tokens = np.full((batch, width, max_length), end)
    answers = _Answers(batch, width, max_length, end)
    last, parents = np.full((batch, width), start), _identity(batch, width)
    for t in range(max_length):
        totals = alive[:, :, None] + np.asarray(step(last, parents), "float64")
        size = totals.shape[-1]
        totals = totals.reshape(batch, -1)
        best = _best(totals, 2 * width)
        scores = np.take_along_axis(totals, best, 1)
        ends = best % size == end
        penalty = _penalty(t + 1, length_penalty)
        answers.add(tokens, best // size, np.where(ends, scores, -np.inf)[:, :width], penalty)
        on = np.argsort(ends, axis=1, kind="stable")[:, :width]
        best, alive = np.take_along_axis(best, on, 1), np.take_along_axis(scores, on, 1)
        parents, last = best // size, best % size
        tokens = np.take_along_axis(tokens, parents[:, :, None], 1)
        tokens[:, :, t] = last
        done = alive.max(1) / penalty <= answers.scores.min(1)
        if done.all():
            break
        alive[done] = -np.inf  # a sentence gets the answers that it gets alone
    else:
        none = ~np.isfinite(answers.scores.max(1, keepdims=True))
        cut_off = np.where(none, alive, -np.inf)
        answers.add(tokens, _identity(batch, width), cut_off, _penalty(max_length, length_penalty))
    return answers.sorted()


def sample(
    step: Step,
    batch: int,
    *,
    start: int,
    end: int,
    max_length: int,
    count: int = 1,
    temperature: float = 1.0,
    top_k: int | None = None,
    random: np.random.Generator,
) -> list[list[Hypothesis]]:
    """Answers drawn at random, ``count`` of each sentence, the most probable first.

    A token is drawn with P(token)^(1 / temperature), normalised, among the ``top_k`` most probable
    ones. ``log_prob`` is the one of the step itself, without temperature; ``score`` is the same.

    Arguments:
        step, batch, start, end, max_length: as of `beam_search`.
        count: K.
        temperature: below 1 the probable becomes more probable.
        top_k: None for all tokens.
        random: where the draws come from.

    Raises:
        ValueError: a count, a length, a temperature or a top_k that is not positive.

    >>> def step(tokens, parents):
    ...     return np.broadcast_to(np.log([0.1, 0.4, 0.5]), (*tokens.shape, 3))
    >>> random = np.random.default_rng(0)
    >>> drawn = sample(step, 1, start=1, end=0, max_length=4, top_k=1, random=random)
    >>> drawn[0][0].tokens
    [2, 2, 2, 2]
    """
    _check_positive(count=count, max_length=max_length, temperature=temperature)
    _check_positive(top_k=1 if top_k is None else top_k)
    tokens = np.full((batch, count, max_length), end)
    log_prob, ended = np.zeros((batch, count)), np.zeros((batch, count), bool)
    last, parents = np.full((batch, count), start), _identity(batch, count)
    for t in range(max_length):
        log_probs = np.asarray(step(last, parents), "float64")
        last = _draw(log_probs, temperature, top_k, random)
        drawn = np.take_along_axis(log_probs, last[:, :, None], 2)[:, :, 0]
        log_prob += np.where(ended, 0, drawn)
        last = np.where(ended, end, last)
        tokens[:, :, t] = last
        ended |= last == end
        if ended.all():
            break
    answers = _Answers(batch, count, max_length, end)
    answers.add(tokens, parents, log_prob, 1.0)
    return answers.sorted()


def minimum_bayes_risk(gains: np.ndarray, weights: np.ndarray) -> int:
    """The candidate that is expected to agree best with the truth.

    argmax_i sum_j P(j) gain(i, j)

    Arguments:
        gains: [n, m], how good candidate i is where j is the truth.
        weights: [m], proportional to the probability that j is the truth.

    Returns:
        i; of equals the first.

    >>> minimum_bayes_risk(agreement(["a cat", "the cat", "a dog"]), np.array([0.3, 0.3, 0.4]))
    1

    Source: Kumar, Byrne, "Minimum Bayes-Risk Decoding for Statistical Machine Translation", NAACL
    2004.
    """
    return int(np.argmax(gains @ weights))


def agreement(texts: Sequence[str], order: int = 6) -> np.ndarray:
    """What each text, as a hypothesis, adds to the chrF of a corpus where each is the reference.

    gain(i, j) = sum over n = 1 ... order of (n-grams of characters that i and j share
                                              - 0.12 * n-grams of i)

    White space is left out. chrF counts the n-grams of a whole corpus, about F = 5 M / (4 R + H)
    with M shared ones, R of the references and H of the hypotheses; an answer raises F where it
    raises M - F / 5 H, as Dinkelbach shows of any ratio. The price of an n-gram is the one that was
    best where captions and translations were left out. With each sentence's own chrF in place of
    this, long answers are chosen too often.

    Returns:
        float64 [n, n], row: hypothesis, column: reference.

    >>> agreement(["cat", "cats"]).round(2)
    array([[5.28, 5.28],
           [4.8 , 8.8 ]])

    Source: Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015;
    Dinkelbach, "On Nonlinear Fractional Programming", Management Science 1967.
    """
    texts = ["".join(text.split()) for text in texts]
    gains = np.zeros((len(texts), len(texts)))
    for n in range(1, order + 1):
        grams = _ngrams(texts, n)
        gains += (grams @ grams.T).toarray() - PRICE * grams.sum(1)
    return gains


def _ngrams(texts: list[str], n: int) -> sparse.csr_matrix:
    """Which n-grams each text has, [len(texts), number of n-grams], of 0 and 1.

    The second "aa" of a text is another n-gram than the first, so that the product of two rows
    counts what the texts share.
    """
    number: dict[tuple[str, int], int] = {}
    columns, starts = [], [0]
    for text in texts:
        seen: Counter[str] = Counter()
        for i in range(len(text) - n + 1):
            gram = text[i : i + n]
            columns.append(number.setdefault((gram, seen[gram]), len(number)))
            seen[gram] += 1
        starts.append(len(columns))
    shape = (len(texts), max(len(number), 1))
    return sparse.csr_matrix((np.ones(len(columns)), columns, starts), shape=shape)


class _Answers:
    """The K best answers found so far of each sentence."""

    def __init__(self, batch: int, width: int, max_length: int, end: int):
        self.end = end
        self.tokens = np.full((batch, width, max_length), end)
        self.log_probs = np.full((batch, width), -np.inf)
        self.scores = np.full((batch, width), -np.inf)

    def add(self, tokens, parents, log_probs, penalty: float) -> None:
        """Offer answers, continuations of ``tokens[b, parents[b, k]]``; -inf is none."""
        width = self.scores.shape[1]
        scores = np.concatenate([self.scores, log_probs / penalty], 1)
        if not np.isfinite(scores[:, width:]).any():
            return
        keep = _best(scores, width)
        offered = np.take_along_axis(tokens, parents[:, : log_probs.shape[1], None], 1)
        tokens = np.concatenate([self.tokens, offered], 1)
        log_probs = np.concatenate([self.log_probs, log_probs], 1)
        self.scores = np.take_along_axis(scores, keep, 1)
        self.log_probs = np.take_along_axis(log_probs, keep, 1)
        self.tokens = np.take_along_axis(tokens, keep[:, :, None], 1)

    def sorted(self) -> list[list[Hypothesis]]:
        rows = zip(self.tokens, self.log_probs, self.scores, strict=True)
        return [
            [
                Hypothesis(self._until_end(t), float(p), float(s))
                for t, p, s in zip(*row, strict=True)
                if np.isfinite(s)
            ]
            for row in rows
        ]

    def _until_end(self, tokens: np.ndarray) -> list[int]:
        return tokens[: int(np.argmax(np.append(tokens, self.end) == self.end))].tolist()


def _best(scores: np.ndarray, count: int) -> np.ndarray:
    """The indices of the highest ``count`` of each row, the highest first, of equals the first."""
    count = min(count, scores.shape[1])
    found = np.sort(np.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(scores, found, 1), axis=1, kind="stable")
    return np.take_along_axis(found, order, 1)


def _draw(log_probs, temperature: float, top_k: int | None, random) -> np.ndarray:
    """A token for each hypothesis, by the Gumbel-max trick (Gumbel 1954)."""
    scores = log_probs / temperature
    if top_k is not None and top_k < scores.shape[-1]:
        least = np.partition(scores, -top_k, axis=-1)[..., -top_k, None]
        scores = np.where(scores >= least, scores, -np.inf)
    return np.argmax(scores + random.gumbel(size=scores.shape), axis=-1)


def _penalty(length: int, power: float) -> float:
    return ((5 + length) / 6) ** power


def _identity(batch: int, width: int) -> np.ndarray:
    return np.broadcast_to(np.arange(width), (batch, width))


def _check_positive(**given: float) -> None:
    for name, value in given.items():
        if value <= 0:
            raise ValueError(f"{name} must be positive, got {value}; write {name}=1, say")
