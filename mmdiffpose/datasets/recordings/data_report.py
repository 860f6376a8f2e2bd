# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a data set is like, before a lifter is trained on it."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.joint_spelling import canonical_joint
from ..windows.clock_check import find_clock_shift
from ..windows.projection_check import compare
from ..windows.sequence import PoseSequence

MAX_FRAMES = 2000
"""Frames of a sequence that are looked at, evenly spaced."""

FASTEST, SLOWEST = 15., 0.02
"""Metres a second: hands of people who throw, and people who hardly move."""

STIFF = 0.15
"""Std of a bone's length over its mean from which it is no bone."""

UNEVEN = 0.1
"""Difference of a left and a right bone's lengths over their mean."""

_BARS = 40


@dataclass
class DataReport:
    """Numbers about a data set.

    Attributes:
        lines: The report, ready to be printed.
        warnings: What looks wrong, ready to be printed.
        values: The same numbers for machines.
    """
    lines: List[str] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)
    values: Dict[str, Any] = field(default_factory=dict)


def report_data(sequences: Sequence[PoseSequence], skeleton: Skeleton,
                fps: Optional[float]) -> DataReport:
    """Measure validated sequences.

    Args:
        sequences: Of a data set.
        skeleton: Its joints.
        fps: Frames a second, where known.
    """
    report = DataReport()
    _contents(report, sequences, skeleton, fps)
    _bones(report, sequences, skeleton)
    _speeds(report, sequences, fps)
    _gaps(report, sequences, skeleton)
    _projections(report, sequences)
    _clocks(report, sequences)
    _sides(report, sequences, skeleton)
    return report


def _contents(report: DataReport, sequences: Sequence[PoseSequence],
              skeleton: Skeleton, fps: Optional[float]) -> None:
    people: Dict[str, int] = {}
    for sequence in sequences:
        people[sequence.subject] = people.get(sequence.subject,
                                              0) + len(sequence)
    frames = sum(people.values())
    cameras = sorted({sequence.camera for sequence in sequences})
    clips = {(sequence.subject, sequence.clip) for sequence in sequences}
    minutes = '' if not fps else f', {frames / fps / 60:.1f} minutes'
    report.lines += [
        f'people: {len(people)} ({_listed(people)} frames)',
        f'clips: {len(clips)}, cameras: {len(cameras)} ({", ".join(cameras)})',
        f'frames: {frames}{minutes}; frame rate: '
        f'{"not known" if not fps else f"{fps:g} a second"}',
        f'joints: {skeleton.num_joints}: {", ".join(skeleton.joints)}',
        f'root: {skeleton.joints[skeleton.root]}',
        'left and right: ' +
        (', '.join(f'{skeleton.joints[a]} - {skeleton.joints[b]}'
                   for a, b in skeleton.flip_pairs) or 'none'),
    ]
    if not skeleton.flip_pairs:
        report.warnings.append(
            'no joint has a left and a right: flips in training and test will '
            'leave joints where they are, which is wrong for people')
    if len(people) < 2:
        report.warnings.append(
            'there is one person only: a split by person needs two, and '
            'errors on the same person say little about others')
    report.values.update(
        people=people,
        frames=frames,
        fps=fps,
        joints=list(skeleton.joints),
        root=skeleton.joints[skeleton.root])


def _listed(people: Dict[str, int], most: int = 8) -> str:
    parts = [f'{name} {count}' for name, count in sorted(people.items())]
    rest = f', and {len(parts) - most} more' if len(parts) > most else ''
    return ', '.join(parts[:most]) + rest


