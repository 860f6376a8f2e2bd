# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Make a recording file of motion capture and calibrated cameras.

    mmdiffpose record walk.c3d --calibration Calib.toml --person Ann \\
        --out data/own.npz

Clips are added to a recording file that is there already, so that each call
may bring another person or clip::

    source                        with
    points in space: .c3d, .trc   --calibration of Pose2Sim (.toml), of
    or .csv                       AIST++ (.json) or cameras.pkl
    AIST++: .npz or .pkl          --form aist, --calibration .json
    Human3.6M of VideoPose3D      --form h36m, --calibration cameras.pkl

A CSV has the columns time (seconds) and NAME_x, NAME_y and NAME_z of each
point. 2D keypoints of a detector, in any format that "mmdiffpose infer"
reads, are given by --keypoints CAMERA=FILE; other cameras get exact
projections. "mmdiffpose check" reports on the result.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from .launching import end_with, positive_number, require_mmpose

FORMS = ('markers', 'aist', 'h36m')
_UNREAD = dict(
    markers=(),
    aist=('keypoints', 'axes', 'joints', 'root'),
    h36m=('person', 'clip', 'unit', 'axes', 'joints', 'root'))
"""Options that say nothing about a form."""


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SOURCE')
    parser.add_argument(
        '--calibration',
        required=True,
        metavar='FILE',
        help='the cameras: .toml, .json or cameras.pkl')
    parser.add_argument(
        '--out', required=True, metavar='FILE.npz', help='the recording file')
    parser.add_argument(
        '--form',
        choices=FORMS,
        default='markers',
        help='what SOURCE is (default: markers, points in space)')
    parser.add_argument(
        '--person',
        default='P1',
        help='name of the person, without "_" and "."; splits are by person')
    parser.add_argument(
        '--clip',
        help="name of the clip (default: SOURCE's); its action is what comes "
        'before the first underscore')
    parser.add_argument(
        '--joints',
        metavar='FILE.json',
        help='which points make which joints: {"joints": {"pelvis": ["LASI", '
        '"RASI"], ...}, "links": [["pelvis", "spine"], ...], "root": '
        '"pelvis"} (default: each point is a joint, and bones are what stays '
        'rigid)')
    parser.add_argument('--root', help='name of the root joint')
    parser.add_argument(
        '--axes',
        default='auto',
        choices=('auto', 'same', 'pose2sim', 'y-up'),
        help="in which axes the points are: the calibration's, those of "
        "Pose2Sim's TRC files, or y up where the calibration has z up "
        '(default: what the cameras see)')
    parser.add_argument(
        '--unit',
        type=positive_number,
        metavar='METRES',
        help='metres in the unit of the points (default: as the file says)')
    parser.add_argument(
        '--fps',
        type=positive_number,
        help='frames a second, for forms '
        'that do not say it')
    parser.add_argument(
        '--keypoints',
        nargs='+',
        default=[],
        metavar='CAMERA=FILE',
        help='2D keypoints of a detector; of h36m one file, data_2d_*.npz')
    return parser


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Convert, and say what was written."""
    require_mmpose()
    args = make_parser(prog).parse_args(argv)
    try:
        recording = read_source(args)
        total = add_to_file(Path(args.out), recording)
    except (OSError, ValueError, ImportError) as error:
        end_with(error)
    skeleton = recording.skeleton
    for sequence in recording.sequences:
        print(f'{sequence.name}: {len(sequence)} frames at '
              f'{recording.fps:g} a second')
    print('joints: ' + ', '.join(skeleton.joints))
    print('bones: ' + ', '.join(f'{skeleton.joints[a]} - {skeleton.joints[b]}'
                                for a, b in skeleton.bones))
    print(f'root: {skeleton.joints[skeleton.root]}')
    print(f'{args.out}: {total} clips and cameras')


def read_source(args: argparse.Namespace) -> Any:
    """The recording that the command line means.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is none of its kind, files do not fit each
            other, or the form has no use for an option.
    """
    parser = make_parser()
    for name in _UNREAD[args.form]:
        if getattr(args, name) != parser.get_default(name):
            raise ValueError(f'--{name}: nothing reads it with --form '
                             f'{args.form}')
    from mmdiffpose.datasets.recording_sources import (calibrations, markers,
                                                       published_forms,
                                                       world_recording)
    from mmdiffpose.files.keypoint_files import read_keypoint_file
    clip = args.clip or Path(args.source).stem
    given: Dict[str, Any] = {}
    if args.fps is not None:
        given['fps'] = args.fps
    if args.form == 'h36m':
        keypoints = args.keypoints[0] if args.keypoints else None
        return published_forms.read_h36m_form(args.source, args.calibration,
                                              keypoints, **given)
    if args.form == 'aist':
        if args.unit is not None:
            given['unit'] = args.unit
        return published_forms.read_aist(args.source, args.calibration,
                                         args.person, clip, **given)
    points = markers.read_markers(args.source, args.unit)
    if args.fps is not None:
        points = points._replace(fps=args.fps)
    plan = world_recording.read_joint_plan(args.joints, points)
    if args.root is not None:
        plan = plan._replace(root=args.root)
    cameras = calibrations.read_calibration(args.calibration)
    files = _by_camera(args.keypoints)
    unknown = sorted(set(files) - set(cameras))
    if unknown:
        raise ValueError('--keypoints: expected cameras out of '
                         f'{sorted(cameras)}, found {unknown}')
    tracks = {
        name: read_keypoint_file(file,
                                 (cameras[name]['w'], cameras[name]['h']))
        for name, file in files.items()
    }
    return world_recording.recording_of(points, cameras, plan, args.person,
                                        clip, args.axes, tracks)


def _by_camera(pairs: Sequence[str]) -> Dict[str, str]:
    found = dict(pair.partition('=')[::2] for pair in pairs)
    empty = [name for name, file in found.items() if not file]
    if empty:
        raise ValueError(f'--keypoints: expected CAMERA=FILE, found {empty}')
    return found


def add_to_file(path: Path, recording: Any) -> int:
    """Write a recording, beside what its file holds; returns the clips."""
    from mmdiffpose.datasets.recordings.recording_file import (Recording,
                                                               read_recording,
                                                               write_recording)
    from mmdiffpose.datasets.windows.projection_check import check_projections
    sequences = []
    if path.is_file():
        old = read_recording(path)
        if not old.skeleton.same_joints(
                recording.skeleton) or old.fps != recording.fps:
            raise ValueError(
                f'{path} has the joints {list(old.skeleton.joints)} at '
                f'{old.fps:g} frames a second, the new clip '
                f'{list(recording.skeleton.joints)} at {recording.fps:g} (or '
                'another root or other bones): write another file')
        new = {(s.subject, s.clip, s.camera) for s in recording.sequences}
        sequences = [
            s for s in old.sequences
            if (s.subject, s.clip, s.camera) not in new
        ]
    for sequence in recording.sequences:
        sequence.validate(recording.skeleton.num_joints)
    check_projections(recording.sequences, recording.skeleton.flip_indices)
    sequences += recording.sequences
    write_recording(path,
                    Recording(recording.skeleton, recording.fps, sequences))
    return len(sequences)


if __name__ == '__main__':
    main()
