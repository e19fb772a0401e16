"""`SequenceTagger`: a tag for each word or each character of a sentence (aligned many-to-many)."""

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import ClassVar

import keras
import numpy as np
from keras import ops
from scipy import sparse

from elman import layers
from elman.data import tags as schemes
from elman.data.linear_chain import LinearChain, fit_chain
from elman.data.ragged import Ragged
from elman.data.token_features import LEVELS, UNKNOWN, TokenFeatures
from elman.models import Model
from elman.tasks.estimator import Estimator
from elman.tasks.measures import entity_scores, token_accuracy
from elman.tasks.saved import AGAIN, COUNT, Kind, check, check_model, read_json, read_part
from elman.tasks.tagger_layers import Spelling, WordDropout

CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}
OUTPUTS = ("crf", "softmax")
FEATURES: dict[str, Kind] = {
    "level": str,
    "letters": COUNT,
    "slots": {str: [str]},
    "letter_numbers": [str],
    "clue_numbers": [str],
}
SAMPLE = 1_000_000  # tokens that the clues by themselves are fitted on, at most
# What their share in the answer may be.
SHARES = (0.5, 0.4, 0.6, 0.25, 0.75)
# What may be added to the score of each entity, to find more of them or fewer.
LEANINGS = (0.0, *(sign * step / 2 for step in range(1, 9) for sign in (-1, 1)))


