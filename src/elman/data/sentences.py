"""Sentences with a tag for each token: CoNLL-U and CoNLL columns, streamed from disk."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from elman.data.files import Skipped, TextFile, chosen_columns, needed

CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_TAG = re.compile(r"O|[BIESLU]-\S+")

Numbered = tuple[int, str]


@dataclass
class Sentence:
    """Tokens, their tags (none where the file has none), and the comments above them."""

    tokens: list[str]
    tags: list[str]
    comments: list[str] = field(default_factory=list)


class Sentences:
    """The sentences of a file, read from disk anew each time they are gone through.

    Attributes:
        format: "conllu" or "columns".
        columns: their names; "1", "2", ... where the file gives none.
        tokens, tags: the same sentences as lists of tokens and lists of tags, to go through as
            often as one likes. `tags` is None where there is no column of tags.
        skipped, skipped_lines: how many bad sentences the last complete pass left out, and what
            was wrong with the first few.
    """

    def __init__(
        self,
        file: TextFile,
        format: str,
        columns: Sequence[str],
        token_column: str,
        tag_column: str | None,
        skip_bad: bool = False,
        chosen: np.ndarray | None = None,
    ):
        self.file, self.format, self.columns = file, format, tuple(columns)
        self.token_column, self.tag_column = token_column, tag_column
        self.skipped, self.skipped_lines = 0, []  # type: int, list[str]
        named = {"token_column (--text-column)": token_column}
        if tag_column is not None:
            named["tag_column (--label-column)"] = tag_column
        found = chosen_columns(named, [()] * len(named), columns, file)
        self._token, self._tag, *_ = [*map(self.columns.index, found), None]
        self._skip_bad, self._chosen = skip_bad, chosen
        self._length: int | None = None

    def __iter__(self) -> Iterator[Sentence]:
        skipped = Skipped(self._skip_bad)
        wanted = None if self._chosen is None else {*self._chosen.tolist()}
        count = 0
        for i, sentence in enumerate(self._sentences(skipped)):
            if wanted is None or i in wanted:
                count += 1
                yield sentence
        self._length, self.skipped, self.skipped_lines = count, skipped.count, skipped.first

    def __len__(self) -> int:
        if self._length is None:
            self._length = sum(1 for _ in self)
        return self._length

    def __repr__(self) -> str:
        return f"Sentences({self.file}: {self.token_column}, {self.tag_column})"

    @property
    def tokens(self) -> "View":
        return View(self, "tokens")

    @property
    def tags(self) -> "View | None":
        return None if self._tag is None else View(self, "tags")

    def select(self, indices: Iterable[int]) -> "Sentences":
        """Return the sentences with these numbers, from 0, in the file's order."""
        chosen = np.unique(np.fromiter(indices, "int64"))
        settings = (self.format, self.columns, self.token_column, self.tag_column, self._skip_bad)
        return Sentences(self.file, *settings, chosen)

    def _sentences(self, skipped: Skipped) -> Iterator[Sentence]:
        read = _conllu_rows if self.format == "conllu" else _column_rows
        for block in _blocks(self.file.lines(skipped)):
            comments, lines = _parted(block)
            if not lines:
                continue
            rows = read(self.file, lines, self.columns, skipped)
            if rows is None:
                continue
            tags = [] if self._tag is None else [row[self._tag] for row in rows]
            yield Sentence([row[self._token] for row in rows], tags, comments)


class View:
    """The tokens, or the tags, of `Sentences`."""

    def __init__(self, sentences: Sentences, part: str):
        self.sentences, self.part = sentences, part

    def __iter__(self) -> Iterator[list[str]]:
        return (getattr(sentence, self.part) for sentence in self.sentences)

    def __len__(self) -> int:
        return len(self.sentences)

    def __repr__(self) -> str:
        return f"View({self.part} of {self.sentences})"

    def select(self, indices: Iterable[int]) -> "View":
        """Return those of the sentences with these numbers, from 0, in the file's order."""
        return View(self.sentences.select(indices), self.part)


