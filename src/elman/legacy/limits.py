"""What a model may ask for before a weight is made: layers, timesteps, rows, numbers in a row."""

from collections.abc import Mapping
from typing import Any

LAYERS = 10_000
CALLS = 50_000  # of layers, those inside models each time
NAME = 500  # letters of the name of a layer
UNROLLED = 10_000  # timesteps of a recurrent layer that is written out step by step
ROW, BATCH = 2**28, 2**20  # numbers in a row of an input, and rows


def shape(name: str, shape: Any) -> None:
    """Refuse an input shape, batch axis first, that is none or that asks for too much."""
    row = 1
    if not isinstance(shape, list | tuple):
        raise ValueError(f"{name}: an input shape must be a list, got {shape!r:.80}")
    for axis in shape:
        if axis is not None and (not isinstance(axis, int) or isinstance(axis, bool) or axis < 0):
            raise ValueError(
                f"{name}: an input shape must be whole numbers and None, got {shape!r:.80}"
            )
    for axis in shape[1:]:
        row *= axis or 1
    if row > ROW or (shape and (shape[0] or 0) > BATCH):
        raise ValueError(
            f"{name}: an input must have at most {BATCH} rows of {ROW} numbers, got "
            f"{tuple(shape)!s:.120}"
        )


def calls(written: Any) -> int:
    """How many calls of layers a model makes, those of the models inside it each time.

    Raises:
        ValueError: more than `CALLS`, as of models that call one another twice.
    """
    config = written.get("config") if isinstance(written, Mapping) else None
    layers = config.get("layers") if isinstance(config, Mapping) else config
    inside: list[Any] = layers if isinstance(layers, list) else []
    if not inside and isinstance(config, Mapping):
        inside = [one for one in config.values() if isinstance(one, Mapping) and "config" in one]
    total = 1
    if len(inside) > LAYERS:
        raise ValueError(f"a model must have at most {LAYERS} layers, got more")
    for one in inside:
        nodes = one.get("inbound_nodes") if isinstance(one, Mapping) else None
        total += calls(one) * max(1, len(nodes) if isinstance(nodes, list) else 1)
        if total > CALLS:
            raise ValueError(f"a model must make at most {CALLS} calls of layers, got more")
    return total


def name(of_layer: Any) -> None:
    """Refuse a name of a layer that is no text, or longer than any name is."""
    if not isinstance(of_layer, str):
        raise ValueError(f"the name of a layer must be text, got {of_layer!r:.80}")
    if len(of_layer) > NAME:
        raise ValueError(
            f"the name of a layer must have at most {NAME} letters, got {len(of_layer)}: "
            f"{of_layer:.40} ..."
        )


def steps(count: int | None) -> None:
    """Refuse to write out a recurrent layer for too many timesteps."""
    if count is not None and count > UNROLLED:
        raise ValueError(f"unroll=True takes at most {UNROLLED} timesteps, got {count}")
