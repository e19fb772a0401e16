"""Where a name of old Keras is in today's elman, without the import hook."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from elman.compat import standins
from elman.legacy import modules, programs
from elman.legacy.tables import names


@dataclass(frozen=True)
class Today:
    """A name of today: ``module`` and the ``name`` in it, "" for the module itself."""

    module: str
    name: str = ""

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}".rstrip(".")


@dataclass(frozen=True)
class Old:
    """A name of old Keras: the ``place`` of its module ("layers.recurrent") and the ``name``."""

    place: str
    name: str = ""

    @property
    def today(self) -> str:
        """The place of its module today."""
        return programs.today(self.place)


# Where today's own function or class stands for the old one, if the call is worded for it.
MODERN_PLACES = ("", "callbacks", "layers", "optimizers", "utils")
_KERAS_ITSELF = {"__version__": Today("keras", "__version__")}


def old(full: str) -> tuple[Old, tuple[str, ...]] | None:
    """Take the dotted name ``full`` apart: the name in Keras, and attributes of it.

    Returns:
        None where it is no name of Keras.

    >>> old("tensorflow.keras.layers.LSTM.call")
    (Old(place='layers', name='LSTM'), ('call',))
    >>> old("keras.utils.np_utils")
    (Old(place='utils.np_utils', name=''), ())
    """
    inside = programs.inside(full)
    if inside is None:
        return None
    parts = tuple(inside.split(".")) if inside else ()
    place = 0
    while place < len(parts) and _is_place(".".join(parts[: place + 1])):
        place += 1
    name = parts[place] if place < len(parts) else ""
    return Old(".".join(parts[:place]), name), parts[place + 1 :]


@cache
def _is_place(place: str) -> bool:
    """Whether Keras ever had a module ``place``."""
    known = {*programs.MOVED, *programs.MOVED.values(), *standins._SOURCES}
    if any(name == place or name.startswith(f"{place}.") for name in known if name):
        return True
    try:
        return importlib.import_module(f"elman.{place}") is not None
    except ImportError:
        return False


def find(name: Old) -> Today:
    """The object that the import hook would give for ``name``, as a name that can be imported.

    Raises:
        ImportError, AttributeError: there is nothing for it; says what to do.
    """
    place = name.today
    if not name.name:
        return Today(module(place))
    if not place and name.name in _KERAS_ITSELF:
        return _KERAS_ITSELF[name.name]
    if modules.gone(name.name) and place in ("layers", "layers.merge"):
        raise AttributeError(modules.gone(name.name))
    new = programs.RENAMED.get(place, {}).get(name.name, name.name)
    for source in sources(place):
        found = importlib.import_module(source)
        if hasattr(found, new):
            return _plainest(Today(source, new), getattr(found, new), place)
    # The stand-in knows why.
    getattr(standins.Modules(lambda *_: None).keras(place), name.name)
    raise AttributeError(f"keras.{place} has no {name.name!r} that elman knows")


def _plainest(today: Today, value: object, place: str) -> Today:
    """The same object outside `elman.compat`, if that only hands it on."""
    if not today.module.startswith("elman.compat"):
        return today
    for source in (*sources(place), "elman.utils"):
        plain = getattr(importlib.import_module(source), today.name, None)
        if plain is value and not source.startswith("elman.compat"):
            return Today(source, today.name)
    return today


def modern(name: Old) -> Today | None:
    """Today's own object for ``name``, where it takes the same calls in today's words."""
    place = name.today
    if place == "backend":
        return Today("elman.ops", OPS[name.name])
    if place not in MODERN_PLACES:
        return None
    new = programs.RENAMED.get(place, {}).get(name.name, name.name)
    return Today(f"elman.{place}".rstrip("."), new)


def sources(place: str) -> tuple[str, ...]:
    return standins._SOURCES.get(place) or (f"elman.{place}".rstrip("."),)


def module(place: str) -> str:
    """The module that stands for ``place`` where nothing says which of its names are used."""
    plain: Iterator[str] = (s for s in sources(place) if not s.startswith("elman.compat"))
    return next(plain, sources(place)[0])


# Functions of K that are one function of keras.ops; the others are in elman.compat.backend.
OPS = {
    **{
        name: name
        for name in names(
            "abs arccos cos cumprod cumsum dot equal exp greater greater_equal "
            "less less_equal log logsumexp max maximum mean min minimum not_equal "
            "ones_like prod reshape round sigmoid sign sin softmax softplus "
            "square stack std sum tanh transpose var zeros_like cast"
        )
    },
    "pow": "power",
    "permute_dimensions": "transpose",
    "argmax": "argmax",
    "argmin": "argmin",
    "concatenate": "concatenate",
    "expand_dims": "expand_dims",
    "squeeze": "squeeze",
}
# Their axis is another one where none is given.
OPS_WITH_AXIS = ("argmax", "argmin", "concatenate", "expand_dims", "squeeze")

# What programs took from TensorFlow itself, beside tf.keras.
TENSORFLOW = {
    "device": Today("contextlib", "nullcontext"),
    "data.Dataset": Today("elman.compat.datasets", "Dataset"),
    "random.set_seed": Today("elman.utils", "set_random_seed"),
    "random.set_random_seed": Today("elman.utils", "set_random_seed"),
    "set_random_seed": Today("elman.utils", "set_random_seed"),
    **{
        place: Today("elman.ops", place.rpartition(".")[2])
        for place in names(
            "abs argmax cast equal exp expand_dims math.log matmul maximum "
            "minimum multiply nn.relu nn.sigmoid nn.softmax nn.tanh ones reshape "
            "sigmoid sqrt square stack tanh transpose zeros"
        )
    },
    **{f"reduce_{name}": Today("elman.ops", name) for name in ("max", "mean", "min", "sum")},
    "concat": Today("elman.ops", "concatenate"),
    "constant": Today("elman.ops", "convert_to_tensor"),
    "convert_to_tensor": Today("elman.ops", "convert_to_tensor"),
}


def in_tensorflow(full: str) -> tuple[Today, tuple[str, ...]] | None:
    """What stands for a name of TensorFlow itself, and attributes of it; None if nothing does.

    >>> in_tensorflow("tensorflow.compat.v1.data.Dataset.range")
    (Today(module='elman.compat.datasets', name='Dataset'), ('range',))
    """
    parts = full.removeprefix("tensorflow.").removeprefix("compat.v1.").split(".")
    for end in range(len(parts), 0, -1):
        today = TENSORFLOW.get(".".join(parts[:end]))
        if today is not None:
            return today, tuple(parts[end:])
    return None
