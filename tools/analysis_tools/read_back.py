# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Read result files back by the tools that they are for, and compare.

    python tools/analysis_tools/read_back.py outputs/video_3d

Prints a table in Markdown: of each file beside ``outputs/video_3d.npz``, which
holds the truth in full precision, the frames read, the largest distance of a
joint from where the writer put it, and from where the lifter put it (these
differ where bones are made stiff). A reader whose package is not installed is
left out. Times without a rate are no matter: frames are compared in order.
"""

import argparse
import csv
import json
import re
import warnings
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional

import numpy as np
from scipy.spatial.transform import Rotation

from mmdiffpose.skeletons import get_skeleton
from mmdiffpose.skeletons.armature_fit import bone_lengths, stiffened

Joints = Dict[str, np.ndarray]
"""Places (F, 3) by joint, metres, y up, the floor at 0."""


class Truth(NamedTuple):
    """What the npz says of a person, in frames that are there.

    Attributes:
        lifted: (F, J, 3) metres, y up, the floor at 0.
        stiff: The same with bones of one length.
        seen: (F, J) bool.
        joints: J names.
        frames: (F, ) of the video.
    """
    lifted: np.ndarray
    stiff: np.ndarray
    seen: np.ndarray
    joints: List[str]
    frames: np.ndarray


def read_truth(path: Path) -> Dict[int, Truth]:
    """People by number."""
    with np.load(path) as file:
        data = dict(file)
    meta = json.loads(str(data['meta']))
    points = data['keypoints_3d'].astype(float)
    if 'root' in data:
        points = points + data['root'][:, None]
    points = points * [1, -1, -1]
    seen = (data['scores'] > 0) & (data['scores_2d'] > 0)
    points[..., 1] -= points[..., 1][seen].min()
    skeleton = get_skeleton(meta['skeleton'])
    people = {}
    for number in np.unique(data['track_ids']).tolist():
        rows = np.flatnonzero(data['track_ids'] == number)
        rows = rows[np.argsort(data['frame_ids'][rows], kind='stable')]
        own = points[rows]
        lengths = bone_lengths(own, seen[rows], skeleton)
        people[number] = Truth(own, stiffened(own, lengths,
                                              skeleton), seen[rows],
                               meta['joints'], data['frame_ids'][rows])
    return people


# ---------------------------------------------------------------- readers


def by_trc(path: Path) -> Joints:
    """TRC, line by line."""
    lines = path.read_text(encoding='utf-8').split('\n')
    header = dict(zip(lines[1].split('\t'), lines[2].split('\t')))
    names = lines[3].rstrip('\t').split('\t')[2::3]
    rows = np.array([[float(v) for v in line.split('\t')[2:]]
                     for line in lines[6:] if line.strip()])
    points = rows.reshape(len(rows), -1, 3)
    points = points / dict(mm=1000, m=1)[header['Units']]
    return {name: points[:, i] for i, name in enumerate(names)}


def by_ezc3d(path: Path) -> Joints:
    """C3D by ezc3d."""
    import ezc3d
    file = ezc3d.c3d(str(path))
    point = file['parameters']['POINT']
    scale = dict(mm=1000, m=1)[point['UNITS']['value'][0].strip()]
    points = file['data']['points'][:3].transpose(1, 2, 0) / scale
    return dict(zip(point['LABELS']['value'], points))


def by_c3d(path: Path) -> Joints:
    """C3D by py-c3d."""
    import c3d
    with path.open('rb') as file, warnings.catch_warnings():
        warnings.simplefilter('ignore')
        reader = c3d.Reader(file)
        rows = np.array([points for _, points, _ in reader.read_frames()])
    rows[rows[..., 3] < 0] = np.nan
    unit = reader.get('POINT:UNITS').string_value.strip()
    points = rows[..., :3] / dict(mm=1000, m=1)[unit]
    return {
        label.strip(): points[:, i]
        for i, label in enumerate(reader.point_labels)
    }


def by_pybvh(path: Path) -> Joints:
    """BVH by pybvh."""
    import pybvh
    file = pybvh.read_bvh_file(path)
    places = file.node_positions()
    return {name: places[:, i] for name, i in file.node_index.items()}


def by_bvhio(path: Path) -> Joints:
    """BVH by bvhio."""
    import bvhio
    root = bvhio.readAsHierarchy(str(path))
    found: Dict[str, List[np.ndarray]] = {}
    for frame in range(root.getKeyframeRange()[1] + 1):
        root.loadPose(frame)
        for joint, _, _ in root.layout():
            found.setdefault(joint.Name,
                             []).append(np.array(joint.PositionWorld))
    return {name: np.array(places) for name, places in found.items()}


def by_pygltflib(path: Path) -> Joints:
    """GLB by pygltflib, posed here."""
    import pygltflib
    document = pygltflib.GLTF2().load(str(path))
    blob = document.binary_blob()
    values: Dict[tuple, np.ndarray] = {}
    animation, = document.animations
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        accessor = document.accessors[sampler.output]
        start = document.bufferViews[accessor.bufferView].byteOffset
        width = dict(VEC3=3, VEC4=4)[accessor.type]
        rows = np.frombuffer(blob, '<f4', accessor.count * width, start)
        values[channel.target.node,
               channel.target.path] = rows.reshape(-1, width)
    F = len(next(iter(values.values())))
    found: Joints = {}

    def visit(index: int, place: np.ndarray, turned: np.ndarray) -> None:
        node = document.nodes[index]
        step = values.get((index, 'translation'))
        if step is None:
            step = np.tile(node.translation, (F, 1))
        place = place + np.einsum('fij,fj->fi', turned, step)
        if (index, 'rotation') in values:
            turned = turned @ Rotation.from_quat(
                values[index, 'rotation']).as_matrix()
        found[node.name] = place
        for child in node.children:
            visit(child, place, turned)

    visit(document.skins[0].skeleton, np.zeros((F, 3)),
          np.tile(np.eye(3), (F, 1, 1)))
    return found


def by_csv(path: Path, number: int) -> Joints:
    """The table of joints, camera axes."""
    found: Dict[str, List[List[float]]] = {}
    with path.open(newline='', encoding='utf-8') as file:
        for row in csv.DictReader(file):
            if int(row['track']) == number:
                found.setdefault(row['joint'], []).append([
                    float(row[axis]) + float(row.get(f'root_{axis}') or 0)
                    for axis in 'xyz'
                ])
    return {name: np.array(rows) for name, rows in found.items()}


def by_json(path: Path, number: int) -> Joints:
    """MMPose's layout, camera axes."""
    document = json.loads(path.read_text(encoding='utf-8'))
    poses = np.array([
        np.array(person['keypoints']) + np.array(person.get('root', [0] * 3))
        for frame in document['instance_info'] for person in frame['instances']
        if person['track_id'] == number
    ])
    return {
        name: poses[:, i]
        for i, name in enumerate(document['meta_info']['joints'])
    }


