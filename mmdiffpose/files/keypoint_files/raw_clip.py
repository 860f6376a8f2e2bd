# Copyright (c) mmdiffpose contributors. All rights reserved.
"""What a parser finds in a file, and what all formats do with it."""

import warnings
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from mmdiffpose.files.person_selection import Frames, Person, ids_name_nobody
from mmdiffpose.structures.seen_joints import (check_pixels, drop_far_outside,
                                               mark_unseen, scores_to_one,
                                               unit_of)
from .checks import choose_image_size
from .keypoint_clip import KeypointClip
from .layouts import choose_layout


@dataclass(frozen=True)
class RawClip:
    """People of a file before it is known what their joints are.

    Attributes:
        source: The file; error messages start with it.
        frames: Frame id to the persons in that frame.
        usual: By number of joints, the joint set that the format's writers
            use.
        names: Joint names, if the file gives them.
        stated: Name of a joint set, if the file gives one.
        image_size: Width and height in pixels, if the file gives them.
        fps: Frames a second, if the file gives them.
        times: Frame id to seconds, if the file gives them.
        may_be_shares: Whether the format's writers give shares of the picture
            as a rule, so that such are scaled; else they are refused.
    """
    source: str
    frames: Frames
    usual: Mapping[int, str] = field(default_factory=dict)
    names: Optional[Sequence[str]] = None
    stated: Any = None
    image_size: Optional[Sequence[int]] = None
    fps: Optional[float] = None
    times: Optional[Dict[int, float]] = None
    may_be_shares: bool = False

    def clip(self, image_size: Optional[Sequence[int]],
             skeleton: Optional[str]) -> KeypointClip:
        """Find the joint set, and who and what was seen.

        Args:
            image_size (tuple[int, int], optional): See
                ``read_keypoint_file``, as for the other.
            skeleton (str, optional): Name of the joint set.

        Raises:
            ValueError: If nobody was seen, joints are of no known set, or
                they are no pixels.
        """
        if not any(self.frames.values()):
            raise ValueError(
                f'{self.source} is empty: expected at least one person, found '
                f'none in {len(self.frames)} frames')
        self._check_counts()
        # A person of NaN is nobody.
        frames = {
            frame: [person for person in people if person.scores.any()]
            for frame, people in self.frames.items()
        }
        people = [person for found in frames.values() for person in found]
        if not people:
            raise ValueError(f'{self.source}: no joint was seen in any frame '
                             '(all scores are 0), there is nothing to lift')
        size = choose_image_size(self.source, image_size, self.image_size)
        keypoints = np.stack([person.keypoints for person in people])
        scores = np.stack([person.scores for person in people])
        frames, keypoints = self._in_pixels(frames, keypoints, scores, size)
        frames, scores = self._within_reach(frames, keypoints, scores, size)
        keypoints = np.stack([
            person.keypoints for found in frames.values() for person in found
        ])
        joints = choose_layout(self.source, keypoints, scores, skeleton,
                               self.names, self.stated, self.usual)
        frames = self._to_one(frames, scores)
        clip = KeypointClip(
            without_shared_ids(frames, self.source), joints, size, self.fps,
            self.source, self.times)
        if ids_name_nobody(clip.frames, clip.step):
            warnings.warn(f'{self.source}: people with the same track id jump '
                          'from place to place: the ids name nobody, people '
                          'are followed by where they are')
            return replace(clip, frames=_all_nameless(clip.frames))
        return clip

    def _check_counts(self) -> None:
        """Check that everybody has as many joints as the first person."""
        expected = None
        for frame, people in self.frames.items():
            for person in people:
                expected = expected or len(person.scores)
                if len(person.scores) != expected:
                    raise ValueError(
                        f'{self.source}, frame {frame}: expected {expected} '
                        'joints as of the people before, found '
                        f'{len(person.scores)}')

    def _to_one(self, frames: Frames, scores: np.ndarray) -> Frames:
        """Scores from 0 to 1; the scale is one for the whole clip."""
        brought = scores_to_one(scores, self.source)
        if brought is scores:
            return frames
        rows = iter(brought)
        return {
            frame: [replace(person, scores=next(rows)) for person in people]
            for frame, people in frames.items()
        }

    def _within_reach(self, frames: Frames, keypoints: np.ndarray,
                      scores: np.ndarray,
                      size: Tuple[int, int]) -> Tuple[Frames, np.ndarray]:
        """Mark joints far outside of the picture as not seen."""
        kept = drop_far_outside(keypoints, scores, size, self.source)
        if kept is scores:
            return frames, scores
        rows = iter(kept)
        marked = {
            frame: [_with_scores(person, next(rows)) for person in people]
            for frame, people in frames.items()
        }
        return {
            frame: [person for person in people if person.scores.any()]
            for frame, people in marked.items()
        }, kept[kept.any(1)]

    def _in_pixels(self, frames: Frames, keypoints: np.ndarray,
                   scores: np.ndarray,
                   size: Tuple[int, int]) -> Tuple[Frames, np.ndarray]:
        if self.may_be_shares and unit_of(keypoints, scores, size) == 'shares':
            warnings.warn(f'{self.source}: keypoints are shares of the picture'
                          f', taken as of {size[0]} x {size[1]} pixels')
            scaled = {
                frame: [
                    replace(person, keypoints=person.keypoints * size)
                    for person in people
                ]
                for frame, people in frames.items()
            }
            return scaled, keypoints * size
        check_pixels(keypoints, scores, size, self.source)
        return frames, keypoints


def _with_scores(person: Person, scores: np.ndarray) -> Person:
    keypoints, scores = mark_unseen(person.keypoints, scores)
    return replace(person, keypoints=keypoints, scores=scores)


def without_shared_ids(frames: Frames, source: str) -> Frames:
    """Drop track ids if two people of one frame have the same."""
    for frame, people in frames.items():
        ids = [p.track_id for p in people if p.track_id is not None]
        if len(set(ids)) < len(ids):
            twice = next(i for i in ids if ids.count(i) > 1)
            warnings.warn(
                f'{source}: {ids.count(twice)} people have the track id '
                f'{twice} in frame {frame}: the ids name nobody, people are '
                'followed by where they are')
            return _all_nameless(frames)
    return frames


def _all_nameless(frames: Frames) -> Frames:
    return {
        frame: [replace(person, track_id=None) for person in people]
        for frame, people in frames.items()
    }
