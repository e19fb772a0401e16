"""Batches for training and validation, and the numbers that Keras makes of them."""

import keras
import numpy as np
import pytest

from elman.tasks.training import Feed


class Numbers:
    """Example i is the number i, to be learnt as 0."""

    lengths = np.ones(5, int)

    def arrays(self, rows, length):
        return np.array(rows, "float32")[:, None], np.zeros((len(rows), 1), "float32")


def test_a_validation_loss_is_the_mean_over_the_examples():
    """Keras divides by the four rows of each batch, and three of the last one repeat."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    model.compile(loss="mean_absolute_error", weighted_metrics=["mean_absolute_error"])
    assert model.evaluate(Feed(Numbers(), 4), verbose=0) == pytest.approx([2, 2])
