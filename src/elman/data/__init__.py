"""Data for tasks: readers of files, text as numbers, batches of like length. No framework."""

from elman.data.arrays import Arrays, read_arrays
from elman.data.files import BadLine, Skipped, TextFile
from elman.data.pictures import (
    Captioned,
    Pictures,
    open_picture,
    read_captioned,
    read_captions,
    read_pictures,
)
from elman.data.sentences import Sentence, Sentences, read_sentences
from elman.data.tables import Table, read_labelled, read_parallel, read_table

__all__ = [
    "Arrays",
    "BadLine",
    "Captioned",
    "Pictures",
    "Sentence",
    "Sentences",
    "Skipped",
    "Table",
    "TextFile",
    "open_picture",
    "read_arrays",
    "read_captioned",
    "read_captions",
    "read_labelled",
    "read_parallel",
    "read_pictures",
    "read_sentences",
    "read_table",
]
