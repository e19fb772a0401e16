"""What every layer of elman adds to Keras's: the arguments of Keras 1 and 2, as they were meant."""

import functools
import inspect

import keras

from elman.layers import activations, checks
from elman.legacy import eras
from elman.legacy.arguments import BASE, translate
from elman.legacy.notes import tell

_ACTIVATIONS = ("activation", "recurrent_activation")


def old_arguments(cls):
    """Class decorator: the constructor of ``cls`` takes old arguments too, with their old meaning.

    The shape of the input, given in any of the old ways, is kept as ``layer.batch_input_shape``
    (a tuple with the batch axis, or None), where `elman.models.Sequential` finds it; Keras 1's
    ``input_dtype`` as ``layer.batch_input_dtype``. Weights given as ``weights=[...]`` are set as
    soon as the layer is built.

    Layers have their old attributes too, `_Shape`.

    Returns:
        ``cls`` itself, with ``__init__`` and, where it takes an activation, ``get_config`` wrapped.
    """
    # Another name of a layer that takes old arguments already reads them in its own way.
    init, get_config = getattr(cls.__init__, "todays", cls.__init__), cls.get_config
    signature = _signature(cls)
    parameters = [
        p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    takes_more = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    keywords = BASE if takes_more else ()
    takes_activation = any(name in parameters for name in _ACTIVATIONS)

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        era = eras.current()
        translated = translate(cls.__name__, args, kwargs, parameters[1:], keywords, era)
        for note in translated.notes:
            tell(f"{cls.__name__}: {note}")
        if translated.time_major:
            translated.kwargs["time_major"] = True
        if "units" in translated.kwargs:
            checks.positive_integer(cls.__name__, "units", translated.kwargs["units"])
            # Keras takes an integer of NumPy's for the sizes of several states.
            translated.kwargs["units"] = int(translated.kwargs["units"])
        for name in _ACTIVATIONS:
            if name in translated.kwargs:
                # Words of Keras 1 leave no doubt; today's name of the argument does.
                value = activations.resolve(name, translated.kwargs[name], doubtful=name in kwargs)
                translated.kwargs[name] = value
        init(self, **translated.kwargs)
        if translated.kwargs.get("trainable") is False:
            freeze(self)
        if translated.batch_input_shape is not None:
            self.batch_input_shape = translated.batch_input_shape
            # What keras.Sequential looks for; it has no place for the batch size.
            self._input_shape_arg = translated.batch_input_shape[1:]
        if translated.input_dtype is not None:
            self.batch_input_dtype = translated.input_dtype
        if translated.weights is not None:
            set_when_built(self, translated.weights)

    @functools.wraps(get_config)
    def get_config_unambiguous(self):
        config = get_config(self)
        for name in _ACTIVATIONS:
            if name in config:
                config[name] = activations.unambiguous(config[name])
        return config

    def quantize(self, mode=None, type_check=True, **kwargs):
        """As of Keras's layer, which refuses every class but its own."""
        of_user = type(self) is not cls
        return super(cls, self).quantize(mode, type_check=type_check and of_user, **kwargs)

    __init__.__signature__, __init__.todays = signature, init
    cls.__init__ = __init__
    if "quantize" not in vars(cls) and cls.quantize is not keras.layers.Layer.quantize:
        cls.quantize = quantize
    if takes_activation:
        cls.get_config = get_config_unambiguous
    if not hasattr(cls, "batch_input_shape"):
        cls.batch_input_shape = cls.batch_input_dtype = None
    for end in ("input", "output"):
        if not hasattr(cls, f"{end}_shape"):
            setattr(cls, f"{end}_shape", _Shape(end))
    return cls


def freeze(layer) -> None:
    """Set ``trainable=False`` on a layer that has it already, and so on all that is inside it.

    Keras's constructors leave the layers inside as they are. On TensorFlow Keras does nothing where
    an attribute is set to the value that it has.
    """
    layer.trainable = True
    layer.trainable = False


class _Shape:
    """``layer.input_shape`` and ``layer.output_shape``, which layers had until Keras 3.

    Of the layer's first call; a list where it has several. A layer may set one of its own.
    """

    def __init__(self, end: str):
        self._end = end

    def __get__(self, layer, owner=None):
        if layer is None:
            return self
        return keras.tree.map_structure(lambda tensor: tensor.shape, getattr(layer, self._end))


def _signature(cls) -> inspect.Signature:
    """The arguments of ``cls``'s constructor and of the bases that it hands ``**kwargs`` to."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if base is keras.layers.Layer:
            break
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(base.__init__).parameters
        # What a base requires (`cell`), a class further down has given it already.
        new = [p for p in parameters.values() if p.name not in found]
        found |= {
            p.name: p
            for p in new
            if not found or p.default is not p.empty or p.kind is p.VAR_KEYWORD
        }
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    return inspect.Signature(
        sorted(found.values(), key=lambda p: p.kind), __validate_parameters__=False
    )


def set_when_built(layer, weights) -> None:
    """Give ``layer`` its initial weights, now or when it is built; until then it keeps them."""
    if layer.built and layer.weights:
        layer.set_weights(weights)
        return
    build = layer.build
    layer.initial_weights = tuple(weights)

    @functools.wraps(build)
    def build_and_set(*args, **kwargs):
        build(*args, **kwargs)
        layer.set_weights(layer.initial_weights)
        layer.build, layer.initial_weights = build, ()

    layer.build = build_and_set