READERS: Dict[str, Dict[str, Callable[[Path], Joints]]] = {
    '.trc': {
        'line by line': by_trc
    },
    '.c3d': {
        'ezc3d': by_ezc3d,
        'py-c3d': by_c3d
    },
    '.bvh': {
        'pybvh': by_pybvh,
        'bvhio': by_bvhio
    },
    '.glb': {
        'pygltflib': by_pygltflib
    }
}
STIFF = ('.bvh', '.glb')
"""Formats of bones that keep their length."""

# ------------------------------------------------------------- comparison


def largest(joints: Joints, truth: np.ndarray, names: List[str],
            seen: np.ndarray) -> float:
    """Millimetres between what was read and the truth.

    Raises:
        ValueError: If a joint that was not seen has a place at the origin,
            or the number of frames differs.
    """
    worst = 0.
    for i, name in enumerate(names):
        if name not in joints:
            continue
        found = joints[name]
        if len(found) != len(truth):
            raise ValueError(f'{name}: expected {len(truth)} frames, found '
                             f'{len(found)}')
        if not found.any(1).all():
            raise ValueError(f'{name}: a frame has it at 0 0 0')
        off = np.linalg.norm(found - truth[:, i], axis=1)[seen[:, i]]
        if not np.isfinite(off).all():
            raise ValueError(f'{name}: was seen, and is missing in the file')
        worst = max(worst, float(off.max(initial=0)))
    return worst * 1000


