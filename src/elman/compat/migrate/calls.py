"""Calls of functions, optimizers, callbacks and methods of models, in today's words."""

from collections.abc import Callable

import libcst as cst

from elman.compat.migrate import names
from elman.compat.migrate.arguments import (
    NOT_LITERAL,
    filled,
    given,
    has_stars,
    keyword,
    keywords,
    literal,
    named,
    positional,
    renamed,
    with_args,
)
from elman.compat.migrate.names import Old
from elman.compat.migrate.references import Use
from elman.compat.optimizers import ORDERS
from elman.legacy import eras
from elman.legacy.eras import Era
from elman.legacy.methods import DROPPED, RENAMED

_SPEED = ("workers", "use_multiprocessing", "max_queue_size", "max_q_size", "nb_worker",
          "pickle_safe")  # fmt: skip


# Whether today's own object can stand for the old one.


def worded(name: Old | None, use: Use) -> bool:
    """Whether the call is in words that today's own object takes, or will be when rewritten."""
    if name is None:
        return _worded_for_tensorflow(use)
    rule = _RULES.get((name.today, name.name))
    if rule is not None:
        return rule(use.call) if use.call is not None else name.name == "Sequence"
    if use.call is None or has_stars(use.call):
        return False
    if name.today == "backend":
        return _worded_for_ops(name.name, use.call)
    if name.today == "optimizers":
        return optimizer(name.name, use.call) is not None
    return False


def _worded_for_tensorflow(use: Use) -> bool:
    if use.call is None:
        return use.full.startswith(("tensorflow.nn.", "tensorflow.data."))
    if use.full.startswith(("tensorflow.data.", "tensorflow.device")):
        return True
    return not has_stars(use.call) and set(keywords(use.call)) <= {"axis", "keepdims", "dtype"}


def _worded_for_ops(name: str, call: cst.Call) -> bool:
    if name not in names.OPS or not set(keywords(call)) <= {"axis", "keepdims", "dtype"}:
        return False
    says_axis = len(positional(call)) > 1 or given(call, "axis") is not None
    return says_axis or name not in names.OPS_WITH_AXIS


def _input(call: cst.Call) -> bool:
    """A shape that is written as a tuple, and nothing that Keras 2 alone took."""
    by_position = positional(call)
    shapes = [arg.value for arg in by_position] + [
        value for word in ("shape", "batch_shape") if (value := given(call, word)) is not None
    ]
    known = {"shape", "batch_shape", "batch_size", "name", "dtype", "sparse"}
    return (
        not has_stars(call)
        and len(by_position) < 2
        and set(keywords(call)) <= known
        and all(isinstance(shape, cst.Tuple) for shape in shapes)
    )


def _checkpoint(call: cst.Call) -> bool:
    path = [*positional(call)[:1], *(a for a in call.args if keyword(a) == "filepath")]
    value = literal(path[0].value) if path else NOT_LITERAL
    if not isinstance(value, str) or "acc" in value or has_stars(call):
        return False
    weights = given(call, "save_weights_only") is not None
    ending = ".weights.h5" if weights else ".keras"
    return value.endswith(ending) and not {"period", "options"} & {*keywords(call)}


def _early_stopping(call: cst.Call) -> bool:
    return not has_stars(call) and not {"epsilon", "lr"} & {*keywords(call)}


def _to_categorical(call: cst.Call) -> bool:
    return (
        not has_stars(call)
        and len(positional(call)) in (1, 2)
        and {*keywords(call)} <= {"num_classes", "nb_classes"}
    )


_RULES: dict[tuple[str, str], Callable[[cst.Call], bool]] = {
    ("", "Input"): _input,
    ("layers", "Input"): _input,
    ("callbacks", "ModelCheckpoint"): _checkpoint,
    ("callbacks", "EarlyStopping"): _early_stopping,
    ("callbacks", "ReduceLROnPlateau"): _early_stopping,
    ("utils", "to_categorical"): _to_categorical,
    ("utils", "Sequence"): lambda call: False,
}


# Optimizers.

_KNOWN = {
    "learning_rate", "momentum", "nesterov", "beta_1", "beta_2", "rho", "epsilon", "amsgrad",
    "clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "name", "centered",
}  # fmt: skip


