"""The rewriting itself: one walk over the program's syntax tree."""

from collections.abc import Callable

import libcst as cst
from libcst import matchers as m
from libcst import metadata

from elman.compat.migrate import calls, history, layers, names, references, sessions, single
from elman.compat.migrate import plan as planning
from elman.compat.migrate.arguments import literal
from elman.compat.migrate.names import Old, Today
from elman.compat.migrate.references import References, Use
from elman.legacy import eras
from elman.legacy.eras import Era

Note = Callable[[int, str], None]


def rewritten(module: cst.Module, era: Era, note: Note) -> cst.Module:
    """The program in today's words.

    Arguments:
        era: the Keras that it was written for.
        note: is told the line and a sentence of what stays as it was.
    """
    wrapper = metadata.MetadataWrapper(module)
    found = references.read(wrapper)
    removed = sessions.boilerplate(found)

    def gone(use: Use) -> bool:
        node: cst.CSTNode | None = use.node
        while node is not None and node not in removed:
            node = found.parents.get(node)
        return node is not None

    plan = planning.make(found, gone, calls.worded, note)
    _tell_what_is_not_made(found, gone, era, note)
    return wrapper.module.visit(_Rewriter(found, plan, removed, era, note))


def _tell_what_is_not_made(found: References, gone, era: Era, note: Note) -> None:
    """Layers that are handed on, and made where nobody can write down what was meant unsaid."""
    for use in (use for binding in found.bindings for use in binding.uses):
        name = names.old(use.full) if use.call is None and not gone(use) else None
        layer = name[0].name if name and not name[1] else ""
        unsaid = eras.defaults(layer, era)
        if unsaid:
            words = ", ".join(f"{argument}={value!r}" for argument, value in unsaid.items())
            sentence = f"where {layer} is made {era} meant {words} if nothing is said; say it there"
            note(use.line, sentence)


class _Rewriter(cst.CSTTransformer):
    def __init__(self, found: References, plan: planning.Plan, removed, era: Era, note: Note):
        self._found, self._plan, self._removed = found, plan, removed
        self._era, self._note = era, note
        self._models = _models(found)
        self._predictions = _predictions(found, self._models)
        self._imported: set[str] = set()

    # Names

    def leave_Name(self, original_node, updated_node):
        return self._said(original_node, updated_node)

    def leave_Attribute(self, original_node, updated_node):
        if m.matches(updated_node, m.Attribute(m.Attribute(attr=m.Name("optimizer")),
                                               m.Name("lr"))):  # fmt: skip
            return updated_node.with_changes(attr=cst.Name("learning_rate"))
        return self._said(original_node, updated_node)

    def _said(self, original, updated):
        words = self._plan.words.get(original)
        if words is None:
            return updated
        return cst.parse_expression(words).with_changes(lpar=updated.lpar, rpar=updated.rpar)

    # Calls

    def leave_Call(self, original_node, updated_node):
        known = self._plan.today.get(original_node.func)
        if known is not None:
            return self._call(*known, original_node, updated_node)
        if not isinstance(original_node.func, cst.Attribute):
            one = single.converted(updated_node, self._models, self._predictions)
            return one or updated_node
        updated_node = history.get(updated_node)
        name = original_node.func.attr.value
        if name == "compile":
            updated_node = calls.compiled(history.metrics(updated_node), self._era)
        if name == "numpy" and not original_node.args:
            self._tell(original_node, "numpy() left as it is: JAX's arrays lack it; "
                       "do: elman.ops.convert_to_numpy(...)")  # fmt: skip
        if name in ("predict_classes", "predict_proba"):
            return self._predict(name, original_node, updated_node)
        done = calls.method(name, updated_node)
        if done is None:
            if name.endswith("_generator"):
                self._tell(original_node, f"{name} left as it is: say steps, not rows")
            return updated_node
        if done[1]:
            self._tell(original_node, done[1])
        return done[0]

    def _call(self, old: Old | None, today: Today, original: cst.Call, call: cst.Call):
        """A call of an imported name."""
        if old is None:
            if today.name == "nullcontext":
                self._tell(original, "tf.device chooses nothing any more; set CUDA_VISIBLE_DEVICES")
            return call
        if old.today in ("layers", "engine", "layers.merge"):
            try:
                return layers.rewritten(old.name, call, self._era)
            except layers.LeftAsItIs as error:
                self._tell(original, f"{old.name}({error}) left as it is: elman.layers takes it")
                return call
        if old.today == "optimizers":
            own = today.module == "elman.optimizers"
            call = (own and calls.optimizer(old.name, call)) or call
            return calls.with_defaults(old.name, call, self._era)
        if today.module == "elman.utils" and old.name == "to_categorical":
            return calls.to_categorical(call)
        if old.name == "Model" and old.today in ("", "models"):
            return calls.model(call)
        if old.today == "callbacks":
            return history.monitor(call)
        return call

    def _predict(self, name: str, original: cst.Call, call: cst.Call):
        """``predict_classes`` where it is plain what the model gives; ``predict_proba``."""
        receiver = original.func.value  # type: ignore[attr-defined]
        if not (isinstance(receiver, cst.Name) and receiver.value in self._models):
            if name == "predict_classes":
                self._tell(original, "predict_classes left as it is: elman's models have it")
            return call
        predict = call.with_changes(func=call.func.with_changes(attr=cst.Name("predict")))
        if name == "predict_proba":
            return predict
        kind = _last_layer(receiver.value, self._found)
        if kind is None:
            self._tell(original, "predict_classes left as it is: elman's models have it")
            return call
        if kind == "several":
            return cst.Call(cst.Attribute(predict, cst.Name("argmax")),
                            [cst.Arg(cst.parse_expression("-1"))])  # fmt: skip
        above = cst.Comparison(
            predict,
            [cst.ComparisonTarget(cst.GreaterThan(), cst.Float("0.5"))],
            lpar=[cst.LeftParen()],
            rpar=[cst.RightParen()],
        )
        return cst.Call(cst.Attribute(above, cst.Name("astype")),
                        [cst.Arg(cst.SimpleString("'int32'"))])  # fmt: skip

    def leave_BinaryOperation(self, original_node, updated_node):
        return single.formatted(updated_node, self._models, self._predictions)

    def leave_Subscript(self, original_node, updated_node):
        return history.subscript(updated_node)

    # Lines

    def leave_SimpleStatementLine(self, original_node, updated_node):
        if original_node in self._removed:
            return cst.RemoveFromParent()
        imports = (cst.Import, cst.ImportFrom)
        if not any(isinstance(s, imports) for s in original_node.body):
            return updated_node
        if len(original_node.body) > 1:
            return self._imports_in_one_line(original_node, updated_node)
        texts = planning.written(original_node.body[0], self._plan)
        if texts is None:
            return updated_node
        if isinstance(self._found.parents[original_node], cst.Module):
            texts = [t for t in texts if t not in self._imported]
            self._imported.update(texts)
        return _lines(texts, updated_node)

    def _imports_in_one_line(self, original, updated):
        """``import keras; import numpy``: a line for each statement."""
        texts = []
        for statement, new in zip(original.body, updated.body, strict=True):
            is_import = isinstance(statement, cst.Import | cst.ImportFrom)
            written = planning.written(statement, self._plan) if is_import else None
            if written is None:
                alone = new.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
                written = [cst.Module([cst.SimpleStatementLine([alone])]).code.strip()]
            texts += written
        return _lines(texts, updated)

    def _tell(self, node: cst.CSTNode, sentence: str) -> None:
        self._note(self._found.lines[node], sentence)


