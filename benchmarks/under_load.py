"""Threads on a machine that does other things: all threads against one, beside busy processes.

    .venv/bin/python benchmarks/under_load.py

For each number of busy loops a core the same work is done by one thread and by all of them in
turns, so that both have the same load. A number is how many times as long all threads take: below
1 they gain, and above 1.2 they would better be left alone. In the last column this process is nice.
"""

import contextlib
import multiprocessing
import os
import statistics
import sys
import time

import numpy as np

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 8  # of each number


def spin() -> None:
    while True:
        pass


@contextlib.contextmanager
def busy(loops: int):
    processes = [multiprocessing.Process(target=spin, daemon=True) for _ in range(loops)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def works():
    """Names of calls, and the calls."""
    import keras

    from elman import layers

    random = np.random.default_rng(0)
    for cell in ("LSTM", "GRU"):
        layer = getattr(layers, cell)(128)
        for batch in (32, 1):
            x = keras.ops.convert_to_tensor(random.normal(size=(batch, 100, 128)), "float32")
            layer(x)
            yield f"{cell} predict, B{batch}", lambda layer=layer, x=x: np.asarray(layer(x))
    model = keras.Sequential([keras.Input((100, 64)), layers.LSTM(128), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    batch = random.normal(size=(32, 100, 64)), random.normal(size=(32, 1))
    yield "LSTM train, B32", lambda: model.train_on_batch(*batch)


def ratio(call) -> float:
    """How many times as long as one thread all threads take, in turns of a fifth of a second."""
    import elman

    everyone, spent = elman.num_threads(), {True: [], False: []}
    call()
    ends = time.perf_counter() + SECONDS
    while time.perf_counter() < ends:
        for alone in (True, False):
            elman.set_num_threads(1 if alone else everyone)
            began = time.perf_counter()
            count = 0
            while time.perf_counter() - began < 0.2:
                call()
                count += 1
            spent[alone].append((time.perf_counter() - began) / count)
    elman.set_num_threads(everyone)
    return statistics.mean(spent[False]) / statistics.mean(spent[True])


def main() -> None:
    cores = len(os.sched_getaffinity(0))
    loads = [(0, 0), (1, 0), (2, 0), (4, 0), (4, 10)]
    print(f"{cores} cores; busy loops a core: {', '.join(f'{n} (nice {m})' for n, m in loads)}")
    found = {name: [] for name, _ in works()}
    calls = dict(works())
    for loops, nice in loads:
        with busy(loops * cores):
            os.nice(nice)
            for name, call in calls.items():
                found[name].append(ratio(call))
    for name, ratios in found.items():
        print(f"{name:<18}", "  ".join(f"{one:5.2f}" for one in ratios))


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
