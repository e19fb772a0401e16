"""N-grams of the letters of Hangul."""

import numpy as np

from elman.data.ngrams import NGrams


def test_letters_tell_apart_what_syllables_do_not_share():
    """ "갔다" and "가다" have one syllable in common, and the letters of the others too."""
    texts = ["갔다", "가다", "봤다"]

    def likeness(letters):
        rows = NGrams(1 << 12, letters).fit(texts).transform(texts)
        return (rows[0] @ rows[1:].T).toarray()[0]

    assert np.ptp(likeness(False)) < 1e-6  # both have "다" alone in common with the first
    past_or_stem = likeness(True)
    assert past_or_stem.min() > likeness(False).max()
    assert np.ptp(past_or_stem) > 0.01


def test_what_is_saved_gives_the_same_rows():
    texts = ["갔다", "Good night", "가다"]
    for letters in (False, True):
        ngrams = NGrams(64, letters).fit(texts)
        again = NGrams.restored(ngrams.state())
        np.testing.assert_array_equal(
            again.transform(texts).toarray(), ngrams.transform(texts).toarray()
        )
