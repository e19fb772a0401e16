"""`run_program`: an old program or notebook, unedited, on today's Keras."""

import functools
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np

from elman.compat import figures, imports, notebooks, tensorflow
from elman.compat.compiling import EXPRESSIONS, compiled
from elman.compat.notebooks import Part
from elman.compat.report import Report
from elman.compat.standins import Modules
from elman.legacy import eras
from elman.legacy.eras import Era
from elman.legacy.notes import heard_by
from elman.legacy.programs import ENCODING

# A process has one `__main__` and one ``sys.argv``: another program waits for its turn.
_turn = threading.RLock()


def run_program(
    path: str | os.PathLike, arguments: list[str] | None = None, keras_version: str | None = None
) -> tuple[int, Report, dict[str, Any]]:
    r"""Run an old program as ``__main__``, with stand-ins for the modules it imports.

    Arguments:
        path: a script (.py) or a notebook (.ipynb).
        arguments: what the program finds in ``sys.argv[1:]``.
        keras_version: the Keras that the program was written for, whose defaults hold where it
            says nothing: "2.2", or TensorFlow as "tf1.15"; else what `eras.read` finds.

    Returns:
        Its exit code, the report of what was translated, and its variables. A program that ends
        in an exception has printed its traceback, and its code is 1.

    Raises:
        OSError, UnicodeError: the file cannot be read.
        ValueError: it is no Python of today, or no notebook; or a version that is none.

    Example:
        >>> import pathlib, tempfile
        >>> program = "from keras.layers.recurrent import LSTM\nlayer = LSTM(output_dim=3)"
        >>> path = pathlib.Path(tempfile.mkdtemp(), "old.py")
        >>> _ = path.write_text(program)
        >>> code, report, names = run_program(path)
        >>> print(*report.notes, sep="\n")
        line 1: keras.layers.recurrent -> elman.layers
        line 2: LSTM: output_dim -> units
        line 2: LSTM: recurrent_activation='hard_sigmoid' (Keras 1's default)
    """
    path = Path(path)
    notebook = path.suffix == ".ipynb"
    report = Report(_places(path))
    era = _era(path, keras_version, report)
    parts = notebooks.parts(path, report.add) if notebook else [_script(path)]
    main = ModuleType("__main__")
    main.__file__ = str(path.absolute())

    def run() -> int:
        with ExitStack() as stack:
            stack.enter_context(heard_by(report.hear))
            stack.enter_context(eras.in_force(era))
            stack.enter_context(_process(path, arguments or [], main))
            stack.enter_context(figures.saved(path.stem, always=notebook))
            for changes in _changed_in_others():
                stack.enter_context(_changed(*changes))
            stack.enter_context(_served(main, notebook, report))
            return _run(parts, main, notebook)

    with _turn:
        # In a context of its own, which ends with it: the era, who listens, Keras 1's phase.
        return copy_context().run(run), report, vars(main)


@contextmanager
def _served(main: ModuleType, notebook: bool, report: Report) -> Iterator[None]:
    """The stand-ins and what old code is translated to, for the program that is ``main``."""
    more: dict[str, Any] = {"get_ipython": notebooks.get_ipython, **EXPRESSIONS}
    if notebook:
        more["display"] = notebooks.display
    modules = Modules(tensorflow.standin(report.where))
    with imports.served(modules.find, more) as names:
        vars(main)["__builtins__"] = names
        yield


def _era(path: Path, chosen: str | None, report: Report) -> Era:
    """The Keras that the program was written for; what tells it is noted where that matters."""
    if chosen is not None:
        return eras.parsed(chosen)
    sign = notebooks.sign(path) if path.suffix == ".ipynb" else _sign(path)
    if sign is None:
        return eras.LATE
    if sign.matters:
        report.add(sign.where, str(sign))
    return sign.era


def _sign(path: Path) -> eras.Sign | None:
    return eras.read([("", path.read_bytes().decode("utf-8", "replace"))])


def _script(path: Path) -> Part:
    try:
        return Part(compiled(path.read_bytes(), str(path), "exec"))
    except SyntaxError as error:
        raise ValueError(_not_python(path, error)) from None


