"""The modules that an old program imports, made of elman's modules when a name is first used."""

import importlib
from collections.abc import Callable, Mapping
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from elman.legacy import programs
from elman.legacy.notes import tell

# Where the names of a module are looked up, first match first; elsewhere in elman's module of the
# same place.
_SOURCES = {
    "": ("elman.compat.keras", "elman"),
    "activations": ("elman.compat.activations", "elman.activations"),
    "backend": ("elman.compat.backend", "elman.compat.networks", "elman.ops", "elman.backend"),
    "callbacks": ("elman.compat.callbacks", "elman.callbacks"),
    "engine": ("elman.layers", "elman.models"),
    "experimental": ("elman.layers",),
    "initializations": ("elman.compat.initializations", "elman.initializers"),
    "layers": ("elman.compat.layers", "elman.layers"),
    "legacy": ("elman.layers",),
    "layers.merge": ("elman.compat.layers", "elman.layers"),
    "losses": ("elman.compat.losses", "elman.losses"),
    "mixed_precision": ("elman.compat.keras", "elman.mixed_precision"),
    "models": ("elman.models",),
    "optimizers": ("elman.compat.optimizers", "elman.optimizers"),
    "preprocessing": ("elman.compat.preprocessing", "elman.preprocessing", "elman.utils"),
    "preprocessing.image": ("elman.compat.preprocessing", "elman.preprocessing.image"),
    "preprocessing.sequence": ("elman.compat.preprocessing", "elman.preprocessing.sequence"),
    "preprocessing.text": ("elman.compat.preprocessing",),
    "utils": ("elman.compat.utils", "elman.utils"),
    "wrappers": ("elman.compat.scikit_learn", "elman.wrappers"),
    "wrappers.scikit_learn": ("elman.compat.scikit_learn",),
}


class StandIn(ModuleType):
    """A module that finds its names when they are used."""

    def __init__(self, name: str, lookup: Callable[[str], Any], listing: Callable[[], set[str]]):
        super().__init__(name)
        self.__path__: list[str] = []
        self._lookup, self._listing = lookup, listing

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return sorted(self._listing())
        return self._lookup(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._listing()})


