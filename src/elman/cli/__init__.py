"""The command line: parses arguments, calls one function, prints; no logic.

Each file holds one door's commands and adds them to `app`. Nothing heavy is imported before a
command runs, so that `elman --help` answers at once.

Exit codes: 0 done; 2 bad usage or bad input (one line says what must be, what was got and what to
do); 1 a run that failed. A traceback is printed only with ``--debug``.
"""

import errno
import importlib.util
import io
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import elman

# What a user's files and arguments can cause; anything else is a failed run.
BAD_INPUT = (ValueError, TypeError, OSError, ImportError, UnicodeError)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

app = typer.Typer(
    name="elman",
    help="Recurrent networks for Keras 3: old programs and files run again, tasks from a shell.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Backend(StrEnum):
    jax = "jax"
    torch = "torch"
    tensorflow = "tensorflow"


_settings = {"debug": False}


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"elman {elman.__version__}")
        raise typer.Exit


@app.callback()
def common(
    backend: Annotated[
        Backend | None,
        typer.Option(help="What Keras runs on; else KERAS_BACKEND, else the first one installed."),
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    _settings["debug"] = debug
    if backend:
        if importlib.util.find_spec(backend) is None:
            raise ImportError(
                f"--backend must be installed, got {backend.value}, which is not; "
                f"do: pip install 'elman[{backend.value}]'"
            )
        os.environ["KERAS_BACKEND"] = backend.value


def _message(error: Exception) -> str:
    """What an error says; of one of the system without its number."""
    if isinstance(error, OSError) and error.errno in FULL:
        file = f" for {error.filename}" if error.filename else ""
        return f"there is no space left on the disk{file}; free some, and do it again"
    if isinstance(error, OSError) and error.strerror and error.filename:
        folder = Path(os.fsdecode(error.filename)).parent
        if isinstance(error, FileNotFoundError) and not folder.is_dir():
            return f"there is no folder {folder}; make it, or name another"
        return f"{error.filename}: {error.strerror}"
    return str(error)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line on ``arguments`` (those of the process) and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a letter that its encoding lacks
    # The commands add themselves when they are imported.
    from elman.cli import files, programs, tasks  # noqa: F401

    try:
        app(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if _settings["debug"]:
            raise
        words = " ".join(_message(error).split()) or type(error).__name__
        if isinstance(error, BAD_INPUT):
            typer.echo(f"elman: {words}", err=True)
            sys.exit(2)
        typer.echo(f"elman: {type(error).__name__}: {words} (--debug shows where)", err=True)
        sys.exit(1)