def _lines(texts: list[str], before: cst.SimpleStatementLine):
    """The statements in place of the line, with the comments that it had."""
    if not texts:
        return cst.RemoveFromParent()
    lines = [cst.parse_statement(text) for text in texts]
    lines[0] = lines[0].with_changes(leading_lines=before.leading_lines)
    lines[-1] = lines[-1].with_changes(trailing_whitespace=before.trailing_whitespace)
    return cst.FlattenSentinel(lines)


_MAKERS = ("Sequential", "Model", "load_model", "model_from_json", "model_from_yaml", "clone_model")


def _models(found: References) -> set[str]:
    """The names that are only ever bound to models of Keras."""
    of_keras = {u.call for b in found.bindings for u in b.uses
                if u.call and u.full.rpartition(".")[2] in _MAKERS}  # fmt: skip
    return _bound_only_to(found, lambda value: value in of_keras)


def _predictions(found: References, models: set[str]) -> set[str]:
    """The names that are only ever bound to what one of the ``models`` predicts."""
    return _bound_only_to(found, lambda value: single.is_prediction(value, models))


def _bound_only_to(found: References, wanted: Callable[[cst.BaseExpression], bool]) -> set[str]:
    made: set[str] = set()
    other: set[str] = set()
    for node in found.lines:
        if not isinstance(node, cst.Assign):
            continue
        for target in node.targets:
            if isinstance(target.target, cst.Name):
                (made if wanted(node.value) else other).add(target.target.value)
    return made - other


def _last_layer(name: str, found: References) -> str | None:
    """Whether the Sequential model ``name`` has "one" or "several" outputs, if that can be seen."""
    added = m.Call(m.Attribute(m.Name(name), m.Name("add")), args=[m.Arg(m.Call())])
    in_order = sorted(found.lines.items(), key=lambda item: item[1])
    calls_in_order = [
        node.args[0].value  # type: ignore[attr-defined]
        for node, _ in in_order
        if m.matches(node, added)
    ]
    activation = ""
    while calls_in_order:
        last = calls_in_order.pop()
        kind = last.func.value if isinstance(last.func, cst.Name) else ""
        if kind == "TimeDistributed" and last.args and isinstance(last.args[0].value, cst.Call):
            last, kind = last.args[0].value, "Dense"
        words = {a.keyword.value if a.keyword else "": literal(a.value) for a in last.args}
        if kind == "Activation":
            activation = str(words.get("", activation))
            continue
        if kind != "Dense":
            return None
        activation = str(words.get("activation", activation))
        units = words.get("", words.get("units", words.get("output_dim")))
        if activation == "softmax":
            return "several"
        if isinstance(units, int):
            return "one" if units == 1 else "several"
        return None
    return None
