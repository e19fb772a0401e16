"""What a tagger sees of a token: the word, its letters, its ends and its neighbours, as numbers.

Letters: T tokens of a sentence; a *slot* is one kind of feature, such as the last three letters.
"""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

LEVELS = ("word", "character")
PAD, UNKNOWN = 0, 1

Slots = dict[str, str]


class TokenFeatures:
    """Learns which features there are, and gives those of each token as numbers.

    A token has three kinds: a few *slots* to be embedded one by one (the word, its ends, its
    shape), its *letters* (Hangul as jamo), and many *clues* to be weighed one by one, as a
    conditional random field without a network has them (ends and neighbours of the word, pairs of
    words). Number 0 is padding and 1 anything not seen often enough.

    Arguments:
        level: ``"word"``, or ``"character"`` where each token is one character of a text and spaces
            are tokens too.
        min_count: a slot's value seen less often is unknown.
        clue_count: the same for clues.
        clues: the most clues to know.
        letters: how many letters of a token are seen; of a longer one the first and the last half.

    >>> features = TokenFeatures("word", min_count=1).fit([["The", "cat"], ["The", "dog"]])
    >>> numbers = features.encode(["The", "emu"])
    >>> numbers.shape == (2, features.width)
    True
    >>> numbers[:, 0].tolist()  # the first slot is the word: "the" is known, "emu" is not
    [2, 1]
    """

    def __init__(
        self,
        level: str = "word",
        *,
        min_count: int = 2,
        clue_count: int = 2,
        clues: int = 100_000,
        letters: int = 20,
    ):
        if level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
        self.level, self.min_count, self.clue_count = level, min_count, clue_count
        self.clues, self.letters = clues, letters if level == "word" else 0
        self._describe = _word_slots if level == "word" else _character_slots
        self._hint = _word_clues if level == "word" else _character_clues

    def fit(self, sentences: Iterable[Sequence[str]]) -> "TokenFeatures":
        """Learn the features of ``sentences``, which are gone through once."""
        slots: dict[str, Counter] = {}
        letters: Counter = Counter()
        clues: Counter = Counter()
        for tokens in sentences:
            for slot in self._describe(tokens):
                for name, value in slot.items():
                    slots.setdefault(name, Counter())[value] += 1
            for hints in self._hint(tokens):
                clues.update(hints)
            if self.letters:
                letters.update("".join(map(_apart, tokens)))
        if not slots:
            raise ValueError("there must be at least one token, got none; give some sentences")
        self.slots = {name: _numbered(count, self.min_count) for name, count in slots.items()}
        self.letter_numbers = _numbered(letters, self.min_count)
        self.clue_numbers = _numbered(clues, self.clue_count, self.clues)
        self.counts = {name: _counts(count, self.slots[name]) for name, count in slots.items()}
        self._finish()
        return self

    def _finish(self) -> None:
        self.clue_width = len(next(iter(self._hint([" "]))))
        self.width = len(self.slots) + self.letters + self.clue_width

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """The numbers of each token, int32 [T, width]: its slots, its letters, its clues."""
        rows = np.zeros((len(tokens), self.width), "int32")
        tables = list(self.slots.values())
        start = len(tables) + self.letters
        known, letters = self.clue_numbers, self.letter_numbers
        descriptions, hints = self._describe(tokens), self._hint(tokens)
        for row, token, slots, clues in zip(rows, tokens, descriptions, hints, strict=True):
            row[: len(tables)] = [
                table.get(value, UNKNOWN)
                for table, value in zip(tables, slots.values(), strict=True)
            ]
            if self.letters:
                spelt = [
                    letters.get(letter, UNKNOWN) for letter in _cut(_apart(token), self.letters)
                ]
                row[len(tables) : len(tables) + len(spelt)] = spelt
            row[start:] = [known.get(clue, UNKNOWN) for clue in clues]
        return rows

    def to_json(self) -> dict:
        """All that `from_json` needs."""
        return {
            "level": self.level,
            "letters": self.letters,
            "slots": {name: list(table) for name, table in self.slots.items()},
            "letter_numbers": list(self.letter_numbers),
            "clue_numbers": list(self.clue_numbers),
        }

    @classmethod
    def from_json(cls, learnt: dict) -> "TokenFeatures":
        """What `to_json` gave.

        Raises:
            ValueError: a level that is none, other slots than it has, a value that is there twice.
        """
        self = cls(learnt["level"], letters=learnt["letters"])

        def number(values):
            if len({*values}) < len(values):
                raise ValueError("each value of a token must be there once, got one twice")
            return {value: i for i, value in enumerate(values, UNKNOWN + 1)}

        self.slots = {name: number(values) for name, values in learnt["slots"].items()}
        names = [*next(iter(self._describe([" "])))]
        if [*self.slots] != names:
            raise ValueError(f"the slots of a {self.level} must be {names}, got {[*self.slots]}")
        self.letter_numbers = number(learnt["letter_numbers"])
        self.clue_numbers = number(learnt["clue_numbers"])
        self._finish()
        return self


def _numbered(count: Counter, least: int, most: int | None = None) -> dict[str, int]:
    """The values seen ``least`` times, the most frequent first, numbered from 2."""
    common = [value for value, times in count.most_common(most) if times >= least]
    return {value: i for i, value in enumerate(common, UNKNOWN + 1)}


def _counts(count: Counter, table: dict[str, int]) -> list[int]:
    return [0, 0, *(count[value] for value in table)]


