# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Human3.6M's cameras from the ``metadata.xml`` of its own code release."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, Union

import numpy as np

from mmdiffpose.input_files import read_bytes
from .camera_files import CameraKey, CameraParam, check_camera

CAMERA_IDS = ('54138969', '55011271', '58860488', '60457274')
"""The four cameras, in the order of all files that number them."""

IMAGE_SIZES = ((1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002))
"""Width and height of their images, pixels."""

NUM_SUBJECTS = 11
_EXTRINSICS = 6
_INTRINSICS = 9


def read_metadata(path: Union[str, Path]) -> Dict[CameraKey, CameraParam]:
    """Read the parameters of the 4 cameras for the 11 subjects.

    The element ``w0`` lists, for each camera and within it each subject,
    three rotation angles and the position in millimetres; then, for each
    camera, focal lengths, principal point, three radial and two tangential
    coefficients.

    Args:
        path: The ``metadata.xml``.

    Returns:
        Cameras by (subject, camera), as
        :func:`~mmdiffpose.datasets.annotation_files.camera_files.read_cameras`
        gives them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file.
    """
    content = read_bytes(path, "Human3.6M's metadata.xml")
    try:
        if b'<!ENTITY' in content:
            raise ValueError('it defines entities, expected numbers only')
        text = ElementTree.fromstring(content).findtext('w0', '')
        values = np.array(text.strip().strip('[]').split(), np.float64)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(
            f"{path} cannot be read as Human3.6M's metadata.xml: {error}"
        ) from error
    split = len(CAMERA_IDS) * NUM_SUBJECTS * _EXTRINSICS
    needed = split + len(CAMERA_IDS) * _INTRINSICS
    if len(values) < needed:
        raise ValueError(
            f'{path}: its element w0 holds {len(values)} numbers, expected '
            f'at least {needed}')
    extrinsics = values[:split].reshape(
        len(CAMERA_IDS), NUM_SUBJECTS, _EXTRINSICS)
    intrinsics = values[split:needed].reshape(len(CAMERA_IDS), _INTRINSICS)
    cameras = {}
    for index, camera_id in enumerate(CAMERA_IDS):
        inner = intrinsics[index]
        width, height = IMAGE_SIZES[index]
        for subject in range(NUM_SUBJECTS):
            outer = extrinsics[index, subject]
            cameras[f'S{subject + 1}', camera_id] = check_camera(
                dict(
                    R=_world_to_camera(outer[:3]).T,
                    T=outer[3:] / 1000,
                    f=inner[:2],
                    c=inner[2:4],
                    k=inner[4:7],
                    p=inner[7:9],
                    w=width,
                    h=height,
                    id=camera_id,
                    name=f'camera{index + 1}'), f'{path}: {camera_id}')
    return cameras


def _world_to_camera(angles: np.ndarray) -> np.ndarray:
    """Rx Ry Rz of three angles in radians, (3, 3)."""
    total = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[second, first], turn[first,
                                  second] = (np.sin(angle), -np.sin(angle))
        total = total @ turn
    return total
