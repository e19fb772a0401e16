"""Compare the kernels with their peers, in one process and one run, after checking the numbers.

    python benchmarks/compare.py [--full] [--threads N] [--out FOLDER]

Keras's backend is chosen by KERAS_BACKEND. With --threads 1 the process is kept on one processor,
which holds for every framework alike. Prints a Markdown table; writes it and a plot to FOLDER.
"""

import argparse
import itertools
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BURST = 3  # runs of one peer before the next one's turn
REST = 0.02  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the whole grid (hours)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each point and peer")
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "simple_rnn"])
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"))
    chosen = parser.parse_args()
    if chosen.threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ.setdefault("KERAS_BACKEND", "jax")

    import keras
    import torch

    from elman import engine

    engine.set_num_threads(chosen.threads)
    torch.set_num_threads(chosen.threads)
    rows = [measure(work, chosen) for work in grid(chosen)]
    backend, peak = keras.backend.backend(), peak_rate() * chosen.threads
    text = table(rows, backend, peak, chosen.threads)
    print(text)
    chosen.out.mkdir(parents=True, exist_ok=True)
    name = f"{backend}-{chosen.threads}"
    (chosen.out / f"{name}.md").write_text(text)
    plot(rows, peak, chosen.out / f"{name}.png")


def grid(chosen: argparse.Namespace) -> list[Any]:
    """The points to measure: a cut through the grid, or all of it."""
    from peers import Work

    cells = chosen.cells
    if chosen.full:
        axes = (
            cells,
            (True, False),
            (1, 8, 32, 128),
            (2, 30, 100, 1000),
            (3, 16, 32, 64, 128, 256, 512, 1024),
            ("plain", "masked", "recurrent dropout", "bidirectional"),
        )
        return [Work(*point) for point in itertools.product(*axes)]
    work = [Work(c, t, 32, 100, H) for c in cells for t in (True, False) for H in (64, 128, 256)]
    work += [Work(c, t, 8, 2, 3) for c in cells for t in (True, False)]
    work += [Work(c, False, 1, 100, H) for c in cells for H in (32, 128, 512)]
    work += [Work(c, False, 1, 2, 128) for c in cells]
    work += [Work("lstm", True, 32, 100, 128, kind) for kind in ("masked", "recurrent dropout")]
    return work + [Work(c, t, 32, 100, 128, "bidirectional") for c in cells for t in (True, False)]


def measure(work: Any, chosen: argparse.Namespace) -> tuple[Any, dict[str, float]]:
    """Seconds of each peer: the least of many runs, some of each in turn."""
    import peers

    made = {
        "ours": peers.ours(work),
        "keras": peers.keras_layer(work),
        "torch.nn": peers.torch_nn(work),
        "onnxruntime": peers.onnx_runtime(work, chosen.threads),
    }
    runs = {name: run for name, run in made.items() if run is not None}
    agree(work, runs)
    best = dict.fromkeys(runs, float("inf"))
    end = time.perf_counter() + chosen.seconds * len(runs)
    while time.perf_counter() < end:
        for name, run in runs.items():
            # The threads of some libraries look for more work for milliseconds after a call.
            time.sleep(REST if chosen.threads > 1 else 0)
            best[name] = min(best[name], *(seconds(run) for _ in range(BURST)))
    return work, best


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def agree(work: Any, runs: dict[str, Callable[[], Any]]) -> None:
    """Raise where a peer's outputs or gradient of x are not ours."""
    ours = [np.asarray(a.detach() if hasattr(a, "detach") else a) for a in runs["ours"]()]
    for name, run in runs.items():
        if name == "ours":
            continue
        for mine, theirs in zip(ours[:2], run()[:2], strict=False):
            theirs = np.asarray(theirs.detach() if hasattr(theirs, "detach") else theirs)
            # float32 sums of up to 2048 terms, through up to 1000 steps.
            np.testing.assert_allclose(mine, theirs, atol=2e-4, err_msg=f"{name}: {work}")


def peak_rate() -> float:
    """Operations a second of one thread that multiplies and adds in registers only."""
    from elman.engine import _native

    def rate() -> float:
        start = time.perf_counter()
        return _native.library().multiply_adds(4, 100_000) / (time.perf_counter() - start)

    return max(rate() for _ in range(50))


def table(rows: list[Any], backend: str, peak: float, threads: int) -> str:
    from elman import engine

    lines = [
        f"{processor()}, {threads} thread(s), {engine.instruction_set()}, "
        f"peak {peak / 1e9:.0f} GFLOP/s; Keras on {backend}. Milliseconds, the least of many runs; "
        "in brackets how many times as long as ours.",
        "",
        "| work | ours | share of peak | Keras | torch.nn | ONNX Runtime |",
        "|---|---|---|---|---|---|",
    ]
    for work, best in rows:
        mine = best["ours"]
        cells = [
            f"{best[name] * 1e3:.3f} ({best[name] / mine:.2f})" if name in best else ""
            for name in ("keras", "torch.nn", "onnxruntime")
        ]
        share = work.operations / mine / peak
        lines.append(f"| {title(work)} | {mine * 1e3:.3f} | {share:.0%} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def title(work: Any) -> str:
    kind = "" if work.kind == "plain" else f", {work.kind}"
    return f"{work.cell} {'train' if work.train else 'predict'} B{work.B} T{work.T} H{work.H}{kind}"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def plot(rows: list[Any], peak: float, path: Path) -> None:
    """Ratio to the best peer, and share of the peak, of each point."""
    try:
        import matplotlib
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [title(work) for work, _ in rows]
    ratios = [min(t for n, t in best.items() if n != "ours") / best["ours"]
              if len(best) > 1 else np.nan for _, best in rows]  # fmt: skip
    shares = [work.operations / best["ours"] / peak for work, best in rows]
    figure, (left, right) = pyplot.subplots(
        1, 2, sharey=True, figsize=(12, 1 + 0.25 * len(rows)), layout="constrained"
    )
    left.barh(names, ratios)
    left.axvline(1, color="black", linewidth=0.8)
    left.set_xlabel("best peer's time / ours")
    right.barh(names, shares)
    right.set_xlabel("share of the machine's peak")
    left.invert_yaxis()
    figure.savefig(path, dpi=120)
    print(f"plot: {path}")


if __name__ == "__main__":
    main()
