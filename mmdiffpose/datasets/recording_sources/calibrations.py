# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Calibrated cameras: Pose2Sim's TOML, AIST++'s JSON, ``cameras.pkl``.

All become a dict as in ``cameras.pkl``
(:mod:`~mmdiffpose.datasets.annotation_files.camera_files`), by the camera's
name: ``R`` from the camera's axes to the world's, ``T`` its place, metres.
"""

import importlib
import json
import re
from pathlib import Path
from typing import Any, Dict, Mapping, Union

import cv2
import numpy as np

from ..annotation_files.camera_files import (CameraParam, check_camera,
                                             read_cameras)

Cameras = Dict[str, CameraParam]


def read_calibration(path: Union[str, Path], unit: float = 1.) -> Cameras:
    """Read the cameras of a calibration file.

    Args:
        path: ``*.toml`` of Pose2Sim, ``*.json`` as of AIST++, or MMPose's
            ``cameras.pkl``, whose subject is left out.
        unit: Metres in the unit of the cameras' places; Pose2Sim's and
            ``cameras.pkl``'s are metres, AIST++'s centimetres (0.01).

    Returns:
        Cameras by name. Underscores and dots are taken out of names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none of these files.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: there is no calibration file')
    if path.suffix == '.pkl':
        found = {
            f'{subject} {camera}': param
            for (subject, camera), param in read_cameras(path).items()
        }
        names = {key.split(' ', 1)[1] for key in found}
        if len(names) < len(found):
            raise ValueError(f'{path}: expected one camera of each name, found'
                             f' {sorted(found)}')
        cameras = {key.split(' ', 1)[1]: param for key, param in found.items()}
    elif path.suffix == '.toml':
        cameras = _pose2sim(path)
    elif path.suffix == '.json':
        cameras = _aist(path)
    else:
        raise ValueError(f'{path}: expected a calibration in .toml (Pose2Sim),'
                         ' .json (AIST++) or .pkl (cameras.pkl)')
    if not cameras:
        raise ValueError(f'{path}: expected cameras, found none')
    for camera in cameras.values():
        if 'T' in camera:
            camera['T'] = np.asarray(camera['T'], np.float64) * unit
    return {plain_name(name): camera for name, camera in cameras.items()}


def plain_name(name: str) -> str:
    """A name of a person or a camera as it may be part of an image name."""
    return re.sub(r'[/._\s]+', '', name) or 'x'


def _toml() -> Any:
    """Python's reader since 3.11, or the package that it was before."""
    for name in ('tomllib', 'tomli'):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError('a calibration in TOML: expected Python 3.11 or later, '
                      'or the package tomli: run "pip install tomli"')


def _pose2sim(path: Path) -> Cameras:
    toml = _toml()
    try:
        content = toml.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:  # also of decoding
        raise ValueError(f'{path}: no TOML file ({error})') from error
    cameras = {}
    for section, values in content.items():
        if section == 'metadata' or not isinstance(values, dict):
            continue
        missing = {'size', 'matrix', 'rotation', 'translation'} - set(values)
        if missing:
            raise ValueError(f'{path}: camera {section} lacks '
                             f'{sorted(missing)}, it has {sorted(values)}')
        cameras[str(values.get('name', section))] = _opencv_camera(
            values, f'{path}: camera {section}')
    return cameras


def _aist(path: Path) -> Cameras:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: no JSON file ({error})') from error
    needed = {'name', 'size', 'matrix', 'rotation', 'translation'}
    if not isinstance(content, list) or not all(
            isinstance(values, dict) and needed <= set(values)
            for values in content):
        raise ValueError(
            f'{path}: expected a list of cameras with name, size, matrix, '
            'rotation, translation and distortions, as AIST++ has them')
    return {
        str(values['name']):
        _opencv_camera(values, f'{path}: camera {values["name"]}')
        for values in content
    }


def _opencv_camera(values: Mapping[str, Any], where: str) -> CameraParam:
    """From OpenCV's convention, x_camera = R x_world + t."""
    matrix = np.asarray(values['matrix'], np.float64)
    rotation = np.asarray(values['rotation'], np.float64)
    if matrix.shape != (3, 3) or rotation.shape not in ((3, ), (3, 3)):
        raise ValueError(f'{where}: expected a matrix of 3 x 3 and a rotation '
                         f'of 3 or 3 x 3, found {matrix.shape} and '
                         f'{rotation.shape}')
    if rotation.shape == (3, ):
        rotation = np.asarray(cv2.Rodrigues(rotation)[0], np.float64)
    place = -rotation.T @ np.asarray(values['translation'],
                                     np.float64).reshape(3)
    bends = np.zeros(5)
    given = np.ravel(values.get('distortions', ()))[:5]
    bends[:len(given)] = given
    k1, k2, p1, p2, k3 = bends
    width, height = (int(round(float(v))) for v in values['size'])
    return check_camera(
        dict(
            w=width,
            h=height,
            f=matrix[[0, 1], [0, 1]],
            c=matrix[:2, 2],
            R=rotation.T,
            T=place,
            k=[k1, k2, k3],
            p=[p1, p2]), where)
