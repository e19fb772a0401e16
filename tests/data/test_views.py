"""Views of pictures: means that keep the whole, edges that know their direction, colours."""

import numpy as np
import pytest

from elman.data.views import colours, gradients, mirrored, thumbnails

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 35, 19, 3)).astype("uint8")


def test_a_small_copy_has_the_means_of_what_it_covers():
    small = thumbnails(PICTURES).reshape(3, 16, 16, 3)
    # Cells begin at i * size // 16: of 35 rows and 19 columns the first cover 2 and 1.
    np.testing.assert_allclose(small[:, 0, 0], PICTURES[:, :2, :1].mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(small[:, 15, 15], PICTURES[:, 32:, 17:].mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(thumbnails(np.full((1, 7, 40, 3), 9)), 9)


def test_colours_are_shares():
    found = colours(PICTURES)
    np.testing.assert_allclose((found**2).sum(1), 1, rtol=1e-5)
    levels = PICTURES[0] // 32
    same = (levels == levels[0, 0]).all(-1).mean()
    first = levels[0, 0].astype(int) @ [64, 8, 1]
    assert found[0, first] ** 2 == pytest.approx(same, rel=1e-5)


@pytest.mark.parametrize("degrees", [0, 22.5, 60, 90, 150])
def test_a_slope_is_counted_where_it_points(degrees):
    """A plane has one gradient: its length is shared by the two next directions."""
    y, x = np.mgrid[:16, :16]
    angle = np.deg2rad(degrees)
    plane = 100 + 3 * (np.cos(angle) * x + np.sin(angle) * y)
    pictures = np.repeat(plane[None, :, :, None], 3, axis=-1)
    middle = gradients(pictures).reshape(8, 8, 8)[4, 4] ** 2
    expected = np.zeros(8)
    place = degrees / 22.5
    expected[int(place) % 8] += 1 - place % 1
    expected[(int(place) + 1) % 8] += place % 1
    # Differences over two pixels, of values from 0 to 1.
    np.testing.assert_allclose(middle, 2 * 3 / 255 * expected, atol=1e-6)


def test_a_picture_and_its_mirror_image_are_one():
    flipped = PICTURES[:, :, ::-1]
    assert not np.allclose(gradients(PICTURES), gradients(flipped), atol=0.01)
    np.testing.assert_allclose(mirrored(PICTURES), mirrored(flipped), rtol=1e-4)
    assert not np.allclose(mirrored(PICTURES), mirrored(PICTURES[:, ::-1]), atol=0.01)
