"""Notebooks: their cells in order, without what is meant for the notebook and not for Python."""

import ast
import json
import linecache
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from elman.compat.compiling import compiled
from elman.legacy import eras
from elman.legacy.notes import tell

Note = Callable[[str, str], None]

_SHELL = re.compile(r"\s*(?:[\w, ]+=\s*)?!(?!=)")
_MAGIC = re.compile(r"\s*(?:[\w, ]+=\s*)?%")
_HELP = re.compile(r"\s*\??\??[\w.]+\?{1,2}\s*$|\s*\?{1,2}[\w.]+\s*$")
_RUNS = re.compile(r"(\s*)%(?:time|prun)\s+(\S.*)")  # magics of one line that run Python
_CELLS_THAT_RUN = ("%%time", "%%timeit", "%%capture", "%%prun")


@dataclass(frozen=True)
class Part:
    """Code to run, and an expression whose value a notebook would show."""

    body: CodeType
    last: CodeType | None = None


def parts(path: Path, note: Note) -> Iterator[Part]:
    """The code of each cell of a notebook, compiled when its turn comes.

    Arguments:
        path: an .ipynb file, of format 3 or 4.
        note: is told the place and the text of each line that is skipped.

    Raises:
        ValueError: the file is no notebook.
        SyntaxError: a cell is no Python of today.
    """
    cells = _cells(path)
    return (_compiled(path, i, cell, note) for i, cell in enumerate(cells, 1))


def sign(path: Path) -> eras.Sign | None:
    """What tells the Keras that a notebook was written for."""
    return sign_of(path.read_text(encoding="utf-8-sig"), _cells(path))


def sign_of(text: str, cells: list[str]) -> eras.Sign | None:
    """The same of its ``text``, with what it has printed, and of its cells of code."""
    parts = [(f"cell {i}, ", cell) for i, cell in enumerate(cells, 1)]
    return eras.read(parts, text.replace("\\n", "\n"))


def _cells(path: Path) -> list[str]:
    """The sources of the cells of code."""
    try:
        book = json.loads(path.read_text(encoding="utf-8-sig"))
        if "cells" not in book:  # format 3
            book = {"cells": [cell for sheet in book["worksheets"] for cell in sheet["cells"]]}
        code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        sources = [cell["source"] if "source" in cell else cell["input"] for cell in code]
        return ["".join(source) for source in sources]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must be a notebook (JSON with cells), got {type(error).__name__}: {error}; "
            "save it again in Jupyter, or run it as a script with the ending .py"
        ) from None


def _compiled(path: Path, number: int, source: str, note: Note) -> Part:
    name = f"{path}, cell {number}"
    source = _plain(source, name, lambda line, what: note(f"cell {number}, line {line}", what))
    # Where tracebacks look for the lines of what is no file.
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    tree = ast.parse(source, name)
    last = None
    final = tree.body[-1] if tree.body else None
    if isinstance(final, ast.Expr) and not source.rstrip().endswith(";"):
        tree.body.pop()
        last = compiled(ast.Expression(final.value), name, "eval")
    return Part(compiled(tree, name, "exec"), last)


def _plain(source: str, name: str, skip: Callable[[int, str], None]) -> str:
    """``source`` with each line that only a notebook understands taken out.

    Such a line is one at which Python says that it cannot go on: a ``%`` at the beginning of a
    line may also stand in the middle of an expression or of a string.
    """
    lines = source.splitlines()
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].startswith("%%"):
        if not lines[first].startswith(_CELLS_THAT_RUN):
            skip(first + 1, f"{lines[first].strip()} skipped, with the whole cell")
            return ""
        skip(first + 1, f"{lines[first].strip()} skipped")
        lines[first] = ""
    while True:
        source = "\n".join(lines)
        try:
            compile(source, name, "exec", dont_inherit=True, flags=ast.PyCF_ONLY_AST)
            return source
        except SyntaxError as error:
            i = _culprit(lines, (error.lineno or 1) - 1)
            if i is None:
                raise
        runs = _RUNS.match(lines[i])
        if runs:
            lines[i] = runs[1] + runs[2]
            continue
        skip(i + 1, f"{lines[i].strip()} skipped")
        indent = lines[i][: len(lines[i]) - len(lines[i].lstrip())]
        continued = lines[i].rstrip().endswith("\\")
        lines[i] = f"{indent}pass"
        while continued and i + 1 < len(lines):
            i += 1
            continued = lines[i].rstrip().endswith("\\")
            lines[i] = ""


def _culprit(lines: list[str], error: int) -> int | None:
    """The line of the notebook's own at which Python stopped, or a little before it."""
    for i in range(min(error, len(lines) - 1), -1, -1):
        if any(form.match(lines[i]) for form in (_SHELL, _MAGIC, _HELP)):
            return i
    return None


def display(*values: Any) -> None:
    """Show each value as a notebook does that has letters only."""
    for value in values:
        if value is not None:
            print(value if isinstance(value, str) else repr(value))


class _Shell:
    """What ``get_ipython()`` gives in a script that was exported from a notebook."""

    def _skip(self, *words: Any, **_: Any) -> None:
        tell(f"{' '.join(map(str, words))} skipped")

    system = magic = run_line_magic = run_cell_magic = getoutput = _skip


def get_ipython() -> _Shell:
    return _Shell()


def show_last(value: Any) -> None:
    """Echo the value of a cell's last expression."""
    if value is not None:
        print(repr(value))
        sys.stdout.flush()
