"""What was translated, told to whoever listens; nobody does unless a program is being run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[str], None]] = []


def tell(note: str) -> None:
    """Tell a translation, e.g. "LSTM: inner_init -> recurrent_initializer"."""
    for listener in _listeners:
        listener(note)


@contextmanager
def heard_by(listener: Callable[[str], None]) -> Iterator[None]:
    """Hand every note told inside to `listener`.

    >>> notes = []
    >>> with heard_by(notes.append):
    ...     tell("Adam: lr -> learning_rate")
    >>> notes
    ['Adam: lr -> learning_rate']
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
