"""The import hook: the program's ``import keras`` gets a stand-in, everybody else's the real Keras.

Keras imports its own modules by their full names all the time, and so do libraries that build on
it; were a stand-in put into ``sys.modules``, all of them would get it. So it is served to the
program alone. Python looks ``__import__`` up in the ``__builtins__`` of the code that imports:
the program's ``__main__``, and each of its own modules, is given a dictionary of builtins whose
``__import__`` knows the stand-ins. Nothing global changes but one finder in ``sys.meta_path``,
which gives those builtins to modules that lie outside the installed packages.

``importlib.import_module`` and ``pickle`` look in ``sys.modules`` itself; for them the finder also
serves the packages that no longer exist, such as ``keras_preprocessing``.
"""

import builtins
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from elman.compat.compiling import compiled

Find = Callable[[str], ModuleType | None]

_INSTALLED = tuple(
    {
        os.path.realpath(sysconfig.get_path(kind)) + os.sep
        for kind in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    | {os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep}
)


def is_program(file: str | None) -> bool:
    """Whether ``file`` is the user's own code: neither installed, nor Python's, nor elman's."""
    if file is None:
        return False
    path = os.path.realpath(file)
    if f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path:
        return False
    return path.endswith(".py") and not path.startswith(_INSTALLED)


@contextmanager
def served(find: Find, more: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Serve the modules that ``find`` knows to the program for as long as this is open.

    Arguments:
        find: gives the stand-in for a module's full name, or None.
        more: further builtins of the program, e.g. ``display``.

    Returns:
        The builtins, for the globals of ``__main__``.
    """
    names = {**vars(builtins), **more, "__import__": _importer(find)}
    finder = _Finder(names, find)
    ordinary = next(
        (i for i, other in enumerate(sys.meta_path) if other is PathFinder), len(sys.meta_path)
    )
    sys.meta_path.insert(ordinary, finder)
    loaded = set(sys.modules)
    try:
        yield names
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - loaded:
            if name in finder.loaded:  # Its imports are the stand-ins'.
                del sys.modules[name]


def _importer(find: Find) -> Callable[..., ModuleType]:
    """An ``__import__`` that asks ``find`` before Python's own."""

    def import_(name, globals=None, locals=None, fromlist=(), level=0):
        module = None if level else find(name)
        if module is None:
            return builtins.__import__(name, globals, locals, fromlist, level)
        if not fromlist:
            return find(name.partition(".")[0])
        for wanted in fromlist:
            if wanted == "*" or hasattr(module, wanted):
                continue
            # `from x import y` would turn an AttributeError into a sentence of its own.
            try:
                getattr(module, wanted)
            except AttributeError as error:
                raise ImportError(str(error), name=name) from None
        return module

    return import_


class _Finder(MetaPathFinder):
    """Finds the program's own modules, and packages that only the stand-ins have."""

    def __init__(self, names: dict[str, Any], find: Find):
        self._names, self._find = names, find
        self.loaded: set[str] = set()

    def find_spec(self, fullname, path=None, target=None):
        folders = sys.path if path is None else path
        own = [folder for folder in folders if not _is_installed(folder)]
        spec = PathFinder.find_spec(fullname, own) if own else None
        if spec is not None:
            if isinstance(spec.loader, SourceFileLoader) and is_program(spec.origin):
                spec.loader = _ProgramLoader(fullname, spec.loader.path, self._names)
                self.loaded.add(fullname)
            return spec
        if fullname.partition(".")[0] not in ("keras_preprocessing", "keras_contrib"):
            return None
        module = None if PathFinder.find_spec(fullname, path) else self._find(fullname)
        if module is None:
            return None
        self.loaded.add(fullname)
        return ModuleSpec(fullname, _Given(module), is_package=True)


def _is_installed(folder: str) -> bool:
    return f"{os.path.realpath(folder)}{os.sep}".startswith(_INSTALLED)


class _ProgramLoader(SourceFileLoader):
    """Loads a module of the program with the program's builtins."""

    def __init__(self, fullname: str, path: str, names: dict[str, Any]):
        super().__init__(fullname, path)
        self._names = names

    def get_code(self, fullname):
        # Not from a file of byte code, which was compiled for another run.
        path = self.get_filename(fullname)
        return compiled(self.get_data(path), path, "exec")

    def exec_module(self, module):
        module.__builtins__ = self._names
        super().exec_module(module)


class _Given(Loader):
    """Loads a module that is there already."""

    def __init__(self, module: ModuleType):
        self._module = module

    def create_module(self, spec):
        return self._module

    def exec_module(self, module):
        pass
