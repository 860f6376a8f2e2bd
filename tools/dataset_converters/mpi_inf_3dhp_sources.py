# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The forms in which people have MPI-INF-3DHP, read into one.

* Official: ``S1/Seq1/annot.mat`` (MATLAB 5) and ``camera.calibration`` for
  training, ``TS1/annot_data.mat`` (MATLAB 7.3, an HDF5 file) for testing.
* The npz pairs of P-STMO (``data_{train,test}_3dhp.npz``) and of D3DP
  (``data_{train,test}_3dhp_ori.npz``).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
from scipy.io import loadmat

from mmdiffpose.datasets.annotation_files.camera_files import (CameraParam,
                                                               check_camera)
from mmdiffpose.datasets.mpi_inf_3dhp import (JOINTS_28_TO_17, TEST_SEQUENCES,
                                              TRAIN_CAMERAS)
from mmdiffpose.input_files import MAX_BYTES, check_file, read_text
from mmdiffpose.plain_pickle import load_plain_npz

TARGETS = ('annot3', 'univ_annot3')
"""Poses of the person's own size, and of the universal skeleton."""

MAX_UNPACKED = 1000
"""Bytes of numbers in a byte of a file, at most."""

NUM_CAMERAS = 14
TRAIN_SIZE = (2048, 2048)
MILLIMETRES = 1000.


@dataclass(frozen=True)
class View:
    """One sequence seen by one camera, in the data set's own joint order.

    Attributes:
        subject: ``'S1'`` or ``'TS1'``.
        clip: ``'Seq1'``, or ``'TS1'`` again.
        camera: For example ``'Seq1Cam0'``: the cameras were calibrated for
            each sequence.
        keypoints_2d: (F, 17, 2), pixels.
        keypoints_3d: (F, 17, 3), metres, camera axes.
        size: Width and height of the image, pixels.
        source: The file.
        valid: Frames that may be scored (F,), or None for all.
        param: The camera, or None where the source does not tell.
    """
    subject: str
    clip: str
    camera: str
    keypoints_2d: np.ndarray
    keypoints_3d: np.ndarray
    size: Tuple[int, int]
    source: Path
    valid: Optional[np.ndarray] = None
    param: Optional[CameraParam] = None


def official_train(root: Path, target: str) -> Iterator[View]:
    """Views of ``S*/Seq*``, eight cameras each.

    Raises:
        FileNotFoundError: If there is no such folder, or one lacks a file.
        ValueError: If a file cannot be read.
    """
    folders = sorted(root.rglob('S[0-9]*/Seq[0-9]*'))
    if not folders:
        raise FileNotFoundError(
            f'no folders S<n>/Seq<n> below {root}: unpack the training set')
    for folder in folders:
        path = folder / 'annot.mat'
        cameras = read_calibration(folder / 'camera.calibration')
        content = load_mat(path, ('annot2', target))
        for camera in TRAIN_CAMERAS:
            if camera not in cameras:
                raise ValueError(
                    f'{folder / "camera.calibration"} lacks camera {camera}; '
                    f'it has {sorted(cameras)}')
            pose, points = (np.asarray(content[key][camera, 0],
                                       np.float64).reshape(
                                           -1, 28, size)[:,
                                                         list(JOINTS_28_TO_17)]
                            for key, size in ((target, 3), ('annot2', 2)))
            yield View(
                folder.parent.name,
                folder.name,
                f'{folder.name}Cam{camera}',
                points,
                pose / MILLIMETRES,
                TRAIN_SIZE,
                path,
                param=cameras[camera])


