"""`elman train`, `elman predict`, `elman evaluate`, `elman demo`: tasks on a person's own data."""

import json
import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli import app


class Task(StrEnum):
    classifier = "classifier"
    tagger = "tagger"
    seq2seq = "seq2seq"
    captioner = "captioner"


class Format(StrEnum):
    text = "text"
    jsonl = "jsonl"
    conll = "conll"


TextColumn = Annotated[
    str | None,
    typer.Option(
        help="The column that is read: the text, the tokens, the question, or the picture's name. "
        "Columns of a file without a header are called 1, 2, ...",
        rich_help_panel="Data",
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        help="The column that is learnt: the label, the tags, the answer, or the caption.",
        rich_help_panel="Data",
    ),
]
Pictures = Annotated[
    list[str] | None,
    typer.Option(
        help="A folder or zip with the pictures of the captions; more than once for several.",
        rich_help_panel="Data",
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line has the names of the columns; else it is looked at.",
        rich_help_panel="Data",
    ),
]
Encoding = Annotated[
    str | None, typer.Option(help="cp949, latin-1, ...; else UTF-8.", rich_help_panel="Data")
]
Form = Annotated[
    str | None,
    typer.Option(
        help="Unicode normal form: NFC has Hangul as syllables, NFD as letters.",
        rich_help_panel="Data",
    ),
]
SkipBad = Annotated[
    bool,
    typer.Option(
        "--skip-bad", help="Leave out bad lines and count them, and go on.", rich_help_panel="Data"
    ),
]


def _need_packages() -> None:
    """Say how to install what tasks need, where it is not there."""
    from elman.data.files import needed

    for package in ("sklearn", "tokenizers", "sacrebleu", "matplotlib"):
        needed(package)


def _setting(help: str, default: object, **others: object):
    """An option of a setting of the tasks' classes, ``others`` with another default."""
    but = "".join(f"; {task} {value}" for task, value in others.items())
    return typer.Option(help=help, show_default=f"{default}{but}", rich_help_panel="Model")


@app.command(no_args_is_help=True)
def train(
    task: Annotated[Task, typer.Argument(help="What to learn.")],
    data: Annotated[str, typer.Option(help="The training data.", rich_help_panel="Data")],
    output: Annotated[str, typer.Option("--output", "-o", help="The run folder to write.")],
    valid: Annotated[
        str | None,
        typer.Option(help="Data that the best epoch is chosen by.", rich_help_panel="Data"),
    ] = None,
    test: Annotated[
        str | None, typer.Option(help="Data for the final scores.", rich_help_panel="Data")
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    pictures: Pictures = None,
    group_column: Annotated[
        str | None,
        typer.Option(
            help="Rows with the same value here are not parted by a split.", rich_help_panel="Data"
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Shares of training, validation and test where there are no files for them; else "
            "80/10/10, and 5 % for validation where there is a test file.",
            rich_help_panel="Data",
        ),
    ] = None,
    header: Header = None,
    encoding: Encoding = None,
    form: Form = "NFC",
    skip_bad: SkipBad = False,
    cell: Annotated[str | None, _setting("lstm, gru or simple_rnn; arrays: gru.", "lstm")] = None,
    units: Annotated[
        int | None, _setting("Size of the hidden state.", 128, seq2seq=256, captioner=256)
    ] = None,
    layers: Annotated[int | None, _setting("Recurrent layers.", 1)] = None,
    dropout: Annotated[
        float | None,
        _setting("Share of values dropped in training.", 0.5, seq2seq=0.4, captioner=0.3),
    ] = None,
    epochs: Annotated[int | None, _setting("Passes over the data.", "by how much there is")] = None,
    batch_size: Annotated[
        int | None, _setting("Examples in a step.", 32, classifier="up to 128, by how many")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other setting of the task's class; more than once for several.",
            rich_help_panel="Model",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was broken off.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run that is there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Train a task on your data and write a run folder: model, report, pictures.

    elman train classifier --data train.tsv --test test.tsv --text-column document
    --label-column label --output runs/reviews
    """
    _need_packages()
    from elman.tasks import runs
    from elman.tasks.progress import progress
    from elman.tasks.reports import summary
    from elman.tasks.sources import Reading, fractions

    named = {"cell": cell, "units": units, "layers": layers, "dropout": dropout}
    named |= {"epochs": epochs, "batch_size": batch_size}
    settings: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    report = runs.train(
        task.value,
        data,
        output,
        valid=valid,
        test=test,
        reading=Reading(
            text_column, label_column, group_column, tuple(pictures or ()), header, encoding,
            form, skip_bad,
        ),
        settings=settings | dict(map(runs.setting, set_ or ())),
        fractions=fractions(split) if split else None,
        seed=seed,
        resume=resume,
        overwrite=overwrite,
        callbacks=[] if quiet else [progress()],
        say=lambda line: None if quiet else typer.echo(line, err=True),
    )  # fmt: skip
    typer.echo(summary(report, output))
    if report["training"]["interrupted"]:
        raise typer.Exit(130)


@app.command(no_args_is_help=True)
def predict(
    run: Annotated[str, typer.Argument(help="A run folder.")],
    inputs: Annotated[
        list[str],
        typer.Argument(help="Texts, or files of them, or pictures; - is standard input."),
    ],
    format: Annotated[
        Format | None,
        typer.Option(help="How to write answers.", show_default="text; conll for a tagger"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write, whole or not at all.")
    ] = None,
    text_column: TextColumn = None,
    header: Header = None,
    encoding: Encoding = None,
    skip_bad: SkipBad = False,
) -> None:
    """Answer texts, or what is in files, with a trained run.

    elman predict runs/reviews "What a film!"    or    cat lines.txt | elman predict runs/reviews -
    """
    _need_packages()
    from elman.data.files import decoded_lines
    from elman.tasks import predictions

    reading = predictions.reading_of(
        run, text_column=text_column, header=header, encoding=encoding, skip_bad=skip_bad
    )
    stdin = decoded_lines(sys.stdin.buffer, encoding)
    lines = predictions.prediction_lines(
        run, inputs, reading, format and format.value, stdin, partial(typer.echo, err=True)
    )
    if output is None:
        for line in lines:
            typer.echo(line)
    else:
        predictions.write_lines(output, lines)


@app.command(no_args_is_help=True)
def evaluate(
    run: Annotated[str, typer.Argument(help="A run folder.")],
    data: Annotated[str, typer.Option(help="The data to score the run on.")],
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    pictures: Pictures = None,
    header: Header = None,
    encoding: Encoding = None,
    skip_bad: SkipBad = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write all scores as JSON.")] = False,
) -> None:
    """Score a run on data; columns are those of its training unless you say others."""
    _need_packages()
    from elman.tasks import runs
    from elman.tasks.predictions import reading_of
    from elman.tasks.reports import summary

    reading = reading_of(
        run,
        text_column=text_column,
        label_column=label_column,
        pictures=tuple(pictures) if pictures else None,
        header=header,
        encoding=encoding,
        skip_bad=skip_bad,
    )
    found = runs.evaluate(run, data, reading)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else summary(found, data))


@app.command()
def demo() -> None:
    """Learn four tasks from handwritten digits, offline, in three minutes."""
    _need_packages()
    from elman.tasks.demo import main

    main()