# What Python says of a print statement, of 0777, of `except A, b`, and of tabs among spaces.
_PYTHON2 = ("Missing parentheses in call to", "0o prefix", "multiple exception types", "of tabs")


def _not_python(path: Path, error: SyntaxError) -> str:
    where = f"{error.filename or path}, line {error.lineno}"
    if any(words in str(error.msg) for words in _PYTHON2):
        return (
            f"{where}: the program must be Python 3, got Python 2 ({error.msg}); do: "
            f"elman migrate {path}, or 2to3 -w {path}"
        )
    if "codec can't decode" in str(error.msg):
        return f"{where}: the program must be UTF-8, got {error.msg}; {ENCODING}"
    return f"{where}: the program must be Python, got {error.msg}; mend that line"


def _places(path: Path) -> Callable[[str, int], str | None]:
    """Says where in the program a line of a file is."""
    file, folder = str(path), str(path.resolve().parent) + os.sep
    known: dict[str, str | None] = {file: ""}

    def place(name: str, line: int) -> str | None:
        if name not in known:
            known[name] = None
            if name.startswith(f"{file}, cell "):
                known[name] = name.removeprefix(f"{file}, ") + ", "
            elif not name.startswith("<") and imports.is_program(name):
                known[name] = os.path.realpath(name).removeprefix(folder) + ", "
        prefix = known[name]
        return None if prefix is None else f"{prefix}line {line}"

    return place


@contextmanager
def _process(path: Path, arguments: list[str], main: ModuleType) -> Iterator[None]:
    """``sys.argv``, ``sys.path`` and ``__main__`` as the program expects them."""
    argv, search, own = sys.argv, sys.path[:], sys.modules["__main__"]
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules["__main__"] = main
    try:
        yield
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = argv, search, own


# What a program finds changed in other libraries for as long as it runs.

_ABSENT = object()


def _changed_in_others() -> list[tuple[type, dict[str, Any]]]:
    """Classes, and the attributes that they are given."""
    changes: list[tuple[type, dict[str, Any]]] = [
        (keras.optimizers.Optimizer, _OLD_OPTIMIZER),
        (threading.Thread, {"start": _started_in_context}),
    ]
    if keras.backend.backend() != "tensorflow":
        # ``model(x).numpy()``, which JAX has not and torch refuses with a gradient.
        tensor = type(keras.ops.zeros(()))
        own = getattr(tensor, "numpy", None)
        changes.append((tensor, {"numpy": _numpy if own is None else _without_gradient(own)}))
    return changes


@contextmanager
def _changed(owner: type, attributes: dict[str, Any]) -> Iterator[None]:
    """Give a class attributes, and put back what was there."""
    # Of the class itself: where it inherits one, ours only hides that.
    before = {name: vars(owner).get(name, _ABSENT) for name in attributes}
    for name, value in attributes.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


def _set_rate(optimizer, value) -> None:
    optimizer.learning_rate = value


# ``optimizer.lr`` and ``.decay``, which programs read on optimizers named by a string.
_OLD_OPTIMIZER = {
    "lr": property(lambda optimizer: optimizer.learning_rate, _set_rate),
    "decay": np.float32(0),
}

_start = threading.Thread.start


@functools.wraps(_start)
def _started_in_context(thread: threading.Thread) -> None:
    """Start a thread in the context of who starts it: the program's layers mean the same there."""
    thread.run = functools.partial(copy_context().run, thread.run)  # type: ignore[method-assign]
    _start(thread)


def _numpy(x):
    return np.array(x)


def _without_gradient(own):
    return lambda x, *args, **kwargs: own(x.detach(), *args, **kwargs)


def _run(parts: Iterable[Part], main: ModuleType, notebook: bool) -> int:
    """Execute ``parts`` in order; return the exit code of the program."""
    try:
        for part in parts:
            exec(part.body, vars(main))
            if part.last is not None:
                notebooks.show_last(eval(part.last, vars(main)))
            if notebook:
                figures.flush()
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            return left.code or 0
        print(left.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        _print_traceback(error)
        return 1
    return 0


def _print_traceback(error: BaseException) -> None:
    """The traceback from the program's first line on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)