def official_test(root: Path, target: str) -> Iterator[View]:
    """Views of ``TS1`` to ``TS6``.

    Raises:
        FileNotFoundError: If one is missing.
        ImportError: If h5py is not installed.
        ValueError: If a file cannot be read.
    """
    for name in TEST_SEQUENCES:
        found = sorted(root.rglob(f'{name}/annot_data.mat'))
        if not found:
            raise FileNotFoundError(
                f'{root / name / "annot_data.mat"} does not exist, nor does '
                f'any below {root}: unpack the test set')
        content = load_hdf5(found[0], ('annot2', target, 'valid_frame'))
        yield View(
            name,
            name,
            'Cam0',
            content['annot2'].reshape(-1, 17, 2),
            content[target].reshape(-1, 17, 3) / MILLIMETRES,
            _test_size(name),
            found[0],
            valid=content['valid_frame'].ravel() > 0,
            param=test_camera(name))


def npz_train(path: Path) -> Iterator[View]:
    """Views of P-STMO's or D3DP's training npz.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, or lacks one of the cameras.
    """
    for name, entry in _npz_data(path).items():
        subject, _, clip = name.partition(' ')
        views = {str(camera): view for camera, view in entry[0].items()}
        for camera in TRAIN_CAMERAS:
            if str(camera) not in views:
                raise ValueError(
                    f'{path}: "{name}" lacks camera {camera}; it has '
                    f'{sorted(views)}')
            points, pose = _npz_view(views[str(camera)], f'{path}: "{name}"')
            yield View(subject, clip, f'{clip}Cam{camera}', points, pose,
                       TRAIN_SIZE, path)


def npz_test(path: Path) -> Iterator[View]:
    """Views of P-STMO's or D3DP's test npz.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file.
    """
    for name, entry in _npz_data(path).items():
        points, pose = _npz_view(entry, f'{path}: "{name}"')
        yield View(
            name,
            name,
            'Cam0',
            points,
            pose,
            _test_size(name),
            path,
            valid=np.asarray(entry['valid']).ravel() > 0,
            param=test_camera(name))


def read_calibration(path: Path) -> Dict[int, CameraParam]:
    """Cameras of a ``camera.calibration``, by number.

    Its extrinsics lead from the world into the camera, in millimetres; the
    result leads from the camera into the world, in metres.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read.
    """
    lines = read_text(path, 'a camera.calibration').splitlines()
    cameras: Dict[int, Dict[str, Any]] = {}
    current: Dict[str, Any] = {}
    try:
        for line in lines:
            name, *words = line.split() or ['']
            if name == 'name':
                current = cameras.setdefault(int(words[0]), {})
            elif name == 'size':
                current['w'], current['h'] = (int(word) for word in words)
            elif name == 'intrinsic':
                matrix = np.array(words, np.float64).reshape(4, 4)
                current['f'] = matrix[[0, 1], [0, 1]]
                current['c'] = matrix[:2, 2]
            elif name == 'extrinsic':
                matrix = np.array(words, np.float64).reshape(4, 4)
                current['R'] = matrix[:3, :3].T
                current['T'] = -matrix[:3, :3].T @ matrix[:3, 3] / MILLIMETRES
    except (ValueError, IndexError) as error:
        raise ValueError(
            f'{path} cannot be read as a camera calibration: {error}'
        ) from error
    if not cameras:
        raise ValueError(f'{path}: expected cameras as of a '
                         'camera.calibration, found none')
    return {
        number: check_camera(camera, f'{path}: camera {number}')
        for number, camera in cameras.items()
    }


def test_camera(name: str) -> CameraParam:
    """The camera of a test sequence.

    Focal length, sensor and offset of the principal point in millimetres are
    those of the data set's test suite; there is no lens distortion.
    """
    if _test_size(name) == (2048, 2048):
        focal, offset, sensor = 7.32506, (-.0322884, .0929296), (10., 10.)
    else:
        focal, offset, sensor = 8.770747185, (-.104908645, .104899704), (10.,
                                                                         5.625)
    size = np.array(_test_size(name))
    scale = size / np.array(sensor)
    return dict(
        w=int(size[0]),
        h=int(size[1]),
        f=focal * scale,
        c=size / 2 + np.array(offset) * scale)


