"""``plt.show()`` saves each open figure as a numbered PNG: a backend of matplotlib that does.

`saved` chooses it, by the environment variable that matplotlib reads, where a program could not
open a window, and for notebooks, which never do.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from elman.legacy.notes import tell

_ME = "module://elman.compat.figure_backend"
_names = {"stem": "figure", "count": "0"}


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
    if "matplotlib" in sys.modules:  # It has read the variable already.
        sys.modules["matplotlib"].use(_ME)
    _names.update(stem=stem, count="0")
    try:
        yield
    finally:
        del os.environ["MPLBACKEND"]


def flush() -> None:
    """Save the figures that are still open, as a notebook shows them at the end of a cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_backend() == _ME:
        show()


def show(*args, **kwargs) -> None:
    """What ``plt.show()`` calls."""
    from matplotlib import _pylab_helpers, pyplot

    for manager in _pylab_helpers.Gcf.get_all_fig_managers():
        _names["count"] = str(int(_names["count"]) + 1)
        name = f"{_names['stem']}-{_names['count']}.png"
        manager.canvas.figure.savefig(name)
        tell(f"plt.show() -> {name}")
    pyplot.close("all")
