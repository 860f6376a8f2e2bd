# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Lift people to 3D and draw them.

Examples::

    mmdiffpose infer video.mp4 --pose2d human --config diffpose \
        --out-dir outputs

    mmdiffpose infer mmdiffpose/data/demo_track_coco17.json \
        --config configs/diffpose_mixste_mini-27.py \
        --checkpoint work_dirs/diffpose_mixste_mini-27/epoch_20.pth \
        --out-dir outputs

    mmdiffpose infer --list videos.txt --jobs 4 --config diffpose \
        --out-dir outputs

    mmdiffpose infer --list-models

Reads a video, an image, a folder of images (as a clip), a webcam
(``webcam:0``), or the 2D keypoints of another tool
(mmdiffpose/files/keypoint_files). Frames need a 2D detector (--pose2d).
Several inputs, and those of --list, are lifted one by one or with --jobs in
several processes; one that fails does not stop the others, and a second run
goes on where the first one ended (inputs.jsonl of --out-dir tells).
Writes poses as JSON and npz (--formats has others), an animation (GIF or MP4)
and a still picture (PNG).
"""

import argparse
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Callable, List, Optional, Sequence

import torch

from mmdiffpose.detection.named_detectors import NAMED_DETECTORS
from mmdiffpose.detection.trackers import BUILTIN, PACKAGE_TRACKERS
from mmdiffpose.files.keypoint_files.reading import FORMATS as KEYPOINT_FORMATS
from mmdiffpose.files.result_files import FORMATS
from mmdiffpose.files.result_options import UNITS, UNSEEN
from mmdiffpose.skeletons import SKELETONS
from mmdiffpose.skeletons.marker_sets import MARKER_SETS
from mmdiffpose.structures.axes import AXES_NAMES
from .infer_list import (Ledger, Prepare, Task, is_endless, name_tasks,
                         read_list, report, run_list)
from .known_heights import add_height_argument, parse_heights
from .launching import (KeyValueAction, ListModels, end_with,
                        published_weights, require_mmpose)

if TYPE_CHECKING:
    from mmdiffpose.apis import DiffusionPose3DInferencer, InferenceOptions

SUFFIX = '_3d'
"""Of the names of results."""


def make_parser(prog: Optional[str] = None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'inputs',
        nargs='*',
        metavar='input',
        help='video, image, folder of images, webcam:NUMBER, URL, or a '
        'keypoint file (.json, .npz, folder of OpenPose files)')
    parser.add_argument(
        '--list',
        type=Path,
        metavar='FILE',
        help='text file with an input a line')
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        help='processes for several inputs, each with a model of its own, on '
        'cores or graphics cards (default: 1)')
    parser.add_argument(
        '--again',
        action='store_true',
        help='of several inputs, lift those that were lifted before, too')
    parser.add_argument(
        '--config',
        required=True,
        help="path or name of the lifter's config, or a model of the zoo")
    parser.add_argument(
        '--checkpoint',
        help="path of its trained weights (default: the zoo's)")
    parser.add_argument(
        '--backend',
        choices=('torch', 'onnx'),
        default='torch',
        help='what runs the lifter; onnx: onnxruntime, with --checkpoint '
        'FILE.onnx of "mmdiffpose export", else it is exported first '
        '(default: torch)')
    parser.add_argument(
        '--list-models',
        action=ListModels,
        nargs=0,
        help='print the models of the zoo')
    parser.add_argument(
        '--out-dir', type=Path, required=True, help='folder for the results')
    parser.add_argument(
        '--device',
        default='cuda' if torch.cuda.is_available() else 'cpu',
        help='for example cpu or cuda:0 (default: a GPU where there is one)')
    add_detector_arguments(parser)
    add_input_arguments(parser)
    add_lifting_arguments(parser)
    add_output_arguments(parser)
    return parser


def parse_args(argv: Optional[Sequence[str]] = None,
               prog: Optional[str] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(prog)
    args = parser.parse_args(argv)
    if not args.inputs and args.list is None:
        parser.error('expected an input, several, or --list FILE')
    if args.jobs < 1:
        parser.error(f'--jobs should be 1 or more, got {args.jobs}')
    return args


def add_detector_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what finds 2D joints in frames."""
    words = ', '.join(f'{word} ({detector.licence})'
                      for word, detector in NAMED_DETECTORS.items())
    parser.add_argument(
        '--pose2d',
        help=f'a word: {words}, also with a variant, as in mediapipe:heavy; '
        'or config or alias of an MMPose model; or FILE.py:NAME, a detector '
        "of one's own (default: MMPose's human, downloaded)")
    parser.add_argument('--pose2d-weights', help='path or URL of its weights')
    parser.add_argument(
        '--det-model',
        help='config or alias of an MMDetection model that finds people, or '
        "whole_image (default: MMPose's choice; none for FILE.py:NAME)")
    parser.add_argument(
        '--det-weights',
        help='path or URL of its weights; without --det-model, those of '
        "rtmlib's own")
    parser.add_argument(
        '--det-cat-ids',
        type=int,
        nargs='+',
        help='its categories of people (default: 0)')


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes the input, and who of it is wanted."""
    parser.add_argument(
        '--image-size',
        type=int,
        nargs=2,
        metavar=('WIDTH', 'HEIGHT'),
        help='of the video of a keypoint file, pixels (default: as the file '
        'says)')
    parser.add_argument(
        '--skeleton',
        choices=sorted(SKELETONS),
        help='joint set of a keypoint file (default: as the file says, else '
        'coco)')
    parser.add_argument(
        '--keypoint-format',
        choices=KEYPOINT_FORMATS,
        help='of a keypoint file (default: what it looks like)')
    parser.add_argument(
        '--tracker',
        default=BUILTIN,
        help=f'who is who in frames: {", ".join(PACKAGE_TRACKERS)}, or a '
        "file of another tracker's boxes in the MOT challenge's form "
        '(default: the built-in one)')
    people = parser.add_mutually_exclusive_group()
    people.add_argument(
        '--track-id',
        type=int,
        help='the person to lift (default: everybody in frames, the largest '
        'in a keypoint file)')
    people.add_argument(
        '--all-people',
        action='store_true',
        help='lift everybody in a keypoint file, too')
    parser.add_argument(
        '--video',
        type=Path,
        help='video to draw under the joints of a keypoint file')
    parser.add_argument(
        '--max-frames', type=int, help='read no more frames than this')
    parser.add_argument(
        '--fps',
        type=float,
        help='frames a second (default: as the input says)')


def add_lifting_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the lifter does."""
    parser.add_argument(
        '--causal',
        action='store_true',
        help='lift frame by frame as they come, with little of the future '
        '(default: only webcams)')
    parser.add_argument(
        '--latency',
        type=int,
        default=0,
        help='frames of the future that --causal waits for (default: 0)')
    parser.add_argument(
        '--axes',
        choices=AXES_NAMES,
        default='camera',
        help='of the written poses (default: camera: x right, y down, z '
        'forward; lifter: of the view that the lifter was shown)')
    parser.add_argument(
        '--root-trajectory',
        action='store_true',
        help='solve for where people are, so that all stand in one scene')
    parser.add_argument(
        '--focal-length',
        type=float,
        help="the camera's, pixels: poses are turned into its axes by it; "
        "implies --root-trajectory (default: from an image's EXIF, else "
        'assumed)')
    add_height_argument(parser)
    parser.add_argument(
        '--overlap',
        type=int,
        help='frames that neighbouring windows share (default: a third of a '
        'window)')
    parser.add_argument(
        '--batch-size',
        type=int,
        help='windows, and frames of the 2D stage, at a time')
    parser.add_argument(
        '--no-fit',
        action='store_true',
        help='keep the track where it is in the picture, for cameras that '
        'the model was trained on')
    parser.add_argument(
        '--no-resample',
        action='store_true',
        help='lift frames at the rate at which they come, not at that of '
        'training')
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.,
        help='2D joints of lower scores count as not seen (default: 0; low '
        'scores make a joint less sure in any case)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValueAction,
        metavar='KEY=VALUE',
        help='override settings of the config, for example '
        'model.test_cfg.num_hypotheses=20')


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is written and drawn."""
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=list(FORMATS),
        default=('json', 'npz'),
        help='of the poses (default: json npz)')
    parser.add_argument(
        '--unit',
        choices=sorted(UNITS),
        help='of trc and c3d files (default: mm; m for pose2sim)')
    parser.add_argument(
        '--markers',
        '--trc-markers',
        choices=sorted(MARKER_SETS),
        default='h36m',
        help='the joints of trc and c3d files, and whose names for them; '
        'pose2sim also: in metres, stiff bones, facing +x (default: h36m, '
        'all)')
    parser.add_argument(
        '--symmetric-bones',
        action='store_true',
        help='give left and right bones the mean of both lengths, in formats '
        'with stiff bones: bvh, glb, opensim, trc for pose2sim')
    parser.add_argument(
        '--trc-unseen',
        choices=sorted(UNSEEN),
        default='nan',
        help='what trc files hold for joints that nobody saw (default: nan)')
    parser.add_argument(
        '--hypotheses',
        action='store_true',
        help='write them into the JSON, too; the npz always has them')
    parser.add_argument(
        '--no-animation', action='store_true', help='only the still picture')
    parser.add_argument(
        '--format',
        choices=('auto', 'gif', 'mp4'),
        default='auto',
        help='of the animation (default: gif up to 20 seconds, mp4 over '
        'a video)')
    parser.add_argument(
        '--panel-size',
        type=int,
        default=420,
        help='height of the panels in pixels')
    parser.add_argument(
        '--show', action='store_true', help='show the pictures in a window')


def make_options(args: argparse.Namespace) -> 'InferenceOptions':
    """What the inferencer is told, from the command line."""
    from mmdiffpose.apis import InferenceOptions
    return InferenceOptions(
        batch_size=args.batch_size,
        vis_out_dir=str(args.out_dir),
        pred_out_dir=str(args.out_dir),
        suffix=SUFFIX,
        animation='none' if args.no_animation else args.format,
        still=True,
        show=args.show,
        causal=args.causal or None,
        latency=args.latency,
        axes=args.axes,
        hypotheses=args.hypotheses,
        root_trajectory=args.root_trajectory or args.focal_length is not None,
        focal_length=args.focal_length,
        person_height=parse_heights(args.height),
        overlap=args.overlap,
        fit=not args.no_fit,
        resample=not args.no_resample,
        score_thr=args.score_thr,
        tracker=args.tracker,
        track_ids=None if args.track_id is None else [args.track_id],
        largest=args.track_id is None and not args.all_people,
        max_frames=args.max_frames,
        fps=args.fps,
        image_size=args.image_size and tuple(args.image_size),
        skeleton=args.skeleton,
        keypoint_format=args.keypoint_format,
        video=args.video,
        formats=tuple(args.formats),
        unit=args.unit,
        markers=args.markers,
        symmetric_bones=args.symmetric_bones,
        trc_unseen=args.trc_unseen,
        panel_size=args.panel_size)


def make_inferencer(args: argparse.Namespace) -> 'DiffusionPose3DInferencer':
    """The inferencer, from the command line."""
    from mmdiffpose.apis import DiffusionPose3DInferencer
    return DiffusionPose3DInferencer(
        args.config,
        args.checkpoint or published_weights(args.config),
        args.pose2d,
        args.pose2d_weights,
        args.det_model,
        args.det_weights,
        args.det_cat_ids,
        args.device,
        cfg_options=args.cfg_options,
        show_progress=args.jobs == 1,
        backend=args.backend)


def run(args: argparse.Namespace) -> List[Path]:
    """Read, detect, lift, write, draw one input.

    Returns:
        list[Path]: The files written.
    """
    name, = args.inputs
    # Options are checked before anything is built.
    options = make_options(args)
    return lift_input(make_inferencer(args), name, options)


def lift_input(inferencer: 'DiffusionPose3DInferencer', name: str,
               options: 'InferenceOptions') -> List[Path]:
    """Lift an input.

    Returns:
        list[Path]: The files written.

    Raises:
        ValueError: If it can't be read, or nobody is in it.
    """
    files: List[Path] = []
    frames = found = 0
    with warnings.catch_warnings():
        # Said by the error below.
        warnings.filterwarnings('ignore', message='.*nobody was found')
        try:
            for result in inferencer.run(name, options, files):
                frames += 1
                found += bool(result['predictions'][0])
        except KeyboardInterrupt:
            # The usual end of a webcam's stream.
            pass
    if not found:
        raise ValueError(f'{name}: nobody was found in {frames} frames')
    return files


def prepare_lifting(args: argparse.Namespace) -> Callable[[Task], List[str]]:
    """What lifts one input of a list after the other with the same models."""
    options = make_options(args)
    inferencer = make_inferencer(args)

    def lift(task: Task) -> List[str]:
        named = replace(options, suffix=task.suffix)
        files = lift_input(inferencer, task.name, named)
        return [str(path) for path in files]

    return lift


def run_several(args: argparse.Namespace,
                prepare: Prepare = prepare_lifting) -> int:
    """Lift several inputs.

    Args:
        args (argparse.Namespace): Of the command line.
        prepare (callable): Makes what lifts one.

    Returns:
        int: How many failed.

    Raises:
        FileNotFoundError: If there is no such list.
        ValueError: If an option is for single inputs.
    """
    names = list(args.inputs)
    if args.list is not None:
        names += read_list(args.list)
    if args.video is not None:
        raise ValueError('--video is the video of one keypoint file, found '
                         f'{len(names)} inputs')
    endless = [name for name in names if is_endless(name)]
    if endless and args.max_frames is None:
        raise ValueError(f'{endless} have no end, expected --max-frames, or '
                         'each alone')
    tasks = name_tasks(names, SUFFIX)
    ledger = Ledger(args.out_dir, args)
    left = [task for task in tasks if args.again or not ledger.done(task)]
    if len(left) < len(tasks):
        print(f'{len(tasks) - len(left)} of {len(tasks)} inputs were lifted '
              'before (--again lifts them anew)')
    failed = 0
    for number, outcome in enumerate(run_list(args, left, prepare), 1):
        ledger.add(outcome)
        report(outcome, number, len(left))
        failed += outcome.error is not None
    return failed


def main(argv: Optional[Sequence[str]] = None,
         prog: Optional[str] = None) -> None:
    """Lift and draw; end with a sentence where the input is wrong."""
    args = parse_args(argv, prog)
    require_mmpose()
    try:
        if args.list is not None or len(args.inputs) > 1:
            failed = run_several(args)
            if failed:
                sys.exit(f'error: {failed} inputs failed, see above')
            return
        paths = run(args)
    # OSError: missing files, and downloads that fail.
    except (OSError, ImportError, ValueError) as error:
        end_with(error)
    except KeyboardInterrupt:
        sys.exit('interrupted; of several inputs, the same command goes on '
                 'with what is left')
    for path in paths:
        print(f'written: {path}')


if __name__ == '__main__':
    main()
