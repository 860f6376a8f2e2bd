# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What finds 2D joints in images, whatever it is."""

from itertools import islice
from typing import (Any, Iterable, Iterator, List, Optional, Protocol,
                    Sequence, Tuple, Union)

import numpy as np

from mmdiffpose.skeletons import Skeleton, get_skeleton
from mmdiffpose.structures.detections import Detections
from mmdiffpose.structures.seen_joints import (PixelCheck, ScoreScale,
                                               mark_unseen)

Detections2D = Detections
"""The name that detectors of one's own may know it by."""


class Pose2DModel(Protocol):
    """A 2D detector of one's own: any callable with a ``skeleton``.

    It may also have ``reset()``, called before each clip, where it follows
    people from frame to frame, ``batch(images, boxes)``, a list of results
    of several frames at once, where that is faster, and ``in_pixels``, True
    where its keypoints surely are pixels: those of others are refused where
    they look like shares or percents of the picture.

    """

    @property
    def skeleton(self) -> Union[str, Skeleton]:
        """Its joint set, or the name of one."""

    def __call__(
        self,
        image: np.ndarray,
        boxes: Optional[np.ndarray] = None
    ) -> Union[Detections, Tuple[np.ndarray, ...]]:
        """Find the joints of the people in an image.

        Args:
            image (np.ndarray): (h, w, 3), uint8, BGR.
            boxes (np.ndarray, optional): (P, 4) x1, y1, x2, y2 in pixels of
                the people, where a person detector was given; without one
                the callable finds them itself.

        Returns:
            Detections | tuple: Keypoints (P, K, 2), scores (P, K) and
            optionally mixtures (P, K, M, 5).
        """


class PersonDetector(Protocol):
    """Finds people's boxes."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Boxes (P, 4), x1, y1, x2, y2 in pixels, of a BGR image."""


class Pose2DStage:
    """Runs a 2D detector over frames and checks what it says.

    Args:
        model (Pose2DModel): The detector.
        person_detector (PersonDetector, optional): Finds its boxes.

    Raises:
        ValueError: If the model names no joint set.
    """

    def __init__(self,
                 model: Pose2DModel,
                 person_detector: Optional[PersonDetector] = None) -> None:
        skeleton = getattr(model, 'skeleton', None)
        if not callable(model) or skeleton is None:
            raise ValueError(
                'expected pose2d to be the config or alias of an MMPose model '
                "or a callable with an attribute 'skeleton' that names its "
                f'joint set, found {type(model).__name__}')
        self.model, self.person_detector = model, person_detector
        self._following = False
        self.skeleton = get_skeleton(skeleton) if isinstance(skeleton,
                                                             str) else skeleton

    def run(self,
            frames: Iterable[np.ndarray],
            batch_size: int = 1) -> Iterator[Tuple[np.ndarray, Detections]]:
        """Detect in each frame; at most ``batch_size`` frames are held.

        Args:
            frames (iterable[np.ndarray]): (h, w, 3), uint8, BGR.
            batch_size (int): Frames at a time, where the model can do
                several. Defaults to 1.

        Yields:
            tuple[np.ndarray, Detections]: The frame and its people.

        Raises:
            ValueError: If the model is one that follows people, and is in the
                middle of another clip.
        """
        reset = getattr(self.model, 'reset', None)
        if reset is None:
            yield from self._run(frames, batch_size)
            return
        if self._following:
            raise ValueError(
                f'{type(self.model).__name__} follows people from frame to '
                'frame, and is in the middle of another clip: expected an '
                'inferencer for each of the clips that are lifted at the same '
                'time')
        self._following = True
        try:
            reset()
            yield from self._run(frames, batch_size)
        finally:
            self._following = False

    def _run(self, frames: Iterable[np.ndarray],
             batch_size: int) -> Iterator[Tuple[np.ndarray, Detections]]:
        frames = iter(frames)
        name = type(self.model).__name__
        to_one = ScoreScale(name)
        pixels = None
        if not getattr(self.model, 'in_pixels', False):
            pixels = PixelCheck()
        step = batch_size if hasattr(self.model, 'batch') else 1
        while images := list(islice(frames, step)):
            results = self._detect(images, to_one)
            if pixels is not None:
                for shape, found in zip([i.shape for i in images], results):
                    pixels(found.keypoints, found.scores, shape[1::-1], name)
            while images:
                # The caller shall hold the only reference.
                yield images.pop(0), results.pop(0)

    def _detect(self, images: Sequence[np.ndarray],
                to_one: ScoreScale) -> List[Detections]:
        boxes: List[Optional[np.ndarray]] = [None] * len(images)
        if self.person_detector is not None:
            boxes = [self.person_detector(image) for image in images]
        if hasattr(self.model, 'batch'):
            results = self.model.batch(images, boxes)
        else:
            results = [self.model(i, b) for i, b in zip(images, boxes)]
        return [check_detections(r, self.skeleton, to_one) for r in results]


def check_detections(result: Any,
                     skeleton: Skeleton,
                     to_one: Optional[ScoreScale] = None) -> Detections:
    """A detector's result, with the shapes that it should have.

    Joints that were not seen are marked by
    :func:`~mmdiffpose.structures.seen_joints.mark_unseen`; scores are brought
    to [0, 1] (peaks of SimCC models go a little over 1).

    Args:
        result (Detections | tuple): Of a :class:`Pose2DModel`.
        skeleton (Skeleton): The detector's, K joints.
        to_one (ScoreScale, optional): Knows the scale of its scores from the
            frames before.

    Raises:
        ValueError: If a shape is wrong; says what was expected and found.
    """
    if not isinstance(result, (tuple, list)) or len(result) not in (2, 3):
        raise ValueError('expected the 2D detector to return (keypoints, '
                         'scores) or (keypoints, scores, mixtures), found '
                         f'{type(result).__name__}')
    keypoints = np.asarray(result[0], np.float32)
    scores = np.asarray(result[1], np.float32)
    K = skeleton.num_joints
    if not keypoints.size:
        return Detections.nobody(K)
    people = len(keypoints)
    if keypoints.shape != (people, K, 2) or scores.shape != (people, K):
        raise ValueError(
            'expected the 2D detector to return keypoints (people, '
            f'{K}, 2) and scores (people, {K}) of skeleton {skeleton.name}, '
            f'found {keypoints.shape} and {scores.shape}')
    keypoints, scores = mark_unseen(keypoints, scores)
    finite = scores > 0
    mixtures = result[2] if len(result) == 3 else None
    if mixtures is not None:
        mixtures = np.array(mixtures, np.float32)
        if mixtures.ndim != 4 or mixtures.shape[::3] != (
                people, 5) or mixtures.shape[1] != K:
            raise ValueError('expected the 2D detector to return mixtures '
                             f'({people}, {K}, components, 5), found '
                             f'{mixtures.shape}')
        finite &= np.isfinite(mixtures).all((-1, -2))
        mixtures[~finite] = 0
    keypoints = np.where(finite[..., None], keypoints, 0)
    scores = np.where(finite, scores, 0)
    scores = (to_one or ScoreScale('2D detector'))(scores).clip(0, 1)
    return Detections(keypoints, scores, mixtures)
