# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Camera parameter files, ``cameras.pkl`` as MMPose writes and reads them.

A dict keyed ``(subject, camera)``, for example ``('S1', '54138969')``, of
dicts with

* ``f`` (2, 1) and ``c`` (2, 1): focal lengths and principal point, pixels;
* ``w``, ``h``: image size, pixels;
* ``R`` (3, 3) and ``T`` (3, 1), optional: rotation from camera to world and
  the camera's position in the world, metres, so that
  ``x_camera = R.T @ (x_world - T)``;
* ``k`` (3, 1) and ``p`` (2, 1), optional: radial and tangential distortion,
  both or none;
* ``name``, ``id``: strings.
"""

import pickle
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple, Union

import numpy as np

from mmdiffpose.atomic_files import replacing
from mmdiffpose.datasets.cameras import project
from mmdiffpose.input_files import check_name, numbers
from mmdiffpose.plain_pickle import load_plain_pickle

CameraKey = Tuple[str, str]
CameraParam = Dict[str, Any]

MAX_SHEAR = 0.01
"""Of a rotation with few digits."""
_SIZES = dict(f=2, c=2, T=3, k=3, p=2)


def read_cameras(path: Union[str, Path]) -> Dict[CameraKey, CameraParam]:
    """Read and check a camera file.

    Args:
        path: A ``cameras.pkl``.

    Returns:
        Cameras by ``(subject, camera)``; ``f``, ``c`` (2,), ``T``, ``k``
        (3,), ``p`` (2,) and ``R`` (3, 3) are float64, ``w`` and ``h`` int.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a file.
    """
    content = load_plain_pickle(path)
    if not isinstance(content, dict) or not content:
        raise ValueError(
            f'{path}: expected a dict of cameras keyed (subject, camera), '
            f'found {type(content).__name__}')
    cameras = {}
    for key, values in content.items():
        if not (isinstance(key, tuple) and len(key) == 2
                and isinstance(values, dict)):
            raise ValueError(
                f'{path}: expected a dict keyed (subject, camera) such as '
                f"('S1', '54138969'), found the key {key!r}")
        for name in key:
            check_name(f'{path}: names of subject and camera', name)
        cameras[key] = check_camera(values, f'{path}: camera {key}')
    return cameras


def check_camera(values: Mapping[str, Any], source: str) -> CameraParam:
    """One camera, checked, its vectors flat.

    Args:
        values: The parameters, vectors as rows, columns or lists.
        source: File and camera, for the messages.

    Raises:
        ValueError: If a parameter is missing, misshapen or not finite.
    """
    missing = {
        name
        for name in ('f', 'c', 'w', 'h') if values.get(name) is None
    }
    if missing:
        raise ValueError(f'{source} lacks {sorted(missing)}')
    camera = dict(values)
    for name in 'wh':
        size = _numbers(values[name], (1, ), f'{source}: {name}, pixels')[0]
        camera[name] = int(size)
    for name, size in _SIZES.items():
        if values.get(name) is None:
            camera.pop(name, None)
            continue
        camera[name] = _numbers(values[name], (size, ), f'{source}: {name}')
    if values.get('R') is not None:
        camera['R'] = _numbers(values['R'], (3, 3), f'{source}: R')
        if abs(np.linalg.det(camera['R']) - 1) > 1e-3:
            raise ValueError(f'{source}: R is no rotation, its determinant is '
                             f'{np.linalg.det(camera["R"]):.4f}, expected 1')
        shear = float(np.abs(camera['R'] @ camera['R'].T - np.eye(3)).max())
        if shear > MAX_SHEAR:
            raise ValueError(
                f'{source}: R is no rotation, R R^T is {shear:.4f}'
                ' from the identity')
    else:
        camera.pop('R', None)
    if camera['w'] <= 0 or camera['h'] <= 0 or (camera['f'] <= 0).any():
        raise ValueError(
            f'{source}: expected positive w, h and f, found w={camera["w"]}, '
            f'h={camera["h"]}, f={camera["f"].tolist()}')
    return camera


def write_cameras(path: Union[str, Path],
                  cameras: Mapping[CameraKey, CameraParam]) -> None:
    """Write a camera file that MMPose reads, atomically.

    Args:
        path: The ``cameras.pkl`` to write.
        cameras: Cameras by ``(subject, camera)``.
    """
    content = {}
    for key, values in cameras.items():
        camera = check_camera(values, f'camera {key}')
        for name in _SIZES:
            if name in camera:
                camera[name] = camera[name].reshape(-1, 1)
        camera.setdefault('id', key[1])
        camera.setdefault('name', key[1])
        content[tuple(key)] = camera
    with replacing(path) as temporary:
        temporary.write_bytes(pickle.dumps(content, protocol=4))


def _numbers(value: Any, shape: Tuple[int, ...], what: str) -> np.ndarray:
    expected = f'{" x ".join(map(str, shape))} finite numbers'
    array = numbers(what, value, expected, shape)
    if not np.isfinite(array).all():
        raise ValueError(f'{what}: expected {expected}, found '
                         f'{array.tolist()}')
    return array


def camera_from_world(points: np.ndarray, camera: Mapping[str,
                                                          Any]) -> np.ndarray:
    """World points in a camera's axes, x right, y down, z forward.

    Args:
        points: (..., 3), metres.
        camera: With ``R`` and ``T`` from camera to world.

    Raises:
        ValueError: If the camera has no extrinsics.
    """
    if 'R' not in camera or 'T' not in camera:
        raise ValueError(
            f'camera {camera.get("id", "")} has no extrinsics R and T')
    rotation = np.asarray(camera['R'], np.float64)
    position = np.asarray(camera['T'], np.float64).reshape(3)
    return (points - position) @ rotation


def project_points(points: np.ndarray, camera: Mapping[str,
                                                       Any]) -> np.ndarray:
    """Pixels of points in camera axes.

    Args:
        points: (..., 3), metres, in front of the camera.
        camera: With ``f`` and ``c``; ``k`` and ``p``, where present, distort
            as in Human3.6M's own code and MMPose's ``SimpleCamera``.

    Returns:
        (..., 2), pixels.

    Raises:
        ValueError: If a point does not lie in front of the camera.
    """
    focal = np.asarray(camera['f'], np.float64).reshape(2)
    center = np.asarray(camera['c'], np.float64).reshape(2)
    flat = project(np.asarray(points, np.float64), (1, 1), (0, 0))
    if 'k' in camera and 'p' in camera:
        flat = _distort(flat, np.ravel(camera['k']), np.ravel(camera['p']))
    return flat * focal + center


def _distort(flat: np.ndarray, radial: np.ndarray,
             tangential: np.ndarray) -> np.ndarray:
    """Brown's lens model on normalised image coordinates (..., 2)."""
    square = (flat**2).sum(axis=-1, keepdims=True)
    scale = 1 + sum(k * square**(i + 1) for i, k in enumerate(radial))
    scale = scale + 2 * (flat * tangential[::-1]).sum(axis=-1, keepdims=True)
    return flat * scale + square * tangential[::-1]
