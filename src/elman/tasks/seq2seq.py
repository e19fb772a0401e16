"""`Seq2Seq`: a sentence for a sentence (unaligned many-to-many)."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from elman import layers
from elman.data.ragged import Ragged
from elman.data.tokenizer import END, PAD, START, Tokenizer
from elman.layers.attention_decoder import CELLS
from elman.models import Model
from elman.tasks.answering import Answering, fitted_tokenizer, write_json
from elman.tasks.estimator import check_texts
from elman.tasks.generation import GENERATOR
from elman.tasks.memory import TextMemory
from elman.tasks.saved import COUNT, FINITE, LENGTH, SHARE, Kind, check_model, read_json, read_part

LONGEST = 400  # tokens of a source or an answer that are read, at most
MEMORY: dict[str, Kind] = {"texts": [str], "answers": [str], "ngrams": COUNT, "temperature": FINITE}
PART = 1000  # texts that are turned into numbers at a time


class Seq2Seq(Answering):
    """Answers a sentence with a sentence: translation, question and answer, spelling, sums.

    A bidirectional encoder reads the source; a decoder that attends to it says the answer token by
    token, and is trained on all tokens of the true answers at once. Answers are chosen together
    with those of the training examples most like the source; see `predict`. Of a text the first 400
    tokens count.

    Arguments:
        cell: "lstm", "gru" or "simple_rnn".
        units, layers: of encoder and decoder; embedding: the width of a token's vector.
        attention: "additive" or "multiplicative".
        input_feeding: whether the decoder reads its last output too; training is then a loop.
        dropout: the share of embeddings and outputs that is dropped; recurrent_dropout: of states.
        source_unit, target_unit: "character", "word" or "subword"; None lets the data choose.
        source_size, target_size: how many tokens there are at most; None lets the data choose.
        memory: whether training examples are kept to answer by, for up to 100,000 of them.
        label_smoothing: the probability that the loss gives to all tokens alike.
        scheduled_sampling: the probability, at the end of training, with which the decoder reads
            its own token in place of the true one; it grows from 0.
        epochs: None for 1800 / sqrt(number of examples), between 4 and 200.
        batch_size, learning_rate: of the training; the rate falls to 0 along a cosine.
        patience: epochs without a better validation loss after which training ends.
        random_state: what every draw starts from.

    Example:
        >>> from elman.tasks import Seq2Seq
        >>> model = Seq2Seq(units=8, embedding=8, epochs=1)
        >>> answers = model.fit(["2+1", "4+5", "3+3"], ["3", "9", "6"]).predict(["2+2"])
        >>> len(answers)
        1

    Source: Sutskever, Vinyals, Le, "Sequence to Sequence Learning with Neural Networks", NeurIPS
    2014; Luong, Pham, Manning, "Effective Approaches to Attention-based Neural Machine
    Translation", EMNLP 2015.
    """

    memory_: TextMemory | None

    def __init__(
        self,
        *,
        cell="lstm",
        units=256,
        layers=1,
        embedding=256,
        attention="multiplicative",
        input_feeding=False,
        dropout=0.4,
        recurrent_dropout=0.0,
        source_unit=None,
        target_unit=None,
        source_size=None,
        target_size=None,
        memory=True,
        label_smoothing=0.1,
        scheduled_sampling=0.0,
        epochs=None,
        batch_size=32,
        learning_rate=2e-3,
        patience=None,
        random_state=0,
    ):
        self.cell = cell
        self.units = units
        self.layers = layers
        self.embedding = embedding
        self.attention = attention
        self.input_feeding = input_feeding
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.source_unit = source_unit
        self.target_unit = target_unit
        self.source_size = source_size
        self.target_size = target_size
        self.memory = memory
        self.label_smoothing = label_smoothing
        self.scheduled_sampling = scheduled_sampling
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.random_state = random_state

    def attention_of(self, X: Sequence[str]) -> list[tuple[list[str], list[str], np.ndarray]]:
        """For each text its tokens, those of the greedy answer, and where each of these looked.

        Returns:
            ``(source tokens, answer tokens, weights [answer, source])`` of each text.
        """
        self._check_fitted()
        if self.attention is None:
            raise ValueError("attention must be additive or multiplicative, got None; train so")
        found = []
        for text, answer in zip(X, self.predict(X, method="greedy"), strict=True):
            (source,) = self.source_tokenizer_.encode([text])
            (tokens,) = self.target_tokenizer_.encode([answer])
            weights = self._generator.attention(np.array([source or [PAD]], "int32"), tokens)
            names = self.source_tokenizer_.tokens(source), self.target_tokenizer_.tokens(tokens)
            found.append((*names, weights))
        return found

    def _check(self, X, y=None):
        super()._check(X, y)
        check_texts(X)
        if y is not None:
            check_texts(y, "y")

    def _learn(self, X, y) -> None:
        self.source_tokenizer_ = fitted_tokenizer(X, self.source_unit, self.source_size)
        self.target_tokenizer_ = fitted_tokenizer(y, self.target_unit, self.target_size)
        longest = max(len(tokens) for tokens in encoded(self.target_tokenizer_, y))
        self.max_length_ = min(longest, LONGEST) + 1

    def _examples(self, X, y=None) -> "Pairs":
        sources = Ragged.collect(encoded(self.source_tokenizer_, X), "int32")
        if y is None:
            return Pairs(sources)
        return Pairs(sources, Ragged.collect(encoded(self.target_tokenizer_, y), "int32"))

    def _asked_input(self):
        return keras.Input((None,), dtype="int32", name="source")

    def _encoder(self) -> keras.Model:
        """source -> memory, its mask, and the first states of the decoder."""
        source = self._asked_input()
        x = layers.Embedding(len(self.source_tokenizer_), self.embedding, mask_zero=True)(source)
        x = layers.Dropout(self.dropout)(x)
        states = []
        for _ in range(self.layers):
            one = CELLS[self.cell](
                -(-self.units // 2),
                return_sequences=True,
                return_state=True,
                recurrent_dropout=self.recurrent_dropout,
            )
            x, *ends = layers.Bidirectional(one)(x)
            x = layers.Dropout(self.dropout)(x)
            half = len(ends) // 2
            for forward, backward in zip(ends[:half], ends[half:], strict=True):
                both = layers.Concatenate()([forward, backward])
                states.append(layers.Dense(self.units, activation="tanh")(both))
        if self.input_feeding:
            states.append(ops.zeros_like(states[0]))
        return Model(source, [x, ops.not_equal(source, PAD), *states], name="encoder")

    def _memory(self, X, y) -> TextMemory:
        return TextMemory(list(X), list(y))

    def _extended(self, memory, X, y) -> TextMemory:
        texts, answers = [*memory.texts, *X], [*memory.answers, *y]
        return TextMemory(texts, answers, memory.ngrams, memory.temperature)

    def _asked(self, X) -> list[str]:
        return list(X)

    _learnt_kinds: ClassVar[dict[str, Kind]] = {
        "max_length": LENGTH,
        "share": SHARE,
        "memory": bool,
    }

    def _learnt(self) -> dict[str, Any]:
        has_memory = self.memory_ is not None
        return {"max_length": self.max_length_, "memory": has_memory, "share": self.share_}

    def _save_parts(self, folder: Path) -> None:
        self.source_tokenizer_.save(folder / "source.json")
        self.target_tokenizer_.save(folder / "target.json")
        if self.memory_:
            write_json(folder / "memory.json", self.memory_.state())

    def _restore(self, learnt: dict[str, Any], folder: Path) -> None:
        self.max_length_, self.share_ = learnt["max_length"], learnt["share"]
        self.memory_ = None
        with read_part(folder / "source.json") as path:
            self.source_tokenizer_ = Tokenizer.load(path)
        with read_part(folder / "target.json") as path:
            self.target_tokenizer_ = Tokenizer.load(path)
        if learnt["memory"]:
            with read_part(folder / "memory.json") as path:
                self.memory_ = TextMemory.restored(read_json(path, MEMORY))

    def _check_model(self) -> None:
        tokens = [len(self.source_tokenizer_), len(self.target_tokenizer_)]
        check_model(self.model, [(None,)] * 2, tokens[1], tokens, GENERATOR)


class Pairs:
    """Pairs of token numbers as arrays: ``(source, START + target)`` and ``target + END``.

    Both are padded to one length, that of the longer of the two.
    """

    def __init__(self, sources: Ragged, targets: Ragged | None = None):
        self.sources, self.targets = sources, targets
        self.lengths = sources.lengths
        if targets is not None:
            self.lengths = np.maximum(sources.lengths, targets.lengths + 1)

    def arrays(self, rows, length: int) -> tuple:
        source = self.sources.padded(rows, length)
        if self.targets is None:
            return (source,)
        read, labels, counted = answers_of(self.targets, rows, length)
        return (source, read), labels, counted


def answers_of(targets: Ragged, rows, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``START + target``, ``target + END``, and where these are, each [len(rows), length]."""
    labels = targets.padded(rows, length)
    labels[np.arange(len(rows)), targets.lengths[rows]] = END
    read = np.roll(np.where(labels == END, PAD, labels), 1, axis=1)
    read[:, 0] = START
    return read, labels, labels != PAD


def encoded(tokenizer: Tokenizer, texts):
    """The token numbers of each text, one after the other."""
    texts = iter(texts)
    while part := list(islice(texts, PART)):
        yield from (tokens[:LONGEST] for tokens in tokenizer.encode(part))
