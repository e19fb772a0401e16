"""`elman run`, `elman migrate`: old programs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from elman.cli import app

_KERAS = (
    "The Keras that it was written for, whose defaults hold where it says nothing: 2.2, or tf1.15 "
    "for that of TensorFlow 1.15; else the program's own words tell."
)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
    }
)
def run(
    context: typer.Context,
    program: Annotated[Path, typer.Argument(help="A script (.py) or a notebook (.ipynb).")],
    keras: Annotated[str | None, typer.Option(metavar="VERSION", help=_KERAS)] = None,
    quiet: Annotated[bool, typer.Option(help="Do not tell what was translated.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write what was translated; as JSON if it ends in .json.")
    ] = None,
) -> None:
    """Run an old Keras program, unedited, on today's Keras; ARGS are the program's own."""
    from elman.compat.running import run_program

    code, translated, _ = run_program(program, context.args, keras)
    if report:
        translated.write(report, code)
    if not quiet:
        sys.stdout.flush()
        translated.print(sys.stderr)
    raise typer.Exit(code)


@app.command()
def migrate(
    program: Annotated[Path, typer.Argument(help="A script (.py) or a notebook (.ipynb).")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the new program here; else print a diff."),
    ] = None,
    keras: Annotated[str | None, typer.Option(metavar="VERSION", help=_KERAS)] = None,
) -> None:
    """Rewrite an old Keras program for today's elman and Keras 3, comments and layout kept."""
    from elman.compat.migrate import migrate_file

    done = migrate_file(program, keras)
    if output:
        done.write(output)
    else:
        sys.stdout.write(done.diff(str(program)))
        sys.stdout.flush()
    for note in done.notes:
        typer.echo(note, err=True)