@functools.lru_cache(maxsize=1 << 16)
def _apart(token: str) -> str:
    """Hangul syllables as their letters, accents apart."""
    return unicodedata.normalize("NFD", token)


def _cut(letters: str, most: int) -> str:
    half = most // 2
    return letters if len(letters) <= most else letters[:half] + letters[half - most :]


_DIGIT = re.compile(r"\d")
_KINDS = [
    ("X", str.isupper), ("x", str.islower), ("d", str.isdigit), ("_", str.isspace),
    ("a", str.isalpha),
]  # fmt: skip


@functools.lru_cache(maxsize=1 << 16)
def shape(token: str) -> str:
    """The kinds of a token's characters, runs cut to two.

    >>> shape("McDonald's"), shape("2017-12"), shape("한국")
    ('XxXxx.x', 'dd.dd', '가가')
    """
    kinds = "".join(
        "가"
        if "가" <= letter <= "힣"
        else next((k for k, is_kind in _KINDS if is_kind(letter)), ".")
        for letter in token
    )
    return re.sub(r"(.)\1\1+", r"\1\1", kinds)


def _plain(token: str) -> str:
    """Lower case, digits alike."""
    return _DIGIT.sub("0", token.lower())


def _word_slots(tokens: Sequence[str]) -> Iterator[Slots]:
    for token in tokens:
        plain = _plain(token)
        yield {
            "word": plain,
            "shape": shape(token),
            "first 2": plain[:2],
            "first 3": plain[:3],
            "last 1": plain[-1:],
            "last 2": plain[-2:],
            "last 3": plain[-3:],
        }


def _word_clues(tokens: Sequence[str]) -> Iterator[list[str]]:
    edge = ["\n", "\n"]
    words = [*edge, *map(_plain, tokens), *edge]
    shapes = [*edge, *map(shape, tokens), *edge]
    for i, token in enumerate(tokens, 2):
        w, apart = words[i], _apart(words[i])
        before, after = words[i - 1], words[i + 1]
        ends = [f"<{n}{w[:n]}" for n in (1, 2, 3, 4)] + [f">{n}{w[-n:]}" for n in (1, 2, 3, 4)]
        yield [
            f"0{w}", f"={token}", f"-{before}", f"+{after}",
            f"--{words[i - 2]}", f"++{words[i + 2]}",
            f"-0{before}\n{w}", f"0+{w}\n{after}", f"-+{before}\n{after}",
            *ends, f"j2{apart[-2:]}", f"j3{apart[-3:]}", f"j5{apart[-5:]}",
            f"->{before[-3:]}", f"+>{after[-3:]}", f"->2{before[-2:]}\n{w[-2:]}",
            f"s{shapes[i]}", f"s-{shapes[i - 1]}\n{shapes[i]}", f"s+{shapes[i]}\n{shapes[i + 1]}",
            f"s3{shapes[i - 1]}\n{shapes[i]}\n{shapes[i + 1]}",
        ]  # fmt: skip


def _spans(tokens: Sequence[str]) -> Iterator[tuple[int, int]]:
    """For each character the first and the last of the word it stands in; a space by itself."""
    start = 0
    ends = {}
    for i, token in enumerate([*tokens, " "]):
        if token.isspace():
            ends[start] = i
            start = i + 1
    start = 0
    for i, token in enumerate(tokens):
        if token.isspace():
            yield i, i + 1
            start = i + 1
        else:
            yield start, ends[start]


def _character_slots(tokens: Sequence[str]) -> Iterator[Slots]:
    text = ["\n", *(_DIGIT.sub("0", token) for token in tokens), "\n"]
    for i, (start, end) in enumerate(_spans(tokens)):
        word = "".join(text[start + 1 : end + 1])
        c = text[i + 1]
        yield {
            "character": c,
            "before": text[i] + c,
            "after": c + text[i + 2],
            "word": word,
            "last 1": word[-1:],
            "last 2": word[-2:],
            "shape": shape(tokens[i]) + str(min(i - start, 4)) + str(min(end - 1 - i, 4)),
        }


def _character_clues(tokens: Sequence[str]) -> Iterator[list[str]]:
    edge = "\n" * 4
    text = edge + "".join(_DIGIT.sub("0", token) for token in tokens) + edge
    spans = list(_spans(tokens))
    words = ["".join(text[start + 4 : end + 4]) for start, end in spans]
    for i, (start, end) in enumerate(spans):
        at, word = i + 4, words[i]
        before = words[start - 2] if start >= 2 else "\n"
        after = words[end + 1] if end + 1 < len(tokens) else "\n"
        yield [
            *(f"{k}{text[at + k]}" for k in range(-3, 4)),
            *(f"2{k}{text[at + k : at + k + 2]}" for k in range(-3, 3)),
            *(f"3{k}{text[at + k : at + k + 3]}" for k in range(-3, 2)),
            *(f"4{k}{text[at + k : at + k + 4]}" for k in range(-3, 1)),
            f"w{word}", f"<{word[: i - start + 1]}", f">{word[i - start :]}",
            f"e1{word[-1:]}", f"e2{word[-2:]}", f"e3{word[-3:]}",
            f"p{min(i - start, 5)}/{min(end - start, 8)}", f"-w{before}", f"+w{after}",
            f"-e{before[-1:]}\n{i - start}", f"+b{after[:2]}\n{end - i}",
            f"s{shape(text[at - 1 : at + 2])}", f"sw{shape(word)}",
        ]  # fmt: skip
