"""Text turned into token numbers and back, by a Hugging Face tokenizer trained on the data."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

UNITS = ("character", "word", "subword")
PAD, UNKNOWN, START, END = range(4)
_SPECIAL = ["<pad>", "<unk>", "<s>", "</s>"]


class Tokenizer:
    """Characters, words or subwords of a text as numbers, learnt from texts.

    Number 0 is padding, 1 anything unknown, 2 and 3 the start and the end of a sentence. Text is
    normalised to NFC, or with ``jamo=True`` to NFD, where a Hangul syllable is its letters; runs
    of white space are one space.

    Subwords are those of byte-pair encoding (Sennrich, Haddow, Birch 2016, "Neural Machine
    Translation of Rare Words with Subword Units"). Words are runs of letters and digits, or single
    other signs.

    Arguments:
        unit: "character", "word" or "subword".
        size: the most tokens to keep.
        min_count: a character or word seen less often is unknown.
        lowercase: whether "The" is "the".
        jamo: whether Hangul syllables are taken apart.

    Raises:
        ValueError: a unit that is none; texts without a single token.

    >>> tokenizer = Tokenizer("word").fit(["to be or not to be"])
    >>> ids = tokenizer.encode(["not to see"])[0]
    >>> tokenizer.tokens(ids)
    ['▁not', '▁to', '<unk>']
    >>> tokenizer.decode([ids[:2]])
    ['not to']
    """

    def __init__(
        self,
        unit: str = "subword",
        *,
        size: int = 16000,
        min_count: int = 1,
        lowercase: bool = False,
        jamo: bool = False,
    ):
        if unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}, got {unit!r}")
        self.unit, self.size, self.min_count = unit, size, min_count
        self.lowercase, self.jamo = lowercase, jamo
        self._tokenizer: tokenizers.Tokenizer | None = None

    def fit(self, texts: Iterable[str]) -> "Tokenizer":
        """Learn the tokens of ``texts``, which are read once."""
        tokenizer = _untrained(self.unit, self.lowercase, self.jamo)
        common: dict[str, Any] = {
            "vocab_size": self.size,
            "min_frequency": self.min_count,
            "special_tokens": _SPECIAL,
            "show_progress": False,
        }
        if self.unit == "subword":
            tokenizer.train_from_iterator(
                texts, trainers.BpeTrainer(limit_alphabet=self.size // 4, **common)
            )
        else:
            tokenizer.train_from_iterator(texts, trainers.WordLevelTrainer(**common))
        if tokenizer.get_vocab_size() <= len(_SPECIAL):
            raise ValueError(
                "the texts must have at least one token that is frequent enough, got none; give "
                "texts that are not empty, or a smaller min_count"
            )
        self._tokenizer = tokenizer
        return self

    def __len__(self) -> int:
        """The number of tokens, the four special ones included."""
        return self._trained.get_vocab_size()

    @property
    def _trained(self) -> tokenizers.Tokenizer:
        if self._tokenizer is None:
            raise ValueError("the tokenizer must be trained before its use; call fit(texts)")
        return self._tokenizer

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The token numbers of each text; an empty text has none."""
        found = self._trained.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in found]

    def decode(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        """The text of each sequence of numbers, special tokens left out."""
        rows = [[int(i) for i in row] for row in sequences]
        texts = self._trained.decode_batch(rows, skip_special_tokens=True)
        return [unicodedata.normalize("NFC", text) for text in texts]

    def tokens(self, sequence: Sequence[int]) -> list[str]:
        """The tokens of one sequence of numbers; "▁" stands for a space before a word."""
        return [self._trained.id_to_token(int(i)) or "" for i in sequence]

    def save(self, path: Path) -> None:
        """Write the tokenizer as JSON."""
        card = {name: getattr(self, name) for name in _SETTINGS}
        text = json.dumps({"elman": card, "tokenizer": json.loads(self._trained.to_str())})
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Read what `save` wrote: the tokens and how they join; the rest is made anew.

        Raises:
            ValueError: a file that is damaged, or has not the tokens of a tokenizer.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            if {name: type(value) for name, value in found["elman"].items()} != _SETTINGS:
                raise ValueError(f"the settings must be {', '.join(_SETTINGS)}")
            self = cls(**found["elman"])
            saved = found["tokenizer"]["model"]
            self._tokenizer = self._restored(saved["vocab"], saved.get("merges") or [])
        except FileNotFoundError:
            raise
        except Exception as error:  # the tokenizers library raises nothing but Exception itself
            why = f"{type(error).__name__}: {error!s:.200}"
            raise ValueError(f"{path} must be as save() wrote it, got {why}") from error
        return self

    def _restored(self, vocabulary: dict[str, int], merges: list) -> tokenizers.Tokenizer:
        if sorted(vocabulary.values()) != [*range(len(vocabulary))]:
            raise ValueError("the tokens must be numbered from 0, each with a number of its own")
        if [vocabulary.get(token) for token in _SPECIAL] != [*range(len(_SPECIAL))]:
            raise ValueError(f"the first tokens must be {', '.join(_SPECIAL)}")
        tokenizer = _untrained(self.unit, self.lowercase, self.jamo)
        unknown = _SPECIAL[UNKNOWN]
        if self.unit == "subword":
            pairs = [tuple(pair) for pair in merges]
            tokenizer.model = models.BPE(vocabulary, pairs, unk_token=unknown)
        else:
            tokenizer.model = models.WordLevel(vocabulary, unknown)
        tokenizer.add_special_tokens(_SPECIAL)
        return tokenizer


_SETTINGS = {"unit": str, "size": int, "min_count": int, "lowercase": bool, "jamo": bool}


def _untrained(unit: str, lowercase: bool, jamo: bool) -> tokenizers.Tokenizer:
    """A tokenizer whose text goes through: one form, one space, units, numbers."""
    model = models.BPE if unit == "subword" else models.WordLevel
    tokenizer = tokenizers.Tokenizer(model(unk_token=_SPECIAL[UNKNOWN]))
    steps: list[Any] = [normalizers.NFD() if jamo else normalizers.NFC()]
    steps += [normalizers.Lowercase()] * lowercase
    steps += [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    tokenizer.normalizer = normalizers.Sequence(steps)
    if unit == "character":
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
        tokenizer.decoder = decoders.Fuse()
    else:
        space = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
        signs = pre_tokenizers.Split(
            Regex(r"▁?[\p{L}\p{M}\p{N}_]+|▁?[^\p{L}\p{M}\p{N}_▁]"), "isolated"
        )
        whole = [space, signs] if unit == "word" else [space]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(whole)
        tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return tokenizer
