"""What is shown of a training: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
import time

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def progress(file=None) -> keras.callbacks.Callback:
    """The callback for where ``file`` (standard error) goes."""
    file = file or sys.stderr
    return Bar(file) if file.isatty() else Lines(file)


class Lines(keras.callbacks.Callback):
    """A line for each epoch: its numbers, its time, and about how long it will go on."""

    def __init__(self, file):
        super().__init__()
        self.file, self.first = file, None

    def on_train_begin(self, logs=None):
        self.started = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self.first = epoch if self.first is None else self.first

    def on_epoch_end(self, epoch, logs=None):
        done, epochs = epoch + 1 - self.first, self.params["epochs"]
        seconds = (time.perf_counter() - self.started) / done
        left = duration(seconds * (epochs - epoch - 1))
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
        line = f"epoch {epoch + 1}/{epochs}: {numbers}; {seconds:.1f} s an epoch, {left} left"
        print(line, file=self.file, flush=True)


class Bar(keras.callbacks.Callback):
    """A bar over the steps of all epochs, with the time left, and the last epoch's numbers."""

    def __init__(self, file):
        super().__init__()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[numbers]}"),
            console=Console(file=file),
        )
        self.task: TaskID | None = None

    def on_train_begin(self, logs=None):
        self.bar.start()

    def on_epoch_begin(self, epoch, logs=None):
        steps, epochs = self.params["steps"], self.params["epochs"]
        if self.task is None:
            total = steps * (epochs - epoch)
            self.first = epoch
            self.task = self.bar.add_task("", total=total, numbers="")
        words = f"epoch {epoch + 1}/{epochs}"
        self.bar.update(self.task, description=words, completed=steps * (epoch - self.first))

    def on_train_batch_end(self, batch, logs=None):
        self.bar.advance(self.task)  # type: ignore[arg-type]  # it has begun

    def on_epoch_end(self, epoch, logs=None):
        shown = {name: value for name, value in (logs or {}).items() if name.startswith("val_")}
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in (shown or logs).items())
        self.bar.update(self.task, numbers=numbers)  # type: ignore[arg-type]

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Give the terminal back; an interrupted training does not end by itself."""
        self.bar.stop()


def duration(seconds: float) -> str:
    """A time span in words.

    >>> duration(8), duration(75), duration(4000)
    ('8 s', '1 min 15 s', '1 h 6 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
