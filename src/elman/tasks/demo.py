"""What `elman demo` and `make demo` show: every shape of a recurrent network, on real digits.

The data are the 1,797 handwritten digits that come with scikit-learn, so that nothing is
downloaded; three quarters are learnt, the rest is the test.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import elman
from elman._keras_private import set_random_seed
from elman.layers import CRF, LSTM, Bidirectional, Dense, Input, SimpleRNN
from elman.models import Model, Sequential
from elman.models.engines import explain
from elman.tasks.captioner import ImageCaptioner
from elman.tasks.classifier import SequenceClassifier
from elman.tasks.plots import drawable
from elman.tasks.seq2seq import Seq2Seq

COLUMNS = 12  # of the picture
RIGHT, WRONG = "black", "crimson"
ENGLISH = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
KOREAN = ["영", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉"]
TAGS = ("first", "larger", "smaller", "equal")


@dataclass
class Digits:
    """Images [N, 8, 8] from 0 to 1 and their labels [N]."""

    x_train: np.ndarray
    x_test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray

    @classmethod
    def load(cls) -> "Digits":
        images, labels = load_digits(return_X_y=True)
        images = (images.reshape(-1, 8, 8) / 16).astype("float32")
        return cls(
            *train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
        )


@dataclass
class Panel:
    """An example in the picture: an image, where there is one, and what was made of it."""

    image: np.ndarray | None
    text: str
    right: bool


@dataclass
class Shown:
    """What one part of the demo found: a score of 0 to 1, and some examples of it."""

    shape: str
    what: str
    measure: str
    score: float
    baseline: str
    model: keras.Model
    panels: list[Panel]


def main(picture: str | Path = "demo/demo.png") -> None:
    """Run all parts, print the table of scores and times, and write the picture."""
    console = Console(width=100)
    console.print(
        f"elman {elman.__version__}, Keras {keras.__version__} on {keras.backend.backend()}, "
        f"{elman.num_threads()} threads; 1,347 handwritten digits to learn, 450 to test\n"
    )
    digits, shown = Digits.load(), []
    table = Table("shape", "what it learns", "score", "without a network", "time")
    for number, part in enumerate(PARTS, 1):
        set_random_seed(0)
        if not console.is_terminal:  # where there is no spinner
            console.print(f"{number} of {len(PARTS)}: {part.__doc__}", highlight=False)
        started = time.perf_counter()
        with console.status(part.__doc__ or ""):
            found = part(digits)
        shown.append(found)
        seconds = time.perf_counter() - started
        score = f"{found.measure} {found.score:.3f}"
        table.add_row(found.shape, found.what, score, found.baseline, f"{seconds:.1f} s")
    console.print(table)
    console.print("\nWhat computes the recurrent layers:")
    for found in shown:
        console.print(f"- {found.what}", markup=False, highlight=False)
        explain(found.model)
    console.print("\nThe models of the study note:")
    study_note()
    Path(picture).parent.mkdir(parents=True, exist_ok=True)
    notes = draw(shown, Path(picture))
    told = f"\nPicture: {picture}; wrong answers are red, with the right ones below"
    console.print("\n".join([told, *notes]))


def read_by_rows(digits: Digits) -> Shown:
    """A picture, read row by row -> which digit."""
    model = SequenceClassifier(normalize="data", noise=0.3, batch_size=32)
    model.fit(list(digits.x_train), digits.y_train)
    found = model.predict(list(digits.x_test))
    linear = LogisticRegression(max_iter=1000).fit(digits.x_train.reshape(-1, 64), digits.y_train)
    baseline = linear.score(digits.x_test.reshape(-1, 64), digits.y_test)
    return Shown(
        "many-to-one",
        "a picture, row by row -> which digit",
        "accuracy",
        float(np.mean(found == digits.y_test)),
        f"{baseline:.3f} (logistic regression)",
        model.model,
        _panels(digits.x_test, found, digits.y_test),
    )


def named_in_english(digits: Digits) -> Shown:
    """A picture -> its English name, letter by letter."""
    return _named(digits, ENGLISH, "English")


def named_in_korean(digits: Digits) -> Shown:
    """A picture -> its Korean name, letter by letter."""
    return _named(digits, KOREAN, "Korean")


def _named(digits: Digits, names: list[str], language: str) -> Shown:
    model = ImageCaptioner(
        encoder="features",
        attention=None,
        units=64,
        embedding=32,
        target_unit="character",
        memory=False,
        epochs=40,
    )
    model.fit(digits.x_train.reshape(-1, 64), [names[i] for i in digits.y_train])
    found = model.predict(digits.x_test.reshape(-1, 64), method="greedy")
    true = [names[i] for i in digits.y_test]
    return Shown(
        "one-to-many",
        f"a picture -> its {language} name, letter by letter",
        "exact",
        float(np.mean([a == b for a, b in zip(found, true, strict=True)])),
        "",
        model.model,
        _panels(digits.x_test, found, true),
    )


def tagged_rows(digits: Digits) -> Shown:
    """A row of pictures -> for each, how it compares with the one before."""
    x_train, tags_train = _rows(digits.x_train, digits.y_train, 3000)
    x_test, tags_test = _rows(digits.x_test, digits.y_test, 200)
    inputs = Input((None, 64))
    hidden = Dense(64, activation="relu")(inputs)
    hidden = Bidirectional(LSTM(64, return_sequences=True))(hidden)
    crf = CRF(len(TAGS))
    model = Model(inputs, crf(Dense(len(TAGS))(hidden)))
    model.compile("adam", loss=crf.loss)
    model.fit(x_train, tags_train, batch_size=32, epochs=20, verbose=0)
    found = model.predict(x_test, verbose=0).argmax(-1)
    most = np.bincount(tags_train.ravel()).max() / tags_train.size
    return Shown(
        "aligned many-to-many",
        "a row of pictures -> larger or smaller than the one before",
        "accuracy",
        float(np.mean(found == tags_test)),
        f"{most:.3f} (always the commonest)",
        model,
        [
            _panel(image.reshape(8, 8), TAGS[tag], TAGS[true])
            for image, tag, true in zip(x_test[0], found[0], tags_test[0], strict=True)
        ],
    )


def _rows(images: np.ndarray, labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of images drawn at random, [count, columns, 64], and their tags, [count, columns]."""
    chosen = np.random.default_rng(0).integers(len(labels), size=(count, COLUMNS))
    step = np.diff(labels[chosen], axis=1)
    tags = np.zeros(chosen.shape, "int32")
    tags[:, 1:] = np.select([step > 0, step < 0], [1, 2], 3)
    return images[chosen].reshape(count, COLUMNS, 64), tags


