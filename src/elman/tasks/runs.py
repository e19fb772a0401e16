"""A task from files to a run folder: what the command line calls.

A run folder is what `Estimator.save` writes, with report.json, report.md and pictures. While a
training lasts, what is needed to go on with it is beside it, in ``NAME.training``.
"""

import contextlib
import difflib
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from elman import tasks
from elman._writing import write_whole
from elman.data.tags import entities, repaired
from elman.models.engines import explain
from elman.tasks import plots, reports
from elman.tasks.estimator import Estimator, read_card
from elman.tasks.predictions import reading_of, run_card
from elman.tasks.saved import read_json
from elman.tasks.sources import (
    Reading,
    Source,
    check_task,
    is_arrays,
    read_parts,
    read_source,
)

SHOWN = 10  # answers in a report


def train(
    task: str,
    data: str,
    output: str,
    *,
    valid: str | None = None,
    test: str | None = None,
    reading: Reading = Reading(),  # noqa: B008 - it cannot be changed
    settings: Mapping[str, Any] | None = None,
    fractions: Sequence[float] | None = None,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    callbacks: Sequence = (),
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Train on files and write the run folder ``output``.

    Arguments:
        task: one of `elman.tasks.sources.TASKS`.
        valid, test, reading, fractions: see `elman.tasks.sources.read_parts`.
        settings: arguments of the estimator.
        seed: of the split, the first weights and the order of examples.
        resume: go on with a training that was broken off; the data and settings must be the same.
        overwrite: replace a finished run, or begin a broken one anew.
        callbacks: Keras callbacks, such as `elman.tasks.progress.progress`. One that has a method
            ``close`` is closed when the training is over, however it ended.
        say: is told, a line at a time, what is going on.

    Returns:
        The report. Its ["training"]["interrupted"] says whether Ctrl-C ended the training; the best
        epoch so far is saved then, and the training can be resumed.

    Raises:
        ValueError, FileNotFoundError: what is wrong with files, columns and settings.
        FileExistsError: there is something at ``output`` already.
    """
    folder = Path(output).absolute()
    state = _free(folder, resume, overwrite)
    estimator = new_estimator(task, data, settings or {}, seed)
    parts = read_parts(task, data, valid, test, reading, fractions, seed)
    for name, part in parts.items():
        say(_counted(name, part))
    reading = parts["train"].reading
    about = {
        "kind": task,
        "seed": seed,
        "data": {"train": data, "valid": valid, "test": test},
        "reading": asdict(reading),
    }
    counts = {name: len(part) for name, part in parts.items()}
    plan = {**about, "settings": estimator.get_params(), "examples": counts}
    validation = parts.get("valid")
    with _alone(state), contextlib.ExitStack() as after:
        _begin(state, json.loads(json.dumps(plan)), resume)
        for callback in callbacks:
            after.callback(getattr(callback, "close", lambda: None))
        after.callback(_forget_unbegun, state)
        estimator.fit(
            parts["train"].X,
            parts["train"].y,
            None if validation is None else (validation.X, validation.y),
            callbacks=callbacks,
            folder=state,
        )
    estimator.save(folder, **about)
    known = {}
    if validation is not None:
        known["valid"] = _scored(estimator, task, validation)
        if estimator.can_remember:
            # They have chosen and been scored; now they are examples like the others.
            estimator.remember(validation.X, validation.y)
            estimator.save(folder, **about)
    say(f"saved {output}")
    report = _report(estimator, task, folder, parts, known, seed)
    if not estimator.training_.interrupted:
        shutil.rmtree(state, ignore_errors=True)
    return report


def new_estimator(task: str, data: str, settings: Mapping[str, Any], seed: int = 0) -> Estimator:
    """The estimator of a task for a data file; raises ValueError for a setting it does not have."""
    check_task(task)
    names = {
        "classifier": "SequenceClassifier" if is_arrays(data) else "TextClassifier",
        "tagger": "SequenceTagger",
        "seq2seq": "Seq2Seq",
        "captioner": "ImageCaptioner",
    }
    kind = getattr(tasks, names[task])
    known = kind().get_params()
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            do = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise ValueError(f"{names[task]} must be given settings it has, got {name!r}; {do}")
    return kind(**{**settings, "random_state": seed})


def setting(text: str) -> tuple[str, Any]:
    """Read ``name=value``; the value is JSON where it can be, else text.

    >>> setting("units=256"), setting("cell=gru"), setting("class_weight={\\"spam\\": 3}")
    (('units', 256), ('cell', 'gru'), ('class_weight', {'spam': 3}))
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise ValueError(f"a setting must be NAME=VALUE, got {text!r}; write units=256, say")
    with contextlib.suppress(ValueError):
        return name.strip(), json.loads(
            {"True": "true", "False": "false", "None": "null"}.get(value, value)
        )
    return name.strip(), value


def evaluate(run: str, data: str, reading: Reading | None = None) -> dict[str, Any]:
    """Score a run on a data file, with the columns of its training, or as ``reading`` says.

    Returns:
        ``{"data": ..., "scores": ...}``, as reports have them.
    """
    card = run_card(run)
    estimator = tasks.load(run)
    source = read_source(card["kind"], data, reading or reading_of(run))
    scores, _ = _scored(estimator, card["kind"], source)
    return {"data": {"test": _about(source, estimator)}, "scores": {"test": scores}}


def info(run: str) -> str:
    """What a run folder holds, in a few lines."""
    card = read_card(Path(run))
    training, versions = card["training"], card["versions"]
    epochs = reports.counted(len(training["history"]), "epoch")
    lines = [
        f"{card['task']} in {run}: {card['parameters']:,} parameters, saved {card['saved']}",
        f"written by elman {versions['elman']}, Keras {versions['keras']} on {versions['backend']}",
        f"{epochs}, {training['seconds']} s, the weights of epoch {training['best_epoch']}"
        + (", ended by Ctrl-C" if training["interrupted"] else ""),
    ]
    trained = "kind" in card  # by `train`, not by a program of the user's
    if trained:
        card = run_card(run)
        data = (f"{name} {path}" for name, path in card["data"].items() if path)
        lines.append(f"data: {', '.join(data)}; seed {card['seed']}")
    for name, scores in (card.get("scores", {}) if trained else {}).items():
        numbers = (
            f"{reports.MEASURES[k]} {reports.shown(v)}"
            for k, v in scores.items()
            if k in reports.MEASURES
        )
        lines.append(f"{name}: {', '.join(numbers)}")
    lines.append("settings: " + ", ".join(f"{k}={v}" for k, v in card["settings"].items()))
    return "\n".join(lines)


def _free(folder: Path, resume: bool, overwrite: bool) -> Path:
    """See that a run may be written to ``folder``; returns where its training keeps its state."""
    state = folder.with_name(f"{folder.name}.training")
    if folder.exists() and not (folder / "card.json").is_file():
        raise FileExistsError(
            f"--output must be a new folder, got {folder}, which holds other things; name another"
        )
    if resume and not (state / "plan.json").is_file():
        raise FileNotFoundError(
            f"--resume must find a training that was broken off in {state}, got none; leave it out"
        )
    for path in () if resume or overwrite else (state, folder):
        if path.exists():
            do = "--resume to go on, --overwrite to begin anew" if path == state else "--overwrite"
            raise FileExistsError(
                f"--output must be a new folder, got {path}, which is there; do: {do}, or another "
                "name"
            )
    return state


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Keep other processes away from the folder for the state of a training."""
    state.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(state / "lock", blocking=False):
            yield
    except Timeout:
        raise FileExistsError(
            f"--output must be of no training that is going on, got that of {state}; wait for it, "
            "stop it, or name another"
        ) from None


def _begin(state: Path, plan: dict, resume: bool) -> None:
    """Make the folder for the state of a training, or see that it is of the same training."""
    if not resume:
        for path in state.iterdir():
            if path.name != "lock":
                path.unlink()
        write_whole(state / "plan.json", json.dumps(plan, ensure_ascii=False))
        return
    before = read_json(state / "plan.json", dict)
    for name, value in plan.items():
        if value != before.get(name):
            was, now = before.get(name), value
            if isinstance(value, dict) and isinstance(
                was, dict
            ):  # of settings, examples, files: those that differ
                keys = [key for key in value if value[key] != was.get(key)]
                was, now = ({key: one.get(key) for key in keys} for one in (was, value))
            raise ValueError(
                f"--resume must get the same {name} as before, {was}, got {now}; "
                "give that, or begin anew with --overwrite"
            )


def _forget_unbegun(state: Path) -> None:
    """Remove the state of a training of which no epoch was kept: nothing can go on from it."""
    if not (state / "state.json").is_file():
        shutil.rmtree(state)


def _report(
    estimator,
    task: str,
    folder: Path,
    parts: dict[str, Source],
    known: dict[str, tuple[dict, list]],
    seed: int,
) -> dict:
    """Score the held out parts, and write the report, its pictures, and the scores on the card.

    Parts whose scores and predictions are known already are not predicted again.
    """
    card = read_card(folder)
    scores, predictions = {}, {}
    for name in ("test", "valid") if "test" in parts else ("valid", "train"):
        if name in parts and not (name == "train" and "valid" in parts):
            scores[name], predictions[name] = known.get(name) or _scored(
                estimator, task, parts[name]
            )
    first = next(iter(scores))
    with contextlib.redirect_stdout(io.StringIO()):
        engines = [row._asdict() for row in explain(estimator.model)]
    report = {
        "name": folder.name,
        "task": task,
        "estimator": card["task"],
        "seed": seed,
        "parameters": card["parameters"],
        "data": {name: _about(part, estimator) for name, part in parts.items()},
        "scores": scores,
        "training": card["training"],
        "engines": engines,
        "versions": card["versions"],
        "settings": card["settings"],
        "examples": _some_answers(estimator, task, parts[first], predictions[first]),
        "pictures": _draw(estimator, task, folder, parts[first], predictions[first], scores[first]),
    }
    reports.write_report(folder, report)
    write_whole(
        folder / "card.json",
        json.dumps({**card, "scores": scores}, ensure_ascii=False, indent=2) + "\n",
    )
    return report


def _scored(estimator, task: str, source: Source) -> tuple[dict[str, Any], list]:
    started = time.perf_counter()
    predicted = estimator.predict(source.X)
    seconds = time.perf_counter() - started
    predicted = predicted.tolist() if isinstance(predicted, np.ndarray) else list(predicted)
    scores = reports.scores_of(task, list(source.y), predicted)
    return {**scores, "examples_per_second": round(len(predicted) / seconds, 1)}, predicted


def _about(source: Source, estimator) -> dict[str, Any]:
    about = {
        "file": source.name,
        "examples": len(source),
        "skipped": source.skipped,
        "skipped_lines": source.skipped_lines,
    }
    known = getattr(estimator, "classes_", None)
    return about if known is None else {**about, "unseen": reports.unseen(source.y, known.tolist())}


def _counted(name: str, source: Source) -> str:
    line = f"{name}: {reports.counted(len(source), 'example')} of {source.name}"
    if source.reading.text_column:
        line += f", columns {source.reading.text_column} -> {source.reading.label_column}"
    if source.skipped:
        bad = reports.counted(source.skipped, "bad line")
        line += f"; {bad} left out, the first: {source.skipped_lines[0]}"
    return line


def _some_answers(estimator, task: str, source: Source, predicted: list) -> list[dict[str, str]]:
    """The first few answers; those of a classifier that are wrong."""
    found = []
    for i, (x, true, answer) in enumerate(zip(source.X, source.y, predicted, strict=True)):
        if task == "classifier" and true == answer:
            continue
        if isinstance(x, np.ndarray):
            x = source.X.names[i] if task == "captioner" else f"number {i}"
        texts = [x, true, answer]
        if task == "tagger":
            between = "" if estimator.level_ == "character" else " "
            marked = (_marked(x, tags, between, estimator.entities_) for tags in (true, answer))
            texts = [between.join(x), *marked]
        found.append(dict(zip(("read", "true", "answer"), map(_as_text, texts), strict=True)))
        if len(found) == SHOWN:
            break
    return found


def _marked(tokens: Sequence[str], tags: Sequence[str], between: str, are_entities: bool) -> str:
    """Each entity with its kind; of other tags each token with its own.

    >>> _marked([*"서울 역의 봄"], ["B-LC", "I-LC", "I-LC", "I-LC", "O", "O", "B-DT"], "", True)
    '서울 역/LC, 봄/DT'
    >>> _marked(["Ann", "sings"], ["PROPN", "VERB"], " ", False)
    'Ann/PROPN sings/VERB'
    """
    if not are_entities:
        return " ".join(f"{token}/{tag}" for token, tag in zip(tokens, tags, strict=True))
    found = entities(repaired(tags))
    return ", ".join(f"{between.join(tokens[one.start : one.end])}/{one.kind}" for one in found)


def _as_text(value) -> str:
    return " / ".join(value) if isinstance(value, list) else str(value)


def _draw(
    estimator, task: str, folder: Path, source: Source, predicted: list, scores
) -> list[dict]:
    """Draw the pictures of a report; returns their names, titles, and what they cannot show."""
    drawn = []

    def draw(name: str, title: str, function: Callable[..., str], *what) -> None:
        drawn.append({"file": name, "title": title, "note": function(folder / name, *what)})

    training = estimator.training_
    draw(
        "learning.png",
        "Learning curves",
        plots.learning_curves,
        training.history,
        training.best_epoch,
    )
    if "confusion" in scores:
        draw("confusion.png", "Confusion matrix", plots.confusion, *scores["confusion"].values())
    if task == "captioner":
        pictures = [source.X[i] for i in range(min(8, len(source)))]
        draw("captions.png", "Some captions", plots.captions, pictures, predicted[:8])
        if estimator.attention is not None and estimator.encoder != "features":
            looks = zip(pictures, estimator.attention_of(pictures[:3]), strict=False)
            found = [(picture, *look) for picture, look in looks if look[0]]
            if found:  # of an empty caption there is nothing to see
                parts = zip(*found, strict=True)
                draw("attention.png", "Where each token looked", plots.places, *parts)
    if task == "seq2seq" and estimator.attention is not None:
        looks = estimator.attention_of(list(islice(source.X, 3)))
        found = [look for look in looks if look[1]]  # of an empty answer there is nothing to see
        if found:
            parts = zip(*found, strict=True)
            draw("attention.png", "Where the answer looks", plots.attention, *parts)
    return drawn
