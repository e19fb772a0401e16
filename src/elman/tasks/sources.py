"""From files to what the tasks learn from: which columns, and which rows to hold out."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from elman.data import read_arrays, read_captioned, read_labelled, read_sentences, read_table
from elman.data.files import chosen_columns, column_index

TASKS = ("classifier", "tagger", "seq2seq", "captioner")
FRACTIONS = (0.8, 0.1, 0.1)  # of training, validation and test
# Columns that are taken, in this order, where none is named.
TEXTS = (
    "text", "document", "sentence", "review", "message", "comment", "tweet", "title", "텍스트",
    "문서", "문장", "리뷰", "본문", "내용", "댓글", "제목",
)  # fmt: skip
LABELS = (
    "label", "class", "category", "sentiment", "target", "tag", "digit", "레이블", "라벨", "분류",
    "범주", "카테고리", "감성", "감정", "평가", "태그",
)  # fmt: skip
SOURCES = (
    "source", "src", "question", "q", "input", "text", "질문", "원문", "입력", "문장",
)  # fmt: skip
TARGETS = (
    "target", "tgt", "answer", "a", "output", "response", "답변", "대답", "응답", "번역", "번역문",
    "출력",
)  # fmt: skip
# A file of fewer bytes is read once and held; a larger one is read anew for each pass.
HELD_BYTES = 1 << 26


@dataclass(frozen=True)
class Reading:
    """How data files are read; a run keeps it, so that later files are read alike.

    Attributes:
        text_column: what is read: the text, the tokens, the source sentence, the picture's name.
        label_column: what is learnt: the label, the tags, the answer, the caption.
        group_column: rows with the same value stay together when a split is made.
        pictures: folders or zips with the pictures of a captions file.
        header, encoding, form, skip_bad: as of `elman.data.read_table`.
    """

    text_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    pictures: tuple[str, ...] = ()
    header: bool | None = None
    encoding: str | None = None
    form: str | None = "NFC"
    skip_bad: bool = False

    def of_text(self) -> dict[str, Any]:
        """What every reader of text takes."""
        return {"encoding": self.encoding, "form": self.form, "skip_bad": self.skip_bad}


@dataclass
class Source:
    """Examples of a file.

    Attributes:
        name: the file.
        X, y: what is read and what is learnt, of the same length; each can be gone through as often
            as one likes.
        reading: with the columns that were taken.
        groups: a value for each example, equal where a split must not part them, or None.
        skipped, skipped_lines: how many lines were left out, and what was wrong with a few.
    """

    name: str
    X: Any
    y: Any
    reading: Reading
    groups: list | None = None
    skipped: int = 0
    skipped_lines: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.y)

    def select(self, rows: np.ndarray) -> "Source":
        """The examples with these numbers, in the file's order."""
        rows = np.sort(rows)
        groups = None if self.groups is None else _picked(self.groups, rows)
        return Source(self.name, _picked(self.X, rows), _picked(self.y, rows), self.reading, groups)


def read_source(task: str, path: str | os.PathLike, reading: Reading) -> Source:
    """Read the data file of a task.

    | task | files |
    |---|---|
    | classifier | a table with a text and a label; a folder with the classes in it; arrays |
    | tagger | CoNLL-U or CoNLL columns |
    | seq2seq | a table with a source and a target; without a header its first two columns |
    | captioner | a captions file beside its pictures, or with ``reading.pictures`` |

    Raises:
        ValueError: no such column, nothing to learn from, and what the readers say.
        FileNotFoundError: no such file.
    """
    check_task(task)
    if reading.pictures and task != "captioner":
        raise ValueError(f"--pictures must be given to a captioner, got a {task}; leave it out")
    if reading.group_column and task == "tagger":
        raise ValueError("--group-column must be given to another task, got a tagger; leave it out")
    if task == "tagger":
        return _tagged(path, reading)
    if task == "captioner":
        return _captioned(path, reading)
    if task == "classifier" and is_arrays(path):
        return _arrays(path, reading)
    return _table(task, path, reading)


