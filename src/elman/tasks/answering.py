"""`Answering`: what the tasks have in common whose answer is a sentence."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np

from elman.data.batches import Batches
from elman.data.decoding import agreement, minimum_bayes_risk
from elman.data.tokenizer import Tokenizer
from elman.layers.attention_decoder import CELLS
from elman.models import Model
from elman.tasks.estimator import PREDICT, Estimator
from elman.tasks.generation import (
    Generator,
    ScheduledSampling,
    SmoothedCrossentropy,
    decoded,
)
from elman.tasks.kernel_memory import KernelMemory
from elman.tasks.memory import Memory
from elman.tasks.reports import generation
from elman.tasks.training import Examples

METHODS = ("mbr", "beam", "greedy", "sample")
# The least that the decoder's own answers weigh beside those of the memory: what is tried.
SHARES = (0.0, 0.1, 0.25, 0.4, 0.6, 1.0)
TRIED = 500  # the first validation examples: the share is chosen by them
MOST_REMEMBERED = 100_000  # examples; beyond them a model needs no memory
COUNTED = 10_000  # texts that the unit of a tokenizer is chosen by


class Answering(Estimator):
    """A task whose answers are sentences, found token by token.

    A subclass gives, beside what an `Estimator` needs, ``_memory(X, y)``: a memory of
    examples; ``_extended(memory, X, y)``: one of more; ``_asked(X)``: what it is asked by;
    ``_asked_input()`` and ``_encoder()``: the network's input, and what the decoder makes of it.

    Attributes:
        target_tokenizer_: the tokens of answers.
        max_length_: the most tokens an answer has.
        memory_: what is kept of the training examples, or None.
        share_: how much the decoder's own answers weigh beside those of the memory, at least; by
            itself 0.25, or 0.1 beside pictures.
    """

    _monitor: ClassVar[str] = "val_loss"
    _mode: ClassVar[str] = "min"

    target_tokenizer_: Tokenizer
    max_length_: int
    memory_: Memory | KernelMemory | None
    share_: float = 0.25

    def predict(
        self,
        X,
        *,
        method: str = "mbr",
        beam: int = 8,
        length_penalty: float = 1.0,
        temperature: float = 1.0,
        top_k: int | None = None,
    ) -> list[str]:
        """An answer to each of ``X``.

        With ``method="mbr"`` it is, of the answers that beam search finds and of those of the
        nearest training examples, the one that agrees best with all of them: minimum Bayes risk by
        `elman.data.decoding.agreement`, for the chrF of all answers together. The decoder's own
        answers count by their probability P, but together ``share_`` at least; those of the
        examples, the rest.

        Arguments:
            X: as for `fit`.
            method: "mbr", "beam", "greedy" or "sample".
            beam: how many hypotheses beam search carries along.
            length_penalty: the exponent of Wu et al. 2016; larger favours longer answers.
            temperature, top_k: of "sample"; see `elman.data.decoding.sample`.

        Raises:
            ValueError: not fitted, or a method that is none.
        """
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        self._check(X)
        if not len(X):
            return []
        if method == "greedy":
            beam = 1
        settings: dict[str, Any] = {"width": beam, "length_penalty": length_penalty}
        if method == "sample":
            random = np.random.default_rng(self.random_state)
            settings = {"count": 1, "temperature": temperature, "top_k": top_k, "random": random}
        found = self._search(X, settings)
        if method != "mbr":
            return [answers[0][0] for answers in found]
        memory = self.memory_
        remembered = [[]] * len(found) if memory is None else memory.nearest(self._asked(X))
        return [agreed(*two, self.share_) for two in zip(found, remembered, strict=True)]

    def candidates(self, X, *, beam: int = 8, length_penalty: float = 1.0):
        """The answers that beam search finds for each of ``X``: lists of (answer, log P)."""
        self._check(X)
        return self._search(X, {"width": beam, "length_penalty": length_penalty})

    @property
    def can_remember(self) -> bool:
        return self.memory_ is not None

    def remember(self, X, y) -> None:
        """Add examples to the memory, without training.

        Those of the validation, say, once they have chosen what they are for.

        Raises:
            ValueError: not fitted, no memory, or not as many ``y`` as ``X``.
        """
        self._check_fitted()
        self._check(X, y)
        if self.memory_ is None:
            raise ValueError(
                f"{type(self).__name__} must have a memory to remember, got none; train with "
                f"memory=True and {MOST_REMEMBERED:,} examples at most"
            )
        self.memory_ = self._extended(self.memory_, X, y)

    def _build(self, examples: Examples) -> keras.Model:
        if self.cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {self.cell!r}")
        count = len(examples.lengths)
        asked = self._asked_input()
        target = keras.Input((None,), dtype="int32", name="target")
        sampling = None
        if self.scheduled_sampling:
            steps = self._epochs(count) * count / self._batch_size(count)
            sampling = ScheduledSampling(self.scheduled_sampling, steps, self.random_state)
        logits = decoded(
            target,
            self._encoder()(asked),
            tokens=len(self.target_tokenizer_),
            embedding=self.embedding,
            sampling=sampling,
            units=self.units,
            cell=self.cell,
            layers=self.layers,
            attention=self.attention,
            input_feeding=self.input_feeding,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
        )
        model = Model([asked, target], logits)
        self._compile(model, count)
        return model

    def score(self, X, y) -> float:
        """chrF of the answers to ``X``, between 0 and 1."""
        return generation(list(y), self.predict(X))["chrf"] / 100

    def _best_share(self, memory: Memory | KernelMemory, X, y) -> float:
        """Of `SHARES` the one whose answers to ``X`` have the best chrF."""
        X, y = list(islice(X, TRIED)), list(islice(y, TRIED))
        pairs = list(zip(self.candidates(X), memory.nearest(self._asked(X)), strict=True))
        scores = [generation(y, [agreed(*two, share) for two in pairs])["chrf"] for share in SHARES]
        return SHARES[int(np.argmax(scores))]

    def _search(self, X, settings) -> list[list[tuple[str, float]]]:
        """(answer, log P) for each of ``X``, the best first."""
        self._check_fitted()
        examples = self._examples(X)
        find = self._generator.drawn if "count" in settings else self._generator.best
        found: list = [None] * len(examples.lengths)
        size = min(PREDICT, 1 << (len(found) - 1).bit_length())
        for batch in Batches(examples.lengths, size, rungs=None):
            source, *_ = examples.arrays(batch.rows, batch.length)
            answers = find(source, self.max_length_, **settings)
            for row, answer, weight in zip(batch.rows, answers, batch.weights, strict=True):
                if weight:
                    texts = self.target_tokenizer_.decode([a.tokens for a in answer])
                    logs = [a.log_prob for a in answer]
                    found[row] = list(zip(texts, logs, strict=True))
        return found

    @property
    def _generator(self) -> Generator:
        """Made anew where the model is another."""
        known = self.__dict__.get("_known_generator")
        if known is None or known.model is not self.model:
            known = self.__dict__["_known_generator"] = Generator(self.model)
        return known

    def _compile(self, model: keras.Model, count: int) -> None:
        """Compile ``model`` for training on ``count`` examples."""
        steps = self._epochs(count) * -(-count // self._batch_size(count))
        rate = keras.optimizers.schedules.CosineDecay(self.learning_rate, steps)
        # Weights are averaged over about the last twentieth of the training.
        average = max(0.0, 1 - 20 / steps)
        model.compile(
            keras.optimizers.Adam(rate, clipnorm=1.0, use_ema=True, ema_momentum=average),
            SmoothedCrossentropy(self.label_smoothing),
            weighted_metrics=["accuracy"],
        )

    def _epochs(self, count: int) -> int:
        """As many as the user said, or fewer the more examples there are."""
        return self.epochs or int(np.clip(round(1800 / np.sqrt(count)), 4, 200))

    def _finish(self, X, y, validation_data) -> None:
        self.share_, self.memory_ = type(self).share_, None
        if self.memory and 2 <= len(X) <= MOST_REMEMBERED:
            self.memory_ = self._memory(X, y)
            if validation_data:
                self.share_ = self._best_share(self.memory_, *validation_data)

    def _memory(self, X, y) -> Memory | KernelMemory:
        raise NotImplementedError

    def _extended(self, memory, X, y) -> Memory | KernelMemory:
        raise NotImplementedError

    def _asked(self, X):
        raise NotImplementedError

    def _asked_input(self):
        raise NotImplementedError

    def _encoder(self) -> keras.Model:
        raise NotImplementedError


def agreed(
    own: Sequence[tuple[str, float]], remembered: Sequence[tuple[str, float]], share: float = 0.25
) -> str:
    """The answer of least Bayes risk, of the decoder's (answer, log P) and of (answer, P).

    The decoder's weigh ``share`` at least.

    >>> agreed([("a cat", -3.0), ("the dog", -4.0)], [("the cat", 0.6), ("the bat", 0.4)])
    'the cat'
    """
    p = np.exp([log_prob for _, log_prob in own])
    share = max(min(p.sum(), 1.0), share) if remembered else 1.0
    texts = [text for text, _ in (*own, *remembered)]
    rest = [(1 - share) * weight for _, weight in remembered]
    weights = np.concatenate([share * p / max(p.sum(), np.finfo(float).tiny), rest])
    return texts[minimum_bayes_risk(agreement(texts), weights)]


def fitted_tokenizer(texts, unit: str | None, size: int | None) -> Tokenizer:
    """A tokenizer of ``texts``; unit and size are chosen by them where they are None.

    Texts of hardly more than one word are characters, others subwords: of those, one for every 15
    words of the texts, but between 400 and 8000.
    """
    counts = [len(text.split()) for text in texts]
    if unit is None:
        unit = "character" if np.mean(counts[:COUNTED]) < 1.5 else "subword"
    if size is None:
        size = int(np.clip(sum(counts) // 15, 400, 8000)) if unit == "subword" else 16000
    return Tokenizer(unit, size=size).fit(texts)


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
