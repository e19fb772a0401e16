"""What pictures are compared by: edges, colours and small copies, as vectors of one length."""

import numpy as np

CELLS, DIRECTIONS = 8, 8  # of gradients: 8 by 8 places, 8 directions in each
LEVELS = 8  # of red, green and blue, in which colours are counted
THUMBNAIL = 16  # height and width of the small copy


def gradients(pictures: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients: which edges there are, and where.

    Of each pixel the channel with the longest gradient (d_y, d_x) counts, with its length shared
    between the two nearest of 8 directions in [0, pi); the means of 8 by 8 places follow, and their
    square roots, so that a strong edge does not outweigh all others.

    Arguments:
        pictures: [N, H, W, 3] of 0 to 255; H and W are better 8 at least.

    Returns:
        float32 [N, 512].

    >>> picture = np.zeros((1, 16, 16, 3), "uint8")
    >>> picture[:, 8:] = 255  # the edge lies across, its gradient points down: pi / 2
    >>> int(gradients(picture).reshape(8, 8, 8).sum((0, 1)).argmax())
    4

    Source: Dalal, Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005.
    """
    values = pictures.astype("float32") / 255
    down, right = np.zeros_like(values), np.zeros_like(values)
    down[:, 1:-1] = values[:, 2:] - values[:, :-2]
    right[:, :, 1:-1] = values[:, :, 2:] - values[:, :, :-2]
    lengths = np.hypot(down, right)
    channel = lengths.argmax(-1)[..., None]
    length, down, right = (
        np.take_along_axis(x, channel, -1)[..., 0] for x in (lengths, down, right)
    )
    angle = np.arctan2(down, right) % np.pi * (DIRECTIONS / np.pi)
    first = np.floor(angle).astype(int)
    second_share = length * (angle - first)
    found = np.zeros((*length.shape, DIRECTIONS), "float32")
    for direction, share in ((first, length - second_share), (first + 1, second_share)):
        index = direction[..., None] % DIRECTIONS
        sums = np.take_along_axis(found, index, -1) + share[..., None]
        np.put_along_axis(found, index, sums, -1)
    return np.sqrt(_means(found, CELLS)).reshape(len(pictures), -1)


def mirrored(pictures: np.ndarray) -> np.ndarray:
    """The `gradients` of each picture and of its mirror image, added: whichever way it faces.

    >>> picture = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3))
    >>> np.allclose(mirrored(picture), mirrored(picture[:, :, ::-1]), atol=1e-5)
    True
    """
    return gradients(pictures) + gradients(pictures[:, :, ::-1])


def colours(pictures: np.ndarray) -> np.ndarray:
    """The square roots of how much of a picture has each of 512 colours.

    Arguments:
        pictures: [N, H, W, 3] of 0 to 255.

    Returns:
        float32 [N, 512], rows of length 1; the product of two is Bhattacharyya's coefficient.

    >>> half = np.zeros((1, 4, 4, 3), "uint8")
    >>> half[:, 2:] = 255
    >>> colours(half)[0, [0, -1]].round(2)
    array([0.71, 0.71], dtype=float32)
    """
    levels = pictures.reshape(len(pictures), -1, 3).astype(int) * LEVELS // 256
    numbers = levels @ np.array([LEVELS**2, LEVELS, 1])
    counts = np.stack([np.bincount(row, minlength=LEVELS**3) for row in numbers])
    return np.sqrt(counts / numbers.shape[1]).astype("float32")


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """A copy of each picture of 16 by 16 pixels, the means of what they cover: float32 [N, 768].

    Arguments:
        pictures: [N, H, W, 3] of 0 to 255; H and W are better 16 at least.
    """
    return _means(pictures.astype("float32"), THUMBNAIL).reshape(len(pictures), -1)


def _means(values: np.ndarray, cells: int) -> np.ndarray:
    """The means of ``cells`` by ``cells`` parts of [N, H, W, F]: [N, cells, cells, F]."""
    for axis in (1, 2):
        starts = np.arange(cells) * values.shape[axis] // cells
        sizes = np.diff([*starts, values.shape[axis]]).clip(1).astype("float32")
        sums = np.add.reduceat(values, starts, axis)
        values = sums / sizes.reshape([-1 if i == axis else 1 for i in range(4)])
    return values
