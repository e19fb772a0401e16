"""`convert`: models of any age as `.keras` archives that plain Keras 3 opens where it can."""

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import tree

from elman._writing import whole
from elman.models.building import Builder
from elman.models.loading import load

# Opens an archive without elman and computes what the converted model computed.
_PROOF = """
import sys
import numpy as np
import keras

model = keras.models.load_model(sys.argv[1], compile=False)
held = np.load(sys.argv[2])
x = [held[f"x{i}"] for i in range(sum(name[0] == "x" for name in held.files))]
y = keras.tree.flatten(model(x if len(x) > 1 else x[0]))
assert not any(name.partition(".")[0] == "elman" for name in sys.modules), "elman was imported"
for i, found in enumerate(y):
    found, wanted = keras.ops.convert_to_numpy(found), held[f"y{i}"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * max(1, np.abs(wanted).max()))
"""


class Converted(tuple):
    """What `convert` did, as ``(notes, ours)``.

    Attributes:
        notes: a line for each translation.
        ours: the names of the layers that are elman's, without which plain Keras 3 cannot open
            the archive.
        proven: whether a process without elman opened the archive and computed the same numbers;
            False where there are such layers, or no numbers to give the model.
        why: why it is not proven; "" where it is.
    """

    notes: list[str]
    ours: list[str]
    proven: bool
    why: str

    def __new__(cls, notes: list[str], ours: list[str], why: str):
        made = super().__new__(cls, (notes, ours))
        made.notes, made.ours, made.proven, made.why = notes, ours, not why, why
        return made


def convert(
    old: str | os.PathLike,
    new: str | os.PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    functions: Mapping[str, Callable] | None = None,
    prove: bool = True,
) -> Converted:
    """Write a model as a `.keras` archive, of Keras's own layers where they compute the same.

    Where no layer is elman's, a process of its own, without elman, opens the archive and computes
    what the model computes; so it is known that plain Keras 3 opens it.

    Arguments:
        old: a file that `load_model` reads.
        new: the archive, a name that ends in ``.keras``; written whole or not at all.
        custom_objects, functions: as of `load_model`.
        prove: whether to start that process, which takes the seconds that Keras takes to load.

    Returns:
        ``(notes, ours)`` with the attributes ``proven`` and ``why``; see `Converted`.

    Raises:
        ValueError, OSError: as of `load_model`; ``new`` does not end in ``.keras``.

    Example:
        >>> import elman, pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> stateful = elman.layers.LSTM(3, batch_input_shape=(1, 5, 2), stateful=True, name="s")
        >>> elman.Sequential([stateful]).save(folder / "old.keras")
        >>> notes, ours = convert(folder / "old.keras", folder / "new.keras")
        >>> ours
        ['s']
    """
    if Path(new).suffix != ".keras":
        name = Path(new).with_suffix(".keras").name
        raise ValueError(f"the new file must end in .keras, got {os.fspath(new)!r}; do: {name}")
    builder = Builder(custom_objects, functions, keras_own=True)
    notes: list[str] = []
    model, said = load(old, builder, compile=True, warn=notes.append)
    with whole(new) as part:
        model.save(part)
    ours = list(dict.fromkeys(builder.ours))
    if ours:
        why = f"it needs elman for {', '.join(ours)}"
    elif builder.custom_objects or builder.functions:
        why = "it has functions or classes of yours, which Keras asks for as custom_objects"
    else:
        why = _not_proven(model, Path(new)) if prove else "it was not asked for"
    return Converted(list(dict.fromkeys([*map(str, said), *notes])), ours, why)


def _not_proven(model, path: Path) -> str:
    """Why a process without elman does not compute what the model computes; "" where it does."""
    inputs = _some_inputs(model)
    if inputs is None:
        return "its inputs are not known, or too large to try"
    outputs = tree.flatten(model(inputs if len(inputs) > 1 else inputs[0]))
    arrays = {f"x{i}": x for i, x in enumerate(inputs)}
    arrays |= {f"y{i}": keras.ops.convert_to_numpy(y) for i, y in enumerate(outputs)}
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder, "held.npz")
        np.savez(held, **arrays)
        environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
        command = [sys.executable, "-c", _PROOF, os.path.abspath(path), os.fspath(held)]
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
    said = done.stderr.strip().splitlines()
    return "" if not done.returncode else (said[-1][:300] if said else "Keras ended without a word")


def _some_inputs(model) -> list[np.ndarray] | None:
    """Small inputs for a model: numbers that an Embedding has, too."""
    if not getattr(model, "inputs", None) or _is_large(model):
        return None
    random = np.random.default_rng(0)
    found = []
    for tensor in tree.flatten(model.inputs):
        shape = [3 if n is None else n for n in tensor.shape]
        shape[0] = tensor.shape[0] or 2
        if keras.backend.is_float_dtype(tensor.dtype):
            # An Embedding may have been given floats; 0 and 1 are words to each.
            found.append(random.integers(0, 2, shape).astype(tensor.dtype))
        elif tensor.dtype == "string":
            return None
        else:
            found.append(random.integers(0, 2, shape).astype(tensor.dtype))
    return found


def _is_large(model) -> bool:
    """Whether some layer gives more for a small input than is computed in a moment."""
    for layer in model.layers:
        for tensor in tree.flatten(getattr(layer, "output", None)):
            shape = [3 if n is None else n for n in getattr(tensor, "shape", ())]
            if math.prod(shape) > 2**24:
                return True
    return False
