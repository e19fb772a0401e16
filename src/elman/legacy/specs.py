"""What a model file says, in one form for all generations: models, layers, calls, notes.

A `ModelSpec` is a stack of layers, or a graph: layers, their calls in an order in which they can
be made, inputs and outputs. A `LayerSpec` has the class and the arguments of today. Nothing here
knows a framework; `elman.legacy.configs` writes this form and `elman.models.building` reads it.
"""

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Config = dict[str, Any]

INNER = ("layer", "backward_layer", "cell")  # the arguments that are layers themselves


class Ref(NamedTuple):
    """An output of a layer: the layer's name, which of its calls, which output of that call."""

    name: str
    node: int
    tensor: int


class Note(NamedTuple):
    """A translation: the layer it is about ("" for the whole model), and what was done."""

    layer: str
    what: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.what}" if self.layer else self.what


class Need(enum.Enum):
    """What a file cannot give and its caller must."""

    CODE = "byte code, which is never run"
    FUNCTION = "the function"
    TENSORFLOW = "an operation of TensorFlow,"
    CLASS = "the class"
    ACTIVATION = "the activation"
    INITIALIZER = "the initializer"
    REGULARIZER = "the regularizer"
    CONSTRAINT = "the constraint"


# These are given by the layer's name, the others by their own.
OF_LAYERS = (Need.CODE, Need.FUNCTION, Need.TENSORFLOW)


class Needed(NamedTuple):
    """What a layer needs of the caller.

    Attributes:
        layer: its name.
        need: what it is.
        name: what the file calls it; "" for byte code.
    """

    layer: str
    need: Need
    name: str = ""

    def __str__(self) -> str:
        named = f" {self.name!r:.80}" if self.name else ""
        return f"'{self.layer:.80}' ({self.need.value}{named})"


def call_with(needed: Sequence[Needed]) -> str:
    """The arguments of `load_model` that hand in what is needed.

    >>> call_with([Needed("twice", Need.CODE), Needed("dense", Need.ACTIVATION, "half")])
    'functions={"twice": ...}, custom_objects={"half": ...}'
    """
    functions = [one.layer for one in needed if one.need in OF_LAYERS]
    objects = [one.name for one in needed if one.need not in OF_LAYERS]
    parts = []
    for argument, names in (("functions", functions), ("custom_objects", objects)):
        if names:
            given = ", ".join(f'"{name:.80}": ...' for name in dict.fromkeys(names))
            parts.append(f"{argument}={{{given}}}")
    return ", ".join(parts)


def missing(what: str, needed: Sequence[Needed]) -> ValueError:
    """The error for a file that needs functions or classes which the caller did not give."""
    some = needed[:10]
    shown = ", ".join(map(str, some)) + (", ..." if len(needed) > len(some) else "")
    return ValueError(
        f"{what} has layers that need what is in no file: {shown}; nothing in a file is run, so "
        f"hand it in: load_model(path, {call_with(some)})"
    )


class Kind(enum.Enum):
    """How a layer is made."""

    LAYER = "layer"  # of Keras or elman, by its class
    MODEL = "model"  # a model inside a model
    FUNCTION = "function"  # a Lambda, whose function the caller gives
    OPERATION = "operation"  # of `keras.ops` or, see `operations`, of TensorFlow
    CUSTOM = "custom"  # a class that the caller gives


@dataclass
class Call:
    """A call of a layer: its arguments, in which each output of a layer is a `Ref`."""

    args: tuple[Any, ...]
    kwargs: Config = field(default_factory=dict)


@dataclass
class LayerSpec:
    """A layer in today's words.

    Attributes:
        kind: how it is made.
        class_name: today's class; of an operation, its name.
        name: its name in the file.
        config: the arguments of today's class. Layers inside it are `LayerSpec`s; in a layer that
            Keras 3 wrote they are as written.
        was: the class as the file has it.
        calls: each time the model calls it.
        batch_input_shape, input_dtype: of a first layer, what it expects.
        constants: of a recurrent layer, how many of its inputs are constants.
        model: of a model, what is in it.
        written: of a layer that Keras 3 wrote, what the file has for it.
        rescaled: whether its weights are given times 1.2, see `configs.rescale`.
        shared: a number that is the same wherever the file has this layer again.
    """

    kind: Kind
    class_name: str
    name: str
    config: Config
    was: str = ""
    calls: list[Call] = field(default_factory=list)
    batch_input_shape: tuple[Any, ...] | None = None
    input_dtype: str | None = None
    constants: int | None = None
    model: "ModelSpec | None" = None
    written: Mapping[str, Any] | None = None
    rescaled: bool = False
    shared: int | None = None

    @property
    def is_input(self) -> bool:
        return self.class_name == "InputLayer"

    @property
    def of_tensorflow(self) -> bool:
        """Whether it is an operation of TensorFlow, which has the one argument ``operation``."""
        return self.kind is Kind.OPERATION and self.written is None

    @property
    def trainable(self) -> bool:
        return bool(self.config.get("trainable", True))

    def inner(self) -> list["LayerSpec"]:
        """The layers inside it: of a wrapper, a stack of cells, or a model."""
        found = [self.config.get(key) for key in INNER] + list(self.config.get("cells") or [])
        found += self.model.layers if self.model else []
        return [layer for layer in found if isinstance(layer, LayerSpec)]


@dataclass
class ModelSpec:
    """A model in today's words.

    Attributes:
        class_name: "Sequential" or "Functional".
        name: its name in the file; None where it has none.
        layers: in the order of the file.
        inputs, outputs: of a functional model, a `Ref`, or a list or dict of them.
        order: of a functional model, its calls as (layer, number of the call), each after those
            whose outputs it takes.
        trainable: whether its weights are trained.
        build_shape: of a stack without an input, the shape it was built with.
    """

    class_name: str
    name: str | None
    layers: list[LayerSpec]
    inputs: Any = None
    outputs: Any = None
    order: list[tuple[str, int]] = field(default_factory=list)
    trainable: bool = True
    build_shape: tuple[Any, ...] | None = None

    def each(self) -> Iterator[LayerSpec]:
        """Every layer of the model, those inside others included."""
        for layer in self.layers:
            yield from _each(layer)


def _each(layer: LayerSpec) -> Iterator[LayerSpec]:
    yield layer
    for inner in layer.inner():
        yield from _each(inner)


@dataclass
class Upgraded:
    """A model in today's words.

    Attributes:
        model: in the form above.
        notes: a `Note` for each translation.
        needed: what the caller must hand in.
    """

    model: ModelSpec
    notes: list[Note] = field(default_factory=list)
    needed: list[Needed] = field(default_factory=list)


def mapped(value: Any, change: Callable[[Ref], Any]) -> Any:
    """A structure of lists, tuples and dicts with ``change`` of each `Ref` in it.

    >>> mapped({"x": [Ref("a", 0, 0), 1]}, lambda ref: ref.name)
    {'x': ['a', 1]}
    """
    if isinstance(value, Ref):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(mapped(item, change) for item in value)
    return value


def refs(value: Any) -> list[Ref]:
    """Every `Ref` in a structure."""
    found: list[Ref] = []
    mapped(value, found.append)
    return found