def _frames(sequence: PoseSequence) -> slice:
    return slice(None, None, max(1, -(-len(sequence) // MAX_FRAMES)))


def _bones(report: DataReport, sequences: Sequence[PoseSequence],
           skeleton: Skeleton) -> None:
    """Median lengths in mm, how stiff they are, left against right."""
    lengths: Dict[Tuple[int, int], float] = {}
    text = []
    for bone in skeleton.bones:
        means, spreads = [], []
        for sequence in sequences:
            rows = _frames(sequence)
            known = sequence.known[rows][:, list(bone)].all(axis=1)
            if known.sum() < 2:
                continue
            ends = sequence.keypoints_3d[rows][known][:, list(bone)]
            apart = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1)
            means.append(float(np.median(apart)))
            spreads.append(float(apart.std() / max(apart.mean(), 1e-9)))
        name = f'{skeleton.joints[bone[0]]} - {skeleton.joints[bone[1]]}'
        if not means:
            text.append(f'{name}: not known')
            continue
        lengths[bone] = float(np.median(means))
        stiff = float(np.median(spreads))
        text.append(f'{name}: {1000 * lengths[bone]:.0f} '
                    f'(varies by {100 * stiff:.1f} %)')
        if stiff > STIFF:
            report.warnings.append(
                f'the bone {name} varies by {100 * stiff:.0f} % within clips: '
                'its ends may not be those of one bone, or are mixed up')
    mirror = skeleton.flip_indices
    for (one, other), length in lengths.items():
        twin = (mirror[one], mirror[other])
        if twin in lengths and twin > (one, other):
            gap = abs(length - lengths[twin]) / (length + lengths[twin]) * 2
            if gap > UNEVEN:
                report.warnings.append(
                    f'the bones {skeleton.joints[one]} - '
                    f'{skeleton.joints[other]} and {skeleton.joints[twin[0]]} '
                    f'- {skeleton.joints[twin[1]]} differ by {100 * gap:.0f} '
                    '%')
    report.lines.append('bones, median length in mm:')
    report.lines += [f'  {line}' for line in text]
    report.values['bone_lengths_mm'] = {
        f'{skeleton.joints[a]} - {skeleton.joints[b]}': 1000 * length
        for (a, b), length in lengths.items()
    }


def _speeds(report: DataReport, sequences: Sequence[PoseSequence],
            fps: Optional[float]) -> None:
    """Whether people move as fast as people do at this frame rate."""
    if not fps:
        return
    found = []
    for sequence in sequences:
        poses = sequence.keypoints_3d[:MAX_FRAMES]
        known = sequence.known[:MAX_FRAMES]
        both = known[1:] & known[:-1]
        found.append(
            np.linalg.norm(np.diff(poses, axis=0), axis=-1)[both] * fps)
    speeds = np.concatenate(found) if found else np.zeros(0)
    if not len(speeds):
        return
    middle, fast = np.median(speeds), np.quantile(speeds, .999)
    report.lines.append(
        f'speed of joints: median {middle:.2f} m/s, one of thousand above '
        f'{fast:.1f} m/s')
    report.values['speed_m_s'] = [float(middle), float(fast)]
    if fast > FASTEST:
        report.warnings.append(
            f'joints move at {fast:.0f} m/s: the frame rate of {fps:g} may be '
            'too high, frames may be missing, or joints jump')
    if fast < SLOWEST:
        report.warnings.append(
            'hardly anything moves: the frame rate may be too low, or frames '
            'are repeated')


def _gaps(report: DataReport, sequences: Sequence[PoseSequence],
          skeleton: Skeleton) -> None:
    """What is not known in 3D and not seen in 2D."""
    known = np.concatenate([sequence.known for sequence in sequences])
    seen = np.concatenate([sequence.scores > 0 for sequence in sequences])
    longest = max(_longest(~s.known.any(axis=1)) for s in sequences)
    report.lines.append(
        f'not known in 3D: {100 * (1 - known.mean()):.1f} % of the joints, '
        f'{100 * (~known.any(axis=1)).mean():.1f} % of the frames as a whole '
        f'(longest gap: {longest} frames); not seen in 2D: '
        f'{100 * (1 - seen.mean()):.1f} % of the joints, '
        f'{100 * (~seen.any(axis=1)).mean():.1f} % of the frames')
    for what, array in (('known in 3D', known), ('seen in 2D', seen)):
        never = [
            skeleton.joints[i] for i in np.flatnonzero(~array.any(axis=0))
        ]
        if never:
            report.warnings.append(f'never {what}: {", ".join(never)}')
    root = known[:, skeleton.root].mean()
    if root < 1:
        report.warnings.append(
            f'the root {skeleton.joints[skeleton.root]} is not known in '
            f'{100 * (1 - root):.1f} % of the frames, which are neither '
            'trained on nor scored')
    report.values.update(
        known_share=float(known.mean()), seen_share=float(seen.mean()))


def _longest(missing: np.ndarray) -> int:
    """Frames of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.r_[0, missing.astype(int), 0]))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _projections(report: DataReport,
                 sequences: Sequence[PoseSequence]) -> None:
    """How far 2D keypoints are from the projected poses."""
    pixels, shares, sizes = [], [], []
    for sequence in sequences:
        found = compare(sequence) if sequence.has_intrinsics else None
        if found is not None:
            gaps = np.linalg.norm(found.keypoints - found.projected, axis=-1)
            pixels.append(gaps[found.both])
            shares.append(found.distance() / found.size)
            sizes.append(found.size)
    if not pixels:
        report.warnings.append(
            'no camera has f and c: nothing tells whether the 2D keypoints '
            'belong to the 3D poses')
        return
    gaps = np.concatenate(pixels)
    report.lines.append(
        f'2D keypoints from the projected poses: median {np.median(gaps):.1f} '
        f'px, {100 * np.median(shares):.1f} % of a person of '
        f'{np.median(sizes):.0f} px (root mean square from the middle); worst '
        f'clip {100 * max(shares):.1f} %')
    report.lines += histogram(gaps, 'px')
    report.values['projection_px'] = float(np.median(gaps))
    if np.median(gaps) < .05:
        report.warnings.append(
            'the 2D keypoints are the projected poses, exactly: no detector '
            'is as good; a lifter trained on them will do worse on its')


def _clocks(report: DataReport, sequences: Sequence[PoseSequence]) -> None:
    """Whether 2D and 3D are of the same moments."""
    shift = find_clock_shift(sequences)
    report.values['clock_shift_frames'] = 0 if shift is None else shift.frames
    if shift is not None:
        report.warnings.append(str(shift))


def histogram(values: np.ndarray, unit: str, bins: int = 8) -> List[str]:
    """Lines of a histogram up to the 99th percentile."""
    top = max(float(np.quantile(values, .99)), 1e-3)
    counts, edges = np.histogram(values.clip(max=top), bins, (0, top))
    scale = _BARS / max(counts.max(), 1)
    return [
        f'  {low:7.2f} to {high:7.2f} {unit} '
        f'{100 * count / len(values):5.1f} % {"#" * round(count * scale)}'
        for count, low, high in zip(counts, edges, edges[1:])
    ]


def _sides(report: DataReport, sequences: Sequence[PoseSequence],
           skeleton: Skeleton) -> None:
    """Whether knees bend forward, which they do for no swapped person."""
    bends = [
        bend for bend in (knee_bend(sequence, skeleton)
                          for sequence in sequences) if bend is not None
    ]
    if not bends:
        report.lines.append('sides: no hips, knees, feet and shoulders by '
                            'name to tell left from right')
        return
    bend = 1000 * float(np.mean(bends))
    report.lines.append(f'sides: knees bend forward by {bend:.0f} mm on '
                        'average')
    report.values['knee_bend_mm'] = bend
    if bend < -5:
        report.warnings.append(
            f'knees bend backwards by {-bend:.0f} mm on average: left and '
            'right seem to be exchanged, or an axis mirrored')


def knee_bend(sequence: PoseSequence, skeleton: Skeleton) -> Optional[float]:
    """Metres that knees stand in front of the line from hip to foot.

    In front is where (right hip to left hip) x (hips to shoulders) points in
    right-handed axes; None where a joint is missing.
    """
    index = {
        canonical_joint(name): i
        for i, name in enumerate(skeleton.joints)
    }
    legs = []
    for side in ('left', 'right'):
        foot = next(
            (index[f'{side}_{name}']
             for name in ('ankle', 'foot') if f'{side}_{name}' in index), None)
        names = [f'{side}_{name}' for name in ('hip', 'knee', 'shoulder')]
        if foot is None or not all(name in index for name in names):
            return None
        legs.append([index[name] for name in names] + [foot])
    used = sorted({joint for leg in legs for joint in leg})
    rows = _frames(sequence)
    poses = sequence.keypoints_3d[rows][sequence.known[rows][:, used].all(
        axis=1)].astype(np.float64)
    if not len(poses):
        return None
    (lh, lk, ls, lf), (rh, rk, rs, rf) = legs
    up = poses[:, ls] + poses[:, rs] - poses[:, lh] - poses[:, rh]
    forward = np.cross(poses[:, lh] - poses[:, rh], up)
    forward /= np.maximum(
        np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)
    bends = []
    for hip, knee, foot in ((lh, lk, lf), (rh, rk, rf)):
        leg = poses[:, foot] - poses[:, hip]
        thigh = poses[:, knee] - poses[:, hip]
        along = (thigh * leg).sum(-1) / np.maximum((leg**2).sum(-1), 1e-9)
        bends.append(((thigh - along[:, None] * leg) * forward).sum(-1))
    return float(np.mean(bends))
