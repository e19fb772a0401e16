"""Old constructor arguments, of Keras 1 and 2, turned into today's."""

import difflib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elman.legacy import eras, modules, positions, shapes, tables, values
from elman.legacy.eras import Era

# What every Keras layer of today takes by name, through its **kwargs.
BASE = ("name", "trainable", "dtype", "autocast", "activity_regularizer")


@dataclass(frozen=True)
class Translated:
    """What a constructor call of any age says, in today's words.

    Attributes:
        kwargs: today's arguments, all by name.
        batch_input_shape: the whole input shape, e.g. (8, 2, 10) or (None, 2, 10); None where
            no shape was given.
        weights: the initial weights of `weights=[...]`, for `layer.set_weights` once it is built.
        time_major: whether input and output are [T, B, ...].
        notes: one line for each translation, e.g. "init -> kernel_initializer".
        input_dtype: the dtype of the model's input, from Keras 1's `input_dtype`.
    """

    kwargs: dict[str, Any]
    batch_input_shape: tuple[int | None, ...] | None = None
    weights: list[Any] | None = None
    time_major: bool = False
    notes: tuple[str, ...] = ()
    input_dtype: str | None = None


def signature(constructor: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that `constructor` takes by position, and those it takes by name only.

    >>> signature(lambda self, units, *, seed=None: None)
    (('units',), ('seed',))
    """
    every = list(inspect.signature(constructor).parameters.values())
    placed = [p for p in every if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
    named = [p.name for p in every if p.kind is p.KEYWORD_ONLY]
    if any(p.kind is p.VAR_KEYWORD for p in every):
        named += [name for name in BASE if name not in named]
    return tuple(p.name for p in placed), tuple(named)


def translate(
    layer: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    parameters: Sequence[str],
    keywords: Collection[str] = BASE,
    era: Era | None = None,
) -> Translated:
    """Turn the arguments of an old constructor call into today's.

    Arguments:
        layer: the class name as the user wrote it, e.g. "LSTM", "CuDNNGRU", "Convolution2D":
            some old names settle how values by position are read.
        args: the values given by position.
        kwargs: the values given by name; left as they are.
        parameters: the names today's constructor takes, in its order (without `self`).
        keywords: the names it takes by name only. `signature` gives both.
        era: when the call was written, for what it leaves unsaid; arguments of Keras 1 say it.

    Raises:
        TypeError: an unknown argument, one given twice, or a shape that is none.
        ValueError: an argument or a value that has no meaning today; says what to write instead.

    >>> call = translate("LSTM", (3,), {"init": "zero", "input_shape": (2, 10)}, ("units",
    ...                  "kernel_initializer", "recurrent_activation"))
    >>> call.batch_input_shape, call.kwargs["units"], call.kwargs["kernel_initializer"]
    ((None, 2, 10), 3, 'zeros')
    """
    if layer in tables.GONE_LAYERS:
        raise ValueError(modules.gone(layer))
    name = tables.today(layer)
    known = tuple(dict.fromkeys((*parameters, *keywords, *tables.THROUGH_KWARGS.get(name, ()))))
    written = positions.by_name(layer, args, kwargs, parameters)
    given = dict(written)
    shape = shapes.take(layer, given, known)
    notes = _shape_notes(written, given, shape)
    weights = _weights(layer, name, given.pop("weights", None))
    time_major = name in tables.TIME_MAJOR and bool(given.pop("time_major", False))
    input_dtype = None if name in tables.INPUTS else given.pop("input_dtype", None)
    _join(layer, given, notes)
    today = _rename(layer, given, known, notes)
    if any(word in written for word in tables.keras1_arguments(name)):
        era = eras.KERAS1
    _fill(today, eras.defaults(layer, era), f"{era}'s default", notes)
    _fill(today, tables.KERAS2_DEFAULTS.get(layer, {}), "Keras 2's default", notes)
    return Translated(today, shape, weights, time_major, tuple(notes), input_dtype)


def _shape_notes(
    written: Mapping[str, Any], left: Mapping[str, Any], shape: shapes.Shape | None
) -> list[str]:
    """What became of the shape arguments, which are those no longer left."""
    said = [name for name in written if name not in left]
    if shape is None:
        return [f"{name}={written[name]!r} dropped" for name in said]
    return [f"{name} -> Input(batch_shape={shape})" for name in said]


def _weights(layer: str, name: str, weights: Any) -> list[Any] | None:
    """The initial weights as a list of arrays."""
    if weights is None:
        return None
    if not hasattr(weights, "__len__"):
        raise TypeError(f"{layer}: weights must be a list of arrays, got {weights!r}")
    alone = name == "Embedding" and len(weights) != 1  # the bare matrix is legal there
    return [weights] if alone or not isinstance(weights, list | tuple) else list(weights)


def _join(layer: str, given: dict[str, Any], notes: list[str]) -> None:
    """Put together what is one tuple today, e.g. nb_row and nb_col."""
    for new, parts in tables.JOINED.get(tables.today(layer), {}).items():
        missing = [part for part in parts if part not in given]
        if len(missing) == len(parts):
            continue
        if missing:
            raise TypeError(f"{layer} got no {missing[0]}; write {new}=({', '.join(parts)})")
        together = tuple(given.pop(part) for part in parts)
        _put(layer, given, new, together, f"({', '.join(parts)})={together}")
        notes.append(f"{', '.join(parts)} -> {new}")


def _rename(
    layer: str, given: Mapping[str, Any], known: Collection[str], notes: list[str]
) -> dict[str, Any]:
    """Every argument under today's name with today's value."""
    today: dict[str, Any] = {}
    for name in sorted(given, key=lambda name: name not in known):  # today's names first
        for new, value in _today(layer, name, given[name], known, notes).items():
            _put(layer, today, new, value, f"{name}={given[name]!r}")
    return today


def _today(
    layer: str, name: str, value: Any, known: Collection[str], notes: list[str]
) -> dict[str, Any]:
    """What one argument is today: nothing, one argument, or several."""
    if name in known:
        new = values.today(tables.today(layer), name, value)
        if new is not value:
            notes.append(f"{name}={value!r} -> {new!r}")
        return {name: new}
    entry = tables.old_arguments(layer).get(name)
    if entry is None:
        raise TypeError(_unknown(layer, name, known))
    if isinstance(entry, tables.Gone):
        if not entry.harmless(value):
            instead = entry.instead.format(value=value)
            raise ValueError(f"{layer} takes no {name}={value!r} any more; {instead}")
        notes.append(f"{name}={value!r} dropped")
        return {}
    row = tables.Row((entry,)) if isinstance(entry, str) else entry
    notes.append(f"{name} -> {', '.join(row.new)}")
    value = _choice(layer, name, value, row)
    found = [_today(layer, new, value, known, notes) for new in row.new]
    return {new: value for one in found for new, value in one.items()}


def _choice(layer: str, name: str, value: Any, row: tables.Row) -> Any:
    """Today's word for an old one; today's own word is taken too."""
    if not row.values:
        return value
    if isinstance(value, str | None):
        if value in row.values:
            return row.values[value]
        if value in row.values.values():
            return value
    words = " or ".join(repr(word) for word in row.values)
    raise ValueError(f"{layer}: {name} must be {words}, got {value!r}; {row.hint}")


def _put(layer: str, today: dict[str, Any], new: str, value: Any, written: str) -> None:
    """Set `new`, unless it is there already with another value."""
    if new in today and not _same(today[new], value):
        raise TypeError(
            f"{layer} got {written} and {new}={today[new]!r}, which are one argument today; "
            f"give only {new}"
        )
    today[new] = value


def _same(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except ValueError:  # arrays have no one truth
        return False


def _fill(today: dict[str, Any], defaults: Mapping[str, Any], whose: str, notes: list[str]) -> None:
    """Say aloud what an older Keras meant where the user said nothing."""
    for name, value in defaults.items():
        if name not in today:
            today[name] = value
            notes.append(f"{name}={value!r} ({whose})")


def _unknown(layer: str, name: str, known: Collection[str]) -> str:
    """The sentence for an argument nobody knows, with the nearest one that is known."""
    old = (*shapes.NAMES, "weights", *sorted(tables.keras1_arguments(layer)))
    near = difflib.get_close_matches(name, (*known, *old), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{layer} got an unknown argument {name!r}{hint} It takes: {', '.join(known)}"
