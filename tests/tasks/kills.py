"""Trainings that are killed, ended, out of disk or two at once: nothing is lost, nothing is half.

A program: ``python tests/tasks/kills.py 20`` tries each of the four 20 times, in forty minutes.
After each the run folder is absent, the old one, or the new one, and going on gives the same
weights, bit by bit, as a training that nobody disturbed.
"""

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTINGS = ("units=3", "embedding=4", "bidirectional=false", "pooling=max", "ngrams=false",
            "unit=character", "epochs=8", "batch_size=8")  # fmt: skip


def command(folder, seed, *more):
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    data, output = str(folder / "data.tsv"), str(folder / "run")
    program = [sys.executable, "-m", "elman", "train", "classifier"]
    return [*program, "--data", data, "--output", output, "--seed", str(seed), *settings, *more]


def start(folder, seed, *more, most=None):
    """A training in a process of its own; ``most`` bytes in a file, as if the disk were full."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.Popen(
        command(folder, seed, *more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, preexec_fn=limit if most else None,
    )  # fmt: skip


def finished(folder, seed, *more):
    process = start(folder, seed, *more)
    said, _ = process.communicate()
    assert not process.returncode, said


def weights(folder):
    """The bytes of the weights in a run folder that loads; None where there is none."""
    from elman import tasks

    run = folder / "run"
    if not run.exists():
        return None
    return b"".join(w.tobytes() for w in tasks.load(run).model.get_weights())


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def prepared(folder):
    """Data, and the weights of seed 0 and seed 1; the run folder has those of seed 0."""
    lines = (f"it is {'good' if i % 2 else 'bad'} {i}\t{i % 2}" for i in range(64))
    (folder / "data.tsv").write_text("text\tlabel\n" + "\n".join(lines) + "\n")
    wanted = []
    for seed in (1, 0):
        began = time.monotonic()
        finished(folder, seed, "--overwrite")
        seconds = time.monotonic() - began
        wanted.append(weights(folder))
    assert wanted[0] != wanted[1]
    return wanted[::-1], seconds


def check(folder, known, said):
    """The folder is old, absent or new; then the training of seed 1 goes on and ends the same."""
    now = weights(folder)
    assert now is None or now in known, "a folder that is neither old nor new"
    assert "Traceback" not in said, said
    how = "--resume" if (folder / "run.training" / "plan.json").is_file() else "--overwrite"
    finished(folder, 1, how)
    assert weights(folder) == known[1], f"{how} gave other weights"
    assert leftovers(folder) == []
    assert not (folder / "run.training").exists()
    finished(folder, 0, "--overwrite")
    return f"{'absent' if now is None else 'old' if now == known[0] else 'new'}, then {how}"


def disturbed(kind, folder, seconds, draw):
    """One training of seed 1 over the old run, disturbed; what it said."""
    if kind == "disk":
        process = start(folder, 1, "--overwrite", most=int(10 ** draw.uniform(2, 5)))
        return process.communicate()[0]
    if kind == "two":
        both = [start(folder, 1, "--overwrite") for _ in range(2)]
        said = [process.communicate()[0] for process in both]
        assert any(process.returncode == 0 for process in both), said
        return "\n".join(said)
    process = start(folder, 1, "--overwrite")
    time.sleep(draw.uniform(0.3, 1.05) * seconds)
    process.send_signal(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
    return process.communicate()[0]


def main(times: int) -> None:
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known, seconds = prepared(folder)
        for kind in ("kill", "terminate", "disk", "two"):
            for i in range(times):
                said = disturbed(kind, folder, seconds, draw)
                print(kind, i, check(folder, known, said), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
