# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Motions in world coordinates: one array, many clips, one file.

Written by ``tools/dataset_converters/world_motions.py``, seen by cameras that
are drawn anew each time in
:class:`~mmdiffpose.datasets.mocap_views.MocapViewDataset`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Union

import numpy as np

from mmdiffpose.array_files import check_numbers, read_npz
from mmdiffpose.atomic_files import replacing
from mmdiffpose.input_files import check_file, check_name
from mmdiffpose.skeletons import H36M_17

PathLike = Union[str, Path]
_FIELDS = ('positions', 'starts', 'fps', 'subjects', 'actions', 'clips',
           'sources')


@dataclass(frozen=True)
class WorldMotions:
    """Clips of Human3.6M's 17 joints, end to end.

    Attributes:
        positions: (F, 17, 3) float32, metres, a right-handed world with y up
            and the floor near y = 0.
        starts: (N + 1,) first frame of each clip, and F at the end.
        fps: (N,) frames a second.
        subjects: (N,) who moves.
        actions: (N,) what they do.
        clips: (N,) names of the clips.
        sources: (N,) names of the data sets, for example ``'hdm05'``.
    """
    positions: np.ndarray
    starts: np.ndarray
    fps: np.ndarray
    subjects: np.ndarray
    actions: np.ndarray
    clips: np.ndarray
    sources: np.ndarray

    def __post_init__(self) -> None:
        frames, clips = len(self.positions), len(self.starts) - 1
        joints = H36M_17.num_joints
        if self.positions.shape != (frames, joints, 3):
            raise ValueError(f'positions: expected (F, {joints}, 3), found '
                             f'{self.positions.shape}')
        if clips < 1 or self.starts[0] != 0 or self.starts[-1] != frames or (
                np.diff(self.starts) < 2).any():
            raise ValueError(
                f'starts: expected clips of two and more frames from 0 to '
                f'{frames}, found {self.starts}')
        for name in _FIELDS[2:]:
            if len(getattr(self, name)) != clips:
                raise ValueError(f'{name}: expected one for each of {clips} '
                                 f'clips, found {len(getattr(self, name))}')
        if not ((self.fps > 0) & (self.fps < 10000)).all():
            raise ValueError(
                f'fps: expected frames a second, found {self.fps}')
        for name in _FIELDS[3:]:
            for text in getattr(self, name).tolist():
                check_name(name, text)
        if not np.isfinite(self.positions).all():
            raise ValueError('positions: found NaN or infinite values')
        extent = float(np.ptp(self.positions, axis=1).max())
        if not .3 < extent < 5:
            raise ValueError('positions: units are metres, found a body of '
                             f'{extent:g} m')

    def __len__(self) -> int:
        """Number of clips N."""
        return len(self.starts) - 1

    def clip(self, number: int) -> np.ndarray:
        """Joints (F, 17, 3) of one clip; not a copy."""
        return self.positions[self.starts[number]:self.starts[number + 1]]

    def of_subjects(self, subjects: Sequence[str]) -> 'WorldMotions':
        """The clips of some people only.

        Args:
            subjects: Names, or ``source/name`` where a name alone stands for
                people of several sources.

        Raises:
            ValueError: If there is nobody of a name.
        """
        full = [f'{s}/{n}' for s, n in zip(self.sources, self.subjects)]
        known = set(full) | set(self.subjects.tolist())
        unknown = sorted(set(subjects) - known)
        if unknown:
            raise ValueError(f'subjects: there is no {unknown}, only '
                             f'{sorted(set(full))}')
        chosen = [
            i for i, name in enumerate(full)
            if name in subjects or self.subjects[i] in subjects
        ]
        return self._pick(chosen)

    def _pick(self, chosen: List[int]) -> 'WorldMotions':
        pieces = [self.clip(i) for i in chosen]
        return WorldMotions(
            np.concatenate(pieces),
            np.cumsum([0] + [len(piece) for piece in pieces]),
            *(getattr(self, name)[chosen] for name in _FIELDS[2:]))


def join_motions(parts: Sequence[WorldMotions]) -> WorldMotions:
    """All clips of several collections; one alone is not copied."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([np.diff(part.starts) for part in parts])
    return WorldMotions(
        np.concatenate([part.positions for part in parts]),
        np.append(0, np.cumsum(lengths)),
        *(np.concatenate([getattr(part, name) for part in parts])
          for name in _FIELDS[2:]))


def make_motions(clips: Sequence[Dict]) -> WorldMotions:
    """A collection of clips.

    Args:
        clips: Dicts of ``positions`` (F, 17, 3) in metres, ``fps``,
            ``subject``, ``action``, ``clip`` and ``source``.
    """
    pieces = [np.asarray(clip['positions'], np.float32) for clip in clips]

    def column(key: str) -> np.ndarray:
        return np.array([clip[key] for clip in clips])

    return WorldMotions(
        np.concatenate(pieces), np.cumsum([0] + [len(p) for p in pieces]),
        column('fps').astype(np.float64), column('subject'), column('action'),
        column('clip'), column('source'))


def write_motions(path: PathLike, motions: WorldMotions) -> None:
    """Write a collection; the file is whole or not there at all."""
    with replacing(path) as partial, open(partial, 'wb') as file:
        np.savez(file, **{name: getattr(motions, name) for name in _FIELDS})


def read_motions(path: PathLike,
                 subjects: Optional[Sequence[str]] = None) -> WorldMotions:
    """Read a collection.

    Args:
        path: A file of :func:`write_motions`.
        subjects: Only these people, see :meth:`WorldMotions.of_subjects`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not one, or has nobody of a name.
    """
    check_file(
        path, 'world motions (tools/dataset_converters/world_motions.py makes '
        'them)')
    stored = read_npz(path, _FIELDS)
    check_numbers(path, stored, _FIELDS[:3])
    try:
        motions = WorldMotions(*(stored[name] for name in _FIELDS))
    except (ValueError, TypeError, IndexError) as error:
        raise ValueError(f'{path} is no file of world motions: '
                         f'{error}') from error
    return motions if subjects is None else motions.of_subjects(subjects)
