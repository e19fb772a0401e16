"""Tables of text: TSV, CSV, JSONL and plain lines, streamed from disk."""

import csv
import json
import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from elman.data.files import MAX_LINE, Skipped, TextFile, column_index, listed, normalised

FORMATS = ("tsv", "csv", "jsonl", "text")
ENDINGS = {"tsv": "tsv", "csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl"}
# Column names that people give; a first line of nothing else is a header.
NAMES = frozenset((
    "id", "text", "document", "sentence", "review", "message", "comment", "tweet", "title", "label",
    "class", "category", "sentiment", "target", "source", "input", "output", "question", "answer",
    "q", "a", "query", "response", "src", "tgt", "english", "korean", "en", "ko", "image", "file",
    "filename", "file_name", "path", "picture", "caption", "description", "tokens", "tags", "번호",
    "아이디", "텍스트", "문서", "문장", "본문", "내용", "리뷰", "댓글", "제목", "레이블", "라벨",
    "분류", "범주", "카테고리", "감성", "감정", "평가", "질문", "답변", "대답", "응답", "입력",
    "출력", "원문", "번역", "번역문", "영어", "한국어", "이미지", "그림", "사진", "파일", "파일명",
    "캡션", "설명", "토큰", "태그",
))  # fmt: skip
_LOOKED_AT = 100  # rows that decide whether the first one is a header

Rows = Callable[[Skipped], Iterator[tuple[int, Sequence[str]]]]  # a line's number, its cells


class Table:
    """Rows of text with named columns, read from disk anew each time they are gone through.

    Attributes:
        columns: the names, in the file's order.
        header: whether the file had a header line.
        skipped: how many bad lines the last complete pass left out.
        skipped_lines: what was wrong with the first few of them.
        hint: what else to say where a column is not there.

    >>> lines = [(1, ["one"]), (2, ["two"]), (3, ["three"])]
    >>> table = Table("poem", ["line"], lambda skipped: iter(lines))
    >>> len(table), list(table.column("line")), list(table.select([2, 0]))
    (3, ['one', 'two', 'three'], [{'line': 'one'}, {'line': 'three'}])
    """

    def __init__(
        self,
        name: object,
        columns: Sequence[str],
        rows: Rows,
        *,
        header: bool = True,
        skip_bad: bool = False,
        hint: str = "",
    ):
        self.name, self.columns, self.header = str(name), tuple(columns), header
        self.skipped, self.skipped_lines = 0, []  # type: int, list[str]
        self._rows, self._skip_bad, self.hint = rows, skip_bad, hint
        self._length: int | None = None

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield each row as its cells, in the order of `columns`."""
        return (cells for _, cells in self.numbered())

    def numbered(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the number of each row's line in the file, from 1, and its cells."""
        skipped = Skipped(self._skip_bad)
        count = 0
        for count, row in enumerate(self._rows(skipped), 1):  # noqa: B007 - the last count is used
            yield row
        self._length, self.skipped, self.skipped_lines = count, skipped.count, skipped.first

    def __iter__(self) -> Iterator[dict[str, str]]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows())

    def __len__(self) -> int:
        if self._length is None:
            self._length = sum(1 for _ in self.rows())
        return self._length

    def __repr__(self) -> str:
        return f"Table({self.name}: {', '.join(self.columns)})"

    def column(self, name: str) -> "Column":
        """Return the column ``name``; raises ValueError, naming those there are."""
        return Column(self, column_index(name, self.columns, self.name, self.hint))

    def filled(self, name: str) -> "Table":
        """Return the table in which a row without anything in the column ``name`` is a bad one."""
        index = self.column(name).index

        def rows(skipped: Skipped) -> Iterator[tuple[int, Sequence[str]]]:
            for number, cells in self._rows(skipped):
                if cells[index].strip():
                    yield number, cells
                    continue
                what = f"must have something in the column {name!r}, got an empty cell; fill it, or"
                skipped.bad(self.name, number, f"{what} leave out bad lines (--skip-bad)")

        return self._like(rows)

    def select(self, indices: Iterable[int]) -> "Table":
        """Return the table of the rows with these numbers, from 0, in the file's order."""
        chosen = np.unique(np.fromiter(indices, "int64"))

        def rows(skipped: Skipped) -> Iterator[tuple[int, Sequence[str]]]:
            wanted = iter(chosen.tolist())
            next_one = next(wanted, None)
            for i, row in enumerate(self._rows(skipped)):
                if next_one is None:
                    return
                if i == next_one:
                    yield row
                    next_one = next(wanted, None)

        return self._like(rows)

    def _like(self, rows: Rows) -> "Table":
        settings = {"header": self.header, "skip_bad": self._skip_bad, "hint": self.hint}
        return Table(self.name, self.columns, rows, **settings)  # type: ignore[arg-type]


