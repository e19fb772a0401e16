"""``plt.show()`` saves each open figure as a numbered PNG: a backend of matplotlib that does.

`saved` chooses it, by the environment variable that matplotlib reads, where a program could not
open a window, and for notebooks, which never do.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from elman.legacy.notes import tell

_ME = "module://elman.compat.figure_backend"


@dataclass
class _Files:
    """The pictures of a program: the beginning of their names, and how many there are."""

    stem: str = "figure"
    count: int = 0


_files: ContextVar[_Files] = ContextVar("elman_figures", default=_Files())  # noqa: B039


@contextmanager
def saved(stem: str, always: bool) -> Iterator[None]:
    """Let ``plt.show()`` save ``<stem>-1.png``, ``<stem>-2.png`` ... in the working directory.

    Nothing changes where there is a display, unless ``always``, nor where the user has chosen a
    backend by ``MPLBACKEND``.
    """
    has_display = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if "MPLBACKEND" in os.environ or (has_display and not always):
        yield
        return
    os.environ["MPLBACKEND"] = _ME
    before = _backend()
    if before is not None:  # It has read the variable already.
        sys.modules["matplotlib"].use(_ME)
    files = _files.set(_Files(stem))
    try:
        yield
    finally:
        _files.reset(files)
        os.environ.pop("MPLBACKEND", None)
        if _backend() == _ME:  # A program may have chosen another one.
            _put_back(before)


def _backend():
    """The backend that is set, not yet looked for where that is left open; None: no matplotlib."""
    matplotlib = sys.modules.get("matplotlib")
    # Of a copy: to ask `rcParams` itself is to choose one.
    return None if matplotlib is None else matplotlib.rcParams.copy()["backend"]


def _put_back(backend) -> None:
    """Set the backend that was there before; that of the user's file where there was none."""
    matplotlib = sys.modules["matplotlib"]
    matplotlib.use(matplotlib.rcParamsOrig["backend"] if backend is None else backend)


def flush() -> None:
    """Save the figures that are still open, as a notebook shows them at the end of a cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_backend() == _ME:
        show()


def show(*args, **kwargs) -> None:
    """What ``plt.show()`` calls."""
    from matplotlib import _pylab_helpers, pyplot

    files = _files.get()
    for manager in _pylab_helpers.Gcf.get_all_fig_managers():
        files.count += 1
        name = f"{files.stem}-{files.count}.png"
        manager.canvas.figure.savefig(name)
        tell(f"plt.show() -> {name}")
    pyplot.close("all")
