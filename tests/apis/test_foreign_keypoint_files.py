# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Keypoint files of COCO, OpenPose and AlphaPose, and of several people."""

import json

import numpy as np
import pytest
from foreign_files import JOINTS, SIZE, crowd, document, walk, write

from mmdiffpose.apis import read_keypoint_file, read_keypoint_tracks
from mmdiffpose.apis.keypoint_files.reading import recognise
from mmdiffpose.skeletons import SKELETONS


@pytest.mark.parametrize('kind', ['results', 'npz'])
def test_shares_of_the_picture_are_not_pixels(tmp_path, kind):
    people = crowd(kind, number=1)
    people[0][..., :2] /= 1000
    if kind == 'npz':
        path = tmp_path / 'shares.npz'
        np.savez(path, keypoints=people[0])
    else:
        path = write(tmp_path, kind, document(kind, people))
    with pytest.raises(ValueError, match='in pixels, found all between 0.0'):
        read_keypoint_file(path, SIZE)


def test_format_and_skeleton_may_be_named(tmp_path):
    path = write(tmp_path, 'results', document('results', crowd('results')))
    with pytest.raises(ValueError, match="unknown file format 'x'.*alphapose"):
        read_keypoint_file(path, SIZE, file_format='x')
    with pytest.raises(ValueError, match=r'shape .17, 2., found .399'):
        read_keypoint_file(path, SIZE, file_format='mmpose')
    with pytest.raises(ValueError, match='not a readable npz'):
        read_keypoint_file(path, SIZE, file_format='npz')
    with pytest.raises(ValueError, match='expected 26 joints'):
        read_keypoint_file(path, SIZE, skeleton='halpe26')
    with pytest.raises(ValueError, match='format coco, found a folder'):
        read_keypoint_file(tmp_path, SIZE, file_format='coco')
    with pytest.raises(ValueError, match="results.json: unknown skel.*'x'"):
        read_keypoint_file(path, SIZE, skeleton='x')
