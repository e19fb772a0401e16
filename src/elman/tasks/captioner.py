"""`ImageCaptioner`: a sentence for a picture (one-to-many)."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops
from PIL import Image

from elman import layers
from elman.data.arrays import load_arrays
from elman.data.pictures import open_picture
from elman.data.ragged import Ragged
from elman.data.tokenizer import Tokenizer
from elman.data.views import colours, gradients, mirrored, thumbnails
from elman.models import Model
from elman.tasks.answering import Answering, fitted_tokenizer, write_json
from elman.tasks.estimator import PREDICT, check_sequence, check_texts
from elman.tasks.generation import GENERATOR, compiled
from elman.tasks.kernel_memory import KernelMemory
from elman.tasks.saved import AGAIN, COUNT, LENGTH, SHARE, Kind, check_model, read_json, read_part
from elman.tasks.seq2seq import answers_of, encoded

VIEWS = (gradients, colours, thumbnails, mirrored)  # by which pictures are compared
CHANNELS = (32, 64, 128, 192)  # of the convolutions of the small network
SHIFT, ZOOM = (
    0.06,
    0.08,
)  # how far pictures are moved and scaled in training, as shares of their size


class ImageCaptioner(Answering):
    """Says what is in a picture.

    An encoder turns the picture into vectors, one for each place; a decoder that starts from their
    mean, and with ``attention`` looks at places at each step, says the caption token by token.
    Captions are chosen together with those of the training pictures most alike; see `predict`.

    Pictures are arrays ``[height, width, 3]`` of 0 to 255, of any sizes, or names of files;
    features are arrays ``[F]`` or ``[places, F]``, of one shape for all. A picture has one caption,
    or a list of several.

    Arguments:
        encoder: "cnn", a small network of our own; "features"; or the name of a model of
            `keras.applications`, such as "MobileNetV2".
        weights: a file with the weights of that model; None for weights drawn at random.
        picture_size: height and width that pictures are brought to.
        augment: whether pictures are moved and scaled at random in training.
        attention: "additive", "multiplicative", or None for a decoder that sees the picture only
            at its start.
        cell, units, layers, embedding, input_feeding: of the decoder; see `Seq2Seq`.
        dropout, recurrent_dropout, label_smoothing, scheduled_sampling, memory, epochs, batch_size,
            learning_rate, patience, random_state: as of `Seq2Seq`.
        target_unit, target_size: the unit of tokens, and how many at most; None lets the data
            choose.

    Example:
        >>> import numpy as np
        >>> from elman.tasks import ImageCaptioner
        >>> pictures = np.random.default_rng(0).random((4, 6))
        >>> model = ImageCaptioner(encoder="features", units=8, embedding=8, epochs=1)
        >>> captions = model.fit(pictures, ["one", "two", "three", "four"]).predict(pictures[:2])
        >>> len(captions)
        2

    Source: Vinyals et al., "Show and Tell: A Neural Image Caption Generator", CVPR 2015; Xu et al.,
    "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention", ICML 2015.
    """

    memory_: KernelMemory | None
    share_ = 0.1

    def __init__(
        self,
        *,
        encoder="cnn",
        weights=None,
        picture_size=64,
        augment=True,
        attention="multiplicative",
        cell="lstm",
        units=256,
        layers=1,
        embedding=128,
        input_feeding=False,
        dropout=0.3,
        recurrent_dropout=0.0,
        target_unit=None,
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
        self.encoder = encoder
        self.weights = weights
        self.picture_size = picture_size
        self.augment = augment
        self.attention = attention
        self.cell = cell
        self.units = units
        self.layers = layers
        self.embedding = embedding
        self.input_feeding = input_feeding
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.target_unit = target_unit
        self.target_size = target_size
        self.memory = memory
        self.label_smoothing = label_smoothing
        self.scheduled_sampling = scheduled_sampling
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.random_state = random_state

    def _check(self, X, y=None):
        super()._check(X, y)
        shape: tuple[int, ...] = getattr(X, "shape", ())
        if self.encoder != "features" and len(shape) == 3 and shape[-1] == 3:
            raise ValueError(f"X must be a list of pictures, got one, {shape}; do: [picture]")
        for i, captions in enumerate(() if y is None else y):
            if not isinstance(captions, str):
                check_sequence(captions, f"y[{i}]")
                check_texts(captions, f"y[{i}]")

    def _learn(self, X, y) -> None:
        owners, captions = zip(*_pairs(y), strict=True)
        without = sorted({*range(len(X))} - {*owners})
        if without:
            raise ValueError(
                f"every picture must have a caption, got none for number {without[0]}; give one, "
                "or leave the picture out"
            )
        self.target_tokenizer_ = fitted_tokenizer(captions, self.target_unit, self.target_size)
        self.max_length_ = max(map(len, encoded(self.target_tokenizer_, captions))) + 1
        self.shape_ = next(self._pictures(X)).shape

    def _examples(self, X, y=None) -> "Captions":
        pictures = Ragged.collect(self._pictures(X), self._kind, self.shape_).values
        if y is None:
            return Captions(pictures)
        owners, captions = zip(*_pairs(y), strict=True)
        targets = Ragged.collect(encoded(self.target_tokenizer_, captions), "int32")
        return Captions(pictures, np.array(owners), targets)

    @property
    def _kind(self) -> str:
        """The dtype of pictures or features."""
        return "float32" if self.encoder == "features" else "uint8"

    def _pictures(self, X) -> Iterator[np.ndarray]:
        """Each picture, in the one size; or each array of features, [places, F]."""
        size = (self.picture_size, self.picture_size)
        for number, one in enumerate(X):
            if self.encoder == "features":
                picture = np.atleast_2d(np.asarray(one, "float32"))
            else:
                picture = _in_size(one, size, number)
            if picture.shape != getattr(self, "shape_", picture.shape):
                raise ValueError(
                    f"features must have one shape for all, {self.shape_}, got {picture.shape} for "
                    f"number {number}; give arrays of the same shape"
                )
            yield picture

    def _epochs(self, count: int) -> int:
        # A step costs more than one of words does, and the memory knows more than the decoder.
        return self.epochs or int(np.clip(round(24_000 / count), 8, 200))

    def _asked_input(self):
        return keras.Input(self.shape_, dtype=self._kind, name="picture")

    def _encoder(self) -> keras.Model:
        """picture -> memory, a vector for each place; its mask; the decoder's first states."""
        picture = self._asked_input()
        x = picture if self.encoder == "features" else self._convolved(picture)
        memory = layers.Dropout(self.dropout)(x)
        mean = layers.GlobalAveragePooling1D()(memory)
        each = 2 if self.cell == "lstm" else 1
        states = [
            layers.Dense(self.units, activation="tanh")(mean) for _ in range(self.layers * each)
        ]
        if self.input_feeding:
            states.append(ops.zeros_like(states[0]))
        everywhere = ops.ones_like(memory[:, :, 0], dtype="bool")
        return Model(picture, [memory, everywhere, *states], name="encoder")

    def _convolved(self, picture):
        """The picture as vectors of its places, [B, places, channels]."""
        x = ops.cast(picture, "float32")
        if self.augment:
            how = {"fill_mode": "nearest", "seed": self.random_state}
            x = layers.RandomTranslation(SHIFT, SHIFT, **how)(x)
            x = layers.RandomZoom((-ZOOM, ZOOM), (-ZOOM, ZOOM), **how)(x)
        x = small_network(x) if self.encoder == "cnn" else self._application(x)
        return layers.Reshape((-1, x.shape[-1]))(x)

    def _application(self, x):
        """The feature map of a model of `keras.applications`."""
        make = getattr(keras.applications, self.encoder, None)
        if not callable(make):
            raise ValueError(
                "encoder must be cnn, features, or a model of keras.applications, got "
                f"{self.encoder!r}; write encoder='MobileNetV2', say"
            )
        if self.weights is not None and not Path(self.weights).is_file():
            raise ValueError(
                f"weights must be None or a file, got {str(self.weights)!r}, which is none; "
                "nothing is downloaded, name a file that is here"
            )
        homes = (home for home in vars(keras.applications).values() if hasattr(home, self.encoder))
        network = make(include_top=False, weights=self.weights, input_shape=self.shape_)
        return network(next(homes).preprocess_input(x))

    def attention_of(self, X) -> list[tuple[list[str], np.ndarray]]:
        """For each picture the tokens of its most probable caption, and where each of these looked.

        Returns:
            ``(tokens, weights [tokens, places])`` of each picture; the places of a picture are the
            rows of a square, one after the other.

        Raises:
            ValueError: the captioner has no attention.
        """
        self._check_fitted()
        if self.attention is None:
            raise ValueError("attention must be additive or multiplicative, got None; train so")
        found = []
        captions = self.predict(X, method="beam")
        for picture, caption in zip(self._examples(X).pictures, captions, strict=True):
            (tokens,) = self.target_tokenizer_.encode([caption])
            weights = self._generator.attention(picture[None], tokens)
            found.append((self.target_tokenizer_.tokens(tokens), weights))
        return found

    def _memory(self, X, y) -> KernelMemory:
        return KernelMemory(self._views(X), _lists(y))

    def _extended(self, memory, X, y) -> KernelMemory:
        views = map(np.concatenate, zip(memory.views, self._asked(X), strict=True))
        return KernelMemory(list(views), [*memory.answers, *_lists(y)])

    def _asked(self, X) -> list[np.ndarray]:
        views = self._views(X)
        # A memory that was saved before there was the last view has one less.
        return views if self.memory_ is None else views[: len(self.memory_.views)]

    def _views(self, X) -> list[np.ndarray]:
        """By what pictures are compared: the mean of the encoder's vectors, and how they look."""
        pictures = self._examples(X).pictures
        encode = compiled(
            lambda x: self.model.get_layer("encoder")(x, training=False)[0], self.model
        )
        found = []
        for start in range(0, len(pictures), PREDICT):
            part = pictures[start : start + PREDICT]
            filled = np.resize(part, (PREDICT, *self.shape_))
            means = ops.convert_to_numpy(encode(filled)).mean(1)[: len(part)]
            looks = () if self.encoder == "features" else (view(part) for view in VIEWS)
            found.append([means, *looks])
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    _learnt_kinds: ClassVar[dict[str, Kind]] = {
        "max_length": LENGTH,
        "shape": [COUNT],
        "share": SHARE,
        "memory": bool,
    }

    def _learnt(self) -> dict[str, Any]:
        return {
            "max_length": self.max_length_,
            "shape": self.shape_,
            "share": self.share_,
            "memory": self.memory_ is not None,
        }

    def _save_parts(self, folder: Path) -> None:
        self.target_tokenizer_.save(folder / "target.json")
        if self.memory_:
            np.savez(folder / "memory.npz", *self.memory_.views)
            write_json(folder / "memory.json", self.memory_.answers)

    def _restore(self, learnt: dict[str, Any], folder: Path) -> None:
        self.max_length_, self.shape_ = learnt["max_length"], tuple(learnt["shape"])
        self.share_, self.memory_ = learnt["share"], None
        with read_part(folder / "target.json") as path:
            self.target_tokenizer_ = Tokenizer.load(path)
        if learnt["memory"]:
            with read_part(folder / "memory.json") as path:
                answers = read_json(path, [[str]])
            with read_part(folder / "memory.npz") as path:
                self.memory_ = KernelMemory.restored([*load_arrays(path).values()], answers)

    def _check_model(self) -> None:
        tokens = len(self.target_tokenizer_)
        check_model(self.model, [self.shape_, (None,)], tokens, [tokens], GENERATOR)
        size = (self.picture_size, self.picture_size, 3)
        if self.encoder != "features" and self.shape_ != size:
            raise ValueError(f"pictures must be of {size}, as in card.json, got {self.shape_}")
        if self.memory_ is not None:
            self._check_memory(self.memory_)

    def _check_memory(self, memory: KernelMemory) -> None:
        """Pictures that are asked have as many views as those that are kept, as long as theirs."""
        looks = () if self.encoder == "features" else VIEWS
        nothing = np.zeros((1, *self.shape_), self._kind)
        widths = [self.model.get_layer("encoder").outputs[0].shape[-1]]
        widths += [view(nothing).shape[1] for view in looks]
        found = [view.shape[1] for view in memory.views]
        if found not in (widths, widths[:-1]):
            raise ValueError(f"memory.npz must hold vectors of {widths}, got {found}; {AGAIN}")


