"""The code cells of a notebook as one program, and back."""

import json
import re
from dataclasses import dataclass
from typing import Any

from elman.compat.notebooks import sign_of
from elman.legacy import eras

# A statement of its own before each cell: a comment could go with a line that is removed.
_CELL = "'elman: cell {}'"
_MAGIC = "'elman: magic {}'"
_IS_CELL = re.compile(r"^'elman: cell (\d+)'$")
_IS_MAGIC = re.compile(r"^'elman: magic (\d+)'$")


@dataclass(frozen=True)
class Notebook:
    """A notebook: its parsed JSON, its code cells as one ``source``, its magics set aside."""

    parsed: dict[str, Any]
    indent: int
    source: str
    magics: tuple[str, ...]

    @property
    def sign(self) -> eras.Sign | None:
        """What tells the Keras that it was written for."""
        code = [cell for cell in self.parsed["cells"] if cell["cell_type"] == "code"]
        return sign_of(json.dumps(self.parsed), ["".join(cell["source"]) for cell in code])

    def with_source(self, source: str) -> str:
        """The notebook's text with the cells of ``source``."""
        found: dict[int, list[str]] = {}
        for line in source.splitlines():
            cell, magic = _IS_CELL.match(line), _IS_MAGIC.match(line)
            if cell:
                lines = found.setdefault(int(cell[1]), [])
            else:
                lines.append(self.magics[int(magic[1])] if magic else line)
        cells = [
            {**cell, "source": _split(found[i], cell["source"])} if i in found else cell
            for i, cell in enumerate(self.parsed["cells"])
        ]
        text = json.dumps({**self.parsed, "cells": cells}, ensure_ascii=False, indent=self.indent)
        return text + "\n"

    def by_cell(self, notes: tuple[str, ...]) -> tuple[str, ...]:
        """The notes with "cell 2, line 3" for the line of the joined source."""
        return tuple(re.sub(r"^line (\d+)", lambda m: self._place(int(m[1])), n) for n in notes)

    def _place(self, line: int) -> str:
        lines = self.source.splitlines()[:line]
        start = max(i for i, text in enumerate(lines) if _IS_CELL.match(text))
        number = [i for i, text in enumerate(lines) if _IS_CELL.match(text)].index(start) + 1
        return f"cell {number}, line {line - start - 1}"


def read(text: str, name: str) -> Notebook:
    """Read a notebook.

    Raises:
        ValueError: it is no JSON, or has no cells.
    """
    try:
        parsed = json.loads(text)
        code = [(i, c) for i, c in enumerate(parsed["cells"]) if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{name} must be a notebook (JSON with cells); save it again") from None
    magics: list[str] = []
    lines = []
    for i, cell in code:
        lines.append(_CELL.format(i))
        for line in "".join(cell["source"]).splitlines():
            if line.startswith(("!", "%", "?")):
                lines.append(_MAGIC.format(len(magics)))
                magics.append(line)
            else:
                lines.append(line)
    indent = len(text) - len(text.lstrip("{ \n")) - 2 if text.startswith("{\n ") else 1
    return Notebook(parsed, max(indent, 1), "\n".join(lines) + "\n", tuple(magics))


def _split(lines: list[str], like: str | list[str]) -> str | list[str]:
    text = "\n".join(lines).strip("\n") if not "".join(lines).strip() else "\n".join(lines)
    return text.splitlines(keepends=True) if isinstance(like, list) else text
