# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Add a 2D detector: any object that finds joints in a picture.

    python examples/add_detector.py

The detector here finds joints that are painted as dots, each in a colour of
its own, so that it needs no weights. It stands for yours: what it takes and
returns is all that there is to it. The command line takes it, too:

    mmdiffpose infer FRAMES --config diffpose \
        --pose2d examples/add_detector.py:PaintedJoints --out-dir outputs
"""

import argparse
from pathlib import Path
from typing import Iterator, Optional, Tuple

import cv2
import numpy as np

import mmdiffpose
from mmdiffpose.apis import DiffusionPose3DInferencer, read_keypoint_tracks
from mmdiffpose.skeletons import COCO_17, H36M_17

DEMO = Path(mmdiffpose.__file__).parent / 'data' / 'demo_track_coco17.json'
JOINTS = COCO_17.num_joints


class PaintedJoints:
    """Finds one person whose joints are painted dots.

    ``skeleton`` names the joint set; joints are mapped to the lifter's by
    their names. A detector that follows people from frame to frame also has
    ``reset()``, one that is faster on several frames ``batch(images, boxes)``.
    """

    skeleton = COCO_17

    def __init__(self, weights: Optional[str] = None) -> None:
        """Load nothing; ``--pose2d-weights`` would come in here."""

    def __call__(
            self,
            image: np.ndarray,
            boxes: Optional[np.ndarray] = None
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Find the joints.

        Args:
            image (np.ndarray): (h, w, 3), uint8, BGR.
            boxes (np.ndarray, optional): (P, 4), x1, y1, x2, y2 in pixels,
                where a person detector was given.

        Returns:
            tuple: Keypoints (P, K, 2) in pixels and scores (P, K) in [0, 1];
            0 for a joint that was not seen.
        """
        keypoints = np.zeros((1, JOINTS, 2), np.float32)
        scores = np.zeros((1, JOINTS), np.float32)
        for joint in range(JOINTS):
            y, x = np.nonzero(image[..., 0] == colour(joint))
            if len(x):
                keypoints[0, joint] = x.mean(), y.mean()
                scores[0, joint] = 1.
        return keypoints, scores


def colour(joint: int) -> int:
    """The blue of a joint's dot; 0 is the background."""
    return 10 * (joint + 1)


def painted_frames(number: int) -> Iterator[np.ndarray]:
    """The first frames of the package's demo track, painted."""
    track = read_keypoint_tracks(DEMO)[0]
    width, height = track.image_size
    for keypoints in track.keypoints[:number]:
        image = np.zeros((height, width, 3), np.uint8)
        for joint, (x, y) in enumerate(keypoints):
            cv2.circle(image, (round(float(x)), round(float(y))), 3,
                       (colour(joint), 255, 255), cv2.FILLED)
        yield image


def main() -> None:
    """Lift painted frames, as a video would be."""
    parser = argparse.ArgumentParser(description='Use a detector of your own.')
    parser.add_argument('--frames', type=int, default=40)
    args = parser.parse_args()

    inferencer = DiffusionPose3DInferencer('diffpose', pose2d=PaintedJoints())
    results = inferencer(list(painted_frames(args.frames)), fps=30)
    for number, result in enumerate(results):
        for person in result['predictions'][0]:
            head = person['keypoints'][H36M_17.index['head']]
            print(f'frame {number}: person {person["track_id"]}, head '
                  f'{-head[1]:.2f} m above the pelvis')


if __name__ == '__main__':
    main()
