"""What `make demo` shows: the study note, then handwritten digits read row by row, in a picture."""

import runpy
import statistics
import time
from pathlib import Path

import digits
import matplotlib
import numpy as np
from keras.layers import SimpleRNN as KerasSimpleRNN
from sklearn.linear_model import LogisticRegression

import elman
from elman.callbacks import LambdaCallback
from elman.layers import GRU, LSTM, SimpleRNN
from elman.utils import set_random_seed

matplotlib.use("Agg")  # draw into files, without a window
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
PICTURE = HERE.parent / "demo" / "digits.png"


def train(layer, x_train, x_test, y_train, y_test):
    """Train on the digits; return the model, its learning curves and the time of each epoch."""
    set_random_seed(0)
    model = digits.classifier(layer(64))
    times = [time.perf_counter()]
    clock = LambdaCallback(on_epoch_end=lambda epoch, logs: times.append(time.perf_counter()))
    fitted = model.fit(
        x_train,
        y_train,
        epochs=digits.EPOCHS,
        validation_data=(x_test, y_test),
        callbacks=[clock],
        verbose=0,
    )
    return model, fitted.history, np.diff(times)


def row(name, score, seconds, epoch_ms=""):
    print(f"{name:34}{score:>10}{seconds:>10}{epoch_ms:>14}", flush=True)


def compare(x_train, x_test, y_train, y_test):
    """Print the table of scores and times; return the SimpleRNN and its learning curves."""
    row("", "accuracy", "seconds", "ms an epoch")
    start = time.perf_counter()
    linear = LogisticRegression(max_iter=1000).fit(x_train.reshape(-1, 64), y_train)
    score = linear.score(x_test.reshape(-1, 64), y_test)
    row("logistic regression, whole image", f"{score:.3f}", f"{time.perf_counter() - start:.1f}")

    for name, layer in {
        "keras.layers.SimpleRNN(64)": KerasSimpleRNN,
        "elman.layers.SimpleRNN(64)": SimpleRNN,
        "elman.layers.GRU(64)": GRU,
        "elman.layers.LSTM(64)": LSTM,
    }.items():
        model, history, epochs = train(layer, x_train, x_test, y_train, y_test)
        score = history["val_accuracy"][-1]
        row(name, f"{score:.3f}", f"{sum(epochs):.1f}", f"{1000 * statistics.median(epochs):.0f}")
        if layer is SimpleRNN:
            shown = model, history
    print("seconds: all epochs, compiling included; ms an epoch: the median, at 64 units")
    return shown


def draw(images, labels, predicted, history):
    """Test digits with the label the network gave, the ones it got wrong last, and its progress."""
    wrong = np.flatnonzero(predicted != labels)
    shown = wrong[:12]
    right = np.flatnonzero(predicted == labels)[: 36 - len(shown)]
    figure = plt.figure(figsize=(11, 4.6), layout="constrained")
    left, curve = figure.subfigures(1, 2, width_ratios=[1.25, 1])

    left.suptitle(
        f"Unseen digits and what it read: {len(labels) - len(wrong)} of {len(labels)} right,\n"
        f"{len(shown)} of its {len(wrong)} mistakes in red",
        fontsize=11,
    )
    for axes, i in zip(left.subplots(4, 9).flat, [*right, *shown], strict=True):
        axes.imshow(images[i], cmap="gray_r")
        axes.set_axis_off()
        if predicted[i] == labels[i]:
            axes.set_title(f"{predicted[i]}", fontsize=10)
        else:
            axes.set_title(f"{predicted[i]} (is {labels[i]})", fontsize=8, color="crimson")

    axes = curve.subplots()
    epochs = range(1, len(history["accuracy"]) + 1)
    axes.plot(epochs, history["accuracy"], label="training digits")
    axes.plot(epochs, history["val_accuracy"], label="test digits")
    axes.set(xlabel="epoch", ylabel="share read correctly", ylim=(0, 1), title="SimpleRNN(64)")
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=130)


def main():
    print("A study note of TensorFlow 2.0's days, with two import lines changed\n")
    runpy.run_path(str(HERE / "study_note.py"))

    x_train, x_test, y_train, y_test = digits.load()
    print(
        f"\nHandwritten digits, read row by row: {len(x_train)} to train, {len(x_test)} to test\n"
    )
    model, history = compare(x_train, x_test, y_train, y_test)
    draw(x_test, y_test, model.predict(x_test, verbose=0).argmax(axis=-1), history)
    print(f"\nelman {elman.__version__}, Keras {elman.version()}, on {elman.backend.backend()}")
    print("Engine of ", end="")
    elman.explain(model)
    print(f"Picture: {PICTURE.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
