"""The allow list of `elman.legacy.allowed` held against the Keras installed.

Each name of Keras is on it, or here with the reason why not. A name that a later Keras adds makes
a test fail: decide, and put it into `src/elman/legacy/allowed.py` or below. A name that an older
Keras lacks is no fault; Keras 3.12 is the oldest that elman supports.
"""

import importlib
import inspect
import subprocess
import sys

import keras
import pytest

from elman.legacy import allowed

NEWEST = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 15)
_OTHER_LIBRARY = "runs a model of another library, from a file or from code"
_CODE = "holds a function: it is made by the layer's name, of what the caller hands in"
_NO_LAYER = "a function, no class"

# What a file may not name as an object, or never does, by the module of Keras.
LEFT_OUT = {
    "layers": {
        **dict.fromkeys(("TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"),
                        _OTHER_LIBRARY),
        "Lambda": _CODE,
        **dict.fromkeys(("Input", "add", "average", "concatenate", "dot", "maximum", "minimum",
                         "multiply", "subtract"), _NO_LAYER),
    },
    "initializers": {"Initializer": "a base class"},
    "regularizers": {"Regularizer": "a base class"},
    "constraints": {"Constraint": "a base class"},
    "losses": {"Loss": "a base class"},
    "metrics": {"Metric": "a base class"},
    "optimizers": {"Optimizer": "a base class",
                   "OptimizerMap": "a table of optimizers, not in files"},
    "optimizers.schedules": {"LearningRateSchedule": "a base class"},
    "activations": {},
    "dtype_policies": {},
    "quantizers": {
        "Quantizer": "a base class",
        **dict.fromkeys(
            ("abs_max_quantize", "abs_max_quantize_grouped_with_zero_point",
             "compute_float8_amax_history", "compute_float8_scale",
             "fake_quant_with_min_max_vars", "pack_int4", "quantize_and_dequantize",
             "unpack_int4"),
            "a function of arrays, not in files",
        ),
    },
}  # fmt: skip
_EVERYWHERE = {"get", "serialize", "deserialize"}
KNOWN = {
    "layers": allowed.LAYERS,
    "initializers": allowed.INITIALIZERS,
    "regularizers": allowed.REGULARIZERS,
    "constraints": allowed.CONSTRAINTS,
    "losses": allowed.LOSSES,
    "metrics": allowed.METRICS,
    "optimizers": allowed.OPTIMIZERS,
    "optimizers.schedules": allowed.SCHEDULES,
    "activations": allowed.ACTIVATIONS,
    "dtype_policies": allowed.POLICIES,
    "quantizers": allowed.QUANTIZERS,
}

_FUNCTION = "takes functions"
_SIZE = "makes an array of a size that the file says"
_FOUND = "the shape of what it makes depends on the numbers, so that no graph can have it"
_BASE = "a base class"
_RARE = "in no model that is known; nothing speaks against it"

# Operations that the graph of a file may not have, by their module.
OPERATIONS_LEFT_OUT = {
    "core": dict.fromkeys(
        ("AssociativeScan", "Cond", "ForiLoop", "Map", "Scan", "Switch", "VectorizedMap",
         "WhileLoop"),
        _FUNCTION,
    ),
    "einops": {},
    "image": {"ElasticTransform": "draws random numbers, in preprocessing alone",
              "ExtractPatches3D": "until Keras 3.12; ExtractPatches has been all of it since",
              "SSIM": _RARE},
    "linalg": {"JVP": _FUNCTION},
    "math": {"SegmentReduction": _BASE, "CDist": _RARE, "SegmentProd": _RARE},
    "nn": {
        "AdaptiveAveragePool": "in files it is the layer AdaptiveAveragePooling1D, 2D or 3D",
        "AdaptiveMaxPool": "in files it is the layer AdaptiveMaxPooling1D, 2D or 3D",
        "Fold": _SIZE,
        **dict.fromkeys(("CTCDecode", "CTCLoss", "PSNR", "Polar", "Unfold"), _RARE),
    },
    "numpy": {
        **dict.fromkeys(
            ("Arange", "Array", "Bartlett", "Blackman", "EmptyLike", "Full", "Geomspace",
             "Hamming", "Hanning", "Kaiser", "Linspace", "Logspace", "Vander", "Bincount",
             "Histogram"),
            _SIZE,
        ),
        **dict.fromkeys(("Nonzero", "Unique"), _FOUND),
        **dict.fromkeys(("BitwiseLeftShift", "BitwiseRightShift", "LeftShift", "RightShift",
                         "Diagflat", "Meshgrid", "View"), "grows numbers or arrays, or is rare"),
        **dict.fromkeys(
            ("AllClose", "Angle", "ArraySplit", "Corrcoef", "Correlate", "Dsplit", "Dstack", "Gcd",
             "Hsplit", "I0", "IsIn", "Isneginf", "Isposinf", "Isreal", "Lcm", "Ldexp",
             "Nanargmax", "Nanargmin", "Nancumprod", "Nancumsum", "Nanmedian", "Nanpercentile",
             "Nanprod", "Nanquantile", "Nanstd", "Nanvar", "Nextafter", "Percentile", "Ptp",
             "Slogdet", "Trapezoid", "UnravelIndex", "Vsplit"),
            _RARE,
        ),
    },
}  # fmt: skip
# What the functions of `keras.ops` that take a function call it.
CALLABLES = {"f", "fn", "fun", "func", "function", "body", "body_fun", "cond", "branches",
             "true_fn", "false_fn", "call", "pyfunc"}  # fmt: skip

