"""Old constructor arguments, of Keras 1 and 2, turned into today's."""

import difflib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elman.legacy import positions, shapes, tables, values

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
) -> Translated:
    """Turn the arguments of an old constructor call into today's.

    Args:
        layer: the class name as the user wrote it, e.g. "LSTM", "CuDNNGRU", "Convolution2D":
            some old names settle how values by position are read.
        args: the values given by position.
        kwargs: the values given by name; left as they are.
        parameters: the names today's constructor takes, in its order (without `self`).
        keywords: the names it takes by name only. `signature` gives both.

    Raises:
        TypeError: an unknown argument, one given twice, or a shape that is none.
        ValueError: an argument or a value that has no meaning today; says what to write instead.

    >>> call = translate("LSTM", (3,), {"init": "zero", "input_shape": (2, 10)}, ("units",
    ...                  "kernel_initializer", "recurrent_activation"))
    >>> call.batch_input_shape, call.kwargs["units"], call.kwargs["kernel_initializer"]
    ((None, 2, 10), 3, 'zeros')
    """
    if layer in tables.GONE_LAYERS:
        raise ValueError(f"{layer} is gone; write {tables.GONE_LAYERS[layer]}")
    name = tables.today(layer)
    known = {*parameters, *keywords, *tables.THROUGH_KWARGS.get(name, ())}
    written = positions.by_name(layer, args, kwargs, parameters)
    given = dict(written)
    shape = shapes.take(layer, given, known)
    weights = _weights(layer, given.pop("weights", None))
    time_major = bool(given.pop("time_major", False)) if name in tables.TIME_MAJOR else False
    input_dtype = None if name in tables.INPUTS else given.pop("input_dtype", None)
    notes = [f"{old} -> batch_input_shape {shape}" for old in written if _taken(old, given, known)]
    today = _rename(layer, _join(layer, given, notes), known, notes)
    if any(word in written and word not in known for word in positions.words(name)):
        _fill(today, tables.KERAS1_DEFAULTS.get(name, {}), "Keras 1's default", notes)
    missing = {k: v for k, v in tables.DEFAULTS.get(name, {}).items() if k in known}
    _fill(today, missing, "Keras 2's default", notes)
    return Translated(today, shape, weights, time_major, tuple(notes), input_dtype)


def _taken(old: str, given: Mapping[str, Any], known: Collection[str]) -> bool:
    return old in shapes.NAMES and old != "batch_input_shape" and old not in {*given, *known}


def _fill(today: dict[str, Any], defaults: Mapping[str, Any], whose: str, notes: list[str]) -> None:
    """Say aloud what an older Keras meant where the user said nothing."""
    for name, value in defaults.items():
        if name not in today:
            today[name] = value
            notes.append(f"{name}={value!r} ({whose})")


def _weights(layer: str, weights: Any) -> list[Any] | None:
    """The initial weights as a list of arrays."""
    if weights is None:
        return None
    alone = layer == "Embedding" and len(weights) != 1  # the matrix itself was legal there
    if not isinstance(weights, list | tuple) or alone:
        return [weights]
    return list(weights)


def _join(layer: str, given: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Put arguments that are one tuple today together, e.g. nb_row and nb_col."""
    for new, names in tables.JOINED.get(tables.today(layer), {}).items():
        missing = [name for name in names if name not in given]
        if len(missing) == len(names):
            continue
        if missing:
            raise TypeError(f"{layer} got no {missing[0]}; write {new}=({', '.join(names)})")
        together = tuple(given.pop(name) for name in names)
        _put(layer, given, new, together, ", ".join(names), together)
        notes.append(f"{', '.join(names)} -> {new}")
    return given


def _rename(
    layer: str, given: dict[str, Any], known: Collection[str], notes: list[str]
) -> dict[str, Any]:
    """Every argument under today's name with today's value."""
    forms = tables.FORMS.get(tables.today(layer), {})
    today = {name: value for name, value in given.items() if name in known}
    for name, value in today.items():
        value = forms[name](value) if name in forms else value
        today[name] = values.identifier(name, value)
        if today[name] is not value:
            notes.append(f"{name}={value!r} -> {today[name]!r}")
    for old, value in given.items():
        if old not in known:
            for new, translated in _look_up(layer, old, value, known, notes).items():
                _put(layer, today, new, translated, old, value)
    return today


def _look_up(
    layer: str, old: str, value: Any, known: Collection[str], notes: list[str]
) -> dict[str, Any]:
    """What one old argument is today: nothing, one argument, or several."""
    keras1, keras2 = tables.entries(layer)
    entry = keras1.get(old, keras2.get(old))
    if entry is None:
        raise TypeError(_unknown(layer, old, known))
    if isinstance(entry, tables.Gone):
        if not entry.harmless(value):
            instead = entry.instead.format(value=repr(value))
            raise ValueError(f"{layer} takes no {old}={value!r} any more: {instead}")
        notes.append(f"{old}={value!r} dropped")
        return {}
    row = tables.Row((entry,)) if isinstance(entry, str) else entry
    translated = _value(layer, old, value, row)
    notes.append(f"{old} -> {', '.join(row.new)}")
    found: dict[str, Any] = {}
    for new in row.new:
        if new in known:
            found[new] = values.identifier(new, translated)
        else:
            found |= _look_up(layer, new, translated, known, notes)
    return found


def _value(layer: str, old: str, value: Any, row: tables.Row) -> Any:
    """Today's value of an old one."""
    if row.values is None:
        return value
    if value.__hash__ is not None and value in row.values:
        return row.values[value]
    words = ", ".join(repr(word) for word in row.values)
    raise ValueError(f"{layer}: {old} must be one of {words}, got {value!r}; {row.hint}")


def _put(layer: str, today: dict[str, Any], new: str, value: Any, old: str, written: Any) -> None:
    """Set `new`, unless it is there already with another value."""
    if new in today and not _same(today[new], value):
        raise TypeError(
            f"{layer} got {old}={written!r} and {new}={today[new]!r}, "
            f"which are one argument today; give only {new}"
        )
    today[new] = value


def _same(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except ValueError:  # arrays, which have no one truth
        return False


def _unknown(layer: str, name: str, known: Collection[str]) -> str:
    """The sentence for an argument nobody knows, with the nearest one that is known."""
    today = sorted(known)
    old = sorted({*tables.entries(layer)[0], *shapes.NAMES, "weights"} - {*known})
    near = difflib.get_close_matches(name, [*today, *old], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{layer} got an unknown argument {name!r}{hint} It takes: {', '.join(today)}"
