"""Compare whole layers with Keras's, where Keras computes: on a GPU, if the backend sees one.

    python benchmarks/layers.py [--cells LSTM GRU SimpleRNN] [--units 128 512] [--seconds 0.3]

Keras's backend, jax or torch, is chosen by KERAS_BACKEND. A step of training is forward and the
gradients of all weights. Checks that both layers give the same, and prints a Markdown table.
"""

import argparse
import importlib
import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, TIMESTEPS, FEATURES = 32, 100, 128
Run = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=["LSTM", "GRU", "SimpleRNN"])
    parser.add_argument("--units", nargs="+", type=int, default=[128, 512])
    parser.add_argument("--seconds", type=float, default=0.3, help="for each layer and measure")
    chosen = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "jax")

    import keras

    from elman.layers import device

    print(f"{keras.backend.backend()}, {device.kind()}, B{BATCH} T{TIMESTEPS} I{FEATURES}, ms\n")
    print("| layer | train: elman | Keras | predict: elman | Keras |\n|---|---|---|---|---|")
    for cell, units in itertools.product(chosen.cells, chosen.units):
        for both, masked in itertools.product((False, True), (False, True)):
            runs = runs_of(cell, units, both, masked)
            found = [milliseconds(run, chosen.seconds) for run in runs]
            name = " ".join([cell, f"H{units}", *["both"] * both, *["mask"] * masked])
            print(f"| {name} | " + " | ".join(f"{ms:.2f}" for ms in found) + " |", flush=True)


def runs_of(cell: str, units: int, both: bool, masked: bool) -> list[Run]:
    """Steps of training of elman's layer and of Keras's, then predictions of both."""
    import keras

    from elman import layers

    random = np.random.default_rng(0)
    x = random.normal(size=(BATCH, TIMESTEPS, FEATURES)).astype("float32")
    lengths = random.integers(TIMESTEPS // 2, TIMESTEPS + 1, (BATCH, 1))
    mask = np.arange(TIMESTEPS) < lengths if masked else None
    made = [getattr(home, cell)(units, return_sequences=True) for home in (layers, keras.layers)]
    if both:
        made = [layers.Bidirectional(made[0]), keras.layers.Bidirectional(made[1])]
    for layer in made:
        layer.build(x.shape)
        layer.set_weights(made[0].get_weights())
    (train, predict), (keras_train, keras_predict) = (work(layer, x, mask) for layer in made)
    ours, theirs = (keras.ops.convert_to_numpy(run()) for run in (predict, keras_predict))
    np.testing.assert_allclose(ours, theirs, atol=1e-2)  # a GPU multiplies in TF32
    return [train, keras_train, predict, keras_predict]


def work(layer: Any, x: np.ndarray, mask: np.ndarray | None) -> tuple[Run, Run]:
    """A step of training, and a prediction."""
    import keras

    x, mask = (a if a is None else keras.ops.convert_to_tensor(a) for a in (x, mask))
    if keras.backend.backend() == "torch":
        torch = importlib.import_module("torch")

        def train() -> Any:
            weights = [variable.value for variable in layer.trainable_variables]
            return torch.autograd.grad((layer(x, mask=mask) ** 2).sum(), weights)

        return train, torch.no_grad()(lambda: layer(x, mask=mask))
    jax = importlib.import_module("jax")
    weights = [variable.value for variable in layer.trainable_variables]
    others = [variable.value for variable in layer.non_trainable_variables]

    def outputs(weights: list) -> Any:
        return layer.stateless_call(weights, others, x, mask=mask)[0]

    step = jax.jit(jax.grad(lambda weights: (outputs(weights) ** 2).sum()))
    outputs = jax.jit(outputs)
    return lambda: step(weights), lambda: outputs(weights)


def milliseconds(run: Run, seconds: float) -> float:
    """The least mean of three rounds, after a run that may compile."""
    finished(run())
    start = time.perf_counter()
    finished(run())
    count = max(1, int(seconds / 3 / (time.perf_counter() - start)))
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(count):
            results = run()
        finished(results)
        best = min(best, (time.perf_counter() - start) / count)
    return best * 1e3


def finished(results: Any) -> None:
    """Wait until the device has computed them."""
    import keras

    if keras.backend.backend() == "jax":
        importlib.import_module("jax").block_until_ready(results)
        return
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
