# Copyright (c) mmdiffpose contributors. All rights reserved.
"""MoveNet as the 2D stage, run by onnxruntime.

MoveNet SinglePose sees one person in a square picture. Its documented way of
use is to cut each frame's square around the joints of the frame before; here
every person has a square of their own, and new people are searched for where
nobody is followed yet.
"""

from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Tuple, Union

import cv2
import numpy as np

from mmdiffpose.input_files import printable
from mmdiffpose.onnx_files import open_onnx, run_onnx
from mmdiffpose.optional_imports import Requirement, import_for
from mmdiffpose.skeletons import COCO_17
from mmdiffpose.structures.detections import Detections

STEERING_SCORE = 0.2
"""Joints below this do not steer the square."""
FOUND_SCORE, LOST_SCORE = 0.45, 0.25
"""Mean joint score from which there is a person, and below which there is
none any more."""
SAME_PERSON = 0.25
"""Two people's joints are farther apart than this share of their size."""
MARGIN = 1.25
"""How much larger than the joints' box the square is."""
MAX_ZOOM = 1.15
"""Largest change of a square's side from frame to frame: one bad frame does
not throw a track off."""
MAX_SIDE = 4096
"""Pixels of the square picture that a model takes."""
_TORSO = [
    COCO_17.index[f'{side}_{part}'] for part in ('shoulder', 'hip')
    for side in ('left', 'right')
]


class Square(NamedTuple):
    """A square part of an image, pixels."""
    x: float
    y: float
    side: float

    @classmethod
    def around(cls, box: np.ndarray) -> 'Square':
        """Around a box x1, y1, x2, y2, with a margin."""
        (x, y), size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        return cls(float(x), float(y), MARGIN * float(max(*size, 8.)))

    def cut(self, image: np.ndarray, size: int) -> np.ndarray:
        """The square as a picture of size x size pixels."""
        zoom = size / self.side
        matrix = np.array([[zoom, 0, size / 2 - zoom * self.x],
                           [0, zoom, size / 2 - zoom * self.y]])
        flags = cv2.INTER_LINEAR if zoom > 0.5 else cv2.INTER_AREA
        return cv2.warpAffine(image, matrix, (size, size), flags=flags)

    def to_image(self, joints: np.ndarray) -> np.ndarray:
        """(J, 3) y, x in [0, 1] and score to x, y in pixels and score."""
        corner = np.array([self.x, self.y]) - self.side / 2
        return np.c_[corner + joints[:, 1::-1] * self.side, joints[:, 2]]


class MoveNet:
    """Follows people through a clip with a MoveNet SinglePose ONNX file.

    Args:
        weights (str | Path): The file, (1, S, S, 3) RGB to (1, 1, 17, 3) y,
            x, score.
        max_people (int): Not more than so many are followed. Defaults to 2.
        search_every (int): Frames between two searches for new people while
            there are fewer. Defaults to 10.
        threads (int): Of onnxruntime; 0 for all cores. Defaults to 0.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If onnxruntime is not installed.
        ValueError: If the model is another one.
    """
    skeleton = COCO_17

    def __init__(self,
                 weights: Union[str, Path],
                 max_people: int = 2,
                 search_every: int = 10,
                 threads: int = 0) -> None:
        self.path = Path(weights)
        self._session, self.size, self._type = _open(self.path, threads)
        self.max_people, self.search_every = max_people, search_every
        self.reset()

    def reset(self) -> None:
        """Forget everybody, for a new clip."""
        self._squares: List[Square] = []
        self._frame = 0

    def __call__(self,
                 image: np.ndarray,
                 boxes: Optional[np.ndarray] = None) -> Detections:
        """People in the next frame (h, w, 3), uint8, BGR.

        Args:
            image (np.ndarray): The frame.
            boxes (np.ndarray, optional): (P, 4) of a person detector; then
                nobody is followed or searched for.
        """
        if boxes is not None:
            people = [self._see(image, Square.around(box)) for box in boxes]
            return _pack(people)
        people = self._follow(image)
        if len(people) < self.max_people and (not people or self._frame %
                                              self.search_every == 0):
            people += self._search(image, people)
        self._frame += 1
        return _pack(people)

    def _see(self, image: np.ndarray, square: Square) -> np.ndarray:
        """The person in a square: (17, 3) x, y in pixels and score."""
        patch = square.cut(image, self.size)[None, ..., ::-1]
        name = self._session.get_inputs()[0].name
        output, = run_onnx(self._session, self.path, None,
                           {name: patch.astype(self._type)})
        shape = COCO_17.num_joints, 3
        if np.size(output) != np.prod(shape) or not np.isfinite(output).all():
            raise ValueError(
                f'{printable(self.path)}: expected y, x and score of '
                f'{shape[0]} joints, found an array of shape '
                f'{np.shape(output)} or numbers that are not finite')
        return square.to_image(output.reshape(shape))

    def _follow(self, image: np.ndarray) -> List[np.ndarray]:
        """The people whose squares are known, the surest first."""
        seen = [(self._see(image, square), square) for square in self._squares]
        seen.sort(key=lambda pair: -pair[0][:, 2].mean())
        people: List[np.ndarray] = []
        self._squares = []
        for joints, square in seen:
            if joints[:, 2].mean() >= LOST_SCORE and not _is_one_of(
                    joints, people):
                people.append(joints)
                self._squares.append(_next_square(joints, square))
        return people

    def _search(self, image: np.ndarray,
                known: List[np.ndarray]) -> List[np.ndarray]:
        """People who are not followed yet; their squares are kept."""
        image = image.copy()
        found: List[np.ndarray] = []
        for joints in known:
            _cover(image, joints)
        for square in _tiles(image.shape[1], image.shape[0]):
            if len(known) + len(found) >= self.max_people:
                break
            joints = self._see(image, square)
            # The second look, from nearer, is the one that counts.
            for _ in range(2):
                if joints[:, 2].mean() < LOST_SCORE:
                    break
                square = Square.around(_box(joints))
                joints = self._see(image, square)
            if joints[:, 2].mean() >= FOUND_SCORE and not _is_one_of(
                    joints, known + found):
                found.append(joints)
                self._squares.append(_next_square(joints, square))
                _cover(image, joints)
        return found


