"""`Estimator`: what all tasks have in common."""

import copy
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

import elman
from elman._keras_private import set_random_seed
from elman._writing import whole
from elman.data.batches import Batches
from elman.models import load_model
from elman.tasks.saved import AGAIN, CARD, WRITTEN, Kind, check, read_json, read_part
from elman.tasks.training import Examples, Feed, Training, train

FORMAT = 2  # of the folder that `save` writes
PREDICT = 64  # examples that are predicted at once, at most
COUNTS = (
    "units", "layers", "embedding", "letters", "picture_size", "vocabulary_size", "source_size",
    "target_size", "epochs", "batch_size", "patience", "random_state",
)  # fmt: skip
MAY_BE_0 = ("letters", "random_state")


class Estimator(BaseEstimator):
    """A task with scikit-learn's conventions, which holds a Keras model of `elman.layers`.

    A subclass says how data becomes arrays and what the model is:

    - ``_check(X, y)`` checks the data, with ``y`` or without;
    - ``_learn(X, y)`` sets what is learnt before the training (vocabulary,
      labels: attributes that end with ``_``);
    - ``_examples(X, y)`` gives `Examples`; ``y`` is None for prediction;
    - ``_build(examples)`` gives a compiled model;
    - ``_learnt()`` gives what `_learn` set as JSON for the card, of the kinds ``_learnt_kinds``;
      ``_restore(learnt, folder)`` takes it back; ``_save_parts(folder)`` writes what is no JSON,
      such as a tokenizer; ``_check_model()`` sees that a loaded model goes with all that.

    Attributes:
        model: the Keras model, once fitted.
        training_: `Training`, what became of the training.
    """

    # Which epoch is best on the validation data.
    _monitor: ClassVar[str] = "val_accuracy"
    _mode: ClassVar[str] = "max"
    _is_share: ClassVar[bool] = False  # of the validation examples: those that are right

    _learnt_kinds: ClassVar[dict[str, Kind]] = {}

    model: keras.Model
    training_: Training

    def fit(
        self,
        X,
        y,
        validation_data: tuple[Any, Any] | None = None,
        *,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        folder: str | os.PathLike | None = None,
        verbose: int | str = 0,
    ):
        """Learn from ``X`` and ``y``.

        Arguments:
            X, y: the examples and what is to be learnt of each; of the same length, and iterated
                more than once.
            validation_data: ``(X, y)`` to choose the best epoch by, and how much the network
                weighs beside what is learnt without it; without it the weights of the last epoch
                stay.
            callbacks: Keras callbacks for the training.
            folder: where the state of the training is kept after each epoch; a call with the same
                data and settings goes on from there.
            verbose: as of `keras.Model.fit`.

        Returns:
            The estimator itself.
        """
        self._check_numbers()
        self._check(X, y)
        for name in _learnt_names(self):
            delattr(self, name)
        set_random_seed(self.random_state)
        self._learn(X, y)
        examples = self._examples(X, y)
        self.model = self._build(examples)
        count = len(examples.lengths)
        training = Feed(examples, self._batch_size(count), self.random_state)
        validation = None
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
                raise ValueError(f"validation_data must be (X, y), got {validation_data!r:.60}")
            try:
                self._check(*validation_data)
                validation = Feed(self._examples(*validation_data), PREDICT)
            except ValueError as error:
                raise ValueError(f"in the validation data, {error}") from error
        self.training_ = train(
            self.model,
            training,
            validation,
            epochs=self._epochs(count),
            monitor=self._monitor,
            mode=self._mode,
            is_share=self._is_share,
            patience=self.patience,
            callbacks=callbacks,
            folder=None if folder is None else Path(folder),
            verbose=verbose,
        )
        self._finish(X, y, validation_data)
        return self

    @property
    def can_remember(self) -> bool:
        """Whether ``remember(X, y)`` learns from more examples, without training the network."""
        return False

    def remember(self, X, y) -> None:
        """Learn from more examples, without training the network, where `can_remember`."""
        raise ValueError(f"{type(self).__name__} cannot remember more examples; do: fit again")

    def _check(self, X, y=None) -> None:
        """Raise a ValueError unless ``X``, and ``y`` where it is given, are of the task's kind."""
        check_sequence(X, "X")
        if y is not None:
            check_sequence(y, "y")
            check_lengths(X, y)

    def _check_numbers(self) -> None:
        """Raise a ValueError for a number or a yes or no that is not one of those it may be."""
        usual = type(self)().get_params()
        for name, value in self.get_params().items():
            if isinstance(usual[name], bool) and not isinstance(value, bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {value!r}")
            number = isinstance(value, int | float | np.number)
            least = 0 if name in MAY_BE_0 else 1
            counts = name in COUNTS and value is not None
            if counts and not (isinstance(value, int | np.integer) and value >= least):
                raise ValueError(f"{name} must be an integer of {least} or more, got {value!r}")
            if name.endswith("dropout") and not (number and 0 <= value < 1):
                raise ValueError(f"{name} must be a share from 0 to below 1, got {value!r}")
            if name in ("label_smoothing", "scheduled_sampling") and not (
                number and 0 <= value <= 1
            ):
                raise ValueError(f"{name} must be a share from 0 to 1, got {value!r}")
            if isinstance(usual[name], float) and not (number and value >= 0):
                raise ValueError(f"{name} must be a number of 0 or more, got {value!r}")

    def _epochs(self, count: int) -> int:
        """How many epochs for ``count`` examples: what the user said."""
        return self.epochs

    def _batch_size(self, count: int) -> int:
        """How many of ``count`` examples make a batch: what the user said."""
        return self.batch_size

    def _finish(self, X, y, validation_data) -> None:
        """What is left to do after the training; the arguments are those of `fit`."""

    def _outputs(self, examples: Examples) -> list:
        """The model's output for each example, in order, cut to its length where it has one."""
        self._check_fitted()
        found: list = [None] * len(examples.lengths)
        # Batches for a few examples are small; powers of two, so that few shapes are compiled.
        size = min(PREDICT, 1 << (len(examples.lengths) - 1).bit_length())
        for batch in Batches(examples.lengths, size, rungs=None):
            x, *_ = examples.arrays(batch.rows, batch.length)
            output = keras.ops.convert_to_numpy(self.model.predict_on_batch(x))
            for row, value, weight in zip(batch.rows, output, batch.weights, strict=True):
                if weight:
                    found[row] = value
        return found

    def _check_fitted(self) -> None:
        if getattr(self, "model", None) is None:
            raise NotFittedError(  # a ValueError
                f"{type(self).__name__} must be fitted before its use; call fit(X, y), or load a "
                "saved one with elman.tasks.load(folder)"
            )

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "model", None) is not None

    def __getstate__(self):
        if self.__sklearn_is_fitted__():
            raise TypeError(
                f"a fitted {type(self).__name__} must not be pickled, because reading a pickle "
                "runs code; use save(folder) and elman.tasks.load(folder). Where joblib does it, "
                "as with n_jobs and return_estimator of scikit-learn, leave one of these out"
            )
        return super().__getstate__()

    def __deepcopy__(self, memo):
        """A fitted estimator with weights of its own, by `save` and `load`."""
        if self.__sklearn_is_fitted__():
            with tempfile.TemporaryDirectory() as folder:
                self.save(Path(folder, "copy"))
                return type(self).load(Path(folder, "copy"))
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    def save(self, folder: str | os.PathLike, **about) -> None:
        """Write ``folder``, whole or not at all: the model, its vocabulary and a JSON card.

        Arguments:
            folder: a folder that is not there yet, or one that `save` wrote, which is replaced;
                files of others in it stay.
            about: more for the card, such as ``scores={...}``.

        Raises:
            FileExistsError: there is something else at that place.
        """
        self._check_fitted()
        folder = Path(folder)
        if folder.exists() and not (folder / "card.json").is_file():
            raise FileExistsError(
                f"{folder} must be a new folder or one that save() wrote, got something else; "
                "choose another name"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole(folder, WRITTEN) as part:
            part.mkdir()
            self.model.save(part / "model.keras")
            self._save_parts(part)
            card = json.dumps(
                self._card() | about,
                ensure_ascii=False,
                indent=2,
                default=np.generic.item,  # settings of a search over np.arange
            )
            (part / "card.json").write_text(card + "\n", encoding="utf-8")

    def _card(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "task": type(self).__name__,
            "settings": self.get_params(),
            "learnt": self._learnt(),
            "parameters": self.model.count_params(),
            "training": {
                "best_epoch": self.training_.best_epoch,
                "seconds": round(self.training_.seconds, 1),
                "interrupted": self.training_.interrupted,
                "history": self.training_.history,
                "shapes": self.training_.shapes,
            },
            "versions": {
                "elman": elman.__version__,
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "python": platform.python_version(),
            },
            "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    @classmethod
    def load(cls, folder: str | os.PathLike):
        """Read what `save` wrote; never runs code from the folder.

        Raises:
            FileNotFoundError: no such folder, or one that was not written to its end.
            ValueError: another task's folder, or another version's, or one with a damaged file.
        """
        folder, card = Path(folder), read_card(folder)
        if card["task"] != cls.__name__:
            raise ValueError(
                f"{folder} must hold a {cls.__name__}, got a {card['task']:.40}; "
                "use elman.tasks.load(folder), which finds the class"
            )
        if unknown := sorted(card["settings"].keys() - cls().get_params().keys()):
            raise ValueError(
                f"{folder} must have settings of this version of elman, got "
                f"{', '.join(unknown)[:80]}, of elman {card['versions']['elman']:.40}; use that "
                "version, or train again"
            )
        self = cls(**card["settings"])
        with read_part(folder / "card.json"):
            self._check_loaded()
            check(card["learnt"], self._learnt_kinds, "learnt")
        self._restore(card["learnt"], folder)
        with read_part(folder / "model.keras") as path:
            self.model = load_model(path, compile=False)
            self._check_model()
        if read_card(folder) != card:
            raise ValueError(f"{folder} was written anew while it was read; load it again")
        about = card["training"]
        shapes = [tuple(shape) for shape in about["shapes"]]
        seconds, interrupted = about["seconds"], about["interrupted"]
        self.training_ = Training(
            about["history"], about["best_epoch"], seconds, shapes, interrupted
        )
        return self

    def _check_loaded(self) -> None:
        """Raise a ValueError for a setting of a card that is not of the kind it may be."""
        self._check_numbers()
        usual = type(self)().get_params()
        for name, value in self.get_params().items():
            text = isinstance(usual[name], str) or (usual[name] is None and name not in COUNTS)
            listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
            if text and not (value is None or listed or isinstance(value, str | dict)):
                raise ValueError(f"{name} of settings must be text, got {value!r:.60}; {AGAIN}")

    def _save_parts(self, folder: Path) -> None:
        """Write what is learnt and is no JSON."""

    def _learnt(self) -> dict[str, Any]:
        raise NotImplementedError

    def _restore(self, learnt: dict[str, Any], folder: Path) -> None:
        raise NotImplementedError

    def _check_model(self) -> None:
        raise NotImplementedError

    def _learn(self, X, y) -> None:
        raise NotImplementedError

    def _examples(self, X, y=None) -> Examples:
        raise NotImplementedError

    def _build(self, examples: Examples) -> keras.Model:
        raise NotImplementedError


def _learnt_names(estimator: Estimator) -> list[str]:
    """The attributes that `Estimator.fit` sets."""
    return [name for name in vars(estimator) if name == "model" or name.endswith("_")]


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a folder that `Estimator.save` wrote.

    Raises:
        FileNotFoundError, ValueError: no such folder, no card, or another version's.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there must be a folder {folder}, got none; check the path")
    path = folder / "card.json"
    try:
        card = read_json(path)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{folder} must hold card.json, got none: it is no saved task, or was not written to "
            "its end; train again, with --resume if it was broken off"
        ) from None
    if not isinstance(card, dict):
        raise ValueError(f"{path} must be a JSON object, got {card!r:.40}")
    if card.get("format") != FORMAT:
        written = card["versions"].get("elman") if isinstance(card.get("versions"), dict) else None
        raise ValueError(
            f"{folder} must be of format {FORMAT}, got {card.get('format')!r:.40}, written by "
            f"elman {written!s:.40}; use that version, or train again"
        )
    if missing := sorted(CARD.keys() - card.keys()):
        raise ValueError(
            f"{path} must be as save() wrote it, got none of {', '.join(missing)}; {AGAIN}"
        )
    check(card, CARD, str(path))
    return card


def check_sequence(values, name: str) -> None:
    """Raise a ValueError unless ``values`` can be counted and gone through again."""
    if isinstance(values, str):
        raise ValueError(f"{name} must be a list, got the text {values!r:.60}; do: [text]")
    if not hasattr(values, "__len__"):
        raise ValueError(
            f"{name} must be a list or an array, got a {type(values).__name__}; do: list({name})"
        )


def check_texts(values, name: str = "X") -> None:
    """Raise a ValueError unless ``values`` are texts."""
    got = f"{name} must be a list of texts, got"
    if getattr(values, "ndim", 1) != 1:  # an array of columns; a table of pandas
        raise ValueError(f"{got} {values.ndim} dimensions; give one column")
    for i, text in enumerate(values):
        if not isinstance(text, str):
            do = "fill it, or leave it out; a list of words becomes a text with ' '.join"
            raise ValueError(f"{got} {text!r:.60} at {i}; {do}")


def check_lengths(X, y) -> None:
    """Raise a ValueError unless there are as many ``y`` as ``X``, and some."""
    if len(X) != len(y):
        raise ValueError(f"X and y must have the same length, got {len(X)} and {len(y)}")
    if not len(X):
        raise ValueError("there must be at least one example, got none; give some data")


def as_list(values) -> list:
    """The values as a list; NumPy's numbers as Python's, for JSON."""
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