class _Merge(StandIn):
    """``keras.layers.merge``: a function in Keras 1, a module in Keras 2."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.merge(*args, **kwargs)


class Modules:
    """The stand-ins of one program.

    Arguments:
        tensorflow: gives the stand-in of a module of TensorFlow, or None where the program shall
            get the real one.
    """

    def __init__(self, tensorflow: Callable[[str, "Modules"], ModuleType | None]):
        self._tensorflow = tensorflow
        self._keras: dict[str, ModuleType] = {}
        self._others: dict[str, ModuleType | None] = {}

    def find(self, name: str) -> ModuleType | None:
        """The stand-in for the module ``name``; None where the program gets the real one.

        Raises:
            ModuleNotFoundError: a module of Keras or TensorFlow that nothing stands in for.
        """
        place = programs.inside(name)
        if place is not None:
            if name != "keras":
                tell(f"{name} -> {_written_today(programs.today(place))}")
            return self.keras(place)
        if name not in self._others:
            self._others[name] = self._other(name)
        return self._others[name]

    def keras(self, place: str) -> ModuleType:
        """The stand-in for the module at ``place`` in Keras, "" for Keras itself."""
        place = programs.today(place)
        if place not in self._keras:
            self._keras[place] = self._made(place)
        return self._keras[place]

    def _made(self, place: str) -> StandIn:
        written = f"keras.{place}".rstrip(".")
        sources = _SOURCES.get(place, (written,))
        if sources == (written,):
            try:
                importlib.import_module(written)
            except ModuleNotFoundError as error:
                if error.name != written:
                    raise
                raise ModuleNotFoundError(
                    f"{written} is no module of Keras that elman knows; look for the name in "
                    f"keras.{place.partition('.')[0]}",
                    name=written,
                ) from None

        def lookup(name: str) -> Any:
            return self._name(place, written, sources, name)

        def listing() -> set[str]:
            found = {n for s in sources for n in _public(importlib.import_module(s))}
            return found | set(programs.RENAMED.get(place, ()))

        kind = _Merge if place == "layers.merge" else StandIn
        return kind(written, lookup, listing)

    def _name(self, place: str, written: str, sources: tuple[str, ...], name: str) -> Any:
        """What ``name`` is in the module at ``place``."""
        inner = f"{place}.{name}".lstrip(".")
        if inner in _PLACES:
            return self.keras(inner)
        new = programs.RENAMED.get(place, {}).get(name)
        if new:
            tell(f"{written}.{name} -> {new}")
        reason = ""
        for source in sources:
            try:
                value = getattr(importlib.import_module(source), new or name)
            except (AttributeError, ImportError) as error:
                reason = str(error) if isinstance(error, ImportError) else reason
                continue
            if isinstance(value, ModuleType) and value.__name__ == f"keras.{inner}":
                return self.keras(inner)
            return value
        raise AttributeError(
            reason or f"{written} has no {name!r} that elman knows; see docs/programs.md"
        )

    def _other(self, name: str) -> ModuleType | None:
        """The stand-in for a module of another library."""
        if name.partition(".")[0] == "tensorflow":
            return self._tensorflow(name, self)
        if name.partition(".")[0] == "keras_contrib" and not _installed("keras_contrib"):
            return _contributed(name)
        table = programs.LIBRARIES.get(name)
        return None if table is None else _with_old_names(name, table)


# Places inside Keras that Keras itself may not have.
_PLACES = {*programs.MOVED, *_SOURCES} - {""}


def _written_today(place: str) -> str:
    """The module to import today for most of what is at ``place``."""
    sources = _SOURCES.get(place, (f"elman.{place}",))
    return next((s for s in sources if not s.startswith("elman.compat")), sources[0])


def _public(module: ModuleType) -> set[str]:
    """What ``from module import *`` brings; of a module of `elman.compat` not what it imports."""
    if hasattr(module, "__all__"):
        return set(module.__all__)
    found = {name for name in dir(module) if not name.startswith("_")}
    if module.__name__.startswith("elman.compat"):
        found -= {name for name in found if isinstance(vars(module).get(name), ModuleType)}
    return found


def _installed(name: str) -> bool:
    """Whether the top-level package is there; our own finder is not asked."""
    return PathFinder.find_spec(name) is not None


def _contributed(name: str) -> StandIn:
    """A module of ``keras_contrib``, of which the CRF was what programs used."""

    def lookup(wanted: str) -> Any:
        try:
            return getattr(importlib.import_module("elman.compat.contrib"), wanted)
        except AttributeError:
            pass
        if name.count(".") < 2:
            return _contributed(f"{name}.{wanted}")
        raise AttributeError(
            f"{name} has no {wanted!r} that elman knows: of keras_contrib there is only the CRF"
        )

    return StandIn(name, lookup, lambda: set())


def _with_old_names(name: str, table: Mapping[str, str]) -> StandIn | None:
    """The module ``name`` as it is, with the names that it has lost; None if it is not there."""
    moved = table.get("", name)
    if not _installed(moved.partition(".")[0]):
        return None
    real = importlib.import_module(moved)
    if moved != name:
        tell(f"{name} -> {moved}")

    def lookup(wanted: str) -> Any:
        today = table.get(wanted, "")
        if not today or (hasattr(real, wanted) and not today.startswith("builtins.")):
            value = vars(standin)[wanted] = getattr(real, wanted)
            return value
        tell(f"{name}.{wanted} -> {today.removeprefix('builtins.')}")
        module, _, attribute = today.rpartition(".")
        if not module:
            return importlib.import_module(attribute)
        return getattr(importlib.import_module(module), attribute)

    standin = StandIn(name, lookup, lambda: _public(real))
    return standin
