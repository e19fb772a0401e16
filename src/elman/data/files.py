"""Text files as people have them: plain, gz or in a zip, in any encoding, with bad lines."""

import codecs
import contextlib
import difflib
import errno
import gzip
import importlib
import io
import lzma
import os
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
MAX_LINE = (
    1 << 24
)  # bytes: a longer line is no text, or a file that unpacks into nothing but itself
# Text shrinks to a tenth, a compressed run of zeros to a thousandth.
MAX_RATIO, FREE_BYTES = 200, 1 << 28
# What Python's libraries raise over a damaged or locked archive; gzip and bz2 an OSError too.
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error, RuntimeError)


class BadLine(ValueError):
    """A line that is not what its file promises; the message has file, line and what is wrong."""


@dataclass
class Skipped:
    """What to do with bad lines: raise at the first one, or count them and keep the first few.

    >>> skipped = Skipped(skip=True)
    >>> skipped.bad("a.tsv", 7, "must have 3 columns, got 2; mend it")
    >>> skipped.count, skipped.first
    (1, ['a.tsv, line 7: must have 3 columns, got 2; mend it'])
    """

    skip: bool = False
    keep: int = 5
    count: int = 0
    first: list[str] = field(default_factory=list)

    def bad(self, file: object, line: int, what: str) -> None:
        """Raise `BadLine`, or count it where bad lines are skipped."""
        self.add(BadLine(f"{file}, line {line}: {what}"))

    def add(self, error: ValueError) -> None:
        """Raise ``error``, or count it."""
        if not self.skip:
            raise error
        self.count += 1
        if len(self.first) < self.keep:
            self.first.append(str(error))