def estimate_camera(views: List[View]) -> CameraParam:
    """Intrinsics that fit 2D and 3D of one camera best, by least squares.

    ``u z = fx x + cx z`` is linear in focal length and principal point.
    """
    points = np.concatenate([view.keypoints_2d for view in views])
    pose = np.concatenate([view.keypoints_3d for view in views])
    focal, center = [], []
    for axis in range(2):
        left = pose[..., [axis, 2]].reshape(-1, 2)
        right = (points[..., axis] * pose[..., 2]).ravel()
        solution = np.linalg.lstsq(left, right, rcond=None)[0]
        focal.append(solution[0])
        center.append(solution[1])
    width, height = views[0].size
    return dict(w=width, h=height, f=np.array(focal), c=np.array(center))


def _test_size(name: str) -> Tuple[int, int]:
    if name not in TEST_SEQUENCES:
        raise ValueError(
            f'"{name}" is none of the test sequences {TEST_SEQUENCES}')
    return (1920, 1080) if name in ('TS5', 'TS6') else (2048, 2048)


def _npz_data(path: Path) -> Dict[str, Any]:
    data = load_plain_npz(path).get('data')
    if not isinstance(data, dict) or not data:
        raise ValueError(
            f'{path}: expected a dict "data" by sequence, as P-STMO and D3DP '
            'distribute it')
    return data


def _npz_view(entry: Dict[str, np.ndarray],
              where: str) -> Tuple[np.ndarray, np.ndarray]:
    missing = {'data_2d', 'data_3d'} - set(entry)
    if missing:
        raise ValueError(f'{where} lacks {sorted(missing)}')
    points, pose = (
        np.asarray(entry[key], np.float64) for key in ('data_2d', 'data_3d'))
    for array, size in ((points, 2), (pose, 3)):
        if array.shape[1:] != (17, size):
            raise ValueError(
                f'{where}: expected arrays (F, 17, {size}), found '
                f'{array.shape}')
    return points, pose / MILLIMETRES


def load_mat(path: Path, keys: Tuple[str, ...]) -> Dict[str, Any]:
    """Cells of a MATLAB 5 file, (14, 1) arrays of arrays.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none, or lacks them.
    """
    check_file(path, 'a MATLAB 5 file', MAX_BYTES)
    try:
        content = loadmat(path, variable_names=keys)
    except Exception as error:  # SciPy raises whatever broken bytes lead to
        raise ValueError(
            f'{path} cannot be read as a MATLAB 5 file: {error}. Where it is '
            'truncated, get it again') from error
    for key in keys:
        shape = content[key].shape if key in content else None
        if shape != (NUM_CAMERAS, 1):
            raise ValueError(
                f'{path}: expected cells "{key}" of {NUM_CAMERAS} cameras, '
                f'found {shape}')
    return content


def load_hdf5(path: Path, keys: Tuple[str, ...]) -> Dict[str, np.ndarray]:
    """Arrays of a MATLAB 7.3 file.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If h5py is not installed.
        ValueError: If it is none, lacks them, or says that they have more
            numbers than fit into it.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f'reading {path} (a MATLAB 7.3 file) needs h5py: pip install '
            'h5py') from error
    most = MAX_UNPACKED * check_file(path, 'a MATLAB 7.3 file').stat().st_size
    try:
        with h5py.File(path, 'r') as content:
            found = {}
            for key in keys:
                # A link may lead into another file, a shape to terabytes.
                if not isinstance(
                        content.get(key, getlink=True),
                        h5py.HardLink) or content[key].external:
                    raise ValueError(f'{key} is not in it')
                if content[key].nbytes > most:
                    raise ValueError(f'{key} has {content[key].nbytes} bytes')
                found[key] = np.array(content[key], np.float64)
            return found
    except (OSError, KeyError, TypeError, AttributeError, ValueError,
            RuntimeError, MemoryError) as error:
        raise ValueError(
            f'{path} cannot be read as a MATLAB 7.3 file with '
            f'{", ".join(keys)}: {error}. Where it is truncated, get it '
            'again') from error