def _open(path: Path, threads: int) -> Tuple[Any, int, type]:
    """The session, the side of its input in pixels and the input's type."""
    onnxruntime = import_for(
        'MoveNet', Requirement('onnxruntime', 'onnxruntime', 'movenet'))
    session = open_onnx(
        path, onnxruntime, 'an ONNX file of MoveNet', threads=threads)
    shapes = [tuple(entry.shape) for entry in session.get_inputs()]
    sides = range(1, MAX_SIDE + 1)
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] != 3 or (
            shapes[0][1] not in sides) or len(session.get_outputs()) != 1:
        raise ValueError(
            f'{printable(path)}: expected an input (1, S, S, 3) of up to '
            f'{MAX_SIDE} pixels and one output, found inputs {shapes!r:.200} '
            f'and {len(session.get_outputs())} outputs')
    entry = session.get_inputs()[0]
    types = {'tensor(int32)': np.int32, 'tensor(uint8)': np.uint8}
    return session, entry.shape[1], types.get(entry.type, np.float32)


def _next_square(joints: np.ndarray, square: Square) -> Square:
    """The square for the next frame; the old one if the torso is unseen."""
    if (joints[_TORSO, 2] > STEERING_SCORE).sum() < 2:
        return square
    wanted = Square.around(_box(joints))
    side = np.clip(wanted.side, square.side / MAX_ZOOM, square.side * MAX_ZOOM)
    return wanted._replace(side=float(side))


def _box(joints: np.ndarray) -> np.ndarray:
    """Box x1, y1, x2, y2 around the joints that are sure enough."""
    points = joints[joints[:, 2] >= STEERING_SCORE, :2]
    points = points if len(points) >= 4 else joints[:, :2]
    return np.concatenate([points.min(0), points.max(0)])


def _is_one_of(joints: np.ndarray, people: List[np.ndarray]) -> bool:
    size = np.ptp(joints[:, :2], axis=0).max()
    return any(
        np.linalg.norm(joints[:, :2] -
                       other[:, :2], axis=1).mean() < SAME_PERSON * size
        for other in people)


def _cover(image: np.ndarray, joints: np.ndarray) -> None:
    """Hide a person, so that the next look finds somebody else."""
    box = _box(joints)
    margin = 0.1 * (box[3] - box[1])
    x1, y1 = (box[:2] - margin).clip(0).astype(int)
    x2, y2 = (box[2:] + margin).clip(0).astype(int)
    image[y1:y2, x1:x2] = 127


def _tiles(width: int, height: int) -> List[Square]:
    """Squares to search: the whole image, then halves that overlap."""
    squares = [Square(width / 2, height / 2, max(width, height))]
    for share in (1., 0.5):
        side = share * min(width, height)
        columns, rows = (
            np.linspace(side / 2, length - side / 2,
                        int(np.ceil(2 * length / side)) - 1)
            for length in (width, height))
        squares += [Square(x, y, side) for y in rows for x in columns]
    return squares


def _pack(people: List[np.ndarray]) -> Detections:
    joints = np.array(people).reshape(-1, COCO_17.num_joints, 3)
    return Detections(joints[..., :2], joints[..., 2])
