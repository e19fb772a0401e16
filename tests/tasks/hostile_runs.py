"""Damaged run folders for the fuzz: values that no card has, bytes turned over, parts mixed up.

As a program it runs for as many seconds as its argument says:
``python tests/tasks/hostile_runs.py 600``.
"""

import collections
import copy
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from elman import tasks
from elman.tasks import estimator
from elman.tasks.predictions import reading_of
from elman.tasks.runs import info
from elman.tasks.training import Training

ODD = [
    None, -1, 0, 1, 10**12, 10**400, 0.5, 1e300, float("nan"), float("inf"), True, False, "", "x",
    "../../x", [], {}, [[]], [None], ["x", "x"], {"x": 1}, [1, "x"], ["O", "B-x", "I-"],
]  # fmt: skip

SECONDS = 60  # on a machine that does other things too; alone it is one

READING = {
    "text_column": None, "label_column": None, "group_column": None, "pictures": [],
    "header": None, "encoding": None, "form": "NFC", "skip_bad": False,
}  # fmt: skip


def made(name):
    """A small untrained task, what to ask it, and what `elman train` writes on its card."""
    texts = ["good film", "bad film", "so good", "so bad"] * 3
    labels = ["good", "bad"] * 6
    small = {"units": 3, "embedding": 4, "epochs": 1}
    random = np.random.default_rng(0)
    if name == "classifier":
        task = tasks.TextClassifier(unit="character", bidirectional=False, **small)
        asked, y = texts, labels
    elif name == "arrays":
        task = tasks.SequenceClassifier(units=3, epochs=1, bidirectional=False, pooling="max")
        asked, y = [random.normal(size=(3, 2)) for _ in labels], labels
    elif name == "tagger":
        task = tasks.SequenceTagger(letters=6, **small)
        asked, y = [text.split() for text in texts], [["O", f"B-{label}"] for label in labels]
    elif name == "seq2seq":
        task = tasks.Seq2Seq(source_unit="character", target_unit="character", **small)
        asked, y = texts, labels
    else:
        task = tasks.ImageCaptioner(picture_size=16, target_unit="character", **small)
        asked, y = list(random.integers(256, size=(12, 16, 16, 3), dtype="uint8")), labels
    train, estimator.train = estimator.train, lambda *_, **__: Training([], 1, 0.1, [(4, 12)])
    try:
        task.fit(asked, y)
    finally:
        estimator.train = train
    kind = "classifier" if name == "arrays" else name
    data = {"train": "a.tsv", "valid": None, "test": None}
    return task, asked[:2], {"kind": kind, "seed": 0, "data": data, "reading": READING}


NAMES = ("classifier", "arrays", "tagger", "seq2seq", "captioner")


def mutated_json(value, random):
    """The value with one or two of its parts replaced, removed or repeated."""
    value = copy.deepcopy(value)
    for _ in range(random.integers(1, 3)):
        places = list(_places(value))
        if not places:
            break
        parent, key = places[random.integers(len(places))]
        action = random.integers(5)
        if action == 0 and isinstance(parent, dict):
            del parent[key]
        elif action == 1 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        else:
            parent[key] = copy.deepcopy(ODD[random.integers(len(ODD))])
    return value


def _places(value):
    """Where the values are; of a long list or dict the first few."""
    keys = list(value.keys() if isinstance(value, dict) else range(len(value)))
    for key in keys[:20]:
        yield value, key
        if isinstance(value[key], dict | list) and value[key]:
            yield from _places(value[key])


def mutated_bytes(data, random):
    data = bytearray(data)
    for _ in range(random.integers(1, 9)):
        data[random.integers(len(data))] = random.integers(256)
    return bytes(data[: random.integers(len(data))] if random.random() < 0.1 else data)


def one(folder, asked, seed):
    """Load a folder with one damaged part and ask it: "fine", "refused" or what went wrong.

    What is raised after the loading is an error too, unless it is of the data.
    """
    random = np.random.default_rng(seed)
    parts = sorted(path for path in folder.iterdir() if path.is_file())
    part = parts[random.integers(len(parts))]
    if random.random() < 0.5:
        part = folder / "card.json"
    whole = part.read_bytes()
    began = time.monotonic()
    try:
        if part.suffix == ".json" and random.random() < 0.8:
            part.write_text(json.dumps(mutated_json(json.loads(whole), random)))
        else:
            part.write_bytes(mutated_bytes(whole, random))
        outcome = attempt(folder, asked)
    finally:
        part.write_bytes(whole)
    slow = time.monotonic() - began > SECONDS
    return (
        "slow" if slow else outcome if outcome in ("fine", "refused") else f"{part.name} {outcome}"
    )


def attempt(folder, asked):
    try:
        info(str(folder))
        reading_of(str(folder))
        task = tasks.load(folder)
    except (ValueError, FileNotFoundError) as error:
        named = str(folder) in str(error) and len(str(error)) < 2000
        return "refused" if named else f"told badly: {error!s:.2000}"
    except Exception as error:
        return f"raised {type(error).__name__}: {error!s:.300}"
    try:
        answers = task.predict(asked)
    except Exception as error:
        return f"answered with {type(error).__name__}: {error!s:.300}"
    return "fine" if len(answers) == len(asked) else "answered too little"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    until, seed, outcomes = time.monotonic() + float(sys.argv[1]), 0, collections.Counter()
    with tempfile.TemporaryDirectory() as place:
        cases = {}
        for name in NAMES:
            task, asked, about = made(name)
            task.save(Path(place, name), **about)
            cases[name] = asked
        while time.monotonic() < until:
            name = NAMES[seed % len(NAMES)]
            outcome = one(Path(place, name), cases[name], seed // len(NAMES))
            outcomes[outcome if outcome in ("fine", "refused") else "wrong"] += 1
            if outcome not in ("fine", "refused"):
                print(name, seed, outcome, flush=True)
            seed += 1
    print(dict(outcomes))
