"""What a trained run says of texts, files and pictures."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from elman import tasks
from elman._writing import whole
from elman.data import (
    Sentences,
    Table,
    read_arrays,
    read_pictures,
    read_sentences,
    read_table,
)
from elman.data.files import TextFile, chosen_columns, normalised
from elman.data.sentences import CONLLU
from elman.tasks.estimator import read_card
from elman.tasks.reports import counted
from elman.tasks.saved import SCORES, TRAINED, check
from elman.tasks.sources import TASKS, TEXTS, Reading, is_arrays

KINDS = {
    "TextClassifier": "classifier",
    "SequenceClassifier": "classifier",
    "SequenceTagger": "tagger",
    "Seq2Seq": "seq2seq",
    "ImageCaptioner": "captioner",
}
CHUNK = 1024  # texts that are answered together


def predictions(
    run: str,
    inputs: Iterable[str],
    reading: Reading | None = None,
    stdin: Iterable[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[dict[str, Any]]:
    """Answer texts, or the texts, sentences, sequences or pictures in files.

    An input that is the name of a file or folder stands for what is in it, and ``-`` for the lines
    of ``stdin``: texts, or names of pictures. A text for a tagger is split at white space, or into
    characters where the run was trained on characters; in JSONL a list is tokens already. A file
    of JSONL or CSV for a tagger has them in the column that ``reading`` names, else in one called
    "tokens", "text" or another usual name.

    Arguments:
        run: a run folder.
        inputs: texts, or names of files and folders.
        reading: how files are read; None reads as the training did.
        stdin: what ``-`` stands for.
        say: is told how many bad lines of a file were left out, where ``reading.skip_bad``.

    Yields:
        What was read and the answer, by the names of the columns: ``{"text": ..., "label": ...,
        "probability": ...}``, ``{"tokens": [...], "tags": [...]}``, ``{"text": ..., "answer":
        ...}``, ``{"image": ..., "caption": ...}``.
    """
    card, reading = run_card(run), reading or reading_of(run)
    estimator = tasks.load(run)
    lines = (line.rstrip("\r\n") for line in stdin)
    items = _inputs(card["kind"], estimator, inputs, reading, lines, say)
    while chunk := list(islice(items, CHUNK)):
        names, X = zip(*chunk, strict=True)
        yield from _answered(card["kind"], estimator, names, list(X))


def prediction_lines(
    run: str,
    inputs: Sequence[str],
    reading: Reading | None = None,
    format: str | None = None,
    stdin: Iterable[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[str]:
    """The `predictions` as lines, each as `as_lines` has it."""
    format = format or ("conll" if run_card(run)["kind"] == "tagger" else "text")
    return (as_lines(answer, format) for answer in predictions(run, inputs, reading, stdin, say))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines to a file, whole or not at all; to a device or pipe as they come."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} for {path.name}; make it")
    if path.exists() and not path.is_file():  # to replace /dev/stdout would do harm
        _write(path, lines)
        return
    with whole(path) as part:
        _write(part, lines)


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def as_lines(answer: Mapping[str, Any], format: str) -> str:
    """A prediction as text, as JSONL, or in CoNLL columns.

    >>> as_lines({"tokens": ["Ann", "sings"], "tags": ["B-PER", "O"]}, "conll")
    'Ann\\tB-PER\\nsings\\tO\\n'
    >>> as_lines({"text": "good", "label": "1", "probability": 0.9}, "text")
    '1'
    """
    if format == "jsonl":
        return json.dumps(answer, ensure_ascii=False)
    if format not in ("text", "conll"):
        raise ValueError(f"format must be text, jsonl or conll, got {format!r}")
    if "tags" in answer:
        pairs = zip(answer["tokens"], answer["tags"], strict=True)
        if format == "conll":
            return "".join(f"{token}\t{tag}\n" for token, tag in pairs)
        return " ".join(f"{token}/{tag}" for token, tag in pairs)
    if format == "conll":
        raise ValueError(
            "format conll must be asked of a tagger, got another task; do: text, jsonl"
        )
    if "image" in answer:
        return f"{answer['image']}\t{answer['caption']}"
    return str(answer["label"] if "label" in answer else answer["answer"])


def reading_of(run: str, **changes) -> Reading:
    """How a run's data was read, with ``changes`` that are not None.

    The encoding, and whether bad lines are left out, are of a file and not of a run: they are as
    for training data where they are not among the changes.
    """
    kept = run_card(run)["reading"]
    kept = {field.name: kept[field.name] for field in dataclasses.fields(Reading)}
    own = {"pictures": tuple(kept["pictures"]), "encoding": None, "skip_bad": False}
    changes = {name: value for name, value in changes.items() if value is not None}
    return Reading(**{**kept, **own, **changes})


def run_card(run: str) -> dict[str, Any]:
    """The card of a run folder; raises ValueError if `train` did not write it."""
    card = read_card(Path(run))
    if not {"kind", "reading"} <= card.keys():
        raise ValueError(
            f"{run} must be a folder that elman train wrote, got one of {card['task']}.save; "
            "load it with elman.tasks.load"
        )
    check(card, TRAINED | (SCORES if "scores" in card else {}), f"{run}/card.json")
    if card["kind"] not in TASKS or card["kind"] != KINDS.get(card["task"], card["kind"]):
        raise ValueError(
            f"{run}/card.json must be of one task, got a {card['kind']:.40} and a "
            f"{card['task']:.40}; copy the whole folder again"
        )
    return card


def _inputs(
    kind: str,
    estimator,
    inputs: Iterable[str],
    reading: Reading,
    lines: Iterator[str],
    say: Callable[[str], None],
) -> Iterator[tuple]:
    """What to show of each input, and the input itself."""
    for given in inputs:
        if kind == "captioner":
            for name in lines if given == "-" else [given]:
                pictures = read_pictures(name)
                yield from zip(pictures.names, pictures, strict=True)
        elif is_arrays(given):
            if not isinstance(estimator, tasks.SequenceClassifier):
                raise ValueError(f"inputs must be of text for this run, got {given}, arrays")
            sequences = read_arrays(given).sequences
            yield from ((f"{given} {i}", sequence) for i, sequence in enumerate(sequences))
        elif kind == "tagger":
            here = (_tokens(estimator, line, reading) for line in lines if line.strip())
            lists = here if given == "-" else _token_lists(estimator, given, reading, say)
            yield from ((tokens, tokens) for tokens in lists)
        else:
            asked = (normalised(line, reading.form) for line in lines)
            texts = asked if given == "-" else _texts(given, reading, say)
            yield from ((text, text) for text in texts)


def _texts(given: str, reading: Reading, say: Callable[[str], None]) -> Iterator[str]:
    if not _is_file(given):
        return iter([normalised(given, reading.form)])
    wanted = [reading.text_column]
    table = read_table(given, header=reading.header, wanted=wanted, **reading.of_text())
    alone = table.columns[0] if len(table.columns) == 1 else None
    return _told(table.column(alone or reading.text_column or "text"), table, say)


def _told(items: Iterable, table: Table | Sentences, say: Callable[[str], None]) -> Iterator:
    """The items of a table; how many bad ones were left out is said when they are through."""
    yield from items
    if table.skipped:
        what = f"{counted(table.skipped, 'bad line')} left out, the first: "
        say(what + table.skipped_lines[0])


def _token_lists(
    estimator, given: str, reading: Reading, say: Callable[[str], None]
) -> Iterator[list[str]]:
    if not _is_file(given):
        return iter([_tokens(estimator, given, reading)])
    lines = TextFile(given, reading.encoding).lines()
    first = next((line for _, line in lines if line.strip()), "")
    if "\t" in first or first.startswith("#") or ".conll" in given:
        column = reading.text_column
        sentences = read_sentences(given, token_column=column, **reading.of_text())
        return _told(sentences.tokens, sentences, say)
    table = read_table(given, header=reading.header, **reading.of_text())
    cells = _told(table.column(_token_column(table, reading.text_column)), table, say)
    return (
        _list_of_tokens(cell) or _tokens(estimator, cell, reading) for cell in cells if cell.strip()
    )


def _token_column(table: Table, name: str | None) -> str:
    """The column ``name``; where that is one of CoNLL, one of the usual names will do."""
    if name not in table.columns and (name is None or name.isdigit() or name in CONLLU):
        name = None
    named = {"text_column (--text-column)": name}
    return chosen_columns(named, [("tokens", *TEXTS)], table.columns, table.name, table.hint)[0]


def _list_of_tokens(cell: str) -> list[str] | None:
    """The tokens of a cell of JSONL that is a list."""
    try:
        tokens = json.loads(cell) if cell.startswith("[") else None
    except (ValueError, RecursionError):
        return None
    listed = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
    return tokens if listed else None


def _tokens(estimator, text: str, reading: Reading) -> list[str]:
    text = normalised(text, reading.form)
    return list(text) if estimator.level_ == "character" else text.split()


def _is_file(given: str) -> bool:
    """Whether an input names a file; a name with an ending of data that is not there is told."""
    with contextlib.suppress(OSError):  # a long text is no name of a file
        if Path(given).is_file():
            return True
    endings = (".tsv", ".csv", ".jsonl", ".txt", ".conll", ".conllu", ".gz", ".zip")
    folder = os.sep in given and Path(given).is_dir()  # a word may be called as a folder is
    if folder or (" " not in given and given.endswith(endings)):
        TextFile(given)  # in an archive, or an error that names the files there are
        return True
    return False


def _answered(kind: str, estimator, names: Sequence, X: list) -> Iterator[dict[str, Any]]:
    if kind == "classifier":
        probabilities = estimator.predict_proba(X)
        labels = estimator.classes_[probabilities.argmax(-1)].tolist()
        for name, label, each in zip(names, labels, probabilities.max(-1).tolist(), strict=True):
            yield {"text": name, "label": label, "probability": round(each, 4)}
        return
    first, second = {
        "tagger": ("tokens", "tags"),
        "seq2seq": ("text", "answer"),
        "captioner": ("image", "caption"),
    }[kind]
    for name, answer in zip(names, estimator.predict(X), strict=True):
        yield {first: name, second: answer}
