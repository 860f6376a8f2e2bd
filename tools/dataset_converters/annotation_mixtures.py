# Copyright (c) mmdiffpose contributors. All rights reserved.
r"""Write what a heatmap model sees in the images of an annotation file.

For training and testing on a detector's own heatmaps (``mixture_file``)::

    python tools/dataset_converters/annotation_mixtures.py \
        data/h36m/annotation_body3d/fps50/h36m_test.npz \
        --image-root data/h36m/images --detector cpn --split test \
        --config configs/cpn_res50_h36m-256x256.py --checkpoint cpn.pth

Each row's image is cropped as MMPose crops it, by the file's ``center`` and
``scale``. Joints become Human3.6M's. Beside the annotations
(``<data root>/joint_2d_det_files``) appear, row by row::

    <detector>_<split>.npy      (N, 17, 3)     x, y in pixels and score
    <detector>_<split>_gmm.npy  (N, 17, M, 5)  weight, mean u, v, std u, v in
                                               pixels; weights all 0: masked

The model is any that ``heatmap_mixtures.py`` takes. Nothing is written before
the last image is done.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from tqdm import tqdm

from mmdiffpose.apis import init_model
from mmdiffpose.array_files import read_npz
from mmdiffpose.atomic_files import replacing
from mmdiffpose.codecs.heatmap_mixtures import (METHODS, HeatmapFit,
                                                map_mixtures)
from mmdiffpose.datasets.annotation_files.annotations import AnnotationPaths
from mmdiffpose.detection.frame_sources import read_image
from mmdiffpose.detection.heatmap_detector import HeatmapDetector
from mmdiffpose.detection.pose2d_mmpose import model_skeleton
from mmdiffpose.skeletons import H36M_17, Skeleton, map_joints

# First: its fixes must be in place before anything imports MMPose.
import mmdiffpose  # noqa: F401 isort: skip

CROP = 200.
"""Pixels that a ``scale`` of 1 stands for (MMPose)."""
PADDING = 1.25
"""What MMPose's ``GetBBoxCenterScale`` multiplies a box with."""


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotations', type=Path, help='npz with imgname')
    parser.add_argument('--image-root', type=Path, required=True)
    parser.add_argument('--config', required=True, help="the model's config")
    parser.add_argument(
        '--checkpoint', required=True, help='its trained weights')
    parser.add_argument(
        '--detector', required=True, help='start of the files to write')
    parser.add_argument('--split', required=True, help='end of their names')
    parser.add_argument(
        '--data-root',
        type=Path,
        help='by default the folder that has annotation_body3d')
    parser.add_argument(
        '--components', type=int, default=2, help='M (default: 2)')
    parser.add_argument(
        '--method', choices=METHODS, default='em', help='(default: em)')
    parser.add_argument('--device', default='cpu', help='(default: cpu)')
    parser.add_argument('--batch-size', type=int, default=32)
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run the model on all images and write both files."""
    args = parse_args(argv)
    rows = read_npz(args.annotations, ('imgname', 'center', 'scale'))
    files = image_files(rows['imgname'], args.image_root, args.annotations)
    boxes = crop_boxes(rows['center'], rows['scale'], args.annotations)
    paths = AnnotationPaths(
        args.data_root or find_root(args.annotations), 'any')
    model = init_model(args.config, args.checkpoint, args.device)
    source = model_skeleton(model.dataset_meta)
    fit = HeatmapFit(args.components, args.method)
    found = detect(
        HeatmapDetector(model, fit), files, boxes, args.batch_size, source)
    shapes = {
        paths.detections(args.detector, args.split): (3, ),
        paths.mixtures(args.detector, args.split): (args.components, 5)
    }
    with ExitStack() as stack:
        targets = [
            np.lib.format.open_memmap(
                stack.enter_context(replacing(path)), 'w+', np.float32,
                (len(files), H36M_17.num_joints, *shape))
            for path, shape in shapes.items()
        ]
        for start, *parts in found:
            for target, part in zip(targets, parts):
                target[start:start + len(part)] = part
        for target in targets:
            target.flush()
        masked = float((targets[0][..., 2] == 0).mean())
        # Windows can't rename what is still mapped.
        del target, targets
    for path in shapes:
        print(path)
    print(f'{len(files)} images, {masked:.1%} of the joints masked')


def detect(detector: HeatmapDetector, files: Sequence[Path], boxes: np.ndarray,
           batch_size: int,
           source: Skeleton) -> Iterator[Tuple[int, np.ndarray, np.ndarray]]:
    """First row, detections (n, 17, 3) and mixtures (n, 17, M, 5) of each
    batch; one batch of images is in memory at a time."""
    for start in tqdm(
            range(0, len(files), batch_size), unit='batch', disable=None):
        part = slice(start, start + batch_size)
        images: List[np.ndarray] = [read_image(file) for file in files[part]]
        found = detector(images, list(boxes[part]))
        keypoints, scores = map_joints(found.keypoints, found.scores, source,
                                       H36M_17)
        mixtures = map_mixtures(found.mixtures, source, H36M_17,
                                found.mixtures.shape[2])
        yield (start, np.concatenate([keypoints, scores[..., None]],
                                     -1), mixtures)


def image_files(names: np.ndarray, root: Path, where: Path) -> Sequence[Path]:
    """The images' paths.

    Raises:
        FileNotFoundError: If one is missing; none is read before.
    """
    files = [root / str(name) for name in names]
    folders: Dict[Path, set] = {}
    for file in files:
        if file.parent not in folders:
            folders[file.parent] = ({
                item.name
                for item in file.parent.iterdir()
            } if file.parent.is_dir() else set())
        if file.name not in folders[file.parent]:
            raise FileNotFoundError(
                f'{file} does not exist, but {where} names it; give the '
                'folder that its imgname start in as --image-root')
    return files


def crop_boxes(center: np.ndarray, scale: np.ndarray,
               where: Path) -> np.ndarray:
    """Boxes (N, 4), x1, y1, x2, y2 in pixels, that MMPose pads to its crop
    of ``center`` (N, 2) and ``scale`` (N, ).

    Raises:
        ValueError: If a scale is not positive or a value not finite.
    """
    half = np.reshape(scale, (len(center), -1))[:, :1] * CROP / PADDING / 2
    boxes = np.concatenate([center - half, center + half], axis=1)
    if not np.isfinite(boxes).all() or not (half > 0).all():
        raise ValueError(f'{where}: expected finite centers and positive '
                         'scales')
    return boxes.astype(np.float32)


def find_root(annotations: Path) -> Path:
    """The folder that has ``annotation_body3d``.

    Raises:
        ValueError: If the file lies in no such folder.
    """
    for folder in annotations.resolve().parents:
        if folder.name == 'annotation_body3d':
            return folder.parent
    raise ValueError(f'{annotations} lies in no folder annotation_body3d; '
                     'say with --data-root where the files should go')


if __name__ == '__main__':
    main()
