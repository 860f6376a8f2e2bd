# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Track one person's 2D joints through a video with a MoveNet-like detector.

Writes the keypoint JSON that ``tools/infer.py`` reads: COCO-17 joints in
pixels with the detector's scores. The bundled demo track was made with::

    python tools/dataset_converters/make_demo_track.py sports2d_demo.mp4 \
        --model movenet_thunder.onnx --init-frame 40 \
        --init-box 570 70 170 400 --end 98 --source '...' \
        --out mmdiffpose/data/demo_track_coco17.json

MoveNet sees one person in a square crop, so the crop has to follow the
person: each frame's crop comes from the joints of the frame before, which is
the detector's documented way of use. Tracking starts at ``--init-frame``
inside ``--init-box`` and runs from there to both ends of the clip.

Needs ``onnxruntime`` (``pip install onnxruntime``); nothing else in the
project does.
"""

import argparse
import json
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from mmdiffpose.skeletons import COCO_17

Detector = Callable[[np.ndarray], np.ndarray]
"""(S, S, 3) uint8 RGB square crop -> (17, 3) y, x (in the crop) and score."""

MIN_SCORE = 0.2
"""Below it a joint does not steer the crop."""
TORSO = tuple(COCO_17.index[name]
              for name in ('left_shoulder', 'right_shoulder', 'left_hip',
                           'right_hip'))
HIPS = (COCO_17.index['left_hip'], COCO_17.index['right_hip'])
# How much larger than the torso and than the body the crop's half side is.
TORSO_EXPANSION = 1.9
BODY_EXPANSION = 1.2
# A crop may change its side by this factor a frame: one bad frame then does
# not throw the track onto another person.
MAX_ZOOM = 1.15


class Crop:
    """A square image region: centre in pixels and side in pixels."""

    def __init__(self, center_x: float, center_y: float, side: float) -> None:
        self.center_x, self.center_y, self.side = center_x, center_y, side

    @classmethod
    def around_box(cls, box: Sequence[float]) -> 'Crop':
        """The square around an (x, y, width, height) box, with a margin."""
        x, y, width, height = box
        return cls(x + width / 2, y + height / 2, 1.2 * max(width, height))

    def matrix(self, size: int) -> np.ndarray:
        """Affine map (2, 3) from image pixels to the crop of size pixels."""
        scale = size / self.side
        return np.array([[scale, 0, size / 2 - scale * self.center_x],
                         [0, scale, size / 2 - scale * self.center_y]],
                        np.float64)

    def to_image(self, detections: np.ndarray) -> np.ndarray:
        """(17, 3) y, x, score in the crop to x, y, score in the image."""
        left = self.center_x - self.side / 2
        top = self.center_y - self.side / 2
        return np.stack([
            left + detections[:, 1] * self.side,
            top + detections[:, 0] * self.side, detections[:, 2]
        ], -1)


def next_crop(joints: np.ndarray, crop: Crop) -> Crop:
    """Crop for the next frame from this frame's joints.

    Args:
        joints (np.ndarray): x, y in pixels and score, (17, 3).
        crop (Crop): The crop these joints were found in; kept where the torso
            was not seen.

    Returns:
        Crop: Centred between the hips, as large as torso and body ask for.
    """
    torso_scores = joints[list(TORSO), 2]
    shoulders_seen = torso_scores[:2].max() > MIN_SCORE
    hips_seen = torso_scores[2:].max() > MIN_SCORE
    if not (shoulders_seen and hips_seen):
        return crop
    center = joints[list(HIPS), :2].mean(0)
    offsets = np.abs(joints[:, :2] - center).max(1)
    torso_half = offsets[list(TORSO)].max() * TORSO_EXPANSION
    seen = joints[:, 2] > MIN_SCORE
    body_half = offsets[seen].max() * BODY_EXPANSION
    side = 2 * max(torso_half, body_half)
    side = float(np.clip(side, crop.side / MAX_ZOOM, crop.side * MAX_ZOOM))
    return Crop(float(center[0]), float(center[1]), side)


def track_person(frames: Sequence[np.ndarray], detect: Detector, size: int,
                 init_frame: int, init_crop: Crop) -> np.ndarray:
    """Follow one person from ``init_frame`` to both ends of the clip.

    Args:
        frames (Sequence[np.ndarray]): F images (H, W, 3), RGB.
        detect (Detector): The detector on one square crop.
        size (int): The detector's input side in pixels.
        init_frame (int): Frame where ``init_crop`` holds the person.
        init_crop (Crop): Where the person is there.

    Returns:
        np.ndarray: x, y in pixels and score, (F, 17, 3).
    """
    joints = np.zeros((len(frames), COCO_17.num_joints, 3))

    def locate(frame: int, crop: Crop) -> Crop:
        patch = cv2.warpAffine(
            frames[frame],
            crop.matrix(size), (size, size),
            flags=cv2.INTER_LINEAR)
        joints[frame] = crop.to_image(detect(patch))
        return next_crop(joints[frame], crop)

    # Twice on the first frame: the box given by hand only roughly fits.
    start = locate(init_frame, locate(init_frame, init_crop))
    for order in (range(init_frame + 1,
                        len(frames)), range(init_frame - 1, -1, -1)):
        crop = start
        for frame in order:
            crop = locate(frame, crop)
    return joints


def load_detector(path: Path) -> Tuple[Detector, int]:
    """Open a MoveNet-like ONNX model: (1, S, S, 3) to (1, 1, 17, 3)."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError('this script runs the 2D detector with onnxruntime:'
                          ' pip install onnxruntime') from error
    if not path.is_file():
        raise FileNotFoundError(f'no detector at {path}')
    session = onnxruntime.InferenceSession(
        str(path), providers=['CPUExecutionProvider'])
    entry = session.get_inputs()[0]
    if len(entry.shape) != 4 or entry.shape[-1] != 3:
        raise ValueError(f'{path}: expected an input (1, S, S, 3), found '
                         f'{entry.shape}')
    dtype = {
        'tensor(int32)': np.int32,
        'tensor(uint8)': np.uint8
    }.get(entry.type, np.float32)

    def detect(patch: np.ndarray) -> np.ndarray:
        output = session.run(None, {entry.name: patch[None].astype(dtype)})[0]
        return output.reshape(COCO_17.num_joints, 3)

    return detect, int(entry.shape[1])


