"""N-grams of characters and words as sparse vectors."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from elman.data.ragged import Ragged

KINDS = 3  # of n-grams: of a word's characters, of words, of characters
_HANGUL = re.compile("[가-힣]")


class NGrams:
    """A text as the weights of its n-grams: of the characters of a word, of words, of characters.

    The characters of a word are 1 to 5, or 1 to 9 letters of Hangul, two or three of which make a
    syllable; words 1 or 2 in a row; characters across words 1 to 6.

    An n-gram that stands n times in a text, and in d of N texts, weighs
    ``(1 + ln n) (1 + ln((1 + N) / (1 + d)))``; the weights of each kind are divided by their
    Euclidean norm (scikit-learn's `TfidfTransformer`). The number of an n-gram is its hash, so that
    no vocabulary has to be kept.

    Arguments:
        buckets: how many numbers each kind of n-gram has.
        letters: whether the characters of a word are taken apart into letters.

    Sources: Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval";
    Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning".

    >>> ngrams = NGrams(buckets=16).fit(["to be", "or not to be"])
    >>> ngrams.transform(["to be"]).shape, ngrams.width
    ((1, 48), 48)
    """

    def __init__(self, buckets: int = 1 << 18, letters: bool = False):
        self.buckets, self.letters = buckets, letters
        options = {"n_features": buckets, "alternate_sign": False, "norm": None}
        within = {"ngram_range": (1, 9), "preprocessor": _apart} if letters else {
            "ngram_range": (1, 5), "preprocessor": _plain}  # fmt: skip
        kinds = (
            {"analyzer": "char_wb", **within},
            {"token_pattern": r"\w+|[^\w\s]", "ngram_range": (1, 2), "preprocessor": _plain},
            {"analyzer": "char", "ngram_range": (1, 6), "preprocessor": _plain},
        )
        self._count = [HashingVectorizer(**options, **kind) for kind in kinds]
        self._weigh = [TfidfTransformer(sublinear_tf=True) for _ in kinds]

    @property
    def width(self) -> int:
        """The number of columns of the matrices that `transform` gives."""
        return len(self._count) * self.buckets

    def fit(self, texts: Sequence[str]) -> "NGrams":
        """Learn in how many texts each n-gram stands."""
        for count, weigh in zip(self._count, self._weigh, strict=True):
            weigh.fit(count.transform(texts))
            weigh.idf_ = weigh.idf_.astype("float32")  # as it will be saved
        return self

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """The texts as rows of a matrix [N, width], float32."""
        kinds = zip(self._count, self._weigh, strict=True)
        parts = [weigh.transform(count.transform(texts)) for count, weigh in kinds]
        return sparse.hstack(parts, "csr").astype("float32")

    def state(self) -> dict[str, np.ndarray]:
        """The arrays that `restored` makes the same n-grams of."""
        return {"letters": np.array(self.letters), "idf": np.stack([w.idf_ for w in self._weigh])}

    @classmethod
    def restored(cls, state: Mapping[str, np.ndarray]) -> "NGrams":
        """What gave `state`.

        Raises:
            ValueError: arrays that no n-grams gave.
        """
        idf, letters = state.get("idf"), state.get("letters")
        if idf is None or letters is None or letters.dtype != bool or letters.shape != ():
            raise ValueError(f"n-grams must be the arrays letters and idf, got {[*state]}")
        if idf.dtype.kind != "f" or idf.ndim != 2 or len(idf) != KINDS or not idf.shape[1]:
            raise ValueError(f"idf must be numbers [{KINDS}, F], got {idf.dtype} {idf.shape}")
        if not np.isfinite(idf).all():
            raise ValueError("idf must be finite, got other numbers")
        self = cls(idf.shape[1], bool(letters))
        for weigh, values in zip(self._weigh, idf, strict=True):
            weigh.idf_ = values
        return self


def are_hangul(texts: Iterable[str]) -> bool:
    """Whether at least a tenth of the first texts have Hangul in them.

    >>> are_hangul(["좋다", "good"]), are_hangul(["good"])
    (True, False)
    """
    found = [bool(_HANGUL.search(text)) for text in islice(texts, 10_000)]
    return bool(found) and float(np.mean(found)) >= 0.1


def _plain(text: str) -> str:
    """The text without capitals, and without spaces at its ends."""
    return text.strip().lower()


def _apart(text: str) -> str:
    """The same, with the letters of Hangul syllables one by one."""
    return unicodedata.normalize("NFD", _plain(text))


def sparse_rows(matrix: sparse.csr_matrix) -> tuple[Ragged, Ragged]:
    """The columns and the values of each row, as sequences."""
    return Ragged(matrix.indices, matrix.indptr), Ragged(matrix.data, matrix.indptr)
