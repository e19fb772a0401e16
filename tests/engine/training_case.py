"""A training that one process does, or two as a part each: `training_case.py RANK PORT FILE`."""

import sys

import keras
import numpy as np

from elman import layers, models


def train(rank=None):
    """The weights after two epochs of batches of 8; a rank takes its half of every batch."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(16, 5, 3)), random.normal(size=(16, 2))
    if rank is not None:
        x, y = (a.reshape(2, 2, 4, *a.shape[1:])[:, rank].reshape(8, *a.shape[1:]) for a in (x, y))
    model = models.Sequential([keras.Input((5, 3)), layers.Bidirectional(layers.GRU(4))])
    model.add(layers.Dense(2))
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=8 if rank is None else 4, shuffle=False, epochs=2, verbose=0)
    return model.get_weights()


if __name__ == "__main__":
    rank, port, file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    keras.distribution.initialize(f"127.0.0.1:{port}", 2, rank)
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    np.savez(file, *train(rank))
