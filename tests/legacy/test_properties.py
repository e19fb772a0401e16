"""No argument is lost and none is touched, whatever is given together."""

import copy

import keras
from facts import KERAS1, KERAS1_ANY, KERAS2, KERAS2_ANY
from hypothesis import given, settings
from hypothesis import strategies as st
from test_completeness import value

from elman.legacy import arguments, tables

FIELDS = {
    "weights": "weights",
    "time_major": "time_major",
    "input_dtype": "input_dtype",
    "batch_input_shape": "batch_input_shape",
}
UNUSUAL = st.sampled_from([None, 0, 1, True, "uniform", "same", "maxnorm", (2, 2), [], 0.5, "th"])


@st.composite
def calls(draw):
    facts, everywhere = draw(st.sampled_from([(KERAS1, KERAS1_ANY), (KERAS2, KERAS2_ANY)]))
    layer = draw(st.sampled_from(sorted(facts)))
    names = [name for name in (*facts[layer], *everywhere, "misspelt") if name != "|"]
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=6))
    kwargs = {name: draw(st.one_of(st.just(value(layer, name)), UNUSUAL)) for name in chosen}
    args = draw(st.lists(UNUSUAL, max_size=4))
    return layer, tuple(args), kwargs


def snapshot(args, kwargs):
    """The containers copied, the objects in them kept."""
    return copy.copy(args), {
        name: copy.copy(given) if isinstance(given, list | dict) else given
        for name, given in kwargs.items()
    }


@settings(max_examples=1000, deadline=None)
@given(calls())
def test_each_argument_ends_somewhere_or_in_an_error(call):
    layer, args, kwargs = call
    before = snapshot(args, kwargs)
    constructor = getattr(keras.layers, tables.today(layer)).__init__
    try:
        translated = arguments.translate(layer, args, kwargs, *arguments.signature(constructor))
    except (TypeError, ValueError) as refusal:
        translated, sentence = None, str(refusal)
    assert (args, kwargs) == before
    if translated is None:
        assert any(name in sentence for name in (layer, *kwargs))
        return
    assert "misspelt" not in kwargs
    notes = " ".join(translated.notes)
    for name, given_value in kwargs.items():
        field = getattr(translated, FIELDS[name]) if name in FIELDS else None
        assert (
            name in translated.kwargs
            or f"{name} " in notes
            or f"{name}," in notes
            or f"{name}=" in notes
            or field is not None
            or given_value is None
        )
    assert translated.kwargs is not kwargs


@settings(deadline=None)
@given(calls())
def test_translating_twice_changes_nothing(call):
    layer, args, kwargs = call
    signature = arguments.signature(getattr(keras.layers, tables.today(layer)).__init__)
    try:
        once = arguments.translate(layer, args, kwargs, *signature)
    except (TypeError, ValueError):
        return
    again = arguments.translate(layer, (), once.kwargs, *signature)
    assert again.kwargs == once.kwargs
