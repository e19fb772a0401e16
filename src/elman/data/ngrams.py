"""N-grams of characters and words as sparse vectors."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from elman.data.ragged import Ragged

_KINDS = (
    {"analyzer": "char_wb", "ngram_range": (1, 5)},
    {"token_pattern": r"\w+|[^\w\s]", "ngram_range": (1, 2)},
    {"analyzer": "char", "ngram_range": (1, 6)},
)


class NGrams:
    """A text as the weights of its n-grams: 1 to 5 characters of a word, words, and characters.

    The characters of a word are 1 to 5, words 1 or 2 in a row, and characters across words 1 to 6.

    An n-gram that stands n times in a text, and in d of N texts, weighs
    ``(1 + ln n) (1 + ln((1 + N) / (1 + d)))``; the weights of each kind are divided by their
    Euclidean norm (scikit-learn's `TfidfTransformer`). The number of an n-gram is its hash, so that
    no vocabulary has to be kept.

    Arguments:
        buckets: how many numbers each kind of n-gram has.

    Sources: Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval";
    Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning".

    >>> ngrams = NGrams(buckets=16).fit(["to be", "or not to be"])
    >>> ngrams.transform(["to be"]).shape, ngrams.width
    ((1, 48), 48)
    """

    def __init__(self, buckets: int = 1 << 18):
        self.buckets = buckets
        options = {"n_features": buckets, "alternate_sign": False, "norm": None}
        self._count = [HashingVectorizer(preprocessor=_plain, **options, **kind) for kind in _KINDS]
        self._weigh = [TfidfTransformer(sublinear_tf=True) for _ in _KINDS]

    @property
    def width(self) -> int:
        """The number of columns of the matrices that `transform` gives."""
        return len(_KINDS) * self.buckets

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

    def state(self) -> list[np.ndarray]:
        """What `fit` learnt, for `restore`."""
        return [weigh.idf_ for weigh in self._weigh]

    def restore(self, state: Sequence[np.ndarray]) -> "NGrams":
        """Take back what `state` gave."""
        for weigh, idf in zip(self._weigh, state, strict=True):
            weigh.idf_ = idf
        return self


def _plain(text: str) -> str:
    """The text without capitals, and without spaces at its ends."""
    return text.strip().lower()


def sparse_rows(matrix: sparse.csr_matrix) -> tuple[Ragged, Ragged]:
    """The columns and the values of each row, as sequences."""
    return Ragged(matrix.indices, matrix.indptr), Ragged(matrix.data, matrix.indptr)