class TextFile:
    """The lines of a text file, as often as one likes, without ever holding all of them.

    The file is plain, or gz, or a zip, told by its first bytes and not by its name. The file
    ``a.tsv`` in the archive ``data.zip`` is written ``data.zip/a.tsv``; where it is the only one,
    ``data.zip`` will do.

    Arguments:
        path: the file.
        encoding: how bytes are letters, by Python's names ("cp949", "latin-1", ...). None is
            UTF-8, or what the byte order mark says.
        form: "NFC" (Hangul as syllables), "NFD" (Hangul as letters, jamo), "NFKC", "NFKD", or None
            to leave the text as it is.

    Raises:
        FileNotFoundError, IsADirectoryError: no such file.
        ValueError: an encoding or form that is none; an archive with several files.
    """

    def __init__(
        self, path: str | os.PathLike, encoding: str | None = None, form: str | None = "NFC"
    ):
        self.path = Path(path)
        self.form = check_form(form)
        self._file, self._member = _locate(self.path)
        self.encoding = _encoding(encoding) if encoding else self._marked_encoding()

    def __str__(self) -> str:
        return str(self.path)

    def lines(self, skipped: Skipped | None = None) -> Iterator[tuple[int, str]]:
        """Yield each line's number, from 1, and its text with the line's end."""
        skipped = skipped or Skipped()
        with self.open() as file:
            newline_is_a_byte = "\n".encode(self.encoding) == b"\n"
            read = self._decoded if newline_is_a_byte else self._wrapped
            with unpacking(self.path):
                for number, text in read(file, skipped):
                    yield number, normalised(text, self.form)

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the bytes, unpacked."""
        with open_bytes(self._file, self._member) as file:
            yield file

    def _marked_encoding(self) -> str:
        with self.open() as file, unpacking(self.path):
            start = file.read(4)
        if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
            return "utf-32"
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        return "utf-8"

    def _decoded(self, file: IO[bytes], skipped: Skipped) -> Iterator[tuple[int, str]]:
        """Lines of an encoding in which the byte 10 ends a line: each is decoded by itself."""
        offset = number = 0
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            self._check_size(offset, raw, number)
            if number == 1:
                raw = raw.removeprefix(codecs.BOM_UTF8 if self.encoding == "utf-8" else b"")
            try:
                yield number, raw.decode(self.encoding)
            except UnicodeDecodeError as error:
                skipped.bad(self.path, number, _wrong_encoding(raw, error, offset))
            offset += len(raw)

    def _wrapped(self, file: IO[bytes], skipped: Skipped) -> Iterator[tuple[int, str]]:
        """Lines of UTF-16 and its like; after a wrong byte there is no telling where a line is."""
        number = 0
        lines = io.TextIOWrapper(file, self.encoding, newline="\n")
        while True:
            try:
                line = lines.readline(MAX_LINE + 1)
            except UnicodeError as error:
                what = f"must be {self.encoding}, got bytes that are not ({error}); name another"
                raise BadLine(f"{self.path}, after line {number}: {what} encoding") from error
            if not line:
                return
            number += 1
            self._check_size(0, line.encode(self.encoding), number)
            yield number, line.removeprefix("\ufeff") if number == 1 else line

    def _check_size(self, offset: int, raw: bytes, number: int) -> None:
        if len(raw) > MAX_LINE:
            raise ValueError(
                f"{self.path}, line {number}: must be shorter than {MAX_LINE:,} bytes, got more; "
                "give a text file with lines"
            )
        _check_ratio(self.path, offset, self._file.stat().st_size)


def decoded_lines(stream: Iterable[bytes], encoding: str | None = None) -> Iterator[str]:
    """The lines of standard input, whatever letters the terminal is set to; None is UTF-8.

    >>> list(decoded_lines([b"\\xc1\\xc1\\xb4\\xd9\\n"], "cp949"))
    ['좋다\\n']
    """
    encoding, offset = _encoding(encoding or "utf-8"), 0
    for number, raw in enumerate(stream, 1):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            what = _wrong_encoding(raw, error, offset)
            raise BadLine(f"standard input, line {number}: {what}") from error
        yield text.removeprefix("\ufeff") if number == 1 else text
        offset += len(raw)


def open_bytes(file: Path, member: str | None = None):
    """Open a plain or gz file, or ``member`` of a zip, as its unpacked bytes (context manager)."""
    if member is not None:
        return _open_member(file, member)
    with open(file, "rb") as opened:
        packed = opened.read(2) == b"\x1f\x8b"
    return gzip.open(file) if packed else open(file, "rb")


@contextlib.contextmanager
def _open_member(file: Path, member: str) -> Iterator[IO[bytes]]:
    with unpacking(file), zipfile.ZipFile(file) as archive:
        try:
            opened = archive.open(member)
        except (RuntimeError, NotImplementedError) as error:  # a password; an unknown compression
            raise ValueError(
                f"{file}/{member} must be readable, got: {error}; unpack it"
            ) from error
        with opened:
            yield opened


def _locate(path: Path) -> tuple[Path, str | None]:
    """Return the file on disk and, for an archive, the member meant."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} must be a file, got a folder; name a file in it")
    if path.is_file():
        return path, _only_member(path) if zipfile.is_zipfile(path) else None
    for parent in path.parents:
        if parent.is_file() and zipfile.is_zipfile(parent):
            member = path.relative_to(parent).as_posix()
            if member in members(parent):
                return parent, member
            raise FileNotFoundError(f"{parent} has no file {member}; {_near(member, parent)}")
    raise FileNotFoundError(f"there is no file {path}; {_near(path.name, path.parent)}")


def members(archive: Path) -> list[str]:
    """Names of the files in a zip, without folders and what macOS adds."""
    with unpacking(archive), zipfile.ZipFile(archive) as opened:
        names = [info.filename for info in opened.infolist() if not info.is_dir()]
    return [name for name in names if not name.startswith("__MACOSX/")]


def check_unpacked_size(archive: Path) -> None:
    """Refuse a zip that says it unpacks to a great multiple of its size."""
    with unpacking(archive), zipfile.ZipFile(archive) as opened:
        size = sum(info.file_size for info in opened.infolist())
    _check_ratio(archive, size, archive.stat().st_size)


def _check_ratio(path: Path, unpacked: int, packed: int) -> None:
    if unpacked > FREE_BYTES and unpacked > MAX_RATIO * packed:
        raise ValueError(
            f"{path} must unpack to less than {MAX_RATIO} times its size, {packed:,} bytes, got "
            f"{unpacked:,} or more; unpack it yourself if it is to be trusted"
        )


def _only_member(archive: Path) -> str:
    names = members(archive)
    if len(names) != 1:
        raise ValueError(
            f"{archive} must hold one file, got {len(names)}: {listed(names)}; "
            f"write {archive}/NAME for one of them"
        )
    return names[0]


