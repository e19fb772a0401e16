"""The weights in `.keras` archives of Keras 2.11 to 2.15: folders named after classes.

Keras wrote them by walking through the attributes of a model: `layers/lstm_1/cell/vars/0` is the
first array of the cell of the second LSTM. On Windows some of the slashes were backslashes. Here
each layer gets its arrays in the order in which an `.h5` would have them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import h5py

from elman.legacy import hdf5, limits, text
from elman.legacy.hdf5 import Refused, Weight
from elman.legacy.specs import LayerSpec, ModelSpec

Path = tuple[str, ...]
Arrays = Mapping[str, Weight]  # by place, e.g. "layers/lstm/cell/vars/0"

# Attributes whose order is not that of their names.
_PARTS: Mapping[str, Sequence[str]] = {
    "Bidirectional": ("forward_layer", "backward_layer"),
    "MultiHeadAttention": ("_query_dense", "_key_dense", "_value_dense", "_output_dense"),
}
# Until Keras 2.12 the layers of a graph stood under an attribute that checkpoints use.
_LAYERS = ("layers", "_layer_checkpoint_dependencies")


def arrays(root: h5py.Group) -> dict[str, Weight]:
    """Every array of a weights file by its place, whose parts are parted by slashes.

    Raises:
        Refused: more names or levels than a model has, links, or arrays larger than their bytes.
    """
    found: dict[str, Weight] = {}
    groups = [("", root, 0)]
    while groups:
        path, group, depth = groups.pop()
        if len(group) > limits.LAYERS:
            raise Refused(f"weights must have at most {limits.LAYERS} names in a group, got more")
        for key in group:
            where = f"{path}{key}".replace("\\", "/")
            if depth > text.DEPTH or len(found) + len(groups) > hdf5.WEIGHTS:
                raise Refused("a file of weights must have an end, got one without end")
            if ".." in where.split("/"):
                raise Refused(f"weights must keep to their own groups, got {where!r:.80}")
            inside = group[key] if hdf5.is_inside(group, key) else None
            if isinstance(inside, h5py.Group):
                groups.append((f"{where}/", inside, depth + 1))
            else:
                found[where] = Weight(where, hdf5.dataset(group, key))
    hdf5.check_size(list(found.values()), root.file.id.get_filesize())
    return found


def optimizer(held: Arrays) -> list[Weight]:
    """The variables of the optimizer, in order."""
    return _vars(_below(held, "optimizer"))


def places(model: ModelSpec, held: Arrays) -> dict[str, dict[Path, list[Weight]]]:
    """The arrays of each layer of a model, by the paths of names of the layers inside it.

    Raises:
        Refused: arrays that belong to no layer.
    """
    return {
        layer.name: {(layer.name, *path): found for path, found in inner.items()}
        for layer, inner in _places(model, held)
    }


def _places(model: ModelSpec, held: Arrays) -> Iterator[tuple[LayerSpec, dict[Path, list[Weight]]]]:
    within = next((found for name in _LAYERS if (found := _below(held, name))), {})
    folders = {place.partition("/")[0] for place in within}
    named = dict(_folders(model.layers, folders))
    unknown = folders - {*named.values()}
    if unknown:
        raise Refused(
            f"the weights must be those of the layers of model '{model.name}', got arrays of "
            f"{sorted(unknown)[0]!r:.80} too"
        )
    for layer in model.layers:
        if layer.name in named:
            yield layer, _of_layer(layer, _below(within, named[layer.name]))


def _folders(layers: Sequence[LayerSpec], folders: set[str]) -> Iterator[tuple[str, str]]:
    """The folder of each layer that has one."""
    return ((layer.name, name) for layer, name in _numbered(layers) if name in folders)


def _numbered(layers: Sequence[LayerSpec]) -> Iterator[tuple[LayerSpec, str]]:
    """What the folder of each layer is called: its class in small letters, and a number."""
    seen: dict[str, int] = {}
    for layer in layers:
        base = snake_case(layer.was or layer.class_name)
        number = seen.get(base, 0)
        seen[base] = number + 1
        yield layer, f"{base}_{number}" if number else base


_LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup")


def vocabularies(model: ModelSpec, within: str = "") -> Iterator[tuple[Path, str]]:
    """The layers that learned a vocabulary, by paths of names, and its folder in the archive."""
    for layer, name in _numbered(model.layers):
        place = f"{within}layers/{name}"
        if layer.model is not None:
            for path, folder in vocabularies(layer.model, f"{place}/"):
                yield (layer.name, *path), folder
        elif layer.class_name in _LOOKUPS and layer.config.get("vocabulary") is None:
            yield (layer.name,), place


def _of_layer(layer: LayerSpec, held: Arrays) -> dict[Path, list[Weight]]:
    """What is in a layer's folder, by the layers inside it; () is the layer itself."""
    inner = layer.config.get("layer")
    if layer.class_name == "TimeDistributed" and isinstance(inner, LayerSpec) and inner.model:
        layer, held = inner, _below(held, "layer")
    if layer.model is None:
        return {(): _ordered(layer, held)}
    return {
        (one.name, *path): found
        for one, within in _places(layer.model, held)
        for path, found in within.items()
    }


def _ordered(layer: LayerSpec, held: Arrays) -> list[Weight]:
    """The arrays of one layer in the order of its weights: its own, then those of its parts."""
    found = _vars(held)
    if (
        layer.class_name == "SpectralNormalization"
    ):  # the kernel of the layer inside it, and its own
        return _ordered(layer.config["layer"], _below(held, "layer")) + found[-1:]
    parts = {place.partition("/")[0] for place in held} - {"vars"}
    order = [name for name in _PARTS.get(layer.class_name, ()) if name in parts]
    order += sorted(parts - {*order}, key=_number_last)
    cells = layer.config.get("cells") or []
    if "cells" in parts and cells:
        within = _below(held, "cells")
        for cell, folder in zip(cells, _folders_in_order(cells, within), strict=False):
            found += _ordered(cell, _below(within, folder))
        order.remove("cells")
    for part in order:
        inner = layer.config.get({"forward_layer": "layer"}.get(part, part))
        spec = inner if isinstance(inner, LayerSpec) else LayerSpec(layer.kind, "", part, {})
        found += _ordered(spec, _below(held, part))
    return found


def _folders_in_order(cells: Sequence[LayerSpec], within: Arrays) -> list[str]:
    folders = {place.partition("/")[0] for place in within}
    return [folder for _, folder in _folders(cells, folders)]


def _vars(held: Arrays) -> list[Weight]:
    own = _below(held, "vars")
    return [own[place] for place in sorted(own, key=_number_last)]


def _below(held: Arrays, folder: str) -> dict[str, Weight]:
    start = f"{folder}/"
    return {place[len(start) :]: w for place, w in held.items() if place.startswith(start)}


def _number_last(name: str) -> tuple[str, int]:
    """For sorting dense, dense_1, ..., dense_10, and 0, 1, ..., 10."""
    base, _, number = name.rpartition("_")
    if number.isascii() and number.isdigit():
        return base, int(number)
    return name, -1


def snake_case(name: str) -> str:
    """A class in small letters, as Keras names its folders.

    >>> snake_case("BatchNormalization"), snake_case("LSTM"), snake_case("Conv1D")
    ('batch_normalization', 'lstm', 'conv1d')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