_DECIDE = (
    "with Keras {version} there is {where}.{names}, of which nothing is decided: a file may name "
    "it once it is in {set_} of src/elman/legacy/allowed.py; if none may, put it into {here} of "
    "tests/models/test_allowed.py with the reason"
)


def callables(module):
    """The public classes and functions of a module."""
    return {name for name, found in vars(module).items() if callable(found) and name[0] != "_"}


def decided(where, found, known, here, set_):
    names = ", ".join(sorted(found - known))
    assert not names, _DECIDE.format(
        version=keras.__version__, where=where, names=names, here=here, set_=set_
    )


@pytest.mark.parametrize("name", KNOWN)
def test_public_names(name):
    module = importlib.import_module(f"keras.{name}")
    known = KNOWN[name] | {*LEFT_OUT[name]} | _EVERYWHERE
    decided(f"keras.{name}", callables(module), known, "LEFT_OUT",
            name.rpartition(".")[2].upper())  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_nothing_is_allowed_and_left_out(name):
    assert not KNOWN[name] & ({*LEFT_OUT[name]} | _EVERYWHERE)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_refused(name):
    """In the words of a file, so that no other set lets it through."""
    for left_out in {*LEFT_OUT[name]} | _EVERYWHERE:
        for module in (f"keras.{name}", None):
            written = {"class_name": left_out, "module": module, "config": {}}
            try:
                needed = allowed.unknown(written, (), "layer")
            except ValueError:
                continue
            # `keras.ops` has functions of these names, which are of arrays alone.
            assert needed or left_out in allowed.FUNCTIONS, (name, module, left_out)


def operations(module):
    made = [c for c in vars(module).values() if inspect.isclass(c)]
    made = [c for c in made if issubclass(c, keras.Operation)]
    return {c.__name__ for c in made if c.__module__ == module.__name__}


@pytest.mark.parametrize("name", allowed.OPERATIONS)
def test_operations(name):
    module = importlib.import_module(name)
    short = name.rpartition(".")[2]
    left_out = OPERATIONS_LEFT_OUT[short]
    known = allowed.OPERATIONS[name]
    assert not known & {*left_out}
    decided(name, operations(module), known | {*left_out}, "OPERATIONS_LEFT_OUT", "OPERATIONS")
    for operation in known & {*vars(module)}:
        assert operation in operations(module), f"{name}.{operation} is no Operation"
    if NEWEST:
        lost = sorted(known - operations(module))
        assert not lost, f"Keras {keras.__version__} has no {name}.{', '.join(lost)} any more"


def test_each_module_with_operations_is_known():
    package = importlib.import_module("keras.src.ops")
    found = {name for name, module in vars(package).items()
             if inspect.ismodule(module) and operations(module)}  # fmt: skip
    # The base class, and graphs, which in files are models.
    found = {f"keras.src.ops.{name}" for name in found - {"operation", "function"}}
    assert found <= {*allowed.OPERATIONS}, "a new module of operations: decide about each of them"


def test_functions():
    missing = sorted(name for name in allowed.FUNCTIONS if not hasattr(keras.ops, name))
    assert not missing or not NEWEST, f"keras.ops has no {missing} any more"
    for name in allowed.FUNCTIONS - {*missing}:
        arguments = {*inspect.signature(getattr(keras.ops, name)).parameters}
        assert not arguments & CALLABLES, f"keras.ops.{name} takes a function: it must not be here"


def test_the_words_for_functions_are_those_of_keras():
    """Else the test above would see nothing."""
    for name in ("map", "scan", "cond", "while_loop", "fori_loop", "switch", "vectorize"):
        function = getattr(keras.ops, name)
        assert {*inspect.signature(function).parameters} & CALLABLES, name
        assert name not in allowed.FUNCTIONS


_REGISTERED = """
import importlib, pkgutil
import keras, elman.layers, elman.models, elman.tasks
for module in pkgutil.walk_packages(elman.tasks.__path__, "elman.tasks."):
    importlib.import_module(module.name)
print(*keras.saving.get_custom_objects())
"""


def test_what_elman_registers():
    """In a process of its own: other tests register their own classes."""
    found = subprocess.run(
        [sys.executable, "-c", _REGISTERED], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {name.partition(">")[2] for name in found if name.startswith("elman>")}
    decided("elman", ours, allowed.ELMAN | allowed.OPTIMIZERS | {*LEFT_OUT["layers"]}, "LEFT_OUT",
            "ELMAN")  # fmt: skip
    assert {"LSTM", "CRF", "Sequential", "Model", "Operation", "hard_sigmoid"} <= ours