class Column:
    """One column of a `Table`: texts to go through as often as one likes, and their number."""

    def __init__(self, table: Table, index: int):
        self.table, self.index = table, index

    def __iter__(self) -> Iterator[str]:
        return (row[self.index] for row in self.table.rows())

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"Column({self.table.columns[self.index]!r} of {self.table.name})"

    def select(self, indices: Iterable[int]) -> "Column":
        """Return the texts with these numbers, from 0, in the file's order."""
        return Column(self.table.select(indices), self.index)


def read_table(
    path: str | os.PathLike,
    *,
    format: str | None = None,
    header: bool | None = None,
    wanted: Iterable[str | None] = (),
    quoted: bool | None = None,
    encoding: str | None = None,
    form: str | None = "NFC",
    skip_bad: bool = False,
) -> Table:
    """Read a table of text: TSV, CSV, JSONL or plain lines; also packed in gz or zip.

    The format is told by the name (``.tsv``, ``.csv``, ``.jsonl``, ``.ndjson``, before ``.gz``),
    else by the first line: a JSON object is JSONL; one with tabs is TSV; names of columns that
    everybody uses, with commas, are CSV (`NAMES`); anything else is plain text with one column,
    ``text``, in which an empty line is an empty text. Elsewhere empty lines are passed over.

    A first line is taken for a header when its cells are different, short and could be names, do
    not stand again in their columns, and there is a reason: all of them are in `NAMES`, or a column
    below is of numbers, or of few values. So is one that has a ``wanted`` name. Without a header
    the columns are called "1", "2", ... Say ``header`` where you know.

    Cells of JSONL that are no text are given as JSON ("0", "true"), null as "". Its columns are the
    keys of the first line, and what of ``wanted`` is within an object: "data.text" is the "text" of
    "data".

    Arguments:
        path: the file (see `TextFile` for archives).
        format: one of "tsv", "csv", "jsonl", "text".
        header: whether the first line has the names; None looks.
        wanted: names of columns that will be asked for.
        quoted: whether ``"`` quotes a cell; None is yes for CSV and no for TSV.
        encoding, form: see `TextFile`.
        skip_bad: go on after a bad line, and count (`Table.skipped`).

    Raises:
        BadLine: a line with other columns than the first, with wrong quotes, not JSON, or wrongly
            encoded (while reading).
        ValueError: an empty file, a format that is none.

    >>> from pathlib import Path
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "reviews.tsv"
    >>> _ = path.write_text("id\\tdocument\\tlabel\\n7\\tgood\\t1\\n8\\tbad\\t0\\n")
    >>> table = read_table(path)
    >>> table.columns, list(table.column("document"))
    (('id', 'document', 'label'), ['good', 'bad'])
    """
    file = TextFile(path, encoding, form)
    start = [line for _, line in islice(file.lines(Skipped(skip_bad)), _LOOKED_AT)]
    if not any(line.strip() for line in start):
        raise ValueError(f"{path} must have at least one line of text, got an empty file")
    format = _check_format(format) or _format(file, start)
    if format == "text":
        return Table(path, ["text"], lambda skipped: _text(file, skipped), skip_bad=skip_bad)
    if format == "jsonl":
        return _json_table(file, wanted, skip_bad)
    delimiter = "\t" if format == "tsv" else _delimiter(start)
    if (format == "csv") if quoted is None else quoted:
        records = lambda skipped: _quoted(file, skipped, delimiter)  # noqa: E731
    else:
        records = lambda skipped: _split(file, skipped, delimiter)  # noqa: E731
    names = {name for name in wanted if name and not name.isdigit()}
    return _delimited_table(file, records, header, names, skip_bad)


def read_parallel(
    source: str | os.PathLike,
    target: str | os.PathLike,
    *,
    encoding: str | None = None,
    form: str | None = "NFC",
) -> Table:
    """Read two plain files whose lines belong together, as columns ``source`` and ``target``.

    Raises:
        ValueError: one file has more lines than the other (while reading).
    """
    files = [TextFile(path, encoding, form) for path in (source, target)]

    def rows(skipped: Skipped) -> Iterator[tuple[int, Sequence[str]]]:
        pairs = [_text(file, skipped) for file in files]
        for (number, first), (_, second) in zip(*pairs, strict=False):
            yield number, [*first, *second]
        lengths = [sum(1 for _ in file.lines()) for file in files]
        if lengths[0] != lengths[1]:
            raise ValueError(
                f"{source} and {target} must have as many lines, got {lengths[0]} and "
                f"{lengths[1]}; line {min(lengths) + 1} has no partner"
            )

    return Table(f"{source} and {target}", ["source", "target"], rows)