def added(digits: Digits) -> Shown:
    """A sum, letter by letter -> its answer."""
    pairs = np.random.default_rng(0).permutation([(a, b) for a in range(100) for b in range(100)])
    questions = [f"{a}+{b}" for a, b in pairs]
    answers = [str(a + b) for a, b in pairs]
    model = Seq2Seq(
        units=128,
        embedding=64,
        source_unit="character",
        target_unit="character",
        memory=False,
        dropout=0.0,
        label_smoothing=0.0,
        batch_size=64,
        epochs=25,
    )
    model.fit(questions[500:], answers[500:])
    found = model.predict(questions[:500], method="greedy")
    return Shown(
        "unaligned many-to-many",
        '"12+7" -> "19", sums never seen',
        "exact",
        float(np.mean([a == b for a, b in zip(found, answers[:500], strict=True)])),
        "",
        model.model,
        [
            _panel(None, answer, true, asked=f"{question}=")
            for question, answer, true in zip(
                questions[:COLUMNS], found[:COLUMNS], answers[:COLUMNS], strict=True
            )
        ],
    )


PARTS: tuple[Callable[[Digits], Shown], ...] = (
    read_by_rows,
    named_in_english,
    named_in_korean,
    tagged_rows,
    added,
)


def study_note() -> None:
    """Print the three models of the study note, 42 parameters each."""
    for arguments in (
        {"input_shape": (2, 10)},
        {"batch_input_shape": (8, 2, 10)},
        {"batch_input_shape": (8, 2, 10), "return_sequences": True},
    ):
        model = Sequential([SimpleRNN(3, **arguments)])
        words = ", ".join(f"{name}={value}" for name, value in arguments.items())
        print(f"SimpleRNN(3, {words}): {model.output_shape}, {model.count_params()} parameters")


def draw(shown: list[Shown], path: Path) -> list[str]:
    """One picture: what each part makes of unseen examples, mistakes in red.

    Returns:
        A note for each part whose letters no font on this machine has.
    """
    figure, notes = Figure(figsize=(12, 9), layout="constrained"), []
    heights = [0.5 if part.panels[0].image is None else 1 for part in shown]
    rows = figure.subfigures(len(shown), 1, height_ratios=heights, squeeze=False)
    for part, row in zip(shown, rows[:, 0], strict=True):
        font, words, note = drawable([panel.text for panel in part.panels])
        title = f"{part.shape}: {part.what} ({part.measure} {part.score:.3f})"
        row.suptitle(title, fontsize=10, x=0.01, ha="left")
        for axes, panel, word in zip(row.subplots(1, COLUMNS), part.panels, words, strict=True):
            axes.set_axis_off()
            if panel.image is not None:
                axes.imshow(panel.image, cmap="gray_r")
            colour = RIGHT if panel.right else WRONG
            axes.set_title(word, fontsize=10, color=colour, fontfamily=font)
        if note:
            notes.append(note)
    figure.savefig(path, dpi=110)
    return notes


def _panels(images: np.ndarray, found: Iterable, true: Iterable) -> list[Panel]:
    """As many as there are columns: three mistakes at the end, where there are so many."""
    found, true = list(found), list(true)
    right = np.array([a == b for a, b in zip(found, true, strict=True)])
    wrong = np.flatnonzero(~right)[:3]
    rows = [*np.flatnonzero(right)[: COLUMNS - len(wrong)], *wrong]
    return [_panel(images[i], str(found[i]), str(true[i])) for i in rows]


def _panel(image: np.ndarray | None, found: str, true: str, asked: str = "") -> Panel:
    """An answer behind what was asked; a wrong one with the right one below it."""
    text = asked + found
    return Panel(image, text if found == true else f"{text}\n({true})", found == true)
