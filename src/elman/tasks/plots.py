"""Pictures of a run: learning curves, confusion matrix, attention, pictures with captions."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure

from elman._writing import whole

MOST_LABELS = 30  # of a confusion matrix

OWN = "DejaVu Sans"  # the font that comes with matplotlib
HANGUL = Path(__file__).with_name("hangul.ttf")  # a few letters, those of the demo


def learning_curves(path: Path, history: Sequence[dict[str, float]], best_epoch: int) -> str:
    """Draw each measure over the epochs, of training and validation, and mark the best epoch."""
    names = [n for n in history[0] if not n.startswith("val_") and n != "learning_rate"]
    figure = Figure((4.5 * len(names), 3.2), layout="constrained")
    epochs = range(1, len(history) + 1)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in history[0]:
                axes.plot(epochs, [row[key] for row in history], marker=".", label=label)
        axes.axvline(best_epoch, color="grey", linestyle=":", label="kept")
        axes.set(xlabel="epoch", title=name, xlim=(0.5, len(history) + 0.5))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
    _save(figure, path)
    return ""


def confusion(path: Path, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Draw a confusion matrix, rows true, columns predicted; of many labels the most frequent."""
    matrix = np.asarray(counts)
    most = np.sort(np.argsort(-matrix.sum(1), kind="stable")[:MOST_LABELS])
    matrix, labels = matrix[np.ix_(most, most)], [labels[i] for i in most]
    font, labels, note = drawable(labels)
    size = 2.5 + 0.45 * len(labels)
    with rc_context({"font.family": font}):
        figure = Figure((size, size), layout="constrained")
        axes = figure.subplots()
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(labels)), labels, rotation=90)
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlabel="predicted", ylabel="true")
        for (i, j), n in np.ndenumerate(matrix):
            if n:
                colour = "white" if share[i, j] > 0.5 else "black"
                axes.text(j, i, n, ha="center", va="center", color=colour, fontsize=7)
        _save(figure, path)
    return note


def attention(
    path: Path, sources: Sequence[Sequence[str]], answers: Sequence[Sequence[str]], weights
) -> str:
    """Draw where each token of an answer looked: a matrix [answer, source] for each pair."""
    font, texts, note = drawable([token for tokens in [*sources, *answers] for token in tokens])
    given = iter(texts)
    sources = [[next(given) for _ in tokens] for tokens in sources]
    answers = [[next(given) for _ in tokens] for tokens in answers]
    with rc_context({"font.family": font}):
        figure = Figure((4.5 * len(sources), 4.5), layout="constrained")
        every = figure.subplots(1, len(sources), squeeze=False)[0]
        for axes, source, answer, matrix in zip(every, sources, answers, weights, strict=True):
            axes.imshow(np.asarray(matrix), cmap="Greys", vmin=0, vmax=1, aspect="auto")
            axes.set_xticks(range(len(source)), source, rotation=90)
            axes.set_yticks(range(len(answer)), answer)
            axes.set(xlabel="read", ylabel="answer")
        _save(figure, path)
    return note


def captions(path: Path, pictures: Sequence[np.ndarray], texts: Sequence[str]) -> str:
    """Draw pictures in rows of four with their captions below."""
    font, texts, note = drawable(texts)
    rows = -(-len(texts) // 4)
    with rc_context({"font.family": font}):
        figure = Figure((12, 3.2 * rows), layout="constrained")
        every = figure.subplots(rows, 4, squeeze=False).ravel()
        for axes in every:
            axes.axis("off")
        for axes, picture, text in zip(every, pictures, texts, strict=False):
            axes.imshow(picture)
            axes.set_title(text, y=-0.2, fontsize=9, wrap=True)
        _save(figure, path)
    return note


def places(
    path: Path,
    pictures: Sequence[np.ndarray],
    captions: Sequence[Sequence[str]],
    weights: Sequence[np.ndarray],
) -> str:
    """Draw where each token of a caption looked: a row for each picture, lighter where it looked.

    Arguments:
        weights: for each picture [tokens, places], the places being the rows of a square.
    """
    font, given, note = drawable([token for caption in captions for token in caption])
    texts, columns = iter(given), max(map(len, captions))
    with rc_context({"font.family": font}):
        figure = Figure((1.8 * columns, 2.1 * len(pictures)), layout="constrained")
        grid = figure.subplots(len(pictures), columns, squeeze=False)
        for axes in grid.ravel():
            axes.axis("off")
        for row, picture, looks in zip(grid, pictures, weights, strict=True):
            side = round(np.sqrt(looks.shape[1]))
            for axes, look in zip(row, looks, strict=False):
                axes.imshow(picture, extent=(0, 1, 0, 1))
                square = look.reshape(side, side) / look.max()
                axes.imshow(square, cmap="gray", alpha=0.6, extent=(0, 1, 0, 1), vmin=0, vmax=1)
                axes.set_title(next(texts), fontsize=9)
        _save(figure, path)
    return note


def drawable(texts: Sequence[str]) -> tuple[list[str], list[str], str]:
    """A font that has all letters of ``texts``, and the texts to draw.

    Where no font on this machine has them (Korean needs one such as Noto Sans CJK or Nanum), the
    texts that matplotlib's own lacks are numbered, #1, #2, ..., and a note says which is which.
    """
    shown = {text: text.replace("$", r"\$") for text in texts}  # no formulas
    font = _font_with(frozenset("".join(texts)))
    if font:
        return [font], [shown[text] for text in texts], ""
    lacking = [text for text in shown if _font_with(frozenset(text)) != OWN]
    numbers = {text: f"#{i}" for i, text in enumerate(lacking, 1)}
    key = "; ".join(f"{number} {text}" for text, number in numbers.items())
    note = f"No font on this machine has all letters (install one, fonts-noto-cjk say): {key}"
    return [OWN], [(shown | numbers)[text] for text in texts], note


@functools.cache
def _font_with(letters: Iterable[str]) -> str | None:
    """The name of a font that has all ``letters``; matplotlib's own is asked first."""
    wanted = {ord(letter) for letter in letters if not letter.isspace()}
    if not any(entry.fname == str(HANGUL) for entry in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(HANGUL)
    found = font_manager.fontManager.ttflist

    def order(entry):
        return entry.name != OWN, entry.fname == str(HANGUL), entry.name

    for entry in sorted(found, key=order):
        plain = entry.style == "normal" and entry.weight in (400, "normal", "regular")
        # The last resort has a box for every letter.
        if (
            plain
            and not entry.name.startswith("Last Resort")
            and wanted <= {*font_manager.get_font(entry.fname).get_charmap()}
        ):
            return entry.name
    return None


def _save(figure: Figure, path: Path) -> None:
    """Write the picture whole or not at all."""
    with whole(path) as part:
        figure.savefig(part, dpi=110)
