"""Ready models for what recurrent networks are used for, with scikit-learn's conventions.

| task | shape | class |
|---|---|---|
| a class for a text | many-to-one | `TextClassifier` |
| a class for a sequence of numbers | many-to-one | `SequenceClassifier` |
| a tag for each word or character | aligned many-to-many | `SequenceTagger` |
| a sentence for a sentence | unaligned many-to-many | `Seq2Seq` |
| a sentence for a picture | one-to-many | `ImageCaptioner` |

``load(folder)`` reads any of them back. They need ``pip install 'elman[tasks]'``.
"""

import importlib
import os
from pathlib import Path

_HOME = {
    "ImageCaptioner": "captioner",
    "Seq2Seq": "seq2seq",
    "SequenceClassifier": "classifier",
    "SequenceTagger": "tagger",
    "TextClassifier": "classifier",
}

__all__ = [*_HOME, "load"]


def __getattr__(name: str):
    """Load a task's class when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'elman.tasks' has no attribute {name!r}")
    return getattr(importlib.import_module(f"elman.tasks.{_HOME[name]}"), name)


def load(folder: str | os.PathLike):
    """The saved task in ``folder``, of whichever class it is.

    Raises:
        FileNotFoundError, ValueError: no such folder, a half written one, or another version's.
    """
    from elman.tasks.estimator import read_card

    task = read_card(Path(folder))["task"]
    if task not in _HOME:
        raise ValueError(f"{folder} must hold one of {', '.join(_HOME)}, got {task!r:.40}")
    return __getattr__(task).load(folder)