class SequenceTagger(Estimator):
    """Tags words or characters: parts of speech, named entities.

    A network reads each token's vectors x_t (the word, its ends and shape, its letters) from both
    sides; beside it many clues c (ends and neighbours of the word, pairs of words) have a weight
    for each tag, as in a conditional random field without a network::

        h_t = [LSTM(x_1 .. x_t), LSTM(x_T .. x_t)],    u_t = W h_t + b + sum over c of V_c
        log p(y | u) as `elman.layers.CRF` has it

    The weights of the clues and of the transitions are then fitted once more, without the network,
    until they are the most likely ones. The answer is by the mean of both models' scores, with the
    shares that are best on the validation data, halves without: each is right where the other is
    wrong. As scores are linear in these weights, the mean is one model again, `model`.

    Tags such as ``B-LOC`` mark entities, in IOB2, IOBES, or IOB1 (which is mended). Within they are
    IOBES, and no answer breaks the scheme. On validation data the score that an entity has
    by its first token is then moved to where strict F1 is highest, because likelihood counts tokens
    and F1 entities.

    Arguments:
        level: "word", or "character" where each token is a character and spaces are tokens; None
            takes characters where nearly all tokens are single ones.
        cell: "lstm", "gru" or "simple_rnn".
        units: H, the size of the hidden state of each direction.
        layers: how many recurrent layers.
        output: "crf", or "softmax" where each tag is chosen for itself.
        scheme: of the entities that are answered, "IOB2" or "IOBES"; None takes the data's.
        embedding: the size of a word's vector.
        letters: the size of the vector of its spelling; 0 leaves it out.
        clues: whether the clues are there.
        dropout: of the vectors between layers. recurrent_dropout: of the hidden state.
        clue_dropout: of clues, while the network learns. clue_decay: the L2 penalty of their
            weights where they are fitted without it.
        word_dropout: see `elman.tasks.tagger_layers.WordDropout`.
        learning_rate: the highest of Adam.
        epochs: None takes 5, or as many as make 500 steps.
        batch_size: sentences of a batch, at most.
        patience: epochs without a better score on the validation data after which training ends;
            None never ends it early.
        random_state: the seed.

    Attributes:
        level_: "word" or "character".
        tags_: the tags it may answer.
        features_: `elman.data.token_features.TokenFeatures`.

    Raises:
        ValueError: no tokens, sentences and tags of different lengths, or a setting that is none.

    Example:
        >>> from elman.tasks import SequenceTagger
        >>> tokens = [["Ann", "sees", "Bob"], ["Bob", "sleeps"]] * 8
        >>> tags = [["B-PER", "O", "B-PER"], ["B-PER", "O"]] * 8
        >>> model = SequenceTagger(units=8, epochs=5, learning_rate=0.03).fit(tokens, tags)
        >>> model.predict([["Ann", "sleeps"]])
        [['B-PER', 'O']]

    Sources: Huang, Xu and Yu 2015, "Bidirectional LSTM-CRF Models for Sequence Tagging"; Ma and
    Hovy 2016, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF"; Cheng et al. 2016,
    "Wide & Deep Learning"; Lafferty, McCallum and Pereira 2001, "Conditional Random Fields".
    """

    # What the clues were learnt from, their weights and share: for `remember`.
    _taught: "tuple[list[_Tagged], tuple[np.ndarray, LinearChain], float] | None" = None

    def __init__(
        self,
        level: str | None = None,
        *,
        cell: str = "lstm",
        units: int = 128,
        layers: int = 1,
        output: str = "crf",
        scheme: str | None = None,
        embedding: int = 96,
        letters: int = 96,
        clues: bool = True,
        dropout: float = 0.5,
        recurrent_dropout: float = 0.0,
        clue_dropout: float = 0.7,
        clue_decay: float = 1.0,
        word_dropout: float = 0.25,
        learning_rate: float = 3e-3,
        epochs: int | None = None,
        batch_size: int = 32,
        patience: int | None = None,
        random_state: int = 0,
    ):
        self.level = level
        self.cell = cell
        self.units = units
        self.layers = layers
        self.output = output
        self.scheme = scheme
        self.embedding = embedding
        self.letters = letters
        self.clues = clues
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.clue_dropout = clue_dropout
        self.clue_decay = clue_decay
        self.word_dropout = word_dropout
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.random_state = random_state

    def predict(self, X) -> list[list[str]]:
        """The best tags of each sentence, a list for each."""
        return self._named(output.argmax(-1) for output in self._cut_outputs(X))

    def predict_proba(self, X) -> list[np.ndarray]:
        """The probability of each tag at each token, ``[T, K]`` in the order of ``tags_``."""
        found = self._cut_scores(X)
        if not found:
            return []
        lengths = [len(scores) for scores in found]
        outward = [self._outward([tag])[0] for tag in self._inner]
        sums = np.array([[tag == name for name in self.tags_] for tag in outward], "float32")
        marginals = self._chain().marginals(np.concatenate(found), lengths) @ sums
        return np.split(marginals, np.cumsum(lengths)[:-1])

    def score(self, X, y) -> float:
        """Strict F1 of entities where tags mark entities, else the accuracy of tokens."""
        return self._measure(y, self.predict(X))

    # Data

    def _check(self, X, y=None):
        super()._check(X, y)
        for name, lists in (("X", X), ("y", () if y is None else y)):
            for i, texts in enumerate(lists):
                if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
                    raise ValueError(
                        f"{name}[{i}] must be a list of texts, one for each token, got "
                        f"{texts!r:.60}; part a sentence with split(), and write a number as text"
                    )

    def _learn(self, X, y):
        self._check_settings()
        names = sorted({tag for tags in y for tag in tags})
        self.entities_ = schemes.are_entities(names)
        self.level_ = self.level or best_level(X)
        self.features_ = TokenFeatures(self.level_, min_count=2 if len(X) >= 1000 else 1).fit(X)
        self._inner = names
        if self.entities_:
            given = "IOBES" if any(name[0] in "ES" for name in names) else "IOB2"
            self.scheme_ = self.scheme or given
            kinds = sorted({name[2:] for name in names} - {""})
            self._inner = ["O", *(f"{prefix}-{kind}" for kind in kinds for prefix in "BIES")]
        if len(self._inner) < 2:
            raise ValueError(
                f"y must have at least two tags, got {names}; give sentences with another tag too"
            )
        self.tags_ = self._outer_tags()

    def _outer_tags(self) -> list[str]:
        return list(dict.fromkeys(self._outward([tag])[0] for tag in self._inner))

    def _inward(self, tags: Sequence[str]) -> list[str]:
        return schemes.to_iobes(schemes.repaired(tags)) if self.entities_ else list(tags)

    def _outward(self, tags: Sequence[str]) -> list[str]:
        if not self.entities_:
            return list(tags)
        if self.output == "softmax" and len(tags) > 1:  # nothing keeps to the scheme there
            tags = schemes.to_iobes(schemes.repaired(tags))
        return schemes.to_iob2(tags) if self.scheme_ == "IOB2" else list(tags)

    def _examples(self, X, y=None):
        number = {tag: i for i, tag in enumerate(self._inner)}
        if y is None:
            return _Tagged(self.features_, X)
        return _Tagged(
            self.features_, X, ([number.get(t, 0) for t in self._inward(ts)] for ts in y)
        )

    # The network

    def _build(self, examples):
        self._learning = examples
        features, count = self.features_, len(self._inner)
        letters = len(features.slots)
        clues = letters + features.letters
        tokens = layers.Input((None, features.width), dtype="int32", name="tokens")
        known = ops.not_equal(tokens[:, :, 0], 0)
        hidden = self._vectors(tokens[:, :, :letters], tokens[:, :, letters:clues])
        for _ in range(self.layers):
            hidden = layers.Dropout(self.dropout)(hidden)
            cell = CELLS[self.cell](
                self.units, return_sequences=True, recurrent_dropout=self.recurrent_dropout
            )
            hidden = layers.Bidirectional(cell)(hidden, mask=known)
        hidden = layers.Dropout(self.dropout)(hidden)
        scores = layers.Dense(count, name="scores")(hidden)
        if self.clues:
            size = len(features.clue_numbers) + 2
            numbers = tokens[:, :, clues:]
            weights = layers.Embedding(size, count, "zeros", name="clues")(numbers)
            weights *= ops.cast(numbers > UNKNOWN, weights.dtype)[..., None]
            shape = (None, None, features.clue_width, 1)
            weights = layers.Dropout(self.clue_dropout, noise_shape=shape)(weights)
            scores = layers.Add()([scores, ops.sum(weights, axis=2)])
        # Without transitions to learn, each tag is for itself: a softmax.
        chain = layers.CRF(count, self._allowed(), trainable=self.output == "crf", name="tags")
        model = Model(tokens, chain(scores, mask=known), name="tagger")
        model.get_layer("known_words").set_counts(features.counts["word"])
        return self._compile(model, len(examples.lengths))

    def _vectors(self, slots, letters):
        """The vectors of each token's slots and of its letters."""
        found = []
        for i, (name, table) in enumerate(self.features_.slots.items()):
            ids, size = slots[:, :, i], len(table) + 2
            if name == "word":
                forget = WordDropout(size, self.word_dropout, self.random_state, name="known_words")
                ids = forget(ids)
            width = self.embedding if name == "word" else max(8, self.embedding // 3)
            found.append(layers.Embedding(size, width)(ids))
        if self.letters and self.features_.letters:
            size = len(self.features_.letter_numbers) + 2
            spelt = layers.Embedding(size, max(8, self.letters // 3))(letters)
            found.append(Spelling(self.letters)(spelt))
        return layers.Concatenate()(found)

    def _epochs(self, count):
        steps = -(-count // self.batch_size)
        return self.epochs or max(5, -(-500 // steps))

    def _compile(self, model: keras.Model, count: int) -> keras.Model:
        steps = -(-count // self.batch_size) * self._epochs(count)
        rise = max(1, steps // 20)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - rise), warmup_target=self.learning_rate, warmup_steps=rise
        )
        optimizer = keras.optimizers.Adam(
            rate,
            beta_2=0.98,
            global_clipnorm=5.0,
            use_ema=True,
            # The average reaches a tenth of the training back.
            ema_momentum=max(0.5, 1 - 10 / max(10, steps)),
        )
        chain = model.get_layer("tags")
        model.compile(optimizer, loss=chain.loss, weighted_metrics=[chain.accuracy])
        return model

    def _allowed(self) -> np.ndarray | None:
        if self.entities_ and self.output == "crf":
            return schemes.allowed_transitions(self._inner, "IOBES")
        return None

    # The clues by themselves

    def _finish(self, X, y, validation_data):
        learnt, self._learning = [self._learning], None
        beside = self._fit_clues(learnt) if self.clues else None
        share, leaning = (0.0 if beside is None else 0.5), 0.0
        if validation_data is not None:
            share, leaning = self._chosen(beside, *validation_data)
        self._mix(beside, share, leaning)
        self._taught = None if beside is None else (learnt, beside, share)

    @property
    def can_remember(self) -> bool:
        return self._taught is not None

    def remember(self, X, y) -> None:
        """Fit the chain of clues once more, with these sentences too; the network stays.

        Those of the validation, say, once they have chosen what they are for. Sentences with a tag
        that it has not learnt are left out.

        Raises:
            ValueError: not fitted, or not by this object, or without clues; not as many ``y`` as
                ``X``.
        """
        self._check_fitted()
        self._check(X, y)
        if self._taught is None:
            raise ValueError(
                "SequenceTagger must have clues, and the sentences it has learnt them from, which "
                "no folder keeps, to remember more; do: fit(...) with clues=True, then remember"
            )
        learnt, before, share = self._taught
        known = {*self._inner}
        pairs = [(x, tags) for x, tags in zip(X, y, strict=True) if known >= {*self._inward(tags)}]
        if not pairs:
            return
        learnt = [*learnt, self._examples(*zip(*pairs, strict=True))]
        beside = self._fit_clues(learnt, before)
        # The model's weights are those of the mixture, of which the chain has its share.
        for layer, new, old in (
            ("clues", [beside[0]], [before[0]]),
            ("tags", beside[1].weights, before[1].weights),
        ):
            mixed = self.model.get_layer(layer)
            parts = zip(mixed.get_weights(), new, old, strict=True)
            mixed.set_weights([part + share * (b - a) for part, b, a in parts])
        self._taught = learnt, beside, share

    def _fit_clues(self, learnt: "Sequence[_Tagged]", start=None) -> tuple[np.ndarray, LinearChain]:
        """The weights of the clues [F, K], fitted without the network, and their chain."""
        sentences = [(part, row) for part in learnt for row in range(len(part.lengths))]
        lengths = np.concatenate([part.lengths for part in learnt])
        rows = np.arange(len(lengths))
        if lengths.sum() > SAMPLE:
            order = np.random.default_rng(self.random_state).permutation(rows)
            rows = np.sort(order[lengths[order].cumsum() <= SAMPLE])
        chosen = [sentences[row] for row in rows]
        return fit_chain(
            self._clues(np.concatenate([part.tokens[row] for part, row in chosen])),
            np.concatenate([part.tags[row] for part, row in chosen if part.tags is not None]),
            lengths[rows],
            len(self._inner),
            self._allowed(),
            chained=self.output == "crf",
            decay=self.clue_decay,
            iterations=100 if start is None else 30,
            start=start,
        )

    def _clues(self, tokens: np.ndarray) -> sparse.csr_matrix:
        """Which clues each token has, float32 [N, F]; those that are not known are left out."""
        found = tokens[:, -self.features_.clue_width :]
        known = found > UNKNOWN
        ends = np.concatenate([[0], known.sum(1).cumsum()])
        shape = (len(found), len(self.features_.clue_numbers) + 2)
        return sparse.csr_matrix((np.ones(ends[-1], "float32"), found[known], ends), shape)

    def _chosen(self, beside, X, y) -> tuple[float, float]:
        """The share of the chain of clues, and what is added to the score of each entity."""
        tokens = self._examples(X).tokens
        scores, chain = np.concatenate(self._cut_scores(X)), self._chain()
        first = self._first()
        extra = 0 if beside is None else self._clues(tokens.values) @ beside[0]

        def score(share: float, leaning: float) -> float:
            mixed = chain if beside is None else chain.mixed(beside[1], share)
            u = (1 - share) * scores + share * extra + leaning * first
            best = mixed.best(u, tokens.lengths)
            return self._measure(y, self._named(np.split(best, tokens.offsets[1:-1])))

        shares = (0.0,) if beside is None else SHARES
        leanings = LEANINGS if self.entities_ else (0.0,)
        leaning = max(leanings, key=lambda leaning: score(shares[0], leaning))
        return max(shares, key=lambda share: score(share, leaning)), leaning

    def _first(self) -> np.ndarray:
        """1 for tags that begin an entity: a long one then counts as much as a short one. [K]"""
        begins = [self.entities_ and tag[0] in "BS" for tag in self._inner]
        return np.array(begins, "float32")

    def _mix(self, beside, share: float, leaning: float) -> None:
        """Give the model the weights of the mixture."""
        kernel, bias = self.model.get_layer("scores").get_weights()
        bias = (1 - share) * bias + leaning * self._first()
        self.model.get_layer("scores").set_weights([(1 - share) * kernel, bias])
        if beside is None:
            return
        clues = self.model.get_layer("clues")
        clues.set_weights([(1 - share) * clues.get_weights()[0] + share * beside[0]])
        self.model.get_layer("tags").set_weights(self._chain().mixed(beside[1], share).weights)

    def _chain(self) -> LinearChain:
        """How the model's tags follow each other."""
        transitions, start, end = self.model.get_layer("tags").get_weights()
        return LinearChain(transitions, start, end, self._allowed())

    # Answers

    def _cut_outputs(self, X) -> list[np.ndarray]:
        """What the network gives for each sentence, [T, K]."""
        self._check_fitted()
        self._check(X)
        if not len(X):
            return []
        examples = self._examples(X)
        outputs = self._outputs(examples)
        return [out[:length] for out, length in zip(outputs, examples.lengths, strict=True)]

    def _cut_scores(self, X) -> list[np.ndarray]:
        """The scores u of each sentence less their largest at each token, [T, K]."""
        return [np.where(out > 0, 1 - out, out) for out in self._cut_outputs(X)]

    def _named(self, found: Iterable[np.ndarray]) -> list[list[str]]:
        """The tags of sentences, by their numbers."""
        return [self._outward([self._inner[k] for k in tags]) for tags in found]

    def _measure(self, y, found) -> float:
        return entity_scores(y, found)["f1"] if self.entities_ else token_accuracy(y, found)

    # Settings and files

    def _check_settings(self) -> None:
        known = {
            "level": (None, *LEVELS),
            "cell": tuple(CELLS),
            "output": OUTPUTS,
            "scheme": (None, *schemes.SCHEMES),
        }
        for name, values in known.items():
            if getattr(self, name) not in values:
                words = ", ".join(map(repr, values))
                raise ValueError(f"{name} must be one of {words}, got {getattr(self, name)!r}")

    _learnt_kinds: ClassVar[dict[str, Kind]] = {
        "level_": str,
        "entities_": bool,
        "tags_": [str],
        "_inner": [str],
    }

    def _learnt(self):
        names = ("level_", "entities_", "tags_", "_inner")
        scheme = {"scheme_": self.scheme_} if self.entities_ else {}
        return {name: getattr(self, name) for name in names} | scheme

    def _save_parts(self, folder):
        text = json.dumps(self.features_.to_json(), ensure_ascii=False)
        (folder / "features.json").write_text(text, encoding="utf-8")

    def _restore(self, learnt, folder):
        self.level_, self.entities_ = learnt["level_"], learnt["entities_"]
        self.tags_, self._inner = learnt["tags_"], learnt["_inner"]
        with read_part(folder / "card.json"):
            if self.entities_:
                check(learnt, {"scheme_": str}, "learnt")
                self.scheme_ = learnt["scheme_"]
                self._check_entities()
            if self.tags_ != self._outer_tags() or len({*self._inner}) < max(2, len(self._inner)):
                raise ValueError(f"tags_ of learnt must be those of _inner; {AGAIN}")
        with read_part(folder / "features.json") as path:
            self.features_ = TokenFeatures.from_json(read_json(path, FEATURES))
            if self.features_.level != self.level_:
                raise ValueError(f"level must be {self.level_!r}, as in card.json; {AGAIN}")

    def _check_entities(self) -> None:
        if not schemes.are_entities(self._inner) or self.scheme_ not in schemes.SCHEMES:
            raise ValueError(
                f"_inner of learnt must be tags of entities, of {', '.join(schemes.SCHEMES)}, got "
                f"{self._inner[:3]} and {self.scheme_!r:.40}; {AGAIN}"
            )

    def _check_model(self):
        features = self.features_
        tokens = [len(table) + 2 for table in features.slots.values()]
        if self.letters and features.letters:
            tokens.append(len(features.letter_numbers) + 2)
        if self.clues:
            tokens.append(len(features.clue_numbers) + 2)
        width, count = features.width, len(self._inner)
        check_model(self.model, [(None, width)], count, tokens, {"tags": layers.CRF})


class _Tagged:
    """Sentences as numbers, with the numbers of their tags where these are known."""

    def __init__(self, features: TokenFeatures, X, tags: Iterable[Sequence[int]] | None = None):
        numbers = (features.encode(tokens) for tokens in X)
        self.tokens = Ragged.collect(numbers, "int32", (features.width,))
        self.lengths = self.tokens.lengths
        self.tags = None if tags is None else Ragged.collect(tags, "int32")
        if self.tags is not None and (self.tags.lengths != self.lengths).any():
            row = int((self.tags.lengths != self.lengths).argmax())
            raise ValueError(
                f"a sentence must have a tag for each token, got {self.lengths[row]} tokens and "
                f"{self.tags.lengths[row]} tags in sentence {row}"
            )

    def arrays(self, rows, length):
        tags = None if self.tags is None else self.tags.padded(rows, length)
        return self.tokens.padded(rows, length), tags


def best_level(X) -> str:
    """Characters where nearly all of the first tokens are single ones, else words.

    >>> best_level([["서", "울", " ", "역"]]), best_level([["I", "am", "here"]])
    ('character', 'word')
    """
    lengths = [len(token) for tokens in islice(iter(X), 1000) for token in tokens]
    if not lengths:
        return "word"
    return "character" if np.mean([length == 1 for length in lengths]) > 0.95 else "word"
