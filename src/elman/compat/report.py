"""What was translated while a program ran, with the lines of the program."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TextIO


@dataclass(frozen=True)
class Note:
    """One translation: ``where`` in the program ("line 12"), and ``what``."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class Report:
    """Collects notes; equal ones at the same place count once.

    Arguments:
        place: says where in the program a file's line is, e.g. "line 12"; None for files that
            are not the program's.
    """

    def __init__(self, place: Callable[[str, int], str | None]):
        self._place = place
        self._notes: dict[Note, None] = {}

    @property
    def notes(self) -> list[Note]:
        return list(self._notes)

    def hear(self, what: str) -> None:
        """Note ``what`` at the line of the program that is running."""
        self.add(self.where(), what)

    def add(self, where: str, what: str) -> None:
        self._notes[Note(where, " ".join(what.split()))] = None

    def where(self) -> str:
        """The innermost line of the program that is running, "" if there is none."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            place = self._place(frame.f_code.co_filename, frame.f_lineno)
            if place is not None:
                return place
            frame = frame.f_back
        return ""

    def print(self, file: TextIO) -> None:
        """One line for each note."""
        if self._notes:
            print("elman run: what was translated", file=file)
        for note in self._notes:
            print(f"  {note}", file=file)

    def write(self, path: Path, exit_code: int) -> None:
        """Write the notes to ``path``: as JSON if it ends in .json, else as text."""
        if path.suffix == ".json":
            found = {"exit_code": exit_code, "notes": [asdict(note) for note in self._notes]}
            text = json.dumps(found, indent=1, ensure_ascii=False)
        else:
            text = "\n".join(str(note) for note in self._notes)
        path.write_text(text + "\n" if text else "", encoding="utf-8")
