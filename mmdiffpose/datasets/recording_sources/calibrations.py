# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Calibrated cameras: Pose2Sim's TOML, AIST++'s JSON, ``cameras.pkl``.

All become a dict as in ``cameras.pkl``
(:mod:`~mmdiffpose.datasets.annotation_files.camera_files`), by the camera's
name: ``R`` from the camera's axes to the world's, ``T`` its place, metres.
"""

import importlib
import re
from pathlib import Path
from typing import Any, Dict, Mapping, Union

import cv2
import numpy as np

from mmdiffpose.input_files import (check_file, check_name, numbers, read_json,
                                    read_text)
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
    path = check_file(path, 'a calibration file')
    if not 0 < unit < float('inf'):
        raise ValueError(f'unit: expected metres, found {unit}')
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
    plain = {
        plain_name(check_name(f'{path}: camera', name)): camera
        for name, camera in cameras.items()
    }
    if len(plain) < len(cameras):
        raise ValueError(f'{path}: expected cameras whose names differ without'
                         f' dots and underscores, found {list(cameras)[:20]}')
    return plain


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
        content = toml.loads(read_text(path, 'a calibration in TOML'))
    except (ValueError, RecursionError) as error:
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
    content = read_json(path, 'a calibration in JSON')
    needed = {'name', 'size', 'matrix', 'rotation', 'translation'}
    if not isinstance(content, list) or not all(
            isinstance(values, dict) and needed <= set(values)
            for values in content):
        raise ValueError(
            f'{path}: expected a list of cameras with name, size, matrix, '
            'rotation, translation and distortions, as AIST++ has them')
    cameras: Cameras = {}
    for values in content:
        name = str(values['name'])
        if name in cameras:
            raise ValueError(f'{path}: found camera {name[:80]!r} twice')
        cameras[name] = _opencv_camera(values, f'{path}: camera {name[:80]}')
    return cameras


def _opencv_camera(values: Mapping[str, Any], where: str) -> CameraParam:
    """From OpenCV's convention, x_camera = R x_world + t."""
    matrix, rotation = (
        numbers(where, values[key], f'numbers as {key}')
        for key in ('matrix', 'rotation'))
    if matrix.shape != (3, 3) or rotation.shape not in ((3, ), (3, 3)):
        raise ValueError(f'{where}: expected a matrix of 3 x 3 and a rotation '
                         f'of 3 or 3 x 3, found {matrix.shape} and '
                         f'{rotation.shape}')
    if rotation.shape == (3, ):
        rotation = np.asarray(cv2.Rodrigues(rotation)[0], np.float64)
    place = -rotation.T @ numbers(where, values['translation'],
                                  'three numbers as translation', (3, ))
    bends = np.zeros(5)
    given = numbers(where, values.get('distortions', ()),
                    'numbers as distortions').ravel()
    if given[5:].any() or (values.get('fisheye') and given.any()):
        found = 'a fisheye\'s' if values.get('fisheye') else given.tolist()
        raise ValueError(
            f'{where}: expected the distortions k1, k2, p1, p2 and k3, found '
            f'{found}: undistort the 2D keypoints and set them to zeros')
    bends[:len(given[:5])] = given[:5]
    k1, k2, p1, p2, k3 = bends
    width, height = numbers(where, values['size'], 'width and height as size',
                            (2, ))
    return check_camera(
        dict(
            w=np.round(width),
            h=np.round(height),
            f=matrix[[0, 1], [0, 1]],
            c=matrix[:2, 2],
            R=rotation.T,
            T=place,
            k=[k1, k2, k3],
            p=[p1, p2]), where)
