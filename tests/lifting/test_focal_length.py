# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Focal lengths: given, read, assumed."""

import numpy as np
import pytest
from PIL import Image

from mmdiffpose.lifting.focal_length import resolve_focal_length

EXIF = 0x8769
FOCAL_LENGTH, FILM, X_RESOLUTION, UNIT, WIDTH, HEIGHT = (0x920a, 0xa405,
                                                         0xa20e, 0xa210,
                                                         0xa002, 0xa003)


def picture(path, **tags):
    exif = Image.Exif()
    exif.get_ifd(EXIF).update({
        globals()[name]: value
        for name, value in tags.items()
    })
    Image.new('RGB', (60, 40)).save(path, exif=exif)
    return path


def test_given_wins(tmp_path):
    source = picture(tmp_path / 'a.jpg', FILM=50)
    assert resolve_focal_length((1920, 1080), 1500, source) == (1500, 'given')


def test_film_equivalent(tmp_path):
    """A 36 x 24 mm picture under 50 mm: 5000 pixels for 3600 in width."""
    source = picture(tmp_path / 'a.jpg', FILM=50, FOCAL_LENGTH=4.2)
    for size in ((3600, 2400), (2400, 3600)):
        pixels, how = resolve_focal_length(size, exif_source=source)
        assert pixels == pytest.approx(5000)
        assert how == 'EXIF: 50 mm in 35 mm film'


@pytest.mark.parametrize('unit, resolution', [(2, 2540), (3, 1000), (4, 100)])
def test_sensor_resolution(tmp_path, unit, resolution):
    """100 pixels a mm and 20 mm; then the picture was halved."""
    source = picture(
        tmp_path / 'a.jpg',
        FOCAL_LENGTH=20.,
        X_RESOLUTION=float(resolution),
        UNIT=unit,
        WIDTH=3000,
        HEIGHT=2000)
    pixels, how = resolve_focal_length((1500, 1000), exif_source=source)
    assert pixels == pytest.approx(1000)
    assert how == 'EXIF: 20 mm and sensor size'


def test_assumed_and_said_so(tmp_path):
    for tags in ({}, dict(FILM=0), dict(FOCAL_LENGTH=20.)):
        source = picture(tmp_path / 'a.jpg', **tags)
        pixels, how = resolve_focal_length((1000, 2000), exif_source=source)
        assert how == 'assumed: 55 degrees over the longer side'
        assert np.rad2deg(2 * np.arctan(1000 / pixels)) == pytest.approx(55)
    (tmp_path / 'a.mp4').write_bytes(b'no picture')
    assert resolve_focal_length((1000, 2000),
                                exif_source=tmp_path / 'a.mp4')[0] == pixels
    half, _ = resolve_focal_length((500, 1000), field_of_view=90)
    assert half == pytest.approx(500)


def test_what_is_no_focal_length(tmp_path):
    with pytest.raises(ValueError, match='28.*in mm'):
        resolve_focal_length((1920, 1080), 28)
    for bad in (0, -5, float('nan'), float('inf')):
        with pytest.raises(ValueError, match='positive number of pixels'):
            resolve_focal_length((1920, 1080), bad)
    with pytest.raises(ValueError, match='between 0 and 180'):
        resolve_focal_length((1920, 1080), field_of_view=180)
    with pytest.raises(FileNotFoundError, match='nowhere.jpg'):
        resolve_focal_length((1920, 1080),
                             exif_source=tmp_path / 'nowhere.jpg')