def read_sentences(
    path: str | os.PathLike,
    *,
    format: str | None = None,
    token_column: str | None = None,
    tag_column: str | None = None,
    encoding: str | None = None,
    form: str | None = "NFC",
    skip_bad: bool = False,
) -> Sentences:
    """Read CoNLL-U, or CoNLL columns: a token on each line, an empty line after each sentence.

    CoNLL-U is told by ``.conllu`` in the name or ten columns that begin with a number; words whose
    number is a range (``3-4``) or a decimal (``3.1``) are left out. In CoNLL columns a cell may be
    a space where tabs part the cells, so that every character of a text can have its tag; without
    tabs, spaces part them. A ``-DOCSTART-`` line is passed over where a sentence begins.

    Comments stand above a sentence and begin with ``##`` or ``# `` (in CoNLL-U with ``#``). A line
    whose last column is a tag (``O``, ``B-PER``) is a token and no comment, whatever it begins
    with.

    Arguments:
        path: the file (see `TextFile` for archives).
        format: "conllu" or "columns"; None looks.
        token_column: by default "form", or the first.
        tag_column: by default "upos", or the last where there are two or more.
        encoding, form: see `TextFile`.
        skip_bad: leave out sentences with a bad line, and count them (`Sentences.skipped`).

    Raises:
        BadLine: another number of columns than the first line has; no CoNLL-U (while reading).
        ValueError: an empty file, a column or format that is none.

    >>> from pathlib import Path
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "names.conll"
    >>> _ = path.write_text("Ann\\tB-PER\\nsings\\tO\\n\\nHello\\tO\\n")
    >>> sentences = read_sentences(path)
    >>> list(sentences.tokens), list(sentences.tags)
    ([['Ann', 'sings'], ['Hello']], [['B-PER', 'O'], ['O']])
    """
    if format not in (None, "conllu", "columns"):
        raise ValueError(f"format must be conllu or columns, got {format!r}")
    file = TextFile(path, encoding, form)
    first = _first_token_line(file, skip_bad)
    cells = _cells(first)
    if format is None:
        looks = len(cells) == len(CONLLU) and re.fullmatch(r"1(-\d+)?|0\.1", cells[0])
        format = "conllu" if looks or ".conllu" in file.path.name.lower() else "columns"
    if format == "conllu":
        columns: Sequence[str] = CONLLU
        names = (token_column or "form", tag_column or "upos")
        return Sentences(file, format, columns, *names, skip_bad)
    columns = [str(i + 1) for i in range(len(cells))]
    last = columns[-1] if len(columns) > 1 else None
    return Sentences(file, format, columns, token_column or "1", tag_column or last, skip_bad)


def _first_token_line(file: TextFile, skip_bad: bool) -> str:
    for block in _blocks(islice(file.lines(Skipped(skip_bad)), 100_000)):
        lines = _parted(block)[1]
        if lines:
            return lines[0][1]
    raise ValueError(f"{file} must have at least one sentence, got an empty file")


def _blocks(lines: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Cut lines, without their ends, at lines of nothing but white space."""
    block: list[Numbered] = []
    for number, line in lines:
        if line.strip():
            block.append((number, line.rstrip("\r\n")))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _parted(block: list[Numbered]) -> tuple[list[str], list[Numbered]]:
    """Part the comments above a sentence from its lines."""
    start = 0
    while start < len(block) and _is_comment(block[start][1]):
        start += 1
    comments = [line.lstrip("#").strip() for _, line in block[:start]]
    marked = start < len(block) and block[start][1].startswith("-DOCSTART-")
    return comments, block[start + marked :]


def _is_comment(line: str) -> bool:
    cells = _cells(line)
    # Without tabs a comment has more words than CoNLL-2003 has columns, or ends in no tag.
    if _TAG.fullmatch(cells[-1]) and ("\t" in line or len(cells) in (2, 4)):
        return False
    return line.startswith(("##", "# ")) or (line.startswith("#") and len(cells) == 1)


def _cells(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _column_rows(
    file: TextFile, lines: list[Numbered], columns: Sequence[str], skipped: Skipped
) -> list[list[str]] | None:
    rows = [_cells(line) for _, line in lines]
    for (number, line), row in zip(lines, rows, strict=True):
        if len(row) != len(columns) or "" in row:
            what = (
                f"must have {len(columns)} columns as the first has, got {len(row)}: {line[:40]!r}"
            )
            if len(row) == len(columns):
                what = f"must have something in every column, got {line[:40]!r}"
            skipped.bad(file, number, f"{what}; an empty line goes between sentences")
            return None
    return rows


def _conllu_rows(
    file: TextFile, lines: list[Numbered], columns: Sequence[str], skipped: Skipped
) -> list[list[str]] | None:
    conllu = needed("conllu")
    for number, line in lines:
        if line.count("\t") != len(columns) - 1:
            got = line.count("\t") + 1
            skipped.bad(file, number, f"must have 10 columns with tabs, got {got}: {line[:40]!r}")
            return None
    text = "\n".join(line for _, line in lines)
    # Of all cells only the number is parsed: the rest is wanted as it is written.
    parsers = {"id": lambda cells, i: conllu.parser.parse_id_value(cells[i])}
    try:
        tokens = conllu.parse(text, fields=columns, field_parsers=parsers)[0]
    except conllu.exceptions.ParseException as error:
        skipped.bad(file, lines[0][0], f"must begin a sentence in CoNLL-U, got: {error}")
        return None
    words = (token for token in tokens if isinstance(token["id"], int))
    return [[str(token[name]) for name in columns] for token in words]
