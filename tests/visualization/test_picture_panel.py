# Copyright (c) mmdiffpose contributors. All rights reserved.
"""A picture's joints lie over what they are the joints of."""

import numpy as np
import pytest

from mmdiffpose.visualization.picture_panel import PicturePanel

SIZE = (1000, 600)
LIGHT = np.array([700.3, 209.6])
"""Where it is brightest, pixels."""


def picture(share=1.):
    """A grey picture with a soft light, stored at a share of its size."""
    width, height = (round(share * side) for side in SIZE)
    y, x = ((np.arange(n) + 0.5) / share - 0.5 for n in (height, width))
    away = np.hypot(x[None] - LIGHT[0], y[:, None] - LIGHT[1])
    light = 40 + 200 * np.exp(-away**2 / (2 * 15**2))
    return np.repeat(light.round().astype(np.uint8)[..., None], 3, -1)


def panels():
    return dict(
        whole=PicturePanel.whole(SIZE, 250),
        part=PicturePanel.around(
            np.array([[[560., 100.], [860., 420.]]]), np.ones((1, 2)), SIZE,
            250))


def center_of_light(panel):
    """x, y of the middle of the light, pixels."""
    light = (panel[..., 0].astype(float) - 45).clip(0)
    rows, columns = np.indices(light.shape)
    return np.array([(columns * light).sum(),
                     (rows * light).sum()]) / light.sum()


@pytest.mark.parametrize('share', [1., 0.5, 2.])
@pytest.mark.parametrize('name', ['whole', 'part'])
@pytest.mark.parametrize('step', [1, -1])
def test_a_joint_lies_on_its_pixel(name, share, step):
    panel = panels()[name]
    image = np.ascontiguousarray(picture(share))[..., ::step]
    found = center_of_light(panel.backdrop(image))
    assert found == pytest.approx(panel.place(LIGHT), abs=0.05)


def test_colours_keep_their_order_and_the_panel_may_be_part_of_a_picture():
    image = np.zeros((600, 1000, 3), np.uint8)
    image[..., 0] = 200
    for panel in panels().values():
        frame = np.full((300, 600, 3), 7, np.uint8)
        view = frame[20:270, 30:30 + panel.width]
        shown = panel.backdrop(image[..., ::-1], out=view)
        assert np.shares_memory(shown, frame)
        assert (view[125, 60] == (0, 0, 200)).all()
        assert (frame[:20] == 7).all() and (frame[:, :30] == 7).all()
        assert (frame[270:] == 7).all()
        # What was there does not show through.
        assert (panel.backdrop(None, out=view) == panel.backdrop()).all()