def rows_of(stem: Path) -> Iterator[List[str]]:
    """Rows of the table."""
    people = read_truth(stem.with_name(f'{stem.name}.npz'))
    pattern = re.compile(
        re.escape(stem.name) + r'_person(\d+)(?:_frame(\d+))?$')
    for path in sorted(stem.parent.iterdir()):
        match = pattern.match(path.stem)
        if match is None or path.suffix not in READERS:
            continue
        truth = people[int(match[1])]
        rows = _rows_in(path, truth, match[2])
        for reader, read in READERS[path.suffix].items():
            try:
                joints = read(path)
            except ImportError:
                continue
            if path.suffix == '.c3d':
                joints = _there(joints, truth)
            yield _row(path.name, reader, joints, truth, rows, path.suffix
                       in STIFF)
    for number, truth in people.items():
        for suffix, own in (('csv', by_csv), ('json', by_json)):
            path = stem.with_name(f'{stem.name}.{suffix}')
            if not path.is_file():
                continue
            joints = {
                name: places * [1, -1, -1]
                for name, places in own(path, number).items()
            }
            floor = truth.lifted[0, 0, 1] - joints[truth.joints[0]][0, 1]
            joints = {n: p + [0, floor, 0] for n, p in joints.items()}
            yield _row(f'{path.name}, person {number}', 'Python', joints,
                       truth, slice(None), False)


def _rows_in(path: Path, truth: Truth, first: Optional[str]) -> slice:
    """Which of a person's frames a file has: one stretch, or all."""
    if first is None:
        return slice(None)
    starts = sorted(
        int(p.stem.rpartition('_frame')[2])
        for p in path.parent.glob(f'{path.stem.rpartition("_frame")[0]}_frame*'
                                  f'{path.suffix}'))
    place = starts.index(int(first))
    stop = starts[place + 1] if place + 1 < len(starts) else None
    rows = np.searchsorted(truth.frames, [int(first), stop or 1 << 60])
    return slice(int(rows[0]), int(rows[1]))


def _there(joints: Joints, truth: Truth) -> Joints:
    """The rows of a C3D file in which the person is there."""
    missing = np.isnan(np.stack(list(joints.values()))).all((0, 2))
    rows = np.flatnonzero(~missing)
    first = rows[0] - truth.frames[truth.seen.any(1)][0]
    return {
        name: places[truth.frames + first]
        for name, places in joints.items()
    }


def _row(name: str, reader: str, joints: Joints, truth: Truth, rows: slice,
         stiff: bool) -> List[str]:
    seen = truth.seen[rows]
    written = (truth.stiff if stiff else truth.lifted)[rows]
    lifted = truth.lifted[rows]
    numbers = (
        largest(joints, which, truth.joints, seen)
        for which in (written, lifted))
    return [
        name, reader,
        str(len(written)), *(f'{number:.2f}' for number in numbers)
    ]


def main(argv: Optional[List[str]] = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'stem', type=Path, help='path of the result files without endings')
    stem = parser.parse_args(argv).stem
    print('| file | read by | frames | from what was written, mm | from the '
          'lifted joints, mm |')
    print('|---|---|---|---|---|')
    for row in rows_of(stem):
        print('| ' + ' | '.join(row) + ' |')


if __name__ == '__main__':
    main()
