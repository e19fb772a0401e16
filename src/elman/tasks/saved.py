"""The parts of a run folder as they are read again: damaged, mixed up, or written by anyone."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, NamedTuple, get_args

import keras

# The names of all files in a run folder; none of them stays when a folder is written anew.
WRITTEN = {
    *("card.json", "model.keras", "tokenizer.json", "source.json", "target.json"),
    *("features.json", "ngrams.npz", "memory.json", "memory.npz"),
    *("report.json", "report.md", "learning.png", "confusion.png", "captions.png"),
    "attention.png",
}
AGAIN = "copy the whole folder again"
LONGEST = 2**28  # bytes of a JSON file
MOST = 2**53  # JSON has no larger integers


class Range(NamedTuple):
    """Numbers from ``least`` to ``most``: whole ones where both are."""

    least: float
    most: float

    def __contains__(self, value: object) -> bool:
        kind = int if isinstance(self.least, int) else int | float
        return isinstance(value, kind) and self.least <= value <= self.most

    def __str__(self) -> str:
        what = "an integer" if isinstance(self.least, int) else "a number"
        if self.most >= MOST:
            return f"{what} of {self.least} or more"
        return f"{what} from {self.least} to {self.most}"


# What a part may be: a type, a `Range`, ``[kind]`` for a list, ``{"name": kind}`` for a dict with
# these keys, ``{str: kind}`` for a dict with any.
Kind = type | UnionType | Range | list | dict

COUNT = Range(0, MOST)
SHARE = Range(0.0, 1.0)
FINITE = Range(-1e38, 1e38)
LENGTH = Range(1, 100_000)  # of an answer, in tokens

CARD: dict[str, Kind] = {
    "task": str,
    "settings": dict,
    "learnt": dict,
    "parameters": COUNT,
    "training": {
        "best_epoch": COUNT,
        "seconds": int | float,
        "interrupted": bool,
        "history": [{str: int | float}],
        "shapes": [[COUNT]],
    },
    "versions": {"elman": str, "keras": str, "backend": str},
    "saved": str,
}

# What `elman train` writes beside.
TRAINED: dict[str, Kind] = {
    "kind": str,
    "seed": COUNT,
    "data": {str: str | None},
    "reading": {
        "text_column": str | None,
        "label_column": str | None,
        "group_column": str | None,
        "pictures": [str],
        "header": bool | None,
        "encoding": str | None,
        "form": str | None,
        "skip_bad": bool,
    },
}
SCORES: dict[str, Kind] = {"scores": {str: dict}}  # once it is evaluated


@contextlib.contextmanager
def read_part(path: Path) -> Iterator[Path]:
    """Within it, what is said of a part of a run folder names its file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: what the reader says of it.
    """
    try:
        yield path
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path.parent} must hold all that save() wrote, got no {path.name}; {AGAIN}"
        ) from error
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path}: {error}") from error


def read_json(path: Path, kind: Kind = object) -> Any:
    """What is in a JSON file of a run folder.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no JSON, or not of the kind.
    """
    if (size := path.stat().st_size) > LONGEST:
        raise ValueError(f"{path} must be at most {LONGEST:,} bytes, got {size:,}; {AGAIN}")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be JSON, got: {error}; {AGAIN}") from error
    check(value, kind, str(path))
    return value


def check(value: Any, kind: Kind, name: str) -> None:
    """Raise a ValueError unless ``value`` is of a kind.

    >>> check({"share": 0.5, "classes": ["bad", "good"]}, {"share": SHARE, "classes": [str]}, "it")
    >>> check({"share": 0.5}, {"share": str}, "learnt")
    Traceback (most recent call last):
    ...
    ValueError: share of learnt must be text, got 0.5; copy the whole folder again
    """
    if isinstance(kind, dict) and isinstance(value, dict):
        any_key = kind.get(str)
        inside = dict.fromkeys(value, any_key) if any_key else kind
        if missing := [key for key in inside if key not in value]:
            raise ValueError(f"{name} must have {missing[0]}, got none; {AGAIN}")
        for key, inner in inside.items():
            check(value[key], inner, f"{key:.60} of {name}")
    elif isinstance(kind, list) and isinstance(value, list):
        for i, item in enumerate(value):
            check(item, kind[0], f"item {i} of {name}")
    elif not _is(value, kind):
        raise ValueError(f"{name} must be {_words(kind)}, got {_short(value)}; {AGAIN}")


def _is(value: Any, kind: Kind) -> bool:
    if isinstance(kind, list | dict):
        return False
    if isinstance(value, bool):  # which to Python is an integer
        return kind in (bool, object) or bool in get_args(kind)
    return value in kind if isinstance(kind, Range) else isinstance(value, kind)


_WORDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    dict: "a dict",
    type(None): "null",
    object: "anything",
}


def _words(kind: Kind) -> str:
    if isinstance(kind, list | dict):
        return "a list" if isinstance(kind, list) else "a dict"
    if isinstance(kind, UnionType):
        return " or ".join(map(_words, get_args(kind)))
    return _WORDS[kind] if isinstance(kind, type) else str(kind)


def _short(value: Any) -> str:
    """A value in a few words; those of a large one are never made."""
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{value!r:.60}"


def check_model(
    model: keras.Model,
    inputs: Sequence[tuple],
    outputs: int,
    tokens: Sequence[int] = (),
    layers: Mapping[str, type] | None = None,
) -> None:
    """Raise a ValueError unless a model is one for what was learnt.

    Arguments:
        inputs: the shape of each input, without the batch axis.
        outputs: how many numbers each output is.
        tokens: how many numbers each `Embedding` tells apart, in any order.
        layers: layers it must have, by name.
    """
    inner = model._flatten_layers(include_self=False)
    embeddings = [x.input_dim for x in inner if isinstance(x, keras.layers.Embedding)]
    found = [tuple(x.shape[1:]) for x in model.inputs]
    ends = [x.shape[-1] for x in model.outputs]
    for what, is_there, must_be in (
        ("inputs of the shapes", found, list(inputs)),
        ("outputs of", ends, [outputs]),
        ("embeddings of so many tokens:", sorted(embeddings), sorted(tokens)),
    ):
        if is_there != must_be:
            raise ValueError(
                f"the model must have {what} {must_be} to go with what is learnt, got {is_there}; "
                f"{AGAIN}"
            )
    for name, kind in (layers or {}).items():
        if not isinstance(model.get_layer(name), kind):
            raise ValueError(f"layer '{name}' of the model must be a {kind.__name__}; {AGAIN}")
