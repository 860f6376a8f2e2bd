# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Pictures of a config's data set, before and after each transform.

One picture a window, one column a stage: as the data set gives it, then after
each transform. From the top: the 2D input in the whole image, cut out with
its mixtures (a disc of one std a component, the fainter the less it weighs),
the 3D target as the camera sees it and from its left, and the score of each
joint in each frame (white: not seen; the frame drawn above is framed; frames
that are not scored have a red line)::

    python tools/browse_dataset.py configs/mixste_mini-27.py \
        --split train --number 4 --out-dir work_dirs/browse
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

from mmdiffpose.datasets.cameras import denormalize_screen
from mmdiffpose.registry import DATASETS
from mmdiffpose.skeletons import Skeleton
from mmdiffpose.skeletons.metainfo import drawn_skeleton
from mmdiffpose.visualization.canvas import (blank, draw_line, draw_text,
                                             draw_veils)
from mmdiffpose.visualization.palette import (BACKGROUND, GRID, PANEL,
                                              joint_color)
from mmdiffpose.visualization.scene import Scene
from mmdiffpose.visualization.stick_figure import draw_figure
from mmdiffpose.visualization.view import SceneView

SIDE = 320
"""Width of a column and height of its square panels, pixels."""
TITLE = 26
JOINT_ROW = 9
"""Height of a joint's row in the panel of scores, pixels."""
ALARM = (200, 30, 40)


@dataclass(frozen=True)
class Stage:
    """A window as it is after a transform.

    Attributes:
        title: The transform.
        keypoints: (T, J, 2), pixels.
        scores: (T, J), 0 for joints that are not seen.
        target: (T, J, 3), metres, relative to the root, or None.
        mixtures: (T, J, M, 5) [weight, mean u, v, std u, v], pixels, or
            None.
        valid: Frames that are scored (T,).
        size: Width and height of the image, pixels.
        skeleton: The J joints.
    """
    title: str
    keypoints: np.ndarray
    scores: np.ndarray
    target: Optional[np.ndarray]
    mixtures: Optional[np.ndarray]
    valid: np.ndarray
    size: Sequence[int]
    skeleton: Skeleton


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path)
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train')
    parser.add_argument('--out-dir', type=Path, default='work_dirs/browse')
    parser.add_argument(
        '--number', type=int, default=4, help='windows, evenly spaced')
    parser.add_argument(
        '--indices', type=int, nargs='+', help='these windows instead')
    parser.add_argument(
        '--frame', type=int, help='frame of the window; by default the middle')
    parser.add_argument(
        '--seed', type=int, default=0, help='of random transforms')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> List[Path]:
    """Draw; returns the pictures' paths."""
    args = parse_args(argv)
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options or {})
    init_default_scope(config.get('default_scope', 'mmpose'))
    dataset = DATASETS.build(config[f'{args.split}_dataloader'].dataset)
    indices = args.indices
    if indices is None:
        number = min(args.number, len(dataset))
        indices = np.linspace(0, len(dataset) - 1, number).astype(int)
    paths = []
    for index in indices:
        if not 0 <= index < len(dataset):
            raise ValueError(
                f'--indices: {index} is no window of the {args.split} split, '
                f'which has {len(dataset)}')
        np.random.seed(args.seed + int(index))
        stages = run_pipeline(dataset, int(index))
        path = args.out_dir / f'{args.split}_{index:06d}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        image = draw_stages(stages, args.frame)
        if not cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR)):
            raise OSError(f'{path} could not be written')
        print(path)
        paths.append(path)
    return paths


def run_pipeline(dataset: Any, index: int) -> List[Stage]:
    """A window after each transform; those that hold no 2D are left out."""
    dataset, index = part_of(dataset, index)
    results = dataset.get_data_info(index)
    skeleton = drawn_skeleton(dataset.metainfo)
    stages = [stage_of(results, 'data set', skeleton)]
    for transform in dataset.pipeline.transforms:
        results = transform(results)
        name = type(transform).__name__
        if results is None:
            print(f'window {index}: {name} drops it')
            break
        stages.append(stage_of(results, name, skeleton))
    return [stage for stage in stages if stage is not None]


