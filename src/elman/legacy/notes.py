"""What was translated, told to whoever listens; nobody does unless a program is being run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str], None]

# Of a context, not of the process: what one thread runs, another does not hear.
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("elman_listeners", default=())


def tell(note: str) -> None:
    """Tell a translation, e.g. "LSTM: inner_init -> recurrent_initializer"."""
    for listener in _listeners.get():
        listener(note)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Hand every note told inside to `listener`.

    >>> notes = []
    >>> with heard_by(notes.append):
    ...     tell("Adam: lr -> learning_rate")
    >>> notes
    ['Adam: lr -> learning_rate']
    """
    before = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(before)
