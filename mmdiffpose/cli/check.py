# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Report on data before a lifter is trained on them.

    mmdiffpose check DATA

DATA is a recording file (.npz), an annotation file beside its cameras.pkl, or
a config, whose data sets are all checked. Joints, bone lengths, frame rate,
gaps, how far 2D keypoints are from the projected 3D poses, left and right,
and three pictures. What looks wrong is listed at the end; data that a
training would refuse end the command with the reason.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.array_files import npz_names
from mmdiffpose.atomic_files import replace_text
from .launching import end_with, require_mmpose

PICTURES = 3


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', metavar='DATA')
    parser.add_argument(
        '--cameras',
        metavar='FILE',
        help='of an annotation file: its cameras.pkl (default: the one in its '
        'folder or in the one above)')
    parser.add_argument(
        '--detections',
        metavar='FILE',
        help='of an annotation file: the 2D keypoints of a detector, npy')
    parser.add_argument(
        '--out-dir',
        default='work_dirs/check',
        metavar='DIR',
        help='folder for the pictures and for report.json')
    parser.add_argument(
        '--strict',
        action='store_true',
        help='end with an error where something looks wrong')
    return parser


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Check, print and draw."""
    require_mmpose()
    from mmdiffpose.datasets.recordings.data_report import report_data
    from mmdiffpose.skeletons.metainfo import drawn_skeleton
    args = make_parser(prog).parse_args(argv)
    folder = Path(args.out_dir)
    values: Dict[str, Any] = {}
    warnings = 0
    try:
        for name, dataset in find_datasets(args):
            dataset.full_init()
            meta = dataset.metainfo
            skeleton = drawn_skeleton(meta)
            report = report_data(dataset.sequences, skeleton, meta.get('fps'))
            print(f'== {name}')
            print('\n'.join(report.lines))
            for path in draw_pictures(dataset.sequences, skeleton,
                                      folder / name.replace(' ', '_')):
                print(f'picture: {path}')
            for warning in report.warnings:
                print(f'WARNING: {warning}')
            warnings += len(report.warnings)
            values[name] = dict(report.values, warnings=report.warnings)
    except (OSError, ValueError) as error:
        end_with(error, 'REFUSED')
    replace_text(folder / 'report.json', json.dumps(values, indent=2) + '\n')
    print(f'report: {folder / "report.json"}')
    if warnings and args.strict:
        sys.exit(f'{warnings} things look wrong')


def find_datasets(args: argparse.Namespace) -> Iterator[Tuple[str, Any]]:
    """The data sets that the command line means, not loaded yet.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If DATA is none of what it may be.
    """
    from mmdiffpose.datasets import RecordingDataset
    from mmdiffpose.datasets.annotation_dataset import AnnotationLiftingDataset
    path = Path(args.data)
    if path.suffix != '.npz':
        yield from _of_config(args.data)
        return
    keys = set(npz_names(path))
    whole: Dict[str, Any] = dict(seq_len=1, lazy_init=True)
    if {'S', 'part', 'imgname'} <= keys:
        cameras = args.cameras or _beside(path, 'cameras.pkl')
        if args.detections is not None:
            whole.update(
                keypoint_2d_src='detection',
                keypoint_2d_det_file=str(args.detections))
        yield path.stem, AnnotationLiftingDataset(
            str(path), str(cameras), **whole)
    elif 'joints' in keys:
        yield path.stem, RecordingDataset(str(path), **whole)
    else:
        raise ValueError(
            f'{path}: expected a recording file (joints, links, root, fps and '
            'clips) or an annotation file (imgname, part, S), found '
            f'{sorted(keys)[:8]}')


def _of_config(name: str) -> Iterator[Tuple[str, Any]]:
    from mmengine.registry import init_default_scope

    from mmdiffpose.checkpoints.config_names import find_config
    from mmdiffpose.config_files import read_config_file
    from mmdiffpose.datasets import LiftingDataset
    from mmdiffpose.registry import DATASETS
    cfg = read_config_file(str(find_config(name)))
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    found: List[Dict[str, Any]] = []
    for split in ('train', 'val', 'test'):
        config = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
        if config is None:
            continue
        dataset = DATASETS.build(dict(config, lazy_init=True))
        bare = {k: v for k, v in config.items() if k != 'pipeline'}
        if isinstance(dataset, LiftingDataset) and bare not in found:
            found.append(bare)
            yield f'{Path(name).stem} {split}', dataset
    if not found:
        raise ValueError(f'{name} has no lifting data set to check')


def _beside(path: Path, name: str) -> Path:
    for folder in (path.parent, path.parent.parent):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f'{path} has no {name} beside it or in the folder '
                            'above: name it with --cameras')


def draw_pictures(sequences: Sequence[Any], skeleton: Any,
                  folder: Path) -> List[Path]:
    """Draw a frame of evenly spaced sequences; returns the pictures."""
    from mmdiffpose.datasets.annotation_files.camera_files import \
        project_points
    from mmdiffpose.engine.lifting_visualization_hook import write_picture
    from mmdiffpose.visualization.data_picture import draw_data_frame
    places = np.linspace(0, len(sequences) - 1, PICTURES).round().astype(int)
    # Of one sequence, three of its frames.
    shares = (np.arange(PICTURES) + 1) / (PICTURES + 1)
    paths = []
    for number, (place, share) in enumerate(zip(places, shares)):
        sequence = sequences[place]
        usable = np.flatnonzero(
            sequence.known.any(axis=1) & (sequence.scores > 0).any(axis=1))
        if not len(usable):
            continue
        frame = int(usable[int(share * len(usable))])
        pose, camera = sequence.keypoints_3d[frame], sequence.camera_param
        projected = (
            project_points(pose, camera) if sequence.has_intrinsics else None)
        picture = draw_data_frame(sequence.keypoints_2d[frame],
                                  sequence.scores[frame] > 0, projected, pose,
                                  sequence.known[frame],
                                  (camera['w'], camera['h']), skeleton,
                                  f'{sequence.name}, frame {frame}')
        path = folder / f'{number}.png'
        write_picture(path, picture)
        paths.append(path)
    return paths


if __name__ == '__main__':
    main()
