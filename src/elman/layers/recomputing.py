"""Gradient checkpointing, `keras.RematScope`: what layers compute once more for the gradients.

Keras computes all of a layer's ``call`` again, and each step of the cell once more within. It would
draw other dropout masks then, and carry the states of a stateful layer twice; and JAX makes arrays
of all arguments, of ``training`` too.
"""

import contextlib

import keras
from keras import tree


class RecomputedInside:
    """Mixin of layers that recompute the part of their call that only computes, not all of it."""

    def rematerialized_call(self, layer_call, *args, **kwargs):
        return layer_call

    @property
    def _is_recomputed(self) -> bool:
        """Whether a scope of Keras may ask for it; activations are the cells' own."""
        return getattr(self._remat_mode, "mode", None) not in (None, "activations")

    def _recomputed(self, compute, layers, inputs, given):
        """``compute(*given)``, under a scope of Keras computed once more for the gradients.

        Arguments:
            compute: function of nested arrays, or None, that gives nested arrays.
            layers: the recurrent layers whose loops it runs, their dropout masks drawn.
            inputs: the layer's input, by which Keras knows the size of the output.
            given: what `compute` takes.
        """
        if not self._is_recomputed:
            return compute(*given)
        cells = [cell for layer in layers for cell in _dropping(layer)]
        structure = given, [[getattr(cell, name, None) for name in _MASKS] for cell in cells]
        flat = tree.flatten(structure)

        def of_arrays(*arrays):
            left = iter(arrays)
            values = [next(left) if _is_differentiable(value) else value for value in flat]
            given, masks = tree.pack_sequence_as(structure, values)
            with _drawn(cells, masks):
                return compute(*given)

        recomputed = super().rematerialized_call(of_arrays, inputs)
        return recomputed(*filter(_is_differentiable, flat))


_MASKS = ("_dropout_mask", "_recurrent_dropout_mask")  # where Keras's cells keep them


@contextlib.contextmanager
def _drawn(cells, masks):
    """Let cells have dropout masks that were drawn before, and afterwards none."""
    for cell, own in zip(cells, masks, strict=True):
        for name, mask in zip(_MASKS, own, strict=True):
            setattr(cell, name, mask)
    try:
        yield
    finally:  # torch ends a second computation by an exception, once it has what it needs
        for cell in cells:
            for name in _MASKS:
                setattr(cell, name, None)


def _is_differentiable(value) -> bool:
    return value is not None and keras.backend.is_float_dtype(value.dtype)


def _dropping(layer) -> list:
    """The cells of a layer that drop anything."""
    cells = getattr(layer.cell, "cells", [layer.cell])
    rates = ("dropout", "recurrent_dropout")
    return [cell for cell in cells if any(getattr(cell, rate, 0) for rate in rates)]
