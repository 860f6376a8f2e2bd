# Copyright (c) mmdiffpose contributors. All rights reserved.
"""The embedded file of ``mocap-mini``: world positions, nothing else.

2D keypoints and camera views are computed on load. Positions are stored in
tenths of a millimetre as 16-bit integers, which reach 3.2 m from the origin.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple, Union

import numpy as np

from mmdiffpose.array_files import read_npz
from mmdiffpose.input_files import check_file, check_name
from mmdiffpose.skeletons import H36M_17

DEFAULT_PATH = Path(__file__).parents[1] / 'data' / 'mocap_mini.npz'
SPLITS = ('train', 'val', 'test')
_UNIT = 1e-4  # metres per stored integer


@dataclass(frozen=True)
class MocapClip:
    """One clip of motion capture.

    Attributes:
        subject: Person, e.g. ``'S1'``.
        clip: Name, ``<action>_<take>``.
        split: ``'train'``, ``'val'`` or ``'test'``.
        positions: (F, 17, 3) Human3.6M-17 joints, world metres, y up.
    """
    subject: str
    clip: str
    split: str
    positions: np.ndarray

    @property
    def action(self) -> str:
        """Name of the motion, without the take."""
        return self.clip.split('_')[0]


def save_mocap_mini(path: Union[str, Path], clips: List[MocapClip],
                    fps: int) -> None:
    """Writes clips to an npz file.

    Args:
        path: Target file.
        clips: Clips of one frame rate.
        fps: Frames per second.

    Raises:
        ValueError: If a position doesn't fit the stored integers.
    """
    positions = np.concatenate([clip.positions for clip in clips])
    scaled = np.rint(positions / _UNIT)
    limit = np.iinfo(np.int16).max
    if not np.abs(scaled).max() <= limit:
        raise ValueError(f'{path}: positions must be finite and within '
                         f'{limit * _UNIT:.2f} m of the origin, found '
                         f'{np.abs(positions).max():.2f} m')
    np.savez_compressed(
        path,
        positions=scaled.astype(np.int16),
        lengths=np.array([len(clip.positions) for clip in clips]),
        subjects=np.array([clip.subject for clip in clips]),
        clips=np.array([clip.clip for clip in clips]),
        splits=np.array([clip.split for clip in clips]),
        fps=np.array(fps))


def load_mocap_mini(
        path: Union[str, Path] = DEFAULT_PATH) -> Tuple[List[MocapClip], int]:
    """Reads the clips of a file that :func:`save_mocap_mini` wrote.

    Args:
        path: The npz file; by default the embedded one.

    Returns:
        Clips with float32 positions, and the frames per second.

    Raises:
        FileNotFoundError: If the file doesn't exist.
        ValueError: If a key is missing or arrays don't fit together.
    """
    check_file(
        path,
        'mocap-mini (tools/dataset_converters/build_mocap_mini.py builds '
        'it)')
    data = read_npz(
        path, ('positions', 'lengths', 'subjects', 'clips', 'splits', 'fps'))
    for name in ('positions', 'lengths', 'fps'):
        if data[name].dtype.kind not in 'iu':
            raise ValueError(f'{path}: expected whole numbers as {name}, found'
                             f' {data[name].dtype}')
    positions, lengths = data['positions'], data['lengths']
    if lengths.ndim != 1 or (lengths < 1).any() or not len(lengths):
        raise ValueError(f'{path}: expected the frames of each clip as '
                         f'lengths, found {lengths}')
    if data['fps'].size != 1 or not 0 < int(data['fps']) < 10000:
        raise ValueError(f'{path}: expected frames a second as fps, found '
                         f'{data["fps"]}')
    for name in ('subjects', 'clips', 'splits'):
        if data[name].shape != lengths.shape:
            raise ValueError(f'{path}: expected {len(lengths)} {name}, one a '
                             f'clip, found an array of shape '
                             f'{data[name].shape}')
        for text in data[name].tolist():
            check_name(f'{path}: {name}', text)
    unknown = sorted(set(data['splits'].tolist()) - set(SPLITS))
    if unknown:
        raise ValueError(f'{path}: expected splits out of {list(SPLITS)}, '
                         f'found {unknown}')
    shape = (int(lengths.sum()), H36M_17.num_joints, 3)
    if positions.shape != shape:
        raise ValueError(f"{path}: 'positions' must have the shape {shape} "
                         f"that 'lengths' asks for, found {positions.shape}")
    metres = positions.astype(np.float32) * np.float32(_UNIT)
    parts = np.split(metres, np.cumsum(lengths)[:-1])
    clips = [
        MocapClip(str(subject), str(clip), str(split),
                  part) for subject, clip, split, part in zip(
                      data['subjects'], data['clips'], data['splits'], parts)
    ]
    return clips, int(data['fps'])