def read_labelled(
    folder: str | os.PathLike, *, encoding: str | None = None, form: str | None = "NFC"
) -> Table:
    """Read a folder whose files or folders are the classes, as columns ``text`` and ``label``.

    Either each class is a folder of files with one text each, or a file with a text on each line.
    The label is the name of the folder, or that of the file without ``.txt``, ``.gz`` and what all
    names begin with up to a dot (``rt-polarity.pos`` is "pos"). Files called README, LICENSE or
    SOURCE and ``*.md`` are passed over.

    Raises:
        ValueError: fewer than two classes.
    """
    folder = Path(folder)
    inside = [path for path in sorted(folder.iterdir()) if not _beside(path)]
    folders = [path for path in inside if path.is_dir()]
    labels = [path.name for path in folders] or _labels(inside)
    if len(labels) < 2:
        raise ValueError(
            f"{folder} must hold two classes or more, a folder or a file for each, got "
            f"{', '.join(labels) or 'none'}; see the data formats in the documentation"
        )

    def rows(skipped: Skipped) -> Iterator[tuple[int, Sequence[str]]]:
        for label, path in zip(labels, folders or inside, strict=True):
            if path.is_dir():
                for file in sorted(path.iterdir()):
                    lines = _text(TextFile(file, encoding, form), skipped)
                    yield 1, [" ".join(line for _, (line,) in lines), label]
            else:
                for number, (line,) in _text(TextFile(path, encoding, form), skipped):
                    yield number, [line, label]

    return Table(folder, ["text", "label"], rows)


def _beside(path: Path) -> bool:
    stem = path.name.split(".")[0].upper()
    return path.suffix == ".md" or path.name[0] == "." or stem in ("README", "LICENSE", "SOURCE")


def _labels(files: list[Path]) -> list[str]:
    names = [re.sub(r"\.(gz|zip)$", "", path.name) for path in files]
    names = [re.sub(r"\.txt$", "", name) for name in names]
    starts = {name.rpartition(".")[0] for name in names}
    return [name.rpartition(".")[2] for name in names] if len(starts) == 1 else names


def _check_format(format: str | None) -> str | None:
    if format is not None and format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
    return format


def _format(file: TextFile, start: list[str]) -> str:
    """Tell the format by the name, else by the first line."""
    name = re.sub(r"\.(gz|zip)$", "", file.path.name.lower())
    ending = name.rpartition(".")[2]
    if ending in ENDINGS:
        return ENDINGS[ending]
    line = next(line for line in start if line.strip())
    if line.lstrip().startswith("{") and isinstance(_json(line), dict):
        return "jsonl"
    if "\t" in line:
        return "tsv"
    cells = [cell.strip().lower() for cell in line.split(",")]
    return "csv" if len(cells) > 1 and NAMES.issuperset(cells) else "text"


def _delimiter(start: list[str]) -> str:
    """The sign that cuts the first line of a CSV file into most cells."""
    line = re.sub(r'"[^"]*"', "", start[0])
    return max(",;\t", key=line.count)


def _delimited_table(
    file: TextFile, records, header: bool | None, wanted: set[str], skip_bad: bool
) -> Table:
    start = [cells for _, cells in islice(records(Skipped(skip_bad)), _LOOKED_AT)]
    if not start:
        raise ValueError(f"{file} must have at least one line of text, got an empty file")
    start[0] = [normalised(cell, "NFC") for cell in start[0]]  # as names are typed
    found = bool(wanted & {*start[0]}) or _is_header(start) if header is None else header
    columns = start[0] if found else [str(i + 1) for i in range(len(start[0]))]
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise ValueError(f"{file} must have different names of columns, got {twice[0]!r} twice")

    def rows(skipped: Skipped) -> Iterator[tuple[int, Sequence[str]]]:
        all_records = records(skipped)
        for number, cells in islice(all_records, 1, None) if found else all_records:
            if len(cells) == len(columns):
                yield number, cells
                continue
            names = f" ({listed(columns, 20)})" if found else ", as line 1 has"
            skipped.bad(
                file, number, f"must have {len(columns)} columns{names}, got {len(cells)}; mend it"
            )

    first = ", ".join(start[0])
    hint = (
        ""
        if found
        else f". Its first line is no header: {first[:60]}; if it is, say header=True (--header)"
    )
    return Table(file, columns, rows, header=found, skip_bad=skip_bad, hint=hint)