def optimizer(name: str, call: cst.Call) -> cst.Call | None:
    """The call with today's arguments; None if only `elman.compat.optimizers` takes them."""
    if len(positional(call)) > (2 if name == "SGD" else 1) or has_stars(call):
        return None
    args = []
    for arg in call.args:
        word, value = keyword(arg), literal(arg.value)
        if (word == "decay" and value in (0, None)) or (word == "epsilon" and value is None):
            continue
        if word == "lr":
            arg = renamed(arg, "learning_rate")
        if keyword(arg) not in ("", *_KNOWN):
            return None
        args.append(arg)
    return call if len(args) == len(call.args) == 0 else with_args(call, args)


def with_defaults(name: str, call: cst.Call, era: Era) -> cst.Call:
    """The call of an optimizer, saying aloud what its era meant unsaid."""
    placed = ORDERS.get(name, ())[: len(positional(call))]
    said = {*placed, *("learning_rate" if word == "lr" else word for word in keywords(call))}
    return call if has_stars(call) else filled(call, eras.defaults(name, era), said)


# Functions.


def to_categorical(call: cst.Call) -> cst.Call:
    return with_args(
        call,
        [renamed(a, "num_classes") if keyword(a) == "nb_classes" else a for a in call.args],
    )


def model(call: cst.Call) -> cst.Call:
    today = RENAMED["Model"]
    return with_args(
        call, [renamed(a, today[keyword(a)]) if keyword(a) in today else a for a in call.args]
    )


# Methods of models.

_GENERATORS = {
    "fit_generator": "fit",
    "evaluate_generator": "evaluate",
    "predict_generator": "predict",
}
# What the values by position were, from the second on.
_ORDERS = {
    "fit_generator": ["steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data"],
    "evaluate_generator": ["steps"],
    "predict_generator": ["steps"],
}
_ROWS = ("samples_per_epoch", "nb_val_samples", "val_samples")


def method(name: str, call: cst.Call) -> tuple[cst.Call, str] | None:
    """The call of a model's method in today's words, and a note; None to leave it as it is."""
    if has_stars(call):
        return None
    if name in _GENERATORS:
        return _generator(name, call)
    if name == "fit" and "nb_epoch" in keywords(call):
        return _words("fit", call, RENAMED["fit"])
    if name == "compile":
        return _words("compile", call, {})
    return None


def compiled(call: cst.Call, era: Era) -> cst.Call:
    """``compile("adadelta")`` with the settings that it had, where they were others."""
    args = [
        arg.with_changes(value=_as_then(arg.value, era))
        if keyword(arg) == "optimizer" or (i == 0 and not keyword(arg))
        else arg
        for i, arg in enumerate(call.args)
    ]
    return call.with_changes(args=args)


def _as_then(value: cst.BaseExpression, era: Era) -> cst.BaseExpression:
    word = literal(value)
    name = next((n for n in ORDERS if isinstance(word, str) and n.lower() == word.lower()), "")
    settings = eras.defaults(name, era)
    if not settings:
        return value
    return cst.parse_expression(repr({"class_name": name, "config": settings}))


def _generator(name: str, call: cst.Call) -> tuple[cst.Call, str] | None:
    rows = [word for word in _ROWS if word in keywords(call)]
    order = _ORDERS[name]
    by_position = positional(call)
    if rows or len(by_position) > len(order) + 1:
        return None
    args = [
        named(order[i - 1], arg.value).with_changes(comma=arg.comma) if i else arg
        for i, arg in enumerate(by_position)
    ] + [arg for arg in call.args if arg.keyword]
    new = _GENERATORS[name]
    func = call.func.with_changes(attr=cst.Name(new))
    return _words(new, with_args(call, args).with_changes(func=func), RENAMED[new])


def _words(name: str, call: cst.Call, today) -> tuple[cst.Call, str]:
    """The call with renamed arguments and without those that change nothing any more."""
    harmless = {keyword(a) for a in call.args if literal(a.value) in (None, False)}
    droppable = {*_SPEED, *harmless}.intersection(DROPPED.get(name, ()))
    dropped = [word for word in keywords(call) if word in droppable]
    args = [
        renamed(arg, today[keyword(arg)]) if keyword(arg) in today else arg
        for arg in call.args
        if keyword(arg) not in dropped
    ]
    note = f"{', '.join(dropped)} dropped: nothing takes it any more" if dropped else ""
    return with_args(call, args), note