def part_of(dataset: Any, index: int) -> Tuple[Any, int]:
    """The data set that holds a window, and the window's index there."""
    ends = getattr(dataset, 'cumulative_sizes', None)
    if ends is None:
        return dataset, index
    part = int(np.searchsorted(ends, index, side='right'))
    start = ends[part - 1] if part else 0
    return part_of(dataset.datasets[part], index - start)


def stage_of(results: Dict[str, Any], title: str,
             skeleton: Skeleton) -> Optional[Stage]:
    """What a transform's results show, or None where nothing can be drawn.

    Codecs leave screen-normalised 2D and root-relative targets as labels,
    packing moves them into a data sample; all comes back to pixels here.
    """
    values = unpack(results)
    camera = values.get('camera_param')
    points = values.get('keypoint_labels', values.get('keypoints'))
    if points is not None and points.shape[-1:] == (3, ):
        points = points[..., :2]  # the third channel is the codec's mask
    if camera is None or points is None or (
            points.ndim != 3 or points.shape[1:] != (skeleton.num_joints, 2)):
        print(f'{title}: no 2D keypoints (T, {skeleton.num_joints}, 2) and '
              'camera, not drawn')
        return None
    size = int(camera['w']), int(camera['h'])
    mixtures = values.get('keypoint_mixtures')
    if 'keypoint_labels' in values:
        points = denormalize_screen(points, *size)
        mixtures = values.get('mixture_labels')
        if mixtures is not None:
            mixtures = mixtures.copy()
            mixtures[..., 1:3] = denormalize_screen(mixtures[..., 1:3], *size)
            mixtures[..., 3:] *= size[0] / 2
    target = values.get('lifting_target_label')
    if target is None and 'lifting_target' in values:
        target = values['lifting_target']
        root = skeleton.root
        target = target - target[:, root:root + 1]
    scores = values.get('keypoint_labels_visible',
                        values.get('keypoints_visible'))
    frames = len(points)
    return Stage(
        title=title,
        keypoints=points,
        scores=np.ones(points.shape[:2]) if scores is None else scores,
        target=target,
        mixtures=mixtures,
        valid=values.get('valid_frames', np.ones(frames, bool)),
        size=size,
        skeleton=skeleton)


def unpack(results: Dict[str, Any]) -> Dict[str, Any]:
    """Results as a flat dict of arrays, also after packing."""
    values = dict(results)
    sample = values.pop('data_samples', None)
    if sample is not None:
        values.update(sample.metainfo)
        values['keypoint_labels'] = values.pop('inputs')
        for name in ('gt_instances', 'gt_instance_labels'):
            values.update({
                key: value
                for key, value in sample.get(name, {}).items()
                if key not in values
            })
    return {
        key: value.numpy() if hasattr(value, 'numpy') else value
        for key, value in values.items()
    }


def draw_stages(stages: Sequence[Stage],
                frame: Optional[int] = None) -> np.ndarray:
    """One column a stage, (H, W, 3) RGB."""
    frames = len(stages[0].keypoints)
    frame = frames // 2 if frame is None else frame
    if not 0 <= frame < frames:
        raise ValueError(
            f'--frame: expected one of the {frames} frames of a window, got '
            f'{frame}')
    skeleton = stages[0].skeleton
    scene = next((Scene.fit(stage.target, skeleton)
                  for stage in stages if stage.target is not None), None)
    columns = [draw_stage(stage, frame, scene, skeleton) for stage in stages]
    # Pictures differ in height where a transform changes the camera.
    tallest = max(len(column) for column in columns)
    return np.hstack([
        np.vstack([column, blank(tallest - len(column), SIDE)])
        for column in columns
    ])