class Captions:
    """Pictures and captions as arrays: ``(picture, START + caption)`` and ``caption + END``."""

    def __init__(self, pictures: np.ndarray, owners=None, targets: Ragged | None = None):
        self.pictures, self.owners, self.targets = pictures, owners, targets
        # In steps of 8: each length is compiled, encoder and all; a step of a decoder costs little.
        tokens = np.zeros(len(pictures), int) if targets is None else targets.lengths
        self.lengths = (tokens // 8 + 1) * 8

    def arrays(self, rows, length: int) -> tuple:
        if self.targets is None:
            return (self.pictures[rows],)
        read, labels, counted = answers_of(self.targets, rows, length)
        return (self.pictures[self.owners[rows]], read), labels, counted


def small_network(x):
    """Four convolutions; each place of the result sees most of the picture. [B, H/8, W/8, 192]"""
    for number, channels in enumerate(CHANNELS):
        last = number == len(CHANNELS) - 1
        size, strides = (5, 2) if number == 0 else (3, 1 if last else 2)
        x = layers.Conv2D(channels, size, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return x


def _in_size(picture, size: tuple[int, int], number: int) -> np.ndarray:
    """A picture, or the file of one, as uint8 [*size, 3]."""
    if isinstance(picture, str | os.PathLike):
        return open_picture(picture, size)
    picture = np.asarray(picture)
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(
            "a picture must be an array [height, width] or [height, width, 3] of 0 to 255, got "
            f"{picture.shape} for number {number}; for features write encoder='features'"
        )
    picture = np.clip(picture, 0, 255).astype("uint8")
    if picture.shape[:2] == size:
        return picture
    scaled = Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(scaled)


def _pairs(captions: Sequence) -> list[tuple[int, str]]:
    """(number of the picture, caption) of each caption, where a picture may have several."""
    return [(number, caption) for number, own in enumerate(_lists(captions)) for caption in own]


def _lists(captions: Sequence) -> list[list[str]]:
    """The captions of each picture as a list."""
    return [[one] if isinstance(one, str) else list(one) for one in captions]