def _is_header(rows: list[Sequence[str]]) -> bool:
    """Whether the first row is names and not data; `read_table` has the rule."""
    names = [name.strip() for name in rows[0]]
    could_be = all(re.fullmatch(r"[\w][\w .:/-]{0,39}", name) for name in names)
    if not could_be or len({*names}) < len(names) or any(_is_number(name) for name in names):
        return False
    rest = [row for row in rows[1:] if len(row) == len(names)]
    columns = [[row[i].strip() for row in rest] for i in range(len(names))]
    if any(name in column for name, column in zip(names, columns, strict=True)):
        return False
    return NAMES.issuperset(name.lower() for name in names) or any(map(_is_told_apart, columns))


def _is_told_apart(column: list[str]) -> bool:
    """Whether the cells are numbers, or few values many times: then a name above stands out."""
    filled = [cell for cell in column if cell]
    few = len(filled) >= 8 and len({*filled}) <= len(filled) // 4
    return bool(filled) and (few or all(map(_is_number, filled)))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _text(file: TextFile, skipped: Skipped) -> Iterator[tuple[int, list[str]]]:
    return ((number, [line.rstrip("\r\n")]) for number, line in file.lines(skipped))


def _split(file: TextFile, skipped: Skipped, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in file.lines(skipped):
        line = line.rstrip("\r\n")
        if line:
            yield number, line.split(delimiter)


def _quoted(file: TextFile, skipped: Skipped, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records of RFC 4180: a quoted cell may have delimiters, doubled quotes and line ends."""
    csv.field_size_limit(MAX_LINE)
    lines = file.lines(skipped)
    again: deque[tuple[int, str]] = deque()  # lines that a quote never closed had swallowed
    record: list[tuple[int, str]] = []

    def texts() -> Iterator[str]:
        while numbered := again.popleft() if again else next(lines, None):
            record.append(numbered)
            yield numbered[1]

    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    while True:
        record.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = f'must be CSV, got a wrong quote ({error}); write " within a cell as ""'
            skipped.bad(file, record[0][0], what)
            again.extendleft(reversed(record[1:]))
            reader = csv.reader(texts(), delimiter=delimiter, strict=True)
            continue
        if cells:
            yield record[0][0], cells


def _json_table(file: TextFile, wanted: Iterable[str | None], skip_bad: bool) -> Table:
    first = next(_objects(file, Skipped(skip_bad)), (0, {}))[1]
    if not first:
        raise ValueError(f"{file} must have a JSON object with keys on each line, got none")
    within = [n for n in wanted if n and n not in first and _field(first, n) is not _MISSING]
    columns = [*first, *dict.fromkeys(within)]

    def rows(skipped: Skipped) -> Iterator[tuple[int, Sequence[str]]]:
        for number, row in _objects(file, skipped):
            cells = [_field(row, name) for name in columns]
            missing = [n for n, cell in zip(columns, cells, strict=True) if cell is _MISSING]
            if missing:
                skipped.bad(
                    file, number, f"must have the key {missing[0]!r}, got {listed([*row], 20)}"
                )
            else:
                yield number, [normalised(_as_text(cell), file.form) for cell in cells]

    objects = (name for name, value in first.items() if isinstance(value, dict) and value)
    inner = [f"{name}.{key}" for name in objects for key in first[name]]
    hint = f". What is within an object is called {', '.join(inner[:4])}" if inner else ""
    return Table(file, columns, rows, skip_bad=skip_bad, hint=hint)


_MISSING = object()


def _field(row: object, name: str):
    """The value of a key, or of one within an object: ``outer.inner``."""
    if not isinstance(row, dict):
        return _MISSING
    outer, dot, inner = name.partition(".")
    return row[name] if name in row else _field(row.get(outer), inner) if dot else _MISSING


def _objects(file: TextFile, skipped: Skipped) -> Iterator[tuple[int, dict]]:
    for number, line in file.lines(skipped):
        if not line.strip():
            continue
        row = _json(line)
        if isinstance(row, dict):
            yield number, row
        else:
            got = repr(line.strip()[:40]) if row is None else f"a {type(row).__name__}"
            skipped.bad(file, number, f"must be a JSON object, got {got}; write one on each line")


def _json(line: str):
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # lists without end are no line of a table
        return None


def _as_text(value) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
