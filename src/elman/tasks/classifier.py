"""`TextClassifier` and `SequenceClassifier`: one class for a whole sequence (many-to-one)."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import ClassVar

import keras
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

from elman import layers
from elman.data.arrays import load_arrays
from elman.data.ngrams import NGrams, are_hangul, sparse_rows
from elman.data.ragged import Ragged
from elman.data.tokenizer import Tokenizer
from elman.models import Model
from elman.tasks.estimator import Estimator, as_list, check_texts
from elman.tasks.saved import AGAIN, FINITE, SHARE, Kind, check_model, read_part

CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}
CLASS = str | int | float | bool
NORMALIZE = ("both", "data", "sequence", None)
PADDING = -1e4  # what sequences of numbers are padded by, which marks the step as masked
SHARES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)  # of the linear model; the first where they tie
SAMPLE = 200_000  # texts that the linear model is fitted on, at most
# How the linear model is fitted to few texts is chosen on validation data too; many have no need.
FEW = 20_000
LINEAR = tuple({"C": C, "class_weight": weight} for C in (5, 80) for weight in (None, "balanced"))
PART = 1000  # texts that are turned into numbers at a time


class _Classifier(ClassifierMixin, Estimator):
    """What classifiers have in common: classes, their weights, the network above the inputs."""

    classes_: np.ndarray
    _is_share = True
    _least_epochs = 5

    def predict(self, X) -> np.ndarray:
        """The most probable class of each of ``X``, [N]."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(-1)]

    def predict_proba(self, X) -> np.ndarray:
        """The probability of each class, float32 ``[N, C]`` in the order of ``classes_``."""
        self._check_fitted()
        self._check(X)
        if not len(X):
            return np.zeros((0, len(self.classes_)), "float32")
        return np.stack(self._outputs(self._examples(X)))

    def _check(self, X, y=None):
        super()._check(X, y)
        labels = [] if y is None else as_list(y)
        for i, label in enumerate(labels):
            if not isinstance(label, str | int | float | np.generic) or label != label:  # NaN
                raise ValueError(
                    f"y[{i}] must be a label, a text or a number, got {label!r:.60}; leave that "
                    "one out, or make labels of rows with y.argmax(-1), of a column with y.ravel()"
                )
        if len({isinstance(label, str) for label in labels}) > 1:
            raise ValueError(
                "labels must be texts all or numbers all, got both; do: [str(label) for label in y]"
            )

    def _restore_classes(self, learnt, folder) -> None:
        self.classes_ = np.array(learnt["classes"])
        with read_part(folder / "card.json"):
            if len({*learnt["classes"]}) < max(2, len(learnt["classes"])):
                raise ValueError(
                    f"classes of learnt must be two or more, each once, got "
                    f"{len(learnt['classes'])}; {AGAIN}"
                )

    def _learn_classes(self, y) -> None:
        labels = sorted(set(as_list(y)), key=lambda label: (str(type(label)), label))
        if len(labels) < 2:
            raise ValueError(
                f"y must have at least two classes, got {len(labels)}: {labels}; "
                "give examples of another class too"
            )
        self.classes_ = np.array(labels)

    def _numbers(self, y) -> np.ndarray:
        """The labels as numbers of classes."""
        number = {label: i for i, label in enumerate(self.classes_.tolist())}
        unknown = sorted({str(label) for label in as_list(y) if label not in number})
        if unknown:
            raise ValueError(
                f"labels must be among those learnt, {', '.join(map(str, number))}, got "
                f"{', '.join(unknown[:5])}; leave those examples out, or train with some of them"
            )
        return np.array([number[label] for label in as_list(y)], "int32")

    def _class_weights(self, numbers: np.ndarray) -> np.ndarray:
        """The weight of each class, float32 [C]."""
        every = np.arange(len(self.classes_))
        if isinstance(self.class_weight, Mapping):
            # By name: from a shell, and in a card, the keys are text.
            index = {str(label): i for i, label in enumerate(self.classes_.tolist())}
            given = {str(label): value for label, value in self.class_weight.items()}
            if unknown := [label for label in given if label not in index]:
                raise ValueError(
                    f"class_weight must be for labels of the data, {', '.join(index)}, got "
                    f"{', '.join(unknown)}; name one of those"
                )
            for label, value in given.items():
                if not isinstance(value, int | float | np.number) or not value >= 0:
                    raise ValueError(
                        f"class_weight must be numbers of 0 or more, got {value!r} for {label}"
                    )
            weight = dict.fromkeys(every.tolist(), 1.0)
            weight |= {index[label]: value for label, value in given.items()}
        elif self.class_weight in (None, "balanced"):
            weight = self.class_weight
        else:
            raise ValueError(
                'class_weight must be None, "balanced" or {label: weight}, got '
                f"{self.class_weight!r}"
            )
        found = compute_class_weight(weight, classes=every, y=numbers)
        return found.astype("float32")

    def _network(self, hidden):
        """Layers from a sequence of vectors to the probabilities of the classes."""
        for i in range(self.layers):
            sequences = self.pooling != "last" or i < self.layers - 1
            cell = CELLS[self.cell](
                self.units, return_sequences=sequences, recurrent_dropout=self.recurrent_dropout
            )
            hidden = (layers.Bidirectional(cell) if self.bidirectional else cell)(hidden)
            if i < self.layers - 1:
                hidden = layers.Dropout(self.dropout)(hidden)
        if self.pooling != "last":
            hidden = layers.SequencePooling(self.pooling)(hidden)
        hidden = layers.Dropout(self.dropout)(hidden)
        return layers.Dense(len(self.classes_), activation="softmax", name="classes")(hidden)

    def _epochs(self, count):
        steps = -(-count // self._batch_size(count))
        return self.epochs or max(self._least_epochs, -(-300 // steps))

    def _batch_size(self, count):
        return self.batch_size or (32 if count < 5_000 else 64 if count < 50_000 else 128)

    def _compile(self, model: keras.Model, count: int) -> keras.Model:
        steps = -(-count // self._batch_size(count)) * self._epochs(count)
        rise = max(1, steps // 20)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - rise), warmup_target=self.learning_rate, warmup_steps=rise
        )
        optimizer = keras.optimizers.AdamW(
            rate,
            weight_decay=self.weight_decay,
            clipnorm=1.0,
            use_ema=True,
            # The average reaches a tenth of the training back.
            ema_momentum=max(0.5, 1 - 10 / max(10, steps)),
        )
        model.compile(
            optimizer, loss="sparse_categorical_crossentropy", weighted_metrics=["accuracy"]
        )
        return model

    def _check_settings(self) -> None:
        if self.cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}, got {self.cell!r}")
        several = [self.pooling] if isinstance(self.pooling, str) else list(self.pooling)
        if several != ["last"] and (not several or set(several) - {"attention", "max", "mean"}):
            raise ValueError(
                f"pooling must be last, or of attention, max, mean, got {self.pooling!r}"
            )


class _Labelled:
    """Sequences, with the number and the weight of each one's class."""

    def __init__(self, sequences: Ragged, numbers: np.ndarray, weights: np.ndarray):
        self.sequences, self.numbers, self.weights = sequences, numbers, weights
        self.lengths = sequences.lengths

    def arrays(self, rows, length):
        numbers = self.numbers[rows]
        return self.sequences.padded(rows, length), numbers, self.weights[numbers]


class _Unlabelled:
    """Sequences to classify, and where there is a linear model the n-grams of each."""

    def __init__(self, sequences: Ragged, ngrams: Sequence[Ragged] = ()):
        self.sequences, self.ngrams = sequences, ngrams
        self.lengths = sequences.lengths

    def arrays(self, rows, length):
        x = [self.sequences.padded(rows, length)]
        for part in self.ngrams:
            # A power of two: JAX compiles for each shape.
            room = max(64, 1 << int(part.lengths[rows].max() - 1).bit_length())
            x.append(part.padded(rows, room))
        return (x if self.ngrams else x[0]), None


class TextClassifier(_Classifier):
    """Classifies texts: sentiment, spam, topics, languages.

    A recurrent network reads the text, as characters, words or subwords::

        h_t = [LSTM(x_1 .. x_t), LSTM(x_T .. x_t)],    p = softmax(W pool(h_1 .. h_T) + b)

    Beside it a logistic regression reads the n-grams of the text, and the answer is the mean of
    both probabilities: on data without pretrained vectors each is right where the other is wrong.
    Where there are validation data, the mean is weighted as makes their labels most likely, and
    for up to 20,000 texts the penalty of the regression and the weights of its classes are such.

    Arguments:
        unit: "character", "word" or "subword"; None takes characters where the texts have hardly
            any spaces (names, Chinese) and subwords elsewhere.
        vocabulary_size: the most units to keep; None takes 16,000, or 8,000 for fewer than 50,000
            texts.
        lowercase: whether "The" is "the" for the network.
        jamo: whether Hangul syllables are taken apart into letters.
        cell: "lstm", "gru" or "simple_rnn".
        units: H, the size of the hidden state of each direction.
        layers: how many recurrent layers.
        bidirectional: whether the text is read from its end too.
        pooling: "attention", "max" or "mean", or several as a list; "last" for the last state.
        embedding: the size of the vector x_t of a unit.
        dropout: of the vectors between layers. recurrent_dropout: of the hidden state.
        token_dropout: the probability that a unit is hidden, in training.
        ngrams: whether the logistic regression is there.
        class_weight: None, "balanced", or ``{label: weight}``.
        learning_rate, weight_decay: the highest rate, and the decay, of AdamW.
        epochs: None takes 5, or as many as make 300 steps.
        batch_size: None takes 32 for fewer than 5,000 texts, 64 for fewer than 50,000, else 128.
        patience: epochs without a better score on the validation data after which training ends;
            None never ends it early.
        random_state: the seed.

    Attributes:
        classes_: the labels, sorted.
        tokenizer_: `elman.data.tokenizer.Tokenizer`.
        network_: the recurrent network alone, a Keras model from token numbers to probabilities.
        share_: the weight of the logistic regression.

    Raises:
        ValueError: no texts, one class only, or a setting that is none.

    Example:
        >>> from elman.tasks import TextClassifier
        >>> texts = ["good film", "bad film", "so good", "so bad"] * 4
        >>> model = TextClassifier(units=8, epochs=3).fit(texts, [1, 0, 1, 0] * 4)
        >>> model.predict(["good", "bad"]).tolist()
        [1, 0]

    Sources: Graves and Schmidhuber 2005 (bidirectional LSTM); Yang et al. 2016 (attention over
    time); Wang and Manning 2012, "Baselines and Bigrams" (n-grams).
    """

    # The logistic regression, and what it was fitted to: for `remember`.
    _taught: tuple[LogisticRegression, list[str], np.ndarray] | None = None

    def __init__(
        self,
        unit: str | None = None,
        vocabulary_size: int | None = None,
        *,
        lowercase: bool = False,
        jamo: bool = False,
        cell: str = "lstm",
        units: int = 128,
        layers: int = 1,
        bidirectional: bool = True,
        pooling: str = "attention",
        embedding: int = 128,
        dropout: float = 0.5,
        recurrent_dropout: float = 0.0,
        token_dropout: float = 0.25,
        ngrams: bool = True,
        class_weight: str | dict | None = None,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.05,
        epochs: int | None = None,
        batch_size: int | None = None,
        patience: int | None = None,
        random_state: int = 0,
    ):
        self.unit = unit
        self.vocabulary_size = vocabulary_size
        self.lowercase = lowercase
        self.jamo = jamo
        self.cell = cell
        self.units = units
        self.layers = layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.embedding = embedding
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.token_dropout = token_dropout
        self.ngrams = ngrams
        self.class_weight = class_weight
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.random_state = random_state

    def _check(self, X, y=None):
        super()._check(X, y)
        check_texts(X)

    def _learn(self, X, y):
        self._check_settings()
        self._learn_classes(y)
        size = self.vocabulary_size or (16_000 if len(X) >= 50_000 else 8_000)
        self.tokenizer_ = Tokenizer(
            self.unit or best_unit(X),
            size=size,
            min_count=2 if len(X) >= 1000 else 1,
            lowercase=self.lowercase,
            jamo=self.jamo,
        ).fit(iter(X))
        self.ngrams_ = None
        self.weights_ = self._class_weights(self._numbers(y))

    def _examples(self, X, y=None):
        texts = iter(X)
        parts = iter(lambda: list(islice(texts, PART)), [])
        if y is None:
            ngrams = self.ngrams_ and sparse_rows(self.ngrams_.transform(X))
            return _Unlabelled(self._tokens(parts), ngrams or ())
        numbers = self._numbers(y)
        return _Labelled(self._tokens(parts), numbers, self.weights_)

    def _tokens(self, parts) -> Ragged:
        return Ragged.collect(
            (ids for part in parts for ids in self.tokenizer_.encode(part)), "int32"
        )

    def _build(self, examples):
        tokens = layers.Input((None,), dtype="int32", name="tokens")
        hidden = layers.TokenDropout(self.token_dropout, seed=self.random_state)(tokens)
        hidden = layers.Embedding(len(self.tokenizer_), self.embedding, mask_zero=True)(hidden)
        hidden = layers.SpatialDropout1D(self.dropout / 2)(hidden)
        self.network_ = Model(tokens, self._network(hidden), name="network")
        return self._compile(self.network_, len(examples.lengths))

    @property
    def can_remember(self) -> bool:
        return self._taught is not None

    def remember(self, X, y) -> None:
        """Fit the logistic regression once more, with these texts too; the network stays.

        Those of the validation, say, once they have chosen what they are for. Texts of a class that
        it has not learnt are left out.

        Raises:
            ValueError: not fitted, or not by this object, or without n-grams, or with more than
                20,000 texts; not as many ``y`` as ``X``.
        """
        self._check_fitted()
        self._check(X, y)
        if self._taught is None or self.ngrams_ is None:
            raise ValueError(
                f"TextClassifier must have n-grams, and the texts it has learnt them from, {FEW:,} "
                "at most, which no folder keeps, to remember more; do: fit(...) with ngrams=True, "
                "then remember"
            )
        linear, texts, numbers = self._taught
        known = set(self.classes_.tolist())
        pairs = [pair for pair in zip(X, as_list(y), strict=True) if pair[1] in known]
        texts = [*texts, *(text for text, _ in pairs)]
        numbers = np.append(numbers, self._numbers([label for _, label in pairs]))
        linear.fit(self.ngrams_.transform(texts), numbers, self.weights_[numbers])
        self.model.get_layer("linear").set_weights(_weights(linear))
        self._taught = linear, texts, numbers

    def _finish(self, X, y, validation_data):
        """Fit the logistic regression and put it beside the network."""
        self.model, self.share_, self._taught = self.network_, 0.0, None
        if not self.ngrams:
            return
        texts, numbers = _sample(X, self._numbers(y), self.random_state)
        count = len(self.classes_)
        # Twice the texts, twice the n-grams; many classes have few weights each.
        most = (1 << 21) >> (count - 1).bit_length()
        buckets = 1 << int(np.clip(4 + len(texts).bit_length(), 18, 20))
        ngrams = NGrams(min(buckets, most), are_hangul(texts)).fit(texts)
        learnt = ngrams.transform(texts), numbers, self.weights_[numbers]
        tried = LINEAR if validation_data and len(texts) <= FEW else LINEAR[:1]
        fitted = [LogisticRegression(max_iter=200, **how).fit(*learnt) for how in tried]
        linear, self.share_ = fitted[0], 0.5
        if validation_data:
            asked, true = validation_data[0], self._numbers(validation_data[1])
            found = ngrams.transform(asked)
            linear = max(fitted, key=lambda one: _likelihood(one.predict_proba(found), true))
            chances = linear.predict_proba(found)
            self.share_ = _best_share(self.predict_proba(asked), chances, true)
        self._taught = (linear, texts, numbers) if len(texts) <= FEW else None
        self.ngrams_ = ngrams
        columns = layers.Input((None,), dtype="int32", name="ngrams")
        values = layers.Input((None,), name="values")
        dense = layers.SparseDense(
            count, input_dim=self.ngrams_.width, activation="softmax", name="linear"
        )
        inputs = [*self.network_.inputs, columns, values]
        parts = [
            layers.Rescaling(1 - self.share_)(self.network_.output),
            layers.Rescaling(self.share_)(dense([columns, values])),
        ]
        dense.set_weights(_weights(linear))
        self.model = Model(inputs, layers.Add()(parts), name="classifier")

    _learnt_kinds: ClassVar[dict[str, Kind]] = {"classes": [CLASS], "share": SHARE}

    def _learnt(self):
        return {"classes": self.classes_.tolist(), "share": self.share_}

    def _save_parts(self, folder):
        self.tokenizer_.save(folder / "tokenizer.json")
        if self.ngrams_:
            np.savez(folder / "ngrams.npz", **self.ngrams_.state())

    def _restore(self, learnt, folder):
        self._restore_classes(learnt, folder)
        self.share_, self.ngrams_ = learnt["share"], None
        with read_part(folder / "tokenizer.json") as path:
            self.tokenizer_ = Tokenizer.load(path)
        if self.ngrams:
            with read_part(folder / "ngrams.npz") as path:
                self.ngrams_ = NGrams.restored(load_arrays(path))

    def _check_model(self):
        beside = [(None,)] * 2 if self.ngrams_ else []
        linear = {"linear": layers.SparseDense} if self.ngrams_ else {}
        check_model(
            self.model,
            [(None,), *beside],
            len(self.classes_),
            tokens=[len(self.tokenizer_)],
            layers=linear,
        )
        if self.ngrams_ and self.model.get_layer("linear").input_dim != self.ngrams_.width:
            raise ValueError(f"layer 'linear' must take {self.ngrams_.width} n-grams; {AGAIN}")


class SequenceClassifier(_Classifier):
    """Classifies sequences of vectors of any length: sounds, movements, sensors, curves.

    ::

        h_t = [GRU(x_1 .. x_t), GRU(x_T .. x_t)],    p = softmax(W pool(h_1 .. h_T) + b)

    A sequence is read twice, side by side: with each feature normalised by its mean and deviation
    in the training data, and by those in the sequence itself, which takes away what differs between
    speakers or sensors.

    Arguments:
        normalize: "both", "data", "sequence", or None for the values as they are.
        mixing: how far the features of each sequence are moved by a random linear map in training,
            in units of their deviation; see `elman.layers.FeatureMixing`. It stands for speakers
            and sensors that the data does not have.
        noise: the deviation of Gaussian noise added in training, in units of each feature's own.
        feature_dropout: the probability that a feature of a sequence is hidden, in training.
        cell, units, layers, bidirectional, pooling, dropout, recurrent_dropout, class_weight,
            learning_rate, weight_decay, patience, random_state: as of `TextClassifier`; pooling may
            also be several, as a list.
        epochs: None takes 30, or as many as make 300 steps.
        batch_size: None takes 32 for fewer than 5,000 sequences, 64 for fewer than 50,000, else
            128.

    Attributes:
        classes_: the labels, sorted.

    Raises:
        ValueError: sequences that are not ``[T_i, I]`` with one I, numbers that are not finite, one
            class only, or a setting that is none.

    Example:
        >>> import numpy as np
        >>> from elman.tasks import SequenceClassifier
        >>> up = [np.linspace(0, 1, n) for n in range(3, 11)]
        >>> X, y = up + [-x for x in up], ["up"] * 8 + ["down"] * 8
        >>> model = SequenceClassifier(units=8, normalize="data", epochs=10).fit(X, y)
        >>> model.predict([np.array([0.0, 0.3, 0.6, 0.9])]).tolist()
        ['up']

    Source: Schuster and Paliwal 1997, "Bidirectional Recurrent Neural Networks".
    """

    _least_epochs = 30

    def __init__(
        self,
        normalize: str | None = "both",
        *,
        cell: str = "gru",
        units: int = 128,
        layers: int = 1,
        bidirectional: bool = True,
        pooling: str | Sequence[str] = ("attention", "max"),
        dropout: float = 0.5,
        recurrent_dropout: float = 0.0,
        mixing: float = 0.3,
        noise: float = 0.1,
        feature_dropout: float = 0.1,
        class_weight: str | dict | None = None,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.02,
        epochs: int | None = None,
        batch_size: int | None = None,
        patience: int | None = None,
        random_state: int = 0,
    ):
        self.normalize = normalize
        self.cell = cell
        self.units = units
        self.layers = layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.mixing = mixing
        self.noise = noise
        self.feature_dropout = feature_dropout
        self.class_weight = class_weight
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.random_state = random_state

    def _learn(self, X, y):
        self._check_settings()
        if self.normalize not in NORMALIZE:
            raise ValueError(f"normalize must be of {NORMALIZE}, got {self.normalize!r}")
        self._learn_classes(y)
        self.weights_ = self._class_weights(self._numbers(y))
        # Sums over all steps, one sequence at a time; the first one says how many features.
        self.features_ = as_matrix(next(iter(X)), None, 0).shape[1]
        count, total, squares = 0, np.zeros(self.features_), np.zeros(self.features_)
        for i, x in enumerate(X):
            steps = as_matrix(x, self.features_, i).astype("float64")
            count += len(steps)
            total += steps.sum(0)
            squares += (steps**2).sum(0)
        self.mean_ = total / max(count, 1)
        deviation = np.sqrt(np.maximum(squares / max(count, 1) - self.mean_**2, 0))
        self.deviation_ = np.where(deviation > 0, deviation, 1)

    def _examples(self, X, y=None):
        width = self.features_ * (2 if self.normalize == "both" else 1)
        sequences = _Padded.collect(
            (self._normalized(as_matrix(x, self.features_, i)) for i, x in enumerate(X)),
            "float32",
            (width,),
        )
        if y is None:
            return _Unlabelled(sequences)
        return _Labelled(sequences, self._numbers(y), self.weights_)

    def _normalized(self, x: np.ndarray) -> np.ndarray:
        parts = [x] if self.normalize is None else []
        if self.normalize in ("data", "both"):
            parts.append((x - self.mean_) / self.deviation_)
        if self.normalize in ("sequence", "both"):
            mean = x.mean(0) if len(x) else 0
            # A feature that is constant in the sequence stays at zero.
            parts.append((x - mean) / (x.std(0) + 1e-3 * self.deviation_) if len(x) else x)
        return np.concatenate(parts, 1)

    def _build(self, examples):
        inputs = layers.Input((None, *examples.sequences.values.shape[1:]), name="sequences")
        hidden = layers.Masking(PADDING)(inputs)
        groups = 2 if self.normalize == "both" else 1
        hidden = layers.FeatureMixing(self.mixing, groups, self.random_state)(hidden)
        hidden = layers.GaussianNoise(self.noise, seed=self.random_state)(hidden)
        hidden = layers.SpatialDropout1D(self.feature_dropout)(hidden)
        return self._compile(Model(inputs, self._network(hidden)), len(examples.lengths))

    _learnt_kinds: ClassVar[dict[str, Kind]] = {
        "classes": [CLASS],
        "mean": [FINITE],
        "deviation": [FINITE],
    }

    def _learnt(self):
        return {
            "classes": self.classes_.tolist(),
            "mean": self.mean_.tolist(),
            "deviation": self.deviation_.tolist(),
        }

    def _restore(self, learnt, folder):
        self._restore_classes(learnt, folder)
        self.mean_, self.deviation_ = np.array(learnt["mean"]), np.array(learnt["deviation"])
        self.features_ = len(self.mean_)
        with read_part(folder / "card.json"):
            if self.deviation_.shape != self.mean_.shape or not (self.deviation_ > 0).all():
                raise ValueError(
                    f"deviation of learnt must be {self.features_} numbers above 0, got "
                    f"{len(self.deviation_)}; {AGAIN}"
                )

    def _check_model(self):
        width = self.features_ * (2 if self.normalize == "both" else 1)
        check_model(self.model, [(None, width)], len(self.classes_))


class _Padded(Ragged):
    """Sequences of vectors, padded by a value that no normalised feature has."""

    def padded(self, rows, length):
        found = super().padded(rows, length)
        for to, row in zip(found, rows, strict=True):
            to[self.lengths[row] :] = PADDING
        return found


def as_matrix(x, features: int | None, index: int) -> np.ndarray:
    """A sequence as ``[T, I]``; a sequence of numbers has one feature.

    Raises:
        ValueError: other shapes, another number of features, numbers that are not finite.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise ValueError(f"X[{index}] must be numbers, got {x.dtype}; give arrays [T, I]")
    x = x.astype("float32")[:, None] if x.ndim == 1 else x.astype("float32")
    if x.ndim != 2 or features not in (None, x.shape[1]):
        wanted = f"[T, {features or 'I'}]"
        raise ValueError(f"X[{index}] must be of shape {wanted}, got {list(x.shape)}")
    if not np.isfinite(x).all():
        raise ValueError(
            f"X[{index}] must be finite, got NaN or infinity at step "
            f"{int(np.argwhere(~np.isfinite(x))[0, 0])}; leave such steps out, or fill them"
        )
    return x


def best_unit(texts: Sequence[str]) -> str:
    """Characters where texts have hardly any spaces, else subwords.

    >>> best_unit(["Müller", "van Dijk"]), best_unit(["the film was good"])
    ('character', 'subword')
    """
    words = [len(text.split()) for text in islice(texts, 10_000)]
    return "character" if np.mean(words) < 2.5 else "subword"


def _weights(linear: LogisticRegression) -> list[np.ndarray]:
    """The kernel [F, C] and the bias [C] of a softmax with the same probabilities."""
    # For two classes scikit-learn has one row, the logit of the second.
    count = len(linear.classes_)
    signs = np.array([[-0.5], [0.5]]) if count == 2 else np.eye(count)
    return [(signs @ linear.coef_).T, signs @ linear.intercept_]


def _best_share(some: np.ndarray, others: np.ndarray, numbers: np.ndarray) -> float:
    """Of `SHARES` that of the other probabilities [N, C] with the most likely labels."""
    mixed = {share: (1 - share) * some + share * others for share in SHARES}
    return max(SHARES, key=lambda share: _likelihood(mixed[share], numbers))


def _likelihood(chances: np.ndarray, numbers: np.ndarray) -> float:
    """The sum of the logarithms of what probabilities [N, C] give to the labels."""
    return float(np.log(chances[np.arange(len(numbers)), numbers] + 1e-9).sum())


def _sample(X, numbers: np.ndarray, seed: int) -> tuple[list[str], np.ndarray]:
    """All the texts, or as many of them as a matrix of their n-grams should have rows."""
    if len(X) <= SAMPLE:
        return list(X), numbers
    chosen = np.random.default_rng(seed).choice(len(X), SAMPLE, replace=False)
    _, first = np.unique(numbers, return_index=True)  # of each class one at least
    wanted = {*chosen.tolist(), *first.tolist()}
    rows = [(text, i) for i, text in enumerate(X) if i in wanted]
    return [text for text, _ in rows], numbers[[i for _, i in rows]]
