# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Results appear whole or not at all, wherever a process is killed."""
import importlib.util
import os
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from mmdiffpose.files.optional_packages import REQUIREMENTS
from mmdiffpose.files.result_files import FORMATS, write_results
from mmdiffpose.lifting.lift import LiftedTrack
from mmdiffpose.visualization.mp4_writer import Mp4Writer
from mmdiffpose.visualization.picture_sink import GifWriter, PngWriter

INSTALLED = [
    name for name in FORMATS if name not in REQUIREMENTS
    or importlib.util.find_spec(REQUIREMENTS[name].module)
]
FRAMES = [np.full((32, 32, 3), value, np.uint8) for value in (0, 90, 250)]


class Killed(BaseException):
    """SIGKILL."""


def killed_at(number, function):
    """Run until a file would get its name for the n-th time; nothing is
    cleaned up then."""
    left = [number]
    replace = os.replace

    def counted(*args):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        replace(*args)

    with mock.patch.object(os, 'replace', counted), mock.patch.object(
            Path, 'unlink', lambda *args, **kwargs: None):
        try:
            function()
        except Killed:
            return True
    return False


def visible(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and not path.name.startswith('.')
    }


@pytest.fixture
def lifted():
    rng = np.random.default_rng(0)
    return LiftedTrack(
        keypoints_3d=rng.normal(size=(40, 17, 3)).astype(np.float32),
        scores=rng.uniform(size=(40, 17)).astype(np.float32),
        std=rng.uniform(size=(40, 17)).astype(np.float32),
        hypotheses=rng.normal(size=(40, 3, 17, 3)).astype(np.float32),
        keypoints_2d=rng.uniform(0, 1000, (40, 17, 2)).astype(np.float32),
        scores_2d=rng.uniform(size=(40, 17)).astype(np.float32),
        frame_ids=np.arange(40),
        image_size=(1000, 800),
        fps=30.)


@pytest.mark.parametrize('name', INSTALLED)
def test_of_every_format(lifted, tmp_path, name):
    write_results([lifted], tmp_path / 'whole' / 'a', formats=[name])
    expected = visible(tmp_path / 'whole')
    assert expected
    number = 0
    while True:
        folder = tmp_path / f'killed_{number}'
        if not killed_at(
                number,
                lambda: write_results([lifted], folder / 'a', formats=[name])):
            break
        found = visible(folder)
        assert len(found) == number
        assert set(found) <= set(expected)
        # An earlier result stays until the new one is there.
        (folder / 'a.json').write_text('earlier')
        write_results([lifted], folder / 'a', formats=[name])
        assert set(visible(folder)) == set(expected) | {'a.json'}
        number += 1
    assert number == len(expected)


@pytest.mark.parametrize('make, suffix', [(GifWriter, '.gif'),
                                          (PngWriter, '.png'),
                                          (Mp4Writer, '.mp4')])
def test_of_animations(tmp_path, make, suffix):
    path = tmp_path / f'a{suffix}'
    path.write_bytes(b'earlier')

    def write():
        writer = make(path, 30.)
        for frame in FRAMES:
            writer.put(frame)
        writer.close()

    assert killed_at(0, write)
    assert path.read_bytes() == b'earlier'
    write()
    assert len(path.read_bytes()) > 60
