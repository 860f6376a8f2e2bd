# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Motion capture as joints in space (C3D, TRC, CSV), for drawn cameras.

Writes what ``world_motions.py`` writes and ``MocapViewDataset`` reads, from
files that hold joints and no rotations::

    python tools/dataset_converters/point_motions.py --skeleton aspset \
        --data-root ASPset-510 --up body --out data/world_motions/aspset.npz

- ``aspset``: ASPset-510, https://archive.org/details/aspset510 (CC0 1.0), 17
  amateur athletes, 50 frames a second: ``<split>/joints_3d/<subject>/
  <subject>-<clip>.c3d``, millimetres, in the axes of the left camera, which
  are no world's: ``--up body`` levels them.

For any other joints ``--skeleton`` takes a JSON file as ``bvh_motions.py``
does; ``metres_per_unit`` is left out where the files say their unit.

``--up`` is the axis of the files that points up, or ``body``: the mean
direction from feet to neck over all frames of a subject, good to some degrees
where people mostly stand. The floor is put where a subject's lower foot is in
one of a hundred frames. What is missing for up to half a second is
interpolated; longer gaps cut a clip.

C3D files take the package ``c3d``.
"""

from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from motion_files import (ROTATIONS, Clip, FileSkeleton, clip_names,
                          find_files, make_parser, read_skeleton,
                          write_checked)
from tqdm import tqdm

from mmdiffpose.datasets.annotation_files import annotation_checks as checks
from mmdiffpose.datasets.mocap.h36m_mapping import H36M_FROM_ASPSET, map_joints
from mmdiffpose.datasets.recording_sources.markers import (SUFFIXES,
                                                           read_markers)
from mmdiffpose.datasets.world_motions import WorldMotions
from mmdiffpose.skeletons import H36M_17

PRESETS = {
    'aspset':
    FileSkeleton(H36M_FROM_ASPSET, None,
                 r'(?P<subject>[0-9a-z]+)-(?P<action>\d+)$'),
}
LONGEST_GAP = .5
"""Seconds that are interpolated."""


def read_clips(path: Path, skeleton: FileSkeleton, source: str) -> List[Clip]:
    """The pieces of one file, in its own axes, as :func:`make_motions` wants.

    Raises:
        ValueError: If it lacks a joint, or never shows all of them.
    """
    markers = read_markers(path, skeleton.metres)
    pose = map_joints(markers.points, markers.names, skeleton.joints)
    subject, action = clip_names(path, skeleton.file_name)
    clips = []
    for number, piece in enumerate(pieces(pose, markers.fps)):
        checks.check_units(piece, str(path))
        clips.append(
            dict(
                positions=piece.astype(np.float32),
                fps=markers.fps,
                subject=subject,
                action=action,
                clip=path.stem + (f'_part{number}' if number else ''),
                source=source))
    if not clips:
        raise ValueError(f'{path}: expected frames with all joints, found '
                         f'none among {len(pose)}')
    return clips


def pieces(pose: np.ndarray, fps: float) -> Iterator[np.ndarray]:
    """A motion (F, J, 3) between long gaps, short ones interpolated.

    Args:
        pose: NaN where a joint is not known.
        fps: Frames a second.
    """
    whole = np.isfinite(pose).all(axis=(1, 2))
    known = np.flatnonzero(whole)
    if not len(known):
        return
    cuts = np.flatnonzero(np.diff(known) > LONGEST_GAP * fps + 1)
    for part in np.split(known, cuts + 1):
        frames = np.arange(part[0], part[-1] + 1)
        if len(frames) < 2:
            continue
        flat = pose[part].reshape(len(part), -1)
        filled = [np.interp(frames, part, column) for column in flat.T]
        yield np.stack(filled, axis=-1).reshape(-1, *pose.shape[1:])


def upright(positions: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) that makes the mean way from feet to neck y.

    Args:
        positions: Joints (F, 17, 3) of one person, in any axes.
    """
    up = positions[:, H36M_17.index['thorax']] - _feet(positions).mean(axis=1)
    up = up / np.linalg.norm(up, axis=-1, keepdims=True)
    y = up.mean(axis=0)
    y /= np.linalg.norm(y)
    # z stays as near to the file's as it can, or x where z is up.
    other = np.eye(3)[2 if abs(y[2]) < .7 else 0]
    x = np.cross(y, other)
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)])


def _feet(positions: np.ndarray) -> np.ndarray:
    return positions[:,
                     [H36M_17.index[f'{s}_foot'] for s in ('left', 'right')]]


def level(clips: Sequence[Clip], up: str) -> None:
    """Turn and move the clips of one person: y up, the floor at 0."""
    together = np.concatenate([clip['positions'] for clip in clips])
    turn = upright(together) if up == 'body' else np.array(ROTATIONS[up])
    lower = _feet(together @ turn.T)[..., 1].min(axis=1)
    # An ankle of Human3.6M's is some 8 cm above the floor.
    floor = np.percentile(lower, 1) - .08
    for clip in clips:
        turned = clip['positions'] @ turn.T
        turned[..., 1] -= floor
        clip['positions'] = turned.astype(np.float32)


def main(argv: Optional[Sequence[str]] = None) -> WorldMotions:
    """Run the converter; returns what it writes."""
    args = make_parser(__doc__, PRESETS, [*ROTATIONS, 'body']).parse_args(argv)
    skeleton = read_skeleton(args.skeleton, PRESETS, unit_needed=False)
    source = args.source or Path(args.skeleton).stem
    people: Dict[Tuple[str, str], List[Clip]] = {}
    paths = find_files(args.data_root, SUFFIXES)
    for path in tqdm(paths, desc=source, unit='clip'):
        for clip in read_clips(path, skeleton, source):
            people.setdefault((source, clip['subject']), []).append(clip)
    for clips in people.values():
        level(clips, args.up)
    return write_checked(sum(people.values(), []), args.data_root, args.out)


if __name__ == '__main__':
    main()
