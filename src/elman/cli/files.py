"""`elman info`, `elman convert`: old model files."""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli import app


@app.command()
def info(
    file: Annotated[
        Path, typer.Argument(help="A model, weights, a configuration, or a run folder.")
    ],
) -> None:
    """Tell what is in a model file or a run folder, without building the model.

    The Keras that wrote it, the layers and their weights, what loading translates, and what keeps
    it from being loaded.
    """
    in_run = file.suffix != ".keras" and (file.parent / "card.json").is_file() and file.is_file()
    folder = file.parent if in_run or file.name == "card.json" else file
    if folder.is_dir() and not (folder / "saved_model.pb").exists():
        from elman.tasks.runs import info as told

        typer.echo(told(str(folder)))
        return
    from elman.legacy.describe import describe

    _print(describe(file))


@app.command()
def convert(
    old: Annotated[Path, typer.Argument(help="A model file of any Keras since 1.0.")],
    new: Annotated[Path, typer.Argument(help="The .keras archive to write.")],
) -> None:
    """Write an old model as a .keras archive for Keras 3, and tell each translation.

    Layers are Keras's own wherever those compute the same; else the archive needs elman to load.
    Where it does not, the archive is opened without elman and its numbers are compared.
    """
    from elman.models import convert as converted

    done = converted(old, new)
    for note in done.notes:
        typer.echo(note)
    if done.ours:
        ours = ", ".join(done.ours)
        typer.echo(f"{new} needs elman to load (import elman.models), for: {ours}")
    elif done.proven:
        typer.echo(f"{new} opens in plain Keras 3, and computes the same there")
    else:
        typer.echo(f"{new} has no layer of elman; not seen to open in plain Keras 3: {done.why}")


def _print(found) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    by = f"Keras {found.version}" + (f" on {found.backend}" if found.backend else "")
    console.print(f"{escape(found.path)}: {found.kind}, written by {by}", soft_wrap=True)
    table = Table("layer", "class", "weights", "parameters")
    table.columns[3].justify = "right"
    for row in found.rows:
        shapes = " ".join(str(shape) for shape in row.shapes)
        table.add_row(escape(row.name), escape(row.kind), shapes, f"{row.parameters:,}")
    console.print(table)
    console.print(f"{found.parameters:,} parameters")
    for shape in found.inputs:
        console.print(f"input {shape}")
    for title, lines in (
        ("trained with", found.training),
        ("translated when loaded", found.translated),
        ("not possible as it is", found.problems),
    ):
        if lines:
            console.print(f"{title}:")
        for line in lines:
            console.print(f"  {escape(line)}", soft_wrap=True)