def read_video(path: Path, start: int,
               end: Optional[int]) -> Tuple[List[np.ndarray], float]:
    """Frames [start, end) of a video as RGB images, and its frame rate."""
    if not path.is_file():
        raise FileNotFoundError(f'no video at {path}')
    capture = cv2.VideoCapture(str(path))
    fps = capture.get(cv2.CAP_PROP_FPS)
    frames = []
    index = 0
    while end is None or index < end:
        found, image = capture.read()
        if not found:
            break
        if index >= start:
            frames.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        index += 1
    capture.release()
    if not frames:
        raise ValueError(f'{path}: no frame could be read in [{start}, '
                         f'{end if end is not None else "end"})')
    return frames, fps


def to_document(joints: np.ndarray, start: int, meta: Dict) -> Dict:
    """The keypoint JSON as a dict, one person, a tenth of a pixel."""
    instance_info = []
    for offset, frame in enumerate(joints):
        bbox = [frame[:, :2].min(0), frame[:, :2].max(0)]
        instance_info.append(
            dict(
                frame_id=start + offset,
                instances=[
                    dict(
                        track_id=0,
                        keypoints=np.round(frame[:, :2], 1).tolist(),
                        keypoint_scores=np.round(frame[:, 2], 3).tolist(),
                        bbox=np.round(np.concatenate(bbox), 1).tolist())
                ]))
    return dict(meta_info=meta, instance_info=instance_info)


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('video', type=Path)
    parser.add_argument('--model', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--start', type=int, default=0, help='first frame')
    parser.add_argument('--end', type=int, help='frame after the last one')
    parser.add_argument(
        '--init-frame', type=int, help='frame of --init-box (default: start)')
    parser.add_argument(
        '--init-box',
        type=float,
        nargs=4,
        metavar=('X', 'Y', 'W', 'H'),
        help='the person at --init-frame in pixels (default: whole image)')
    parser.add_argument(
        '--source', default='', help='attribution stored in the file')
    return parser.parse_args()


def main() -> None:
    """Detect, track, write."""
    args = parse_args()
    detect, size = load_detector(args.model)
    frames, fps = read_video(args.video, args.start, args.end)
    height, width = frames[0].shape[:2]
    box = args.init_box or (0, 0, width, height)
    init = (args.init_frame or args.start) - args.start
    if not 0 <= init < len(frames):
        raise ValueError(f'--init-frame {args.init_frame} is outside of the '
                         f'frames read, [{args.start}, '
                         f'{args.start + len(frames)})')
    joints = track_person(frames, detect, size, init, Crop.around_box(box))
    meta = dict(
        skeleton=COCO_17.name,
        joints=list(COCO_17.joints),
        image_size=[width, height],
        fps=round(float(fps), 3),
        source=args.source or args.video.name,
        detector=args.model.name)
    document = to_document(joints, args.start, meta)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(document, separators=(',', ':')) + '\n')
    print(f'{args.out}: {len(frames)} frames, mean score '
          f'{joints[..., 2].mean():.2f}, lowest frame '
          f'{joints[..., 2].mean(1).min():.2f}')


if __name__ == '__main__':
    main()