def read_parts(
    task: str,
    data: str,
    valid: str | None = None,
    test: str | None = None,
    reading: Reading = Reading(),
    fractions: Sequence[float] | None = None,
    seed: int = 0,
) -> dict[str, Source]:
    """The "train", "valid" and "test" examples: from files where there are some, else by a split.

    Without ``valid`` and ``test``, `FRACTIONS` of the data are training, validation and test. With
    ``test`` alone, 5 % of the data, and 2,000 examples at most, are for validation. With ``valid``
    alone there is no "test". Classes and groups are respected; see `split`.

    Arguments:
        fractions: other shares of training, validation and test; a part without a share is left
            out.
    """
    whole = read_source(task, data, reading)
    text, label = whole.reading.text_column, whole.reading.label_column
    alike = dataclasses.replace(reading, text_column=text, label_column=label)
    files = {name: path for name, path in {"valid": valid, "test": test}.items() if path}
    given = {name: read_source(task, path, alike) for name, path in files.items()}
    if task == "tagger" and len(whole) == 1:
        raise ValueError(
            f"{data} must have an empty line after each sentence, got one sentence of "
            f"{len(next(iter(whole.X)))} tokens; add them, or name a file with more sentences"
        )
    if valid:
        return {"train": whole, **given}
    if fractions is None:
        held = min(0.05, 2000 / len(whole))
        fractions = (1 - held, held) if test else FRACTIONS
    shares = dict(zip(("train", "valid", "test"), fractions, strict=False))
    if test:
        shares.pop("test", None)
    sizes = np.array([*shares.values()]) / sum(shares.values())
    labels = whole.y if task == "classifier" else None
    rows = split(len(whole), sizes.tolist(), seed, labels=labels, groups=whole.groups)
    parts = {name: whole.select(r) for name, r in zip(shares, rows, strict=True) if len(r)}
    if "train" not in parts:
        raise ValueError(f"{whole.name} must have enough examples to part them, got {len(whole)}")
    parts["train"].skipped, parts["train"].skipped_lines = whole.skipped, whole.skipped_lines
    return {**parts, **given}


def check_task(task: str) -> None:
    """Raise a ValueError unless ``task`` is one of `TASKS`."""
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}")


def is_arrays(path: str | os.PathLike) -> bool:
    """Whether a file has sequences of vectors and no text."""
    return Path(path).suffix in (".npz", ".npy")


def split(
    count: int,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    *,
    labels: Sequence | None = None,
    groups: Sequence | None = None,
) -> list[np.ndarray]:
    """Part the numbers 0 to ``count - 1`` at random, by ``default_rng(seed).permutation``.

    Arguments:
        fractions: how much of the whole each part gets.
        labels: each part gets its share of every label.
        groups: numbers with the same group come into the same part; the shares are of groups, of
            which each part gets one at least where there are as many.

    >>> [part.tolist() for part in split(5, (0.6, 0.2, 0.2))]
    [[2, 4, 3], [0], [1]]
    """
    cuts = np.cumsum(fractions)[:-1]
    random = np.random.default_rng(seed)
    if groups is not None:
        _, group = np.unique(np.asarray(groups), return_inverse=True)
        count, first = group.max() + 1, np.arange(1, len(fractions))
        at = _at(cuts, count)
        if min(fractions) > 0 and count > len(first):  # none is left without a group
            at = np.clip(at, first, count - len(fractions) + first)
        parts = np.split(random.permutation(count), at)
        return [np.flatnonzero(np.isin(group, part)) for part in parts]
    order = random.permutation(count)
    if labels is None:
        return np.split(order, _at(cuts, count))
    _, label = np.unique(np.asarray(labels), return_inverse=True)
    members = [order[label[order] == value] for value in range(label.max() + 1)]
    shares = [np.split(rows, _at(cuts, len(rows))) for rows in members]
    return [np.concatenate(part) for part in zip(*shares, strict=True)]