def draw_stage(stage: Stage, frame: int, scene: Optional[Scene],
               skeleton: Skeleton) -> np.ndarray:
    """The column of a stage."""
    title = blank(TITLE, SIDE)
    draw_text(title, stage.title, (8, TITLE - 8))
    panels = [
        title,
        draw_whole_image(stage, frame, skeleton),
        draw_cut_out(stage, frame, skeleton)
    ]
    for azimuth in (0., 90.):
        panels.append(draw_target(stage, frame, scene, azimuth, skeleton))
    panels.append(draw_scores(stage, frame, skeleton))
    for panel in panels[1:]:
        panel[0] = GRID
    column = np.vstack(panels)
    column[:, -2:] = BACKGROUND
    return column


def draw_whole_image(stage: Stage, frame: int,
                     skeleton: Skeleton) -> np.ndarray:
    """Where the person is in the image."""
    width, height = stage.size
    image = blank(int(round(SIDE * height / width)), SIDE, PANEL)
    draw_figure(image, stage.keypoints[frame] * SIDE / width, skeleton, 2,
                stage.scores[frame] > 0)
    return image


def draw_cut_out(stage: Stage, frame: int, skeleton: Skeleton) -> np.ndarray:
    """The person, with the mixture of each joint."""
    image = blank(SIDE, SIDE, PANEL)
    points, seen = stage.keypoints[frame], stage.scores[frame] > 0
    known = points[seen] if seen.any() else points
    low, high = known.min(axis=0), known.max(axis=0)
    scale = SIDE / max(1.5 * float((high - low).max()), 1)
    offset = SIDE / 2 - (low + high) / 2 * scale
    if stage.mixtures is not None:
        discs = [(component[1:3] * scale + offset,
                  max(2.,
                      float(component[3:].mean()) * scale), joint_color(name),
                  component[0])
                 for name, joint in zip(skeleton.joints, stage.mixtures[frame])
                 for component in joint if component[0] > .02]
        for low_weight, opacity in ((.5, .5), (.02, .25)):
            chosen = [
                disc[:3] for disc in discs
                if low_weight <= disc[3] and (opacity == .5 or disc[3] < .5)
            ]
            if chosen:
                centers, radii, colors = zip(*chosen)
                draw_veils(image, np.array(centers), np.array(radii), colors,
                           opacity)
    draw_figure(image, points * scale + offset, skeleton, 2, seen)
    return image


def draw_target(stage: Stage, frame: int, scene: Optional[Scene],
                azimuth: float, skeleton: Skeleton) -> np.ndarray:
    """The 3D target on a floor."""
    if scene is None or stage.target is None:
        return blank(SIDE, SIDE, PANEL)
    view = SceneView(scene, SIDE, azimuth)
    image = view.background.copy()
    pose, = scene.place(stage.target[frame])
    draw_figure(image, view.project(pose), skeleton, 3)
    return image


def draw_scores(stage: Stage, frame: int, skeleton: Skeleton) -> np.ndarray:
    """Scores of all frames (columns) and joints (rows)."""
    height = JOINT_ROW * skeleton.num_joints
    shade = 255 - 205 * np.clip(stage.scores.T, 0, 1)
    image = cv2.resize(
        shade.astype(np.uint8), (SIDE, height),
        interpolation=cv2.INTER_NEAREST)
    image = np.repeat(image[..., None], 3, axis=-1)
    frames = len(stage.scores)
    bar = np.repeat(stage.valid[None], 5, axis=0)
    bar = cv2.resize(
        bar.astype(np.uint8), (SIDE, 5), interpolation=cv2.INTER_NEAREST)
    bar = np.where(bar[..., None] > 0, np.array(GRID), np.array(ALARM))
    left, right = (SIDE * at / frames for at in (frame, frame + 1))
    for x in (left, right):
        draw_line(image, (x, 0), (x, height), ALARM)
    return np.vstack([bar.astype(np.uint8), image])


if __name__ == '__main__':
    main()