def _near(name: str, folder: Path) -> str:
    """What there is where ``name`` is not, the likeliest first."""
    if folder.is_file():
        names = members(folder)
    elif folder.is_dir():
        names = sorted(path.name for path in folder.iterdir())
    else:
        return f"there is no folder {folder} either"
    near = difflib.get_close_matches(name, names, 3, 0.6)
    return f"did you mean {near[0]}?" if near else f"there are: {listed(names)}"


def listed(names: Sequence[str], most: int = 8) -> str:
    rest = f", ... ({len(names) - most} more)" if len(names) > most else ""
    return ", ".join(names[:most]) + rest if names else "none"


def column_index(name: str, columns: Sequence[str], file: object, hint: str = "") -> int:
    """Return where the column ``name`` stands, or say which ones there are."""
    if name in columns:
        return list(columns).index(name)
    near = difflib.get_close_matches(name, columns, 1, 0.6)
    do = f"did you mean {near[0]!r}?" if near else "name one of these"
    raise ValueError(f"{file} must have a column {name!r}, got {listed(columns, 20)}; {do}{hint}")


def chosen_columns(
    named: Mapping[str, str | None],
    usual: Sequence[Sequence[str]],
    columns: Sequence[str],
    file: object,
    hint: str = "",
) -> list[str]:
    """For each argument in ``named`` the column it names, else the first ``usual`` one there is.

    Raises:
        ValueError: all that are missing at once, and which there are.
    """
    lower = {column.lower(): column for column in reversed(columns)}
    found, missing = [], {}
    for (argument, name), candidates in zip(named.items(), usual, strict=True):
        if name is None:
            name = next((lower[c] for c in candidates if c in lower), "")
            wanted = f"a column called {', '.join(candidates[:3])}, ..."
        else:
            near = difflib.get_close_matches(name, columns, 1, 0.6)
            wanted = f"a column {name!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
        if name not in columns:
            missing[argument] = wanted
        found.append(name)
    if missing:
        raise ValueError(
            f"{file} must have {' and '.join(missing.values())}, got {listed(columns, 20)}; "
            f"say which one with {' and '.join(missing)}{hint}"
        )
    return found


@contextlib.contextmanager
def unpacking(path: object) -> Iterator[None]:
    """Within it, what is raised over an archive that is damaged or locked is a ValueError."""
    try:
        yield
    except (*_DAMAGED, OSError) as error:
        # The system gives its errors a number; those of gzip and bz2 over wrong bytes have none,
        # and a damaged zip sends its reader to places before the file's beginning.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise ValueError(
            f"{path} must be a whole file, got one that is cut off or damaged ({error}); "
            "copy or download it again"
        ) from error


def check_form(form: str | None) -> str | None:
    """Return ``form`` if it is a Unicode normal form or None."""
    if form is not None and form not in FORMS:
        raise ValueError(f"form must be None or one of {', '.join(FORMS)}, got {form!r}")
    return form


def normalised(text: str, form: str | None) -> str:
    """Bring ``text`` to a Unicode normal form: Hangul as syllables (NFC) or as letters (NFD).

    >>> len(normalised("한글", "NFD")), len(normalised("한글", "NFC"))
    (6, 2)
    """
    return text if form is None else unicodedata.normalize(form, text)  # type: ignore[arg-type]


def _encoding(name: str) -> str:
    try:
        "".encode(name)  # not every codec is one of text
    except LookupError as error:
        raise ValueError(
            f"encoding must be one of Python's, got {name!r}; say utf-8, cp949, latin-1, ..."
        ) from error
    return codecs.lookup(name).name.removesuffix("-sig")


def _wrong_encoding(raw: bytes, error: UnicodeDecodeError, offset: int) -> str:
    """Say where the wrong byte is and how the text would read in likely encodings."""
    around = raw[max(0, error.start - 40) : error.start + 40]
    tries = []
    for name in ("utf-8", "cp949", "latin-1"):
        # A piece cut out of the middle may start or end within a letter.
        with contextlib.suppress(UnicodeDecodeError):
            raw.decode(name)
            text = around.decode(name, "ignore").strip()
            tries.append(f"encoding={name!r} would read {text[:30]!r}")
    return (
        f"must be {error.encoding}, got the byte 0x{raw[error.start]:02x} at position "
        f"{offset + error.start} of the file; do: name the encoding; " + ", ".join(tries)
    )


def needed(module: str):
    """Import an optional package, or say how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} must be installed for this, got: {error}; do: pip install 'elman[tasks]'"
        ) from error