def fractions(text: str) -> tuple[float, ...]:
    """The shares of training, validation and test.

    >>> fractions("90/5/5")
    (0.9, 0.05, 0.05)
    """
    try:
        shares = [float(part) for part in text.split("/")]
    except ValueError:
        shares = []
    if len(shares) != 3 or min(shares) < 0 or not shares[0]:
        raise ValueError(f"--split must be three shares such as 80/10/10, got {text!r}")
    return tuple(share / sum(shares) for share in shares)


def _at(cuts: np.ndarray, count: int) -> np.ndarray:
    return np.round(cuts * count).astype(int)


def _table(task: str, path: str | os.PathLike, reading: Reading) -> Source:
    if Path(path).is_dir():
        settings = reading.of_text()
        del settings["skip_bad"]
        table = read_labelled(path, **settings)
    else:
        wanted = (reading.text_column, reading.label_column, reading.group_column)
        table = read_table(path, header=reading.header, wanted=wanted, **reading.of_text())
    usual: tuple[Sequence[str], ...] = (TEXTS, LABELS)
    if task == "seq2seq":
        usual = (SOURCES, TARGETS) if table.header else (("1",), ("2",))  # pairs
    named = {"--text-column": reading.text_column, "--label-column": reading.label_column}
    if reading.group_column:
        named, usual = named | {"--group-column": reading.group_column}, (*usual, ())
    text, label, *group = chosen_columns(named, usual, table.columns, table.name, table.hint)
    reading = dataclasses.replace(reading, text_column=text, label_column=label)
    if task == "classifier":
        table = table.filled(label)
    X, y = _held(path, table.column(text)), _held(path, table.column(label))
    if task == "classifier":
        y = [value.strip() for value in y]
    groups = list(table.column(group[0])) if group else None
    if not len(table):
        raise ValueError(f"{path} must have at least one row below its header, got none")
    return Source(str(path), X, y, reading, groups, table.skipped, table.skipped_lines)


def _tagged(path: str | os.PathLike, reading: Reading) -> Source:
    sentences = read_sentences(
        path,
        token_column=reading.text_column,
        tag_column=reading.label_column,
        **reading.of_text(),
    )
    if sentences.tags is None:
        raise ValueError(
            f"{path} must have a tag for each token, got tokens alone; give a "
            "file with a token and its tag on each line, and an empty line after each sentence"
        )
    text, label = sentences.token_column, sentences.tag_column
    reading = dataclasses.replace(reading, text_column=text, label_column=label)
    X, y = _held(path, sentences.tokens), _held(path, sentences.tags)
    len(sentences)  # a pass, which counts what is skipped
    return Source(str(path), X, y, reading, None, sentences.skipped, sentences.skipped_lines)


def _captioned(path: str | os.PathLike, reading: Reading) -> Source:
    read = read_captioned(
        path,
        reading.pictures or None,
        image_column=reading.text_column,
        caption_column=reading.label_column,
        header=reading.header,
        **reading.of_text(),
    )
    groups = None
    if reading.group_column:
        names = list(read.columns)
        groups = read.columns[names[column_index(reading.group_column, names, path)]]
    source = Source(str(path), read.pictures, read.captions, reading, groups)
    source.skipped, source.skipped_lines = read.skipped, read.skipped_lines
    return source


def _arrays(path: str | os.PathLike, reading: Reading) -> Source:
    arrays = read_arrays(path)
    named = {"--label-column": reading.label_column}
    usual: tuple[Sequence[str], ...] = (LABELS,)
    if reading.group_column:
        named, usual = named | {"--group-column": reading.group_column}, (*usual, ())
    label, *group = chosen_columns(named, usual, arrays.columns, arrays.name)
    groups = arrays.column(group[0]).tolist() if group else None
    return Source(
        str(path),
        list(arrays.sequences),
        arrays.column(label).tolist(),
        dataclasses.replace(reading, label_column=label),
        groups,
    )


def _held(path: str | os.PathLike, values):
    path = Path(path)
    small = not path.is_file() or path.stat().st_size < HELD_BYTES  # or in an archive, or a folder
    return list(values) if small else values


def _picked(values, rows: np.ndarray):
    return values.select(rows) if hasattr(values, "select") else [values[i] for i in rows]
