# Copyright (c) mmdiffpose contributors. All rights reserved.
"""Who is who from frame to frame, told by a tracker of one's choice."""

import math
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Protocol, Union

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmdiffpose.input_files import printable, read_text
from mmdiffpose.optional_imports import Requirement, import_for
from mmdiffpose.structures.keypoint_track import DEFAULT_FPS
from .person_tracker import (LOST_SECONDS, MIN_JOINTS, PERSON_THR,
                             PersonTracker, intersection_over_union,
                             joints_box)

BUILTIN = 'builtin'
MAX_NUMBER = 1 << 53
"""Up to which floats are exact: of frames and ids."""
MIN_OVERLAP = 0.3
"""Least intersection over union of the box of somebody's joints and that of a
file: joints do not reach the top of the head nor the soles."""


class PeopleTracker(Protocol):
    """Gives people ids, frame after frame."""

    def update(self, keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Take in the next frame.

        Args:
            keypoints (np.ndarray): (P, K, 2), pixels.
            scores (np.ndarray): (P, K), 0 for a joint that was not seen.

        Returns:
            np.ndarray: (P, ) ids; -1 for who is to be left out.
        """


class _BoxTracker:
    """Follows the boxes of people's joints.

    Args:
        min_score (float): Mean score of a person's joints, of those that were
            seen, below which nobody is there.
    """

    def __init__(self, min_score: float) -> None:
        self.min_score = min_score

    def update(self, keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """See :class:`PeopleTracker`."""
        ids = np.full(len(keypoints), -1)
        kept = [
            i for i, row in enumerate(scores) if (row > 0).sum() >= MIN_JOINTS
            and row[row > 0].mean() >= self.min_score
        ]
        boxes = np.array([joints_box(keypoints[i], scores[i]) for i in kept])
        sure = np.array([scores[i][scores[i] > 0].mean() for i in kept])
        found = self._ids(boxes.reshape(-1, 4), sure)
        for i, number in zip(kept, found):
            ids[i] = number
        return ids

    def _ids(self, boxes: np.ndarray, sure: np.ndarray) -> np.ndarray:
        """(P, ) ids of boxes (P, 4), of which one may be sure (P, )."""
        raise NotImplementedError


class MotFile(_BoxTracker):
    """Ids from a file of another tracker, in the MOT challenge's form.

    A line of it is ``frame, id, left, top, width, height`` in pixels, frames
    from 1 on; what follows is not looked at. Joints belong to the box that
    they overlap most with; whoever is in no box is left out.

    Args:
        path (str | Path): The file.
        min_score (float): See :class:`_BoxTracker`. Defaults to 0.15.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none of this form; names the line.
    """

    def __init__(self,
                 path: Union[str, Path],
                 min_score: float = PERSON_THR) -> None:
        super().__init__(min_score)
        self._frames = _read_mot(Path(path))
        self._frame = 0

    def _ids(self, boxes: np.ndarray, sure: np.ndarray) -> np.ndarray:
        self._frame += 1
        rows = self._frames.get(self._frame, np.zeros((0, 5)))
        ids = np.full(len(boxes), -1)
        overlap = np.array(
            [[intersection_over_union(box, row[1:]) for row in rows]
             for box in boxes]).reshape(len(boxes), len(rows))
        fits = overlap >= MIN_OVERLAP
        # What may not match must not be part of the best assignment either.
        for i, j in zip(*linear_sum_assignment(np.where(fits, -overlap, 0))):
            if fits[i, j]:
                ids[i] = int(rows[j, 0])
        return ids


def _read_mot(path: Path) -> Dict[int, np.ndarray]:
    """Frame to rows (P, 5): id and x1, y1, x2, y2."""
    frames: Dict[int, Dict[float, List[float]]] = {}
    text = read_text(path, 'boxes of a tracker')
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.replace(',', ' ').split()
        if not fields:
            continue
        try:
            frame, track, x, y, w, h = map(float, fields[:6])
        except ValueError:
            frame = track = x = y = w = h = math.nan
        if not (1 <= frame <= MAX_NUMBER and 0 <= track <= MAX_NUMBER
                and frame % 1 == track % 1 == 0 and 0 < w < math.inf
                and 0 < h < math.inf and math.isfinite(x + y + w + h)):
            raise ValueError(
                f'{printable(path)}, line {number}: expected "frame, id, left,'
                ' top, width, height" as the MOT challenge has them, frames '
                f'from 1 on, found {line[:60]!r}')
        rows = frames.setdefault(int(frame), {})
        if track in rows:
            raise ValueError(
                f'{printable(path)}, line {number}: expected an id once a '
                f'frame, found {int(track)} again in frame {int(frame)}')
        rows[track] = [track, x, y, x + w, y + h]
    if not frames:
        raise ValueError(f'{printable(path)}: expected lines of boxes, found '
                         'none')
    return {
        frame: np.array(list(rows.values()))
        for frame, rows in frames.items()
    }


class Norfair(_BoxTracker):
    """norfair's tracker (BSD-3-Clause), by the overlap of boxes.

    Args:
        fps (float, optional): Frames a second.
        min_score (float): See :class:`_BoxTracker`. Defaults to 0.15.

    Raises:
        ImportError: If norfair is not installed.
    """

    def __init__(self,
                 fps: Optional[float] = None,
                 min_score: float = PERSON_THR) -> None:
        super().__init__(min_score)
        self._module = import_for('norfair',
                                  Requirement('norfair', 'norfair', 'norfair'))
        self._tracker = self._module.Tracker(
            distance_function='iou',
            distance_threshold=0.7,
            hit_counter_max=max(1, round(LOST_SECONDS * (fps or DEFAULT_FPS))),
            initialization_delay=0)

    def _ids(self, boxes: np.ndarray, sure: np.ndarray) -> np.ndarray:
        ids = np.full(len(boxes), -1)
        detections = [
            self._module.Detection(box.reshape(2, 2), data=i)
            for i, box in enumerate(boxes)
        ]
        for person in self._tracker.update(detections):
            last = person.last_detection
            # Who was not found in this frame still has an older one.
            if any(last is detection for detection in detections):
                ids[last.data] = person.id
        return ids


class ByteTrack(_BoxTracker):
    """ByteTrack of the package ``trackers`` (Apache-2.0).

    Args:
        fps (float, optional): Frames a second.
        min_score (float): See :class:`_BoxTracker`. Defaults to 0.15.

    Raises:
        ImportError: If ``trackers`` is not installed.
    """

    def __init__(self,
                 fps: Optional[float] = None,
                 min_score: float = PERSON_THR) -> None:
        super().__init__(min_score)
        trackers = import_for('bytetrack',
                              Requirement('trackers', 'trackers', 'trackers'))
        self._supervision = import_for(
            'bytetrack', Requirement('supervision', 'supervision', 'trackers'))
        # Scores of joints are lower than those of boxes, which it expects.
        self._tracker = trackers.ByteTrackTracker(
            frame_rate=fps or DEFAULT_FPS,
            minimum_consecutive_frames=1,
            track_activation_threshold=min_score,
            high_conf_det_threshold=min_score)

    def _ids(self, boxes: np.ndarray, sure: np.ndarray) -> np.ndarray:
        ids = np.full(len(boxes), -1)
        given = self._supervision.Detections(
            xyxy=boxes.astype(np.float32),
            confidence=sure.astype(np.float32),
            class_id=np.arange(len(boxes)))
        found = self._tracker.update(given)
        # They come back in another order; class ids say which is which.
        for row, number in zip(found.class_id, found.tracker_id):
            ids[int(row)] = int(number)
        return ids


PACKAGE_TRACKERS: Dict[str, Callable[..., Any]] = dict(
    norfair=Norfair, bytetrack=ByteTrack)
"""Trackers of other packages, by the word that stands for them."""


def make_tracker(name: Union[str, Path, None] = None,
                 fps: Optional[float] = None,
                 min_score: float = PERSON_THR) -> PeopleTracker:
    """A tracker by its word or file.

    Args:
        name (str | Path, optional): ``'builtin'``, one of
            :data:`PACKAGE_TRACKERS`, or a file of :class:`MotFile`. Defaults
            to builtin.
        fps (float, optional): Frames a second.
        min_score (float): Least mean score of a person's joints. Defaults to
            0.15.

    Raises:
        FileNotFoundError: If it is neither a word nor a file.
        ImportError: If a package is not installed.
        ValueError: If the file is none of boxes.
    """
    if name is None or name == BUILTIN:
        return PersonTracker.at_rate(fps, min_score)
    if name in PACKAGE_TRACKERS:
        return PACKAGE_TRACKERS[str(name)](fps, min_score)
    if not Path(name).is_file():
        raise FileNotFoundError(
            f'tracker: expected {BUILTIN}, {", ".join(PACKAGE_TRACKERS)} or a '
            f'file of boxes, found neither in {name}')
    return MotFile(name, min_score)
